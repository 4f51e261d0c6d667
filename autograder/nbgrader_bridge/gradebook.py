"""nbgrader seen from outside a batch: a course's files, what its gradebook has, and releasing.

Beside `nbgrader_bridge`, which writes the machine's marks, this is the one module that knows
nbgrader. The gradebook is only read here.
"""

import os
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from nbgrader.api import Gradebook
from nbgrader.apps import NbGraderAPI
from nbgrader.coursedir import CourseDirectory
from sqlalchemy.engine import make_url
from sqlalchemy.exc import SQLAlchemyError
from traitlets.config import Config
from traitlets.config.loader import PyFileConfigLoader

from autograder.errors import HarnessError

__all__ = ["Account", "Layout", "Mark", "accounts", "layout", "release"]


@dataclass(frozen=True, slots=True)
class Layout:
    """Where one assignment of a course has its files."""

    root: Path
    source: Path
    submitted: Mapping[str, Path]
    """By student: the folder that was handed in."""
    feedback: Mapping[str, Path]
    """By student, where there is one: the folder of feedback pages."""
    database: str
    """URL of the gradebook."""
    course_id: str


@dataclass(frozen=True, slots=True)
class Mark:
    """A row of the gradebook: one grade cell of one student."""

    points: float | None
    """None while it waits for a person, or for the machine."""
    max_points: float
    by_hand: bool
    open: bool
    """A person has to look at it, be it again."""


@dataclass(frozen=True, slots=True)
class Account:
    """What the gradebook has of one student for one assignment."""

    name: str
    """First and last name, or empty."""
    handed_in: bool
    marks: Mapping[tuple[str, str], Mark]
    """By notebook and ``grade_id``."""
    points: float
    """As nbgrader adds them up: what has no mark counts nothing."""
    max_points: float
    penalty: float
    """Points taken off for lateness."""


def layout(root: Path, assignment: str) -> Layout:
    """Find the files of an assignment, as the course's ``nbgrader_config.py`` has them.

    Raises
    ------
    HarnessError
        If the configuration cannot be read.
    """
    course = CourseDirectory(config=_settings(root))

    def by_student(step: str) -> dict[str, Path]:
        # The student's name is one part of the path: put a mark there and look where it is.
        parts = Path(course.format_path(step, "*", assignment)).parts
        place = parts.index("*")
        found = Path(*parts[:place]).glob(str(Path(*parts[place:])))
        return {path.parts[place]: path for path in sorted(found) if path.is_dir()}

    return Layout(
        root=Path(course.root),
        source=Path(course.format_path(course.source_directory, ".", assignment)),
        submitted=by_student(course.submitted_directory),
        feedback=by_student(course.feedback_directory),
        database=course.db_url,
        course_id=course.course_id,
    )


def _settings(root: Path) -> Config:
    config = Config()
    if (root / "nbgrader_config.py").is_file():
        try:
            config = PyFileConfigLoader("nbgrader_config.py", str(root)).load_config()
        except Exception as error:
            raise HarnessError(f"{root / 'nbgrader_config.py'} cannot be read: {error}.") from error
    config.CourseDirectory.setdefault("root", str(root))
    return config


def release(root: Path, assignment: str) -> None:
    """Generate the students' version of an assignment and put it into the exchange.

    What is released already is generated and released again.

    Raises
    ------
    HarnessError
        If nbgrader could not; with the last thing that it said.
    """
    api = NbGraderAPI(config=_settings(root))
    with _commands():
        for act in (api.generate_assignment, api.release_assignment):
            result = act(assignment)
            if not result["success"]:
                said = [*result.get("log", "").split("\n"), *result.get("error", "").split("\n")]
                last = next((line for line in reversed(said) if "ERROR" in line), said[-1])
                raise HarnessError(f"{assignment} was not released. nbgrader says: {last}")


@contextmanager
def _commands() -> Iterator[None]:
    """Put this environment's commands on the path: nbgrader calls alembic by name."""
    before = os.environ.get("PATH", os.defpath)
    os.environ["PATH"] = f"{Path(sys.executable).parent}{os.pathsep}{before}"
    try:
        yield
    finally:
        os.environ["PATH"] = before


def accounts(place: Layout, assignment: str) -> dict[str, Account]:
    """Read the gradebook.

    Returns
    -------
    dict of str to Account
        By student, whoever is enrolled; empty where there is no gradebook yet.

    Raises
    ------
    HarnessError
        If there is one that cannot be read.
    """
    try:
        url = make_url(place.database)
        # Opening one that is not there would make it.
        if url.get_backend_name() == "sqlite" and not Path(url.database or "").exists():
            return {}
        # Under another name of the course, nbgrader would add a row for it.
        with Gradebook(place.database, place.course_id) as gradebook:
            students = {student.id: student for student in gradebook.students}
            known = assignment in (row.name for row in gradebook.assignments)
            rows = gradebook.assignment_submissions(assignment) if known else []
            handed_in = {row.student_id: row for row in rows}
            return {name: _account(students[name], handed_in.get(name)) for name in students}
    except SQLAlchemyError as error:
        raise HarnessError(
            f"The gradebook {place.database} cannot be read: {error}. If nbgrader was updated, "
            "make a copy of it and run: nbgrader db upgrade."
        ) from error


def _account(student: Any, submission: Any) -> Account:
    name = " ".join(filter(None, (student.first_name, student.last_name)))
    if submission is None:
        return Account(name, False, {}, 0.0, 0.0, 0.0)
    books = submission.notebooks
    return Account(
        name=name,
        handed_in=True,
        marks={(book.name, row.name): _mark(row) for book in books for row in book.grades},
        points=submission.score,
        max_points=submission.max_score,
        penalty=submission.late_submission_penalty or 0.0,
    )


def _mark(row: Any) -> Mark:
    by_hand = row.manual_score is not None
    given = row.manual_score if by_hand else row.auto_score
    return Mark(
        points=None if given is None else given + (row.extra_credit or 0.0),
        max_points=row.max_score,
        by_hand=by_hand,
        open=row.needs_manual_grade,
    )
