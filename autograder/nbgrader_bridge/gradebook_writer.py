"""Write marks into the gradebook: the pipeline's, or none at all."""

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from nbformat import NotebookNode
from nbgrader.api import Gradebook, MissingEntry
from nbgrader.preprocessors import SaveAutoGrades
from sqlalchemy import event
from sqlalchemy.engine import Engine
from sqlalchemy.exc import SQLAlchemyError

from autograder.errors import HarnessError
from autograder.evidence import rounds, store
from autograder.model import SCHEMA, Exercise, Grade, Result
from autograder.nbgrader_bridge.common import (
    EVIDENCE,
    RESULT,
    UNFINISHED,
    Resources,
    converter_of,
    exercise_of,
)
from autograder.nbgrader_bridge.made_once import make_once

__all__ = ["SaveGrades", "leave_ungraded", "leave_waiting", "refuse_unrun"]

_LOCK_SECONDS = 60
"""How long to wait while another program writes to the gradebook. SQLite's own 5 seconds end a
whole batch when a formgrader is busy; a lock of 12 seconds was survived with 60."""


make_once()


@event.listens_for(Engine, "do_connect")
def _be_patient(dialect: Any, _record: Any, _arguments: Any, parameters: dict[str, Any]) -> None:
    if dialect.name == "sqlite":
        parameters.setdefault("timeout", _LOCK_SECONDS)


class SaveGrades(SaveAutoGrades):
    """Save the pipeline's marks; for any other notebook, nbgrader's own."""

    def preprocess(self, nb: NotebookNode, resources: Resources) -> tuple[NotebookNode, Resources]:
        """Write the marks of a submission into the gradebook.

        Raises
        ------
        HarnessError
            If the notebook is an exercise of the kit and there is no result for it.
        """
        self._graded: Grade | None = resources.get(RESULT) or None
        if self._graded is None:
            refuse_unrun(exercise_of(converter_of(self).coursedir, resources))
        nb, resources = super().preprocess(nb, resources)
        if self._graded is not None:
            _save(self._graded, resources)
        nb.metadata.pop(UNFINISHED, None)
        return nb, resources

    def _add_score(self, cell: NotebookNode, resources: Resources) -> None:
        graded = getattr(self, "_graded", None)
        names = {item.finding.grade_id for item in graded.scored} if graded else set()
        if cell.metadata["nbgrader"]["grade_id"] not in names:
            super()._add_score(cell, resources)


def leave_ungraded(course: Any, resources: Resources, reason: str) -> None:
    """Remove the marks of an earlier grading: the submission is waiting to be graded."""
    _wait(course, resources, only_if_unmarked=False)
    if (exercise := _of_the_kit(course, resources)) is not None:
        _keep_reason(course, resources, exercise, reason)


def leave_waiting(course: Any, resources: Resources, reason: str) -> None:
    """Note why a submission was not graded: marks and result of an earlier grading stay."""
    if (exercise := _of_the_kit(course, resources)) is None:
        return
    _wait(course, resources, only_if_unmarked=True)
    with suppress(HarnessError):
        round_ = rounds.current(Path(course.root) / EVIDENCE, exercise)
        info = resources["nbgrader"]
        kept = store.results(round_, info["assignment"])
        if any(one.student == info["student"] and one.grade is not None for one in kept):
            return
    _keep_reason(course, resources, exercise, reason)


def _of_the_kit(course: Any, resources: Resources) -> Exercise | None:
    """Return the exercise, or None for an ordinary notebook and one with a wrong description."""
    with suppress(HarnessError):
        return exercise_of(course, resources)
    return None


def _wait(course: Any, resources: Resources, *, only_if_unmarked: bool) -> None:
    """Make nbgrader show a submission as one that needs grading."""
    try:
        with _submission(resources) as (gradebook, submitted):
            marked = any(
                row.auto_score is not None or row.manual_score is not None
                for row in submitted.grades
            )
            if only_if_unmarked and marked:
                return
            for row in submitted.grades:
                row.auto_score = None
                row.needs_manual_grade = True
            gradebook.db.commit()
    except MissingEntry:
        pass  # Where there is nothing in the gradebook yet, there is nothing to take back.
    except SQLAlchemyError as error:
        _tell(course, f"The gradebook cannot be written: {error}")


def _keep_reason(course: Any, resources: Resources, exercise: Exercise, reason: str) -> None:
    # What is reported is the reason, not that it could not be kept for the class table.
    try:
        round_ = rounds.current(Path(course.root) / EVIDENCE, exercise)
        info = resources["nbgrader"]
        result = Result(SCHEMA, info["student"], exercise.name, None, reason)
        store.save_result(round_, info["assignment"], result)
    except HarnessError as error:
        _tell(course, str(error))


def refuse_unrun(exercise: Exercise | None) -> None:
    """Refuse to give marks for an exercise of the kit that was not run.

    Raises
    ------
    HarnessError
        For any exercise of the kit.
    """
    if exercise is not None:
        raise HarnessError(
            f"{exercise.name} was not run, so there are no points: exercises of the kit are "
            "graded in a box. Leave --no-execute out."
        )


def _save(graded: Grade, resources: Resources) -> None:
    credits = {item.finding.grade_id: item.finding.credit for item in graded.scored}
    with _submission(resources) as (gradebook, submitted):
        for row in submitted.grades:
            if row.name in credits:
                row.auto_score = round(credits[row.name] * row.max_score, 2)
                row.needs_manual_grade = row.manual_score is not None
        gradebook.db.commit()


def _tell(course: Any, message: str) -> None:
    course.log.error("The grader: %s", message)


@contextmanager
def _submission(resources: Resources) -> Iterator[tuple[Any, Any]]:
    info = resources["nbgrader"]
    with Gradebook(info["db_url"]) as gradebook:
        yield (
            gradebook,
            gradebook.find_submission_notebook(
                info["notebook"], info["assignment"], info["student"]
            ),
        )
