"""A class's submissions for an assignment, read as in autograde's first pass.

Nothing is written, neither to the gradebook nor to graded notebooks. A submission has the same
digest here, and so the same evidence, as in ``nbgrader autograde``.
"""

import logging
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import nbformat
from nbgrader.api import Gradebook, MissingEntry
from nbgrader.converters import Autograde
from nbgrader.converters.base import NbGraderException
from nbgrader.coursedir import CourseDirectory
from nbgrader.utils import chdir
from sqlalchemy.exc import SQLAlchemyError
from traitlets.config import Config

from autograder import pipeline, submissions
from autograder.errors import HarnessError, SubmissionError
from autograder.exercise import catalogue
from autograder.formats import one_line
from autograder.model import Exercise, Submission
from autograder.nbgrader_bridge import guard
from autograder.nbgrader_bridge.batch import pairs
from autograder.nbgrader_bridge.common import EXERCISES
from autograder.nbgrader_bridge.course_files import settings
from autograder.nbgrader_bridge.execute import BoxedExecute, solution_of
from autograder.nbgrader_bridge.exposed import refuse_exposed
from autograder.nbgrader_bridge.gradebook_reader import is_there
from autograder.nbgrader_bridge.gradebook_writer import refuse_unrun
from autograder.nbgrader_bridge.read_submission import SubmissionExporter
from autograder.nbgrader_bridge.released import refuse_other_checks

__all__ = ["Answer", "Assignment", "answers", "open_assignment"]

_LOG = logging.getLogger(f"{__name__}.silent")
_LOG.setLevel(logging.CRITICAL + 1)
"""nbgrader logs the same remarks when it grades."""


@dataclass(frozen=True, slots=True)
class Assignment:
    """An assignment of a course, and how its exercises of the kit are graded there."""

    root: Path
    name: str
    exercises: Mapping[str, Exercise]
    """By name, as large as the course has them."""
    ordinary: tuple[str, ...]
    """Names of its other notebooks."""
    solutions: Mapping[str, Path]
    """By exercise: the notebook with its solutions."""
    boxed: bool
    config: Any = field(repr=False)
    """nbgrader's."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What one student handed in for one exercise."""

    student: str
    exercise: str
    """Empty where the whole submission cannot be read."""
    submission: Submission | None
    unreadable: str = ""
    """Why there is no submission."""


def open_assignment(root: Path, name: str) -> Assignment:
    """Find the exercises of an assignment, and refuse what autograde would refuse.

    Raises
    ------
    HarnessError
        If the course's settings are not the kit's, the gradebook does not know the assignment, or
        an exercise is not the one that was released.
    """
    config = settings(root)
    converter = _converter(config, name)
    course = converter.coursedir
    books = _notebooks(course, name)
    if not books:
        raise HarnessError(
            f"The gradebook of {course.root} has no notebook of an assignment called {name!r}. Run "
            f"this in the course's folder, or name it with --course; before students hand in: "
            f"nbgrader generate_assignment {name}."
        )
    execute = BoxedExecute(parent=converter)
    places = [Path(course.root) / EXERCISES]
    found = {book: catalogue.find(book, places, execute.size) for book in sorted(books)}
    exercises = {book: one for book, one in found.items() if one is not None}
    if exercises and (lacking := guard.lacking(converter.autograde_preprocessors)):
        raise HarnessError(f"Nothing is observed: {lacking}.")
    if exercises and execute.boxed:
        refuse_exposed(course, config)
    for exercise in exercises.values():
        if not execute.enabled:
            refuse_unrun(exercise)
        refuse_other_checks(course, name, exercise)
    solutions = {book: solution_of(course, name, one) for book, one in exercises.items()}
    return Assignment(
        root=Path(course.root),
        name=name,
        # What need not run is part of what autograde looks evidence up by.
        exercises={book: pipeline.marked(one, solutions[book]) for book, one in exercises.items()},
        ordinary=tuple(book for book, one in found.items() if one is None),
        solutions=solutions,
        boxed=bool(execute.boxed),
        config=config,
    )


def answers(assignment: Assignment, students: str = "*") -> Iterator[Answer]:
    """Read the submissions, student by student, in autograde's order.

    Parameters
    ----------
    assignment : Assignment
    students : str
        A pattern of names, as nbgrader's ``--student`` takes it.

    Raises
    ------
    HarnessError
        If no name matches, or the gradebook cannot be read.
    """
    converter = _converter(assignment.config, assignment.name, students)
    exporter = converter.exporter = _Reader(parent=converter, config=converter.config)
    try:
        converter.init_notebooks()
    except NbGraderException:
        folder = converter._format_source(assignment.name, "*")
        known = len(list(Path(folder[: folder.index("*")]).glob("*")))
        raise HarnessError(
            f"No notebook of a student like {students!r} is in {folder}: "
            f"{known} students have a folder there. Collect the submissions, or give another "
            "--student."
        ) from None
    converter._init_preprocessors()
    excluded = (converter.coursedir.student_id_exclude or "").split(",")
    expected = {*assignment.exercises, *assignment.ordinary}
    with chdir(converter.coursedir.root):
        for _, student, books in pairs(converter):
            if student not in excluded:
                yield from _answers(assignment, converter, exporter, student, books, expected)


def _answers(
    assignment: Assignment,
    converter: Any,
    exporter: "_Reader",
    student: str,
    books: list[str],
    expected: set[str],
) -> Iterator[Answer]:
    try:
        folder = Path(converter._format_source(assignment.name, student))
        exporter.refuse_odd(folder, books, expected)
    except SubmissionError as error:
        yield Answer(student, "", None, str(error))
        return
    for book in books:
        exercise = assignment.exercises.get(Path(book).stem)
        if exercise is None:
            continue
        try:
            resources = converter.init_single_notebook_resources(book)
            text, _ = exporter.from_filename(book, resources=resources)
            outline = submissions.outline(nbformat.reads(text, as_version=4), exercise)
            parsed = submissions.with_untouched(outline, exercise)
        except SubmissionError as error:
            yield Answer(student, exercise.name, None, str(error))
        except SQLAlchemyError as error:
            raise HarnessError(f"The gradebook cannot be read: {error}.") from error
        except (HarnessError, OSError, MemoryError):
            raise
        except Exception as error:
            why = one_line(f"{type(error).__name__}: {error}")[:300]
            yield Answer(student, exercise.name, None, f"nbgrader cannot sanitise it: {why}")
        else:
            yield Answer(student, exercise.name, parsed)


class _Reader(SubmissionExporter):
    """Reads as `SubmissionExporter` does, in no batch, and notes nothing in the gradebook."""

    def _take_part(self, converter: Any) -> None:
        """Leave the converter's batch alone."""

    def _failed(self, resources: Any, error: Exception) -> None:
        """Leave it to the caller to say so."""


def _converter(config: Any, assignment: str, students: str = "*") -> Any:
    own = Config(config)
    own.CourseDirectory.assignment_id = assignment
    own.CourseDirectory.student_id = students
    course = CourseDirectory(config=own, log=_LOG)
    return Autograde(coursedir=course, config=own, log=_LOG)


def _notebooks(course: Any, assignment: str) -> set[str]:
    if not is_there(course.db_url):
        return set()
    try:
        with Gradebook(course.db_url, course.course_id) as gradebook, suppress(MissingEntry):
            return {book.name for book in gradebook.find_assignment(assignment).notebooks}
    except SQLAlchemyError as error:
        raise HarnessError(f"The gradebook {course.db_url} cannot be read: {error}.") from error
    return set()
