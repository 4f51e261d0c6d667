"""The demonstration: a sample class, graded by the real nbgrader from release to feedback.

Everything happens in one folder that is made anew each time. What is shown at the end was read
from the gradebook's export and from the results that the grader kept.
"""

import csv
import importlib.util
import os
import re
import shutil
import subprocess
import sys
from collections import deque
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import nbformat
from rich.console import Console

from autograder.author.build import build_all
from autograder.errors import HarnessError
from autograder.evidence import rounds, store
from autograder.exercise import catalogue
from autograder.instructor.class_report import report
from autograder.model import Exercise, Finding, Result, Status
from autograder.report.table import ClassRow, class_table, phase_table

__all__ = ["run"]

_MARK = ".demonstration"

_STEP = re.compile(r"\] (?P<step>(?:Reference solution|[\w.-]+ \(\d+ of \d+[^)]*\)): .+)$")


def run(project: Path, folder: Path, names: Iterable[str] = (), *, whole: bool = False) -> None:
    """Build a course in ``folder``, grade sample classes in it and show the result.

    Parameters
    ----------
    project : Path
        The kit's checkout: solutions, configuration and sample submissions.
    folder : Path
        Made anew, if it is empty or of an earlier demonstration.
    names : iterable of str
        The exercises to grade; all of them if there are none.
    whole : bool
        Grade every sample of an exercise, each as a student, in place of a class of eight.

    Raises
    ------
    HarnessError
        If a step fails, or the folder holds anything else.
    """
    # In a log the table has no window to fit into.
    console = Console(width=None if sys.stdout.isatty() else 150)
    _make_anew(folder)
    shutil.copy(project / "nbgrader_config.py", folder)
    build_all(project / "solutions", folder / "source")
    names = tuple(names) or tuple(path.stem for path in sorted(project.glob("solutions/*.py")))
    for name in names:
        console.rule(name)
        _release(console, folder, name)
        _hand_in(project, folder, name, whole)
        _nbgrader(console, folder, "autograde", name, tolerate=True)
        _nbgrader(console, folder, "generate_feedback", name)
        _show(console, folder, name)
    _nbgrader(console, folder, "export", "--to=grades.csv")
    with open(folder / "grades.csv", newline="") as file:
        marks = sum(1 for _ in csv.DictReader(file))
    reports = [report(folder, name)[0] for name in names]
    pages = sorted(folder.glob("feedback/*/*/*.html"))
    console.print(f"\n{marks} submissions with their marks: {_near(folder / 'grades.csv')}")
    console.print(f"{len(pages)} feedback pages, one per student, the first of them:")
    console.print(f"  {_near(pages[0])}" if pages else "  none")
    console.print("The class on one page, with what most went wrong, to open in a browser:")
    for page in reports:
        console.print(f"  {_near(page)}")


def _make_anew(folder: Path) -> None:
    """Empty the folder of an earlier demonstration, and no other."""
    if folder.is_dir() and any(folder.iterdir()) and not (folder / _MARK).exists():
        raise HarnessError(
            f"{folder} is not empty and not of an earlier demonstration, which would be deleted: "
            "delete it yourself, or name a new folder."
        )
    if folder.exists():
        shutil.rmtree(folder)
    folder.mkdir(parents=True)
    (folder / _MARK).write_text("Everything here is made anew by: autograder demo\n")


def _release(console: Console, folder: Path, name: str) -> None:
    exchange = folder / "exchange"
    exchange.mkdir(exist_ok=True)
    exchange.chmod(0o777)
    _nbgrader(console, folder, "generate_assignment", name)
    _nbgrader(console, folder, "release_assignment", name, f"--Exchange.root={exchange}")


def _hand_in(project: Path, folder: Path, name: str, whole: bool) -> None:
    """Pour a class's answers into the released notebook, one copy per student."""
    exercise = _exercise(name)
    samples = _load(project / "tests" / "samples.py")
    released = nbformat.read(folder / "release" / name / f"{name}.ipynb", as_version=4)
    answers = {s.student: s for s in samples.samples(exercise)} if whole else {}
    for student, sample in (answers or samples.classroom(exercise)).items():
        place = folder / "submitted" / student / name
        place.mkdir(parents=True)
        nbformat.write(samples.pour(sample, released), place / f"{name}.ipynb")


def _exercise(name: str) -> Exercise:
    exercise = catalogue.find(name)
    if exercise is None:
        raise HarnessError(f"solutions/{name}.py has no exercise in autograder/exercises.")
    return exercise


def _load(path: Path) -> Any:
    spec = importlib.util.spec_from_file_location(path.stem, path)
    if spec is None or spec.loader is None or not path.exists():
        raise HarnessError(f"There is no sample class: {path} is missing. Run in the checkout.")
    module = importlib.util.module_from_spec(spec)
    sys.modules[path.stem] = module
    spec.loader.exec_module(module)
    return module


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
    # nbgrader calls alembic by name, wherever it was started from.
    scripts = Path(sys.executable).parent
    path = f"{scripts}{os.pathsep}{os.environ.get('PATH', os.defpath)}"
    return {**os.environ, "PATH": path, "PYTHONWARNINGS": "ignore"}


def _show(console: Console, folder: Path, name: str) -> None:
    results = store.results(rounds.current(folder / "evidence", _exercise(name)), name)
    console.print(class_table([_row(result) for result in results]))
    phases = [result.phases for result in results if result.phases]
    console.print(phase_table(phases))


def _row(result: Result) -> ClassRow:
    if result.grade is None:
        return ClassRow(result.student, {}, 0.0, 0.0, "ungraded", "", None, 0.0, result.reason)
    findings = [item.finding for item in result.grade.scored]
    points: Mapping[str, str | float] = {
        item.finding.grade_id: item.points for item in result.grade.scored
    }
    mistakes = dict.fromkeys(m.title for finding in findings for m in finding.mistakes)
    study = next((finding.study for finding in findings if finding.study), None)
    return ClassRow(
        student=result.student,
        points_by_check=points,
        total=result.grade.points,
        max_points=result.grade.max_points,
        verdict=_verdict([finding.status for finding in findings]),
        diagnosis="; ".join(mistakes) or _trouble(findings)[:120],
        speedup=study.counted if study else None,
        seconds=sum(result.phases.values()),
        remark="; ".join(result.grade.flags),
    )


def _verdict(statuses: list[Status]) -> str:
    if set(statuses) == {Status.UNTOUCHED}:
        return "untouched"
    passed = statuses.count(Status.PASSED)
    return "all passed" if passed == len(statuses) else f"{passed} of {len(statuses)} passed"


def _trouble(findings: list[Finding]) -> str:
    """Return what came in the first check that lost points and has no named mistake."""
    lost = (f for f in findings if f.status not in (Status.PASSED, Status.UNTOUCHED))
    return next((f"{finding.function}: {finding.got}" for finding in lost), "")


def _near(path: Path) -> str:
    try:
        return str(path.relative_to(Path.cwd()))
    except ValueError:
        return str(path)
