"""Shared by both demos: the folder, the exercises, the class, and its display."""

import os
import shutil
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

from rich.console import Console

from autograder.author import samples
from autograder.author.materials import Materials
from autograder.author.samples import Sample
from autograder.errors import HarnessError
from autograder.exercise import catalogue
from autograder.formats import counted
from autograder.model import Exercise, Result
from autograder.nbgrader_bridge.common import commands_path
from autograder.report import class_table
from cluster.explain import suggestion

__all__ = [
    "ALL",
    "Board",
    "at_home",
    "begin",
    "check_own",
    "chosen",
    "environment",
    "handed_in",
    "near",
    "pages",
    "screen",
]

ALL = "all"
"""Instead of names: all exercises."""

_MARK = ".demonstration"
_WIDEST = 100
"""Characters of a line: longer ones are hard to read."""

_PRIVATE = {
    "IPYTHONDIR": "ipython",
    "JUPYTER_CONFIG_DIR": "config",
    "JUPYTER_DATA_DIR": "data",
    "JUPYTER_RUNTIME_DIR": "runtime",
    "MPLCONFIGDIR": "matplotlib",
    "XDG_CACHE_HOME": "cache",
}
"""Folders that programs create or read in the user's home, redirected into the demo's folder."""


def screen() -> Console:
    """Return a console; in a log it is 80 columns wide."""
    return Console(width=None if sys.stdout.isatty() else 80, highlight=False)


def chosen(materials: Materials, names: Sequence[str]) -> list[Exercise]:
    """Return the exercises to show.

    Parameters
    ----------
    materials : Materials
    names : sequence of str
        Those that were asked for; none for the first ones, "all" for all.

    Raises
    ------
    HarnessError
        If there is no exercise of such a name.
    """
    if list(names) == [ALL]:
        names = materials.names
    elif not names:
        first = samples.first_shown(materials.samples)
        names = [name for name in first if name in materials.names] or materials.names
    return [_exercise(name, materials) for name in names]


def _exercise(name: str, materials: Materials) -> Exercise:
    exercise = catalogue.find(name, [materials.exercises])
    if exercise is None or name not in materials.names:
        raise HarnessError(f"There is no exercise {name}{suggestion(name, materials.names)}.")
    return exercise


def handed_in(
    materials: Materials, exercise: Exercise, *, whole: bool, most: int | None
) -> dict[str, Sample]:
    """Return what each student hands in.

    Parameters
    ----------
    materials, exercise
    whole : bool
        Every sample, each as a student, in place of a class of eight.
    most : int, optional
        How many of them, the first by name.
    """
    if whole:
        found = {s.student: s for s in samples.read_samples(exercise, materials.samples)}
    else:
        found = samples.read_class(exercise, materials.samples)
    return dict(list(found.items())[:most])


def begin(folder: Path, materials: Materials) -> None:
    """Create a course in a new folder: its configuration and its own exercises."""
    check_own(folder)
    if folder.exists():
        shutil.rmtree(folder)
    folder.mkdir(parents=True)
    (folder / _MARK).write_text("Everything here is recreated by: autograder demo\n")
    shutil.copy(materials.config, folder)
    if materials.exercises.is_dir():
        shutil.copytree(materials.exercises, folder / "exercises")


@contextmanager
def at_home(folder: Path) -> Iterator[None]:
    """Let this process, too, read and keep nothing in the user's home."""
    before = dict(os.environ)
    os.environ.update(environment(folder))
    try:
        yield
    finally:
        os.environ.clear()
        os.environ.update(before)


def environment(folder: Path) -> dict[str, str]:
    """Return the variables of a demo's process: what is in the user's home is left alone."""
    home = folder.absolute() / ".home"
    private = {name: str(home / place) for name, place in _PRIVATE.items()}
    # More of the user's configuration folders, if any.
    private["JUPYTER_CONFIG_PATH"] = ""
    return {**os.environ, **private, "PATH": commands_path(), "PYTHONWARNINGS": "ignore"}


def pages(console: Console, folder: Path, reports: Sequence[Path]) -> None:
    """Print where the pages of a demo are."""
    found = sorted(folder.glob("feedback/*/*/*.html"))
    lines = [
        f"{counted(len(found), 'feedback page')}, one per submission, the first of them:",
        f"  {near(found[0])}" if found else "  none",
        "The class on one page, with the most frequent mistakes, to open in a browser:",
        *(f"  {near(page)}" for page in reports),
    ]
    for line in lines:
        console.print(line, soft_wrap=True)


def check_own(folder: Path) -> None:
    """Refuse to delete anything that is not from an earlier demo.

    Raises
    ------
    HarnessError
        If the folder holds anything else.
    """
    if folder.is_dir() and any(folder.iterdir()) and not (folder / _MARK).exists():
        raise HarnessError(
            f"{folder} is not empty, and not the result of an earlier demo, which would be "
            "replaced: delete it yourself, or name a new folder."
        )


class Board:
    """The table of one exercise on the console, a line for each student as it becomes known."""

    def __init__(self, console: Console, exercise: Exercise, students: Iterable[str]) -> None:
        self._console, self._exercise = console, exercise
        self._widths = class_table.columns(exercise, students)
        self._width = min(console.width, _WIDEST)
        self._shown: set[str] = set()

    def show(self, results: Iterable[Result]) -> None:
        """Show those that are not shown yet."""
        for result in results:
            if result.student in self._shown:
                continue
            if not self._shown:
                self._print(class_table.heading(self._widths))
            self._shown.add(result.student)
            for line in class_table.row(result, self._widths, self._width):
                self._print(line)

    def end(self, phases: Sequence[Mapping[str, float]]) -> None:
        """Explain the signs, and show where the time went if anything was run."""
        for line in class_table.legend(self._exercise, self._width):
            self._print(line)
        if phases:
            self._console.print()
            self._console.print(class_table.phase_table(phases))

    def _print(self, line: object) -> None:
        self._console.print(line, soft_wrap=True)


def near(path: Path) -> str:
    """Return a path as one types it here."""
    try:
        return str(path.relative_to(Path.cwd()))
    except ValueError:
        return str(path)
