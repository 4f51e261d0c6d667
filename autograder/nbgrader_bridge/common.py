"""Shared by all preprocessors: access to nbgrader's converter, and its log format."""

import logging
import os
import sys
import traceback
from pathlib import Path
from typing import Any

from nbgrader.nbgraderformat import ValidationError
from sqlalchemy.exc import SQLAlchemyError

from autograder.errors import HarnessError, KitError, SubmissionError
from autograder.exercise import catalogue
from autograder.exercise.spec import SIZES
from autograder.formats import clean, one_line
from autograder.model import Exercise

__all__ = [
    "EVIDENCE",
    "EXERCISES",
    "NBGRADER",
    "RESULT",
    "UNFINISHED",
    "Resources",
    "commands_path",
    "converter_of",
    "exercise_of",
    "is_ours",
    "nbgrader_command",
    "speak_plainly",
]

Resources = Any


NBGRADER = "autograder.nbgrader_bridge.start_nbgrader"
"""The module that is nbgrader's command where the kit calls it."""


def nbgrader_command(root: Path, *arguments: str) -> list[str]:
    """Return the command that lets nbgrader do something in a course's folder.

    The folder is named: nbgrader would otherwise work in the one that Jupyter's configuration
    names, wherever it is started.
    """
    return [sys.executable, "-m", NBGRADER, *arguments, f"--CourseDirectory.root={root.absolute()}"]


def commands_path() -> str:
    """Return a PATH with this environment's commands: nbgrader calls alembic by its name."""
    return f"{Path(sys.executable).parent}{os.pathsep}{os.environ.get('PATH', os.defpath)}"


RESULT = "dask_scaling_kit"
"""Key of the grade in nbconvert's resources, on its way from `BoxedExecute` to `SaveGrades`."""

UNFINISHED = "dask_scaling_kit_unfinished"
"""Key in the metadata of a notebook that nbgrader has sanitised and not graded yet."""

EVIDENCE, EXERCISES = "evidence", "exercises"
"""Folders in a course's root: of evidence and seeds, and of exercises of the course's own."""


def converter_of(preprocessor: Any) -> Any:
    """Return the nbgrader converter that a preprocessor works for."""
    owner = preprocessor
    while owner is not None and not hasattr(owner, "coursedir"):
        owner = owner.parent
    if owner is None:
        raise HarnessError(f"{type(preprocessor).__name__} works only within nbgrader's autograde.")
    return owner


def exercise_of(course: Any, resources: Resources, size: str = SIZES[0]) -> Exercise | None:
    """Return the exercise that a notebook answers, or None for an ordinary notebook."""
    name = resources["nbgrader"]["notebook"]
    return catalogue.find(name, [Path(course.root) / EXERCISES], size)


def is_ours(error: Exception, course: Any, resources: Resources) -> bool:
    """Tell whether an error is the grader's or the machine's, not the submission's.

    With an exercise of the kit, every error that is not about the submission is ours. An ordinary
    notebook can itself cause nbgrader's errors.
    """
    if isinstance(error, SubmissionError):
        return False
    if isinstance(error, HarnessError | OSError | MemoryError | SQLAlchemyError):
        return True
    try:
        return exercise_of(course, resources) is not None
    except HarnessError:
        return True  # an exercise whose description is wrong


class _PlainSpeech(logging.Filter):
    """Replaces nbgrader's traceback for an error of the kit by the error's sentence.

    Students' names and messages also reach the instructor's terminal: without escape sequences, and
    never at the beginning of a line, where they could imitate the log.
    """

    def filter(self, record: logging.LogRecord) -> bool:
        error = sys.exc_info()[1]
        about_error = record.getMessage().startswith("Traceback")
        if about_error and isinstance(error, ValidationError):
            # nbgrader's own remark on the metadata; ours comes after it.
            return False
        if about_error and isinstance(error, KitError):
            who = "The submission" if isinstance(error, SubmissionError) else "The grader"
            record.msg, record.args = "%s: %s", (who, error)
        _harmless(record)
        return True


def _harmless(record: logging.LogRecord) -> None:
    if isinstance(record.args, tuple):
        record.args = tuple(
            arg if isinstance(arg, int | float) else one_line(str(arg)) for arg in record.args
        )
    text = record.getMessage()
    if record.exc_info:
        text += "\n" + "".join(traceback.format_exception(*record.exc_info)).rstrip()
    record.exc_info = record.exc_text = None
    record.msg, record.args = "\n    ".join(clean(text).splitlines()), ()


def speak_plainly(log: Any) -> None:
    """Make a log report errors of the kit in one sentence."""
    logger = getattr(log, "logger", log)
    if not any(isinstance(known, _PlainSpeech) for known in logger.filters):
        logger.addFilter(_PlainSpeech())
