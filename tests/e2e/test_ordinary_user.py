"""Grading works for an ordinary user, too, from nbgrader's command to the marks."""

import os
import shutil
import subprocess
import sys
import sysconfig
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import course
import pytest
from course import CLASS, EX02, Course
from public_folder import for_everybody

pytestmark = [
    pytest.mark.slow,
    pytest.mark.thorough,
    pytest.mark.skipif(
        os.geteuid() != 0,
        reason="only root can become somebody else; here all other tests run as an ordinary user",
    ),
]

SYSTEM = Path("/usr/bin/python3")


@dataclass(frozen=True, slots=True)
class Somebody:
    """An ordinary user, and a Python environment with the kit that this user can read."""

    name: str
    home: Path
    python: Path

    def run(self, *command: str, cwd: Path) -> subprocess.CompletedProcess[str]:
        path = f"{self.python.parent}{os.pathsep}{os.defpath}"
        return subprocess.run(
            ["runuser", "-u", self.name, "--",
             "env", "-i", f"HOME={self.home}", f"PATH={path}", "LANG=C.UTF-8", *command],
            cwd=cwd, text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
            timeout=300, check=False,
        )  # fmt: skip


@pytest.fixture(scope="module")
def somebody() -> Iterator[Somebody]:
    for program in ("useradd", "userdel", "runuser"):
        if shutil.which(program) is None:
            pytest.skip(f"{program} is missing, so there is no ordinary user to grade as")
    name = f"dsk-test-{os.getpid()}"
    # pytest's own folders are for root alone.
    home = Path(tempfile.mkdtemp(prefix="dsk-user-", dir=for_everybody()))
    try:
        subprocess.run(["useradd", "--no-create-home", "--home-dir", home, name], check=True)
        shutil.chown(home, name, name)
        yield Somebody(name, home, _python(name, home))
    finally:
        subprocess.run(["userdel", name], check=False)
        shutil.rmtree(home)


def _python(name: str, home: Path) -> Path:
    """Return an interpreter with all packages that the user can read.

    One under another user's home is not: then an environment of the system's own Python, with
    the same packages, takes its place. Their files are linked, which takes no room.
    """
    trial = ["runuser", "-u", name, "--", sys.executable, "-c", "import nbgrader"]
    if subprocess.run(trial, cwd="/", capture_output=True, check=False).returncode == 0:
        return Path(sys.executable)
    version = f"{sys.version_info.major}.{sys.version_info.minor}"
    asked = [SYSTEM, "-c", "import sys; print('%d.%d' % sys.version_info[:2])"]
    if not SYSTEM.exists() or subprocess.check_output(asked, text=True).strip() != version:
        pytest.skip(f"{name} cannot read {sys.executable}, and {SYSTEM} is not Python {version}")
    environment = home / "venv"
    subprocess.run([SYSTEM, "-m", "venv", "--without-pip", environment], check=True)
    packages = environment / "lib" / f"python{version}" / "site-packages"
    shutil.rmtree(packages)
    shutil.copytree(sysconfig.get_path("purelib"), packages, symlinks=True, copy_function=_link)
    python = environment / "bin" / "python"
    alembic = environment / "bin" / "alembic"
    alembic.write_text(f"#!{python}\nfrom alembic.config import main\nmain()\n")
    alembic.chmod(0o755)
    return python


def _link(source: str, target: str) -> None:
    try:
        os.link(source, target, follow_symlinks=False)
    except OSError:
        shutil.copy2(source, target, follow_symlinks=False)


def test_ordinary_user_grades(
    somebody: Somebody, tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", course.with_scripts())
    graded = course.graded(tmp_path_factory.getbasetemp())
    own = Course(somebody.home / "course")
    # Everything anew, with the user's own secret; the reference solution is handed in, too, so
    # that one box is enough.
    shutil.copytree(graded.root, own.root, ignore=shutil.ignore_patterns("evidence", "autograded"))
    shutil.rmtree(own.root / "submitted")
    own.hand_in("noether", (own.root / "source" / EX02 / f"{EX02}.ipynb").read_bytes())
    for place, _, files in os.walk(own.root):
        for path in (place, *(os.path.join(place, name) for name in files)):
            shutil.chown(path, somebody.name, somebody.name)
    done = somebody.run(str(somebody.python), "-m", "nbgrader", "autograde", EX02, cwd=own.root)
    assert done.returncode == 0, done.stdout
    assert own.points("noether") == CLASS["hypatia"].verdict
    secret = own.root / "evidence" / "secret"
    assert secret.stat().st_uid != 0
    assert secret.stat().st_mode & 0o077 == 0


def test_boxes_of_an_ordinary_user_are_forked(somebody: Somebody) -> None:
    line = "from autograder.sandbox import zygote; print(f'refused: {zygote.trial()!r}')"
    tried = somebody.run(str(somebody.python), "-c", line, cwd=somebody.home)
    assert tried.stdout == "refused: ''\n"
