"""The demo: a sample class, graded by the real nbgrader from release to feedback.

Everything happens in one folder, which is recreated each time. Each student's result is read from
the grader's files and shown as soon as it is there.
"""

import re
import subprocess
from collections import deque
from collections.abc import Callable, Collection, Iterable, Sequence
from pathlib import Path

import nbformat
from rich.console import Console

from autograder.author import samples
from autograder.author.materials import find
from autograder.author.samples import Sample
from autograder.author.source_folder import build_all
from autograder.errors import HarnessError
from autograder.evidence import rounds, store
from autograder.formats import counted
from autograder.instructor.class_report import report
from autograder.instructor.demo_class import (
    Board,
    at_home,
    begin,
    check_own,
    chosen,
    environment,
    handed_in,
    near,
    pages,
    screen,
)
from autograder.instructor.new_course import make_exchange
from autograder.model import Exercise
from autograder.nbgrader_bridge.common import nbgrader_command
from autograder.sandbox import walls

__all__ = ["run"]

_STEP = re.compile(r"\] (?P<step>(?:Reference solution|[\w.-]+ \(\d+ of \d+[^)]*\)): .+)$")


def run(
    project: Path,
    folder: Path,
    names: Sequence[str] = (),
    *,
    whole: bool = False,
    students: int | None = None,
) -> list[Path]:
    """Build a course in ``folder``, grade sample classes in it and show the result.

    Parameters
    ----------
    project : Path
        A checkout of the kit, or any folder where the package for instructors is installed.
    folder : Path
        Recreated, if it is empty or from an earlier demo.
    names : sequence of str
        The exercises to grade; "all" for all of them, none for those that ``samples/class.toml``
        shows first.
    whole : bool
        Grade every sample of an exercise, each as a student, in place of a class of eight.
    students : int, optional
        How many of them at most, the first by name.

    Returns
    -------
    list of Path
        The report on the class for each exercise.

    Raises
    ------
    HarnessError
        If a step fails, or the folder holds anything else.
    """
    console = screen()
    check_own(folder)
    materials = find(project)
    exercises = chosen(materials, names)
    _require_box()
    begin(folder, materials)
    with at_home(folder):
        with console.status("Building the notebooks"):
            build_all(materials.solutions, folder / "source", [materials.exercises])
        # nbgrader exports a row for every student, those who handed in nothing included.
        marks = 0
        for exercise in exercises:
            name = exercise.name
            console.rule(name)
            _release(console, folder, name)
            roll = handed_in(materials, exercise, whole=whole, most=students)
            _hand_in(folder, name, roll)
            marks += len(roll)
            _autograde(console, folder, exercise, roll)
            _nbgrader(console, folder, "generate_feedback", name)
        _nbgrader(console, folder, "export", "--to=grades.csv")
        reports = [report(folder, exercise.name)[0] for exercise in exercises]
    where = near(folder / "grades.csv")
    console.print(f"\n{counted(marks, 'submission')} with their marks: {where}", soft_wrap=True)
    pages(console, folder, reports)
    return reports


def _require_box() -> None:
    """Fail before anything is made if no box can be built."""
    try:
        walls.require()
    except HarnessError as error:
        raise HarnessError(
            f"{error} The demo of a class that was graded before needs no box: "
            "autograder demo --recorded."
        ) from error


def _release(console: Console, folder: Path, name: str) -> None:
    exchange = make_exchange(folder)
    _nbgrader(console, folder, "generate_assignment", name)
    _nbgrader(console, folder, "release_assignment", name, f"--Exchange.root={exchange}")


def _hand_in(folder: Path, name: str, roll: dict[str, Sample]) -> None:
    """Fill a class's answers into the released notebook, one copy per student."""
    notebook = nbformat.read(folder / "release" / name / f"{name}.ipynb", as_version=4)
    for student, sample in roll.items():
        place = folder / "submitted" / student / name
        place.mkdir(parents=True)
        nbformat.write(samples.fill(sample, notebook), place / f"{name}.ipynb")


def _autograde(console: Console, folder: Path, exercise: Exercise, students: Iterable[str]) -> None:
    """Grade the class, and show every student's verdict as soon as it is stored."""
    round_ = rounds.current(folder / "evidence", exercise)
    board = Board(console, exercise, students)

    def look() -> None:
        board.show(store.results(round_, exercise.name))

    last = _nbgrader(console, folder, "autograde", exercise.name, tolerate=True, look=look)
    results = store.results(round_, exercise.name)
    if not results:
        raise HarnessError(f"nbgrader autograde graded nobody: {''.join(last)}")
    board.end([result.phases for result in results if result.phases])


def _nbgrader(
    console: Console,
    folder: Path,
    *arguments: str,
    tolerate: bool = False,
    look: Callable[[], None] = lambda: None,
) -> Collection[str]:
    """Run a command of nbgrader and show its progress; `look` is called meanwhile.

    Returns
    -------
    collection of str
        The last lines of its output.
    """
    command = nbgrader_command(folder, *arguments)
    title = f"nbgrader {arguments[0]}"
    last: deque[str] = deque(maxlen=12)
    with (
        console.status(title) as status,
        open(folder / "nbgrader.log", "a") as log,
        subprocess.Popen(
            command, cwd=folder, text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
            env=environment(folder),
        ) as process,
    ):  # fmt: skip
        assert process.stdout is not None
        for line in process.stdout:
            log.write(line)
            last.append(line)
            look()
            step = _STEP.search(line.rstrip())
            if step:
                status.update(f"{title}: {step['step']}")
    look()
    if process.returncode and not tolerate:
        raise HarnessError(f"{title} failed: {''.join(last)}")
    console.print(f"{title}: {'done' if not process.returncode else 'done, with errors'}")
    return last
