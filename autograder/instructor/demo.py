"""The demonstration: a sample class, graded by the real nbgrader from release to feedback.

Everything happens in one folder that is made anew each time. What is shown at the end was read
from the gradebook's export and from the results that the grader kept.
"""

import csv
import os
import re
import shutil
import subprocess
import sys
from collections import deque
from collections.abc import Iterable
from pathlib import Path

import nbformat
from rich.console import Console

from autograder.author import samples
from autograder.author.build import build_all
from autograder.author.materials import Materials, find
from autograder.errors import HarnessError
from autograder.evidence import rounds, store
from autograder.exercise import catalogue
from autograder.instructor.class_report import report
from autograder.instructor.new_course import make_exchange
from autograder.model import Exercise
from autograder.nbgrader_bridge.common import commands_path
from autograder.report.class_table import class_table, phase_table
from cluster.explain import suggestion

__all__ = ["run"]

_MARK = ".demonstration"

_STEP = re.compile(r"\] (?P<step>(?:Reference solution|[\w.-]+ \(\d+ of \d+[^)]*\)): .+)$")


def run(
    project: Path,
    folder: Path,
    names: Iterable[str] = (),
    *,
    whole: bool = False,
    students: int | None = None,
) -> None:
    """Build a course in ``folder``, grade sample classes in it and show the result.

    Parameters
    ----------
    project : Path
        A checkout of the kit, or any folder where the package for instructors is installed.
    folder : Path
        Made anew, if it is empty or of an earlier demonstration.
    names : iterable of str
        The exercises to grade; all of them if there are none.
    whole : bool
        Grade every sample of an exercise, each as a student, in place of a class of eight.
    students : int, optional
        How many of them at most, the first by name.

    Raises
    ------
    HarnessError
        If a step fails, or the folder holds anything else.
    """
    # In a log the table has no window to fit into.
    console = Console(width=None if sys.stdout.isatty() else 150)
    _check_own(folder)
    materials = find(project)
    exercises = [_exercise(name, materials) for name in (*names,) or materials.names]
    _make_anew(folder)
    shutil.copy(materials.config, folder)
    if materials.exercises.is_dir():
        shutil.copytree(materials.exercises, folder / "exercises")
    build_all(materials.solutions, folder / "source", [materials.exercises])
    for exercise in exercises:
        name = exercise.name
        console.rule(name)
        _release(console, folder, name)
        _hand_in(materials, folder, exercise, whole, students)
        _nbgrader(console, folder, "autograde", name, tolerate=True)
        _nbgrader(console, folder, "generate_feedback", name)
        _show(console, folder, exercise)
    _nbgrader(console, folder, "export", "--to=grades.csv")
    with open(folder / "grades.csv", newline="") as file:
        marks = sum(1 for _ in csv.DictReader(file))
    reports = [report(folder, exercise.name)[0] for exercise in exercises]
    pages = sorted(folder.glob("feedback/*/*/*.html"))
    console.print(f"\n{marks} submissions with their marks: {_near(folder / 'grades.csv')}")
    console.print(f"{len(pages)} feedback pages, one per student, the first of them:")
    console.print(f"  {_near(pages[0])}" if pages else "  none")
    console.print("The class on one page, with what most went wrong, to open in a browser:")
    for page in reports:
        console.print(f"  {_near(page)}")


def _check_own(folder: Path) -> None:
    """Refuse to delete what is not of an earlier demonstration."""
    if folder.is_dir() and any(folder.iterdir()) and not (folder / _MARK).exists():
        raise HarnessError(
            f"{folder} is not empty and not of an earlier demonstration, which would be deleted: "
            "delete it yourself, or name a new folder."
        )


def _make_anew(folder: Path) -> None:
    if folder.exists():
        shutil.rmtree(folder)
    folder.mkdir(parents=True)
    (folder / _MARK).write_text("Everything here is made anew by: autograder demo\n")


def _release(console: Console, folder: Path, name: str) -> None:
    exchange = make_exchange(folder)
    _nbgrader(console, folder, "generate_assignment", name)
    _nbgrader(console, folder, "release_assignment", name, f"--Exchange.root={exchange}")


def _hand_in(
    materials: Materials, folder: Path, exercise: Exercise, whole: bool, most: int | None
) -> None:
    """Fill a class's answers into the released notebook, one copy per student."""
    name = exercise.name
    notebook = nbformat.read(folder / "release" / name / f"{name}.ipynb", as_version=4)
    if whole:
        handed_in = {s.student: s for s in samples.read_samples(exercise, materials.samples)}
    else:
        handed_in = samples.read_class(exercise, materials.samples)
    for student in list(handed_in)[:most]:
        place = folder / "submitted" / student / name
        place.mkdir(parents=True)
        nbformat.write(samples.fill(handed_in[student], notebook), place / f"{name}.ipynb")


def _exercise(name: str, materials: Materials) -> Exercise:
    exercise = catalogue.find(name, [materials.exercises])
    if exercise is None or name not in materials.names:
        raise HarnessError(f"There is no exercise {name}{suggestion(name, materials.names)}.")
    return exercise


def _nbgrader(console: Console, folder: Path, *arguments: str, tolerate: bool = False) -> None:
    """Run a command of nbgrader, showing what it is at."""
    command = [sys.executable, "-m", "nbgrader", *arguments]
    title = f"nbgrader {arguments[0]}"
    last: deque[str] = deque(maxlen=12)
    with (
        console.status(title) as status,
        open(folder / "nbgrader.log", "a") as log,
        subprocess.Popen(
            command, cwd=folder, text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
            env=_environment(),
        ) as process,
    ):  # fmt: skip
        assert process.stdout is not None
        for line in process.stdout:
            log.write(line)
            last.append(line)
            step = _STEP.search(line.rstrip())
            if step:
                status.update(f"{title}: {step['step']}")
    if process.returncode and not tolerate:
        raise HarnessError(f"{title} failed: {''.join(last)}")
    console.print(f"{title}: {'done' if not process.returncode else 'done, with errors'}")


def _environment() -> dict[str, str]:
    return {**os.environ, "PATH": commands_path(), "PYTHONWARNINGS": "ignore"}


def _show(console: Console, folder: Path, exercise: Exercise) -> None:
    results = store.results(rounds.current(folder / "evidence", exercise), exercise.name)
    console.print(class_table(results))
    phases = [result.phases for result in results if result.phases]
    console.print(phase_table(phases))


def _near(path: Path) -> str:
    try:
        return str(path.relative_to(Path.cwd()))
    except ValueError:
        return str(path)
