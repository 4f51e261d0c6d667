"""Read a course's students and marks from the gradebook."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from nbgrader.api import Gradebook
from sqlalchemy.engine import make_url
from sqlalchemy.exc import SQLAlchemyError

from autograder.errors import HarnessError
from autograder.nbgrader_bridge.course_files import Layout

__all__ = ["Account", "Mark", "accounts", "is_there", "waiting"]


@dataclass(frozen=True, slots=True)
class Mark:
    """A row of the gradebook: one grade cell of one student."""

    points: float | None
    """None while it waits for a person, or for the machine."""
    max_points: float
    by_hand: bool
    open: bool
    """A person has to look at it, perhaps again."""


@dataclass(frozen=True, slots=True)
class Account:
    """The gradebook's data on one student for one assignment."""

    first_name: str
    last_name: str
    email: str
    lms_id: str
    """Identifier in a learning management system. All of these are empty where nobody said."""
    handed_in: bool = False
    marks: Mapping[tuple[str, str], Mark] = field(default_factory=dict)
    """By notebook and ``grade_id``."""
    points: float = 0.0
    """Summed up as by nbgrader: missing marks count as 0."""
    max_points: float = 0.0
    penalty: float = 0.0
    """Late penalty, in points."""

    @property
    def name(self) -> str:
        """First and last name, or empty."""
        return " ".join(filter(None, (self.first_name, self.last_name)))


def accounts(place: Layout, assignment: str) -> dict[str, Account]:
    """Read the gradebook.

    Returns
    -------
    dict of str to Account
        By student, for everybody enrolled; empty if there is no gradebook yet.

    Raises
    ------
    HarnessError
        If there is one that cannot be read.
    """
    try:
        if not is_there(place.database):
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


def waiting(page: Mapping[str, Any]) -> frozenset[str] | None:
    """Return the cells of a graded notebook that are still to be marked; None if unknown.

    A mark by hand stays when the notebook is graded again, and counts until somebody changes it.

    Parameters
    ----------
    page : mapping
        The resources of nbgrader's page: its gradebook, and the notebook's student.
    """
    if "db_url" not in page:
        return None
    with Gradebook(page["db_url"]) as gradebook:
        book = gradebook.find_submission_notebook(
            page["notebook"], page["assignment"], page["student"]
        )
        return frozenset(
            row.name for row in book.grades if row.needs_manual_grade and row.manual_score is None
        )


def is_there(database: str) -> bool:
    """Tell whether there is a gradebook: opening a missing one would create it."""
    url = make_url(database)
    return url.get_backend_name() != "sqlite" or Path(url.database or "").exists()


def _account(student: Any, submission: Any) -> Account:
    known = (student.first_name, student.last_name, student.email, student.lms_user_id)
    first_name, last_name, email, lms_id = (each or "" for each in known)
    if submission is None:
        return Account(first_name, last_name, email, lms_id)
    books = submission.notebooks
    return Account(
        first_name=first_name,
        last_name=last_name,
        email=email,
        lms_id=lms_id,
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
