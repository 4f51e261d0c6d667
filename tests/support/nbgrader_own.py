"""Run nbgrader's own tests, with the kit's configuration in force or without, in pieces.

    python tests/support/nbgrader_own.py RECORD [--stock] [--seconds N] [--compare OTHER]

What became of each test is a line of the file RECORD; a test that stands there is not run again, so
that the same command goes on where the last one ended. ``--seconds`` ends it before the next test.
``--compare`` runs nothing and lists the tests that ended otherwise in another file.

The kit is forced on every application, whatever configuration folder a test gives it, and on every
`NbGraderAPI` that a test makes of a bare ``Config``. ``--stock`` is nbgrader alone, without the
file that the kit installs among Jupyter's settings.
"""

import argparse
import json
import os
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import nbgrader
import pytest

__all__ = ["MODULES", "Plugin", "run"]

MODULES = (
    "nbgrader.tests.nbgraderformat",
    "nbgrader.tests.preprocessors",
    "nbgrader.tests.utils",
    "nbgrader.tests.test_validator",
    "nbgrader.tests.test_auth",
    "nbgrader.tests.api",
    "nbgrader.tests.apps",
)
"""All of nbgrader's tests that need no browser."""

_CONFIGURATION = "from autograder.course import configure\n\nconfigure(get_config())\n"


class Plugin:
    """Forces the configuration, and keeps what became of each test.

    Parameters
    ----------
    record : Path
        One line of JSON for each test.
    stock : bool
        Whether nbgrader is to be left alone.
    seconds : float
        After which no further test is begun.
    """

    def __init__(self, record: Path, *, stock: bool, seconds: float = float("inf")) -> None:
        self._record = record
        self._stock = stock
        self._until = time.monotonic() + seconds
        self._known = read(record)

    def force(self, folder: Path) -> None:
        """Set the environment of all tests.

        Parameters
        ----------
        folder : Path
            Becomes Jupyter's folder of settings.
        """
        os.environ["JUPYTER_CONFIG_DIR"] = str(folder)
        if self._stock:
            import jupyter_core.paths

            jupyter_core.paths.ENV_CONFIG_PATH.clear()
            return
        _configure(folder)
        from nbgrader.apps.api import NbGraderAPI

        from autograder.course import configure

        begin = NbGraderAPI.__init__

        def begin_with_the_kit(api: Any, *args: Any, **kwargs: Any) -> None:
            if kwargs.get("config") is not None:
                configure(kwargs["config"])
            begin(api, *args, **kwargs)

        NbGraderAPI.__init__ = begin_with_the_kit

    @pytest.hookimpl(wrapper=True)
    def pytest_fixture_setup(self, fixturedef: Any) -> Iterator[None]:
        """Give the tests that have a folder of settings of their own the kit's, too."""
        folder = yield
        if fixturedef.argname == "jupyter_config_dir" and not self._stock:
            _configure(Path(folder))
        return folder

    def pytest_collection_modifyitems(self, items: list[pytest.Item]) -> None:
        """Leave out what has been run."""
        items[:] = [item for item in items if item.nodeid not in self._known]

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Write down what became of a test."""
        if report.when == "call" or report.outcome != "passed":
            said = [report.nodeid, report.outcome, round(report.duration, 1), report.longreprtext]
            with self._record.open("a") as file:
                file.write(json.dumps(said) + "\n")

    def pytest_runtest_setup(self) -> None:
        """End before the next test."""
        if time.monotonic() > self._until:
            pytest.exit("the time is up; the same command goes on", returncode=3)


def _configure(folder: Path) -> None:
    (folder / "nbgrader_config.py").write_text(_CONFIGURATION)


def read(record: Path) -> dict[str, str]:
    """Return how each test ended that stands in a file."""
    lines = record.read_text().splitlines() if record.exists() else []
    return {name: outcome for name, outcome, *_ in map(json.loads, lines)}


def run(record: Path, names: tuple[str, ...] = MODULES, **options: Any) -> int:
    """Run tests of nbgrader's by the names of their modules; return pytest's exit status."""
    plugin = Plugin(record, **options)
    with tempfile.TemporaryDirectory(prefix="own-") as folder:
        plugin.force(Path(folder))
        # From there the names of the tests are counted.
        root = Path(nbgrader.__file__).parent
        arguments = ["-q", "--tb=short", "-p", "no:cacheprovider", "--pyargs", *names]
        return int(pytest.main(["-c", os.devnull, f"--rootdir={root}", *arguments], [plugin]))


def main() -> int:
    """Run the script."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("record", type=Path)
    parser.add_argument("--stock", action="store_true")
    parser.add_argument("--seconds", type=float, default=float("inf"))
    parser.add_argument("--compare", type=Path)
    parser.add_argument("--modules", nargs="*", default=MODULES)
    options = parser.parse_args()
    if options.compare is None:
        names = tuple(options.modules)
        return run(options.record, names, stock=options.stock, seconds=options.seconds)
    ours, theirs = read(options.record), read(options.compare)
    for name in sorted(ours.keys() | theirs.keys()):
        if ours.get(name) != theirs.get(name):
            print(f"{name}: {ours.get(name)} instead of {theirs.get(name)}")
    print(f"{len(ours)} and {len(theirs)} tests")
    return 0


if __name__ == "__main__":
    sys.exit(main())
