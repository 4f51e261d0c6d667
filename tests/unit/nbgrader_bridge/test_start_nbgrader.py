"""nbgrader's command as the kit calls it: the same command, sooner."""

import os
import subprocess
import sys
from pathlib import Path

import forked

from autograder.nbgrader_bridge.common import NBGRADER


def run(module: str, *arguments: str, folder: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", module, *arguments],
        cwd=folder, capture_output=True, text=True, check=False,
    )  # fmt: skip


def test_it_says_and_returns_what_nbgrader_does(tmp_path: Path) -> None:
    for arguments in (("--version",), ("no_such_command",)):
        ours = run(NBGRADER, *arguments, folder=tmp_path)
        command = ("-m", "nbgrader", *arguments)
        theirs = forked.run(*command, cwd=tmp_path, env=os.environ, together=False)
        assert ours.stdout == theirs.stdout and ours.returncode == theirs.returncode


def test_nbgrader_gets_the_arguments_and_no_address_parsers(tmp_path: Path) -> None:
    apps = tmp_path / "nbgrader" / "apps"
    apps.mkdir(parents=True)
    (apps.parent / "__init__.py").touch()
    (apps / "nbgraderapp.py").write_text(
        "import sys\n"
        "def main():\n"
        "    print(sys.argv[1:], sys.modules['rfc3987_syntax'])\n"
        "    sys.exit(3)\n"
    )
    done = run(NBGRADER, "autograde", "ps1", folder=tmp_path)
    assert (done.stdout, done.returncode) == ("['autograde', 'ps1'] None\n", 3)
