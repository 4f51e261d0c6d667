"""Check that the exercise used for grading is still the one that was released."""

from collections.abc import Iterable
from contextlib import suppress
from glob import glob
from pathlib import Path
from typing import Any
from weakref import WeakKeyDictionary

from nbgrader.api import Gradebook, MissingEntry
from sqlalchemy.exc import SQLAlchemyError

from autograder.errors import HarnessError
from autograder.evidence import rounds, store
from autograder.files import write
from autograder.model import Exercise

__all__ = ["note_graded_by", "refuse_other_checks", "say_changed", "say_known"]

_SAID: WeakKeyDictionary[Any, set[str]] = WeakKeyDictionary()
"""By nbgrader's converter: warnings of this batch, in which the check may be repeated."""


def refuse_other_checks(course: Any, assignment: str, exercise: Exercise) -> None:
    """Refuse to grade by an exercise whose checks differ from the released notebook's.

    A grade cell that the exercise does not know would keep nbgrader's score for a cell without
    output, which is full points.

    Raises
    ------
    HarnessError
        With the names on both sides.
    """
    try:
        with Gradebook(course.db_url, course.course_id) as gradebook:
            try:
                notebook = gradebook.find_notebook(exercise.name, assignment)
            except MissingEntry:
                return
            by_hand = {cell.name for cell in notebook.solution_cells}
            released = {cell.name for cell in notebook.grade_cells} - by_hand
    except SQLAlchemyError as error:
        raise HarnessError(f"The gradebook cannot be read: {error}") from error
    described = {check.grade_id for check in exercise.checks}
    if released != described:
        raise HarnessError(
            f"{exercise.name} is not the exercise that students have: {exercise.folder} describes "
            f"the checks {_list(described - released)}, which the gradebook lacks, and the "
            f"gradebook has {_list(released - described)}, which are not described there. Restore "
            f"the description, or build, generate and release {assignment} again."
        )


def say_changed(converter: Any, assignment: str, exercise: Exercise, round_: rounds.Round) -> None:
    """Warn, once per batch, if an exercise has changed since its release or last grading."""
    graded_by = _graded_by(round_, assignment)
    if graded_by is None:
        newer = _newer_than_release(converter.coursedir, assignment, exercise)
        text = newer and (
            f"{exercise.name}: {newer} is newer than the released notebook; if the task has "
            "changed, students do not know"
        )
    else:
        text = (graded_by != exercise.digest) * (
            f"{exercise.name} has changed since {assignment} was last graded (its description, its "
            "calibration or the kit); students graded then are graded again only with --force"
        )
    _warn_once(converter, text)


def say_known(converter: Any, assignment: str, exercise: Exercise, round_: rounds.Round) -> None:
    """Warn, once per batch, if feedback on another assignment may have given away the inputs.

    A function can raise an exception that names what it was called with, and feedback shows it.
    Whoever knows all inputs of a round can hand in the right answers without the work for them.
    """
    course = converter.coursedir
    for other in sorted(store.results_folder(round_, assignment).parent.glob("*")):
        pages = course.directory_structure.format(
            nbgrader_step=course.feedback_directory, student_id="*", assignment_id=other.name
        )
        if other.name != assignment and glob(f"{pages}/{exercise.name}.html", root_dir=course.root):
            _warn_once(
                converter,
                f"{exercise.name}: {assignment} is graded on the same inputs as {other.name}. That "
                "assignment has feedback, and feedback can give inputs away. For unseen inputs, "
                "begin a new round first: docs/instructor.md, Evidence, seeds and rounds",
            )
            return


def _warn_once(converter: Any, text: str) -> None:
    said = _SAID.setdefault(converter, set())
    if text and text not in said:
        said.add(text)
        converter.log.warning("%s", text)


def note_graded_by(round_: rounds.Round, assignment: str, exercise: Exercise) -> None:
    """Record which state of an exercise an assignment was graded by."""
    if _graded_by(round_, assignment) != exercise.digest:
        with suppress(OSError):  # of use for a warning only
            write(_digest_file(round_, assignment), exercise.digest)


def _graded_by(round_: rounds.Round, assignment: str) -> str | None:
    try:
        return _digest_file(round_, assignment).read_text().strip()
    except (OSError, UnicodeDecodeError):
        return None


def _digest_file(round_: rounds.Round, assignment: str) -> Path:
    return store.results_folder(round_, assignment) / "exercise.digest"


def _newer_than_release(course: Any, assignment: str, exercise: Exercise) -> str:
    """Name a file of a course's own exercise that is newer than the released notebook, if any."""
    folder = course.format_path(course.release_directory, ".", assignment)
    released = Path(folder, f"{exercise.name}.ipynb")
    own = Path(exercise.folder)
    if not released.is_file() or not own.is_relative_to(Path(course.root).resolve()):
        return ""
    since = released.stat().st_mtime
    return next((p.name for p in sorted(own.glob("*.*")) if p.stat().st_mtime > since), "")


def _list(names: Iterable[str]) -> str:
    return ", ".join(sorted(names)) or "nothing"
