"""Ignore a student's ``timestamp.txt`` without a valid time, so that it breaks nothing for others.

nbgrader writes the file when it collects, but a submission that reaches a course in another way
may contain its own. A file that nbgrader cannot read stops its batch, the formgrader's list of the
whole class, and the release of everybody's feedback; a file that it can read is printed.
"""

import logging
import os
import stat
from collections.abc import Callable
from datetime import MAXYEAR, MINYEAR, datetime
from functools import wraps
from pathlib import Path
from typing import Any

from nbgrader.apps import NbGraderAPI
from nbgrader.coursedir import CourseDirectory
from nbgrader.utils import parse_utc

from autograder.formats import one_line
from autograder.sandbox import scratch

__all__ = ["forgive", "forgive_everywhere", "mend"]

_NAME = "timestamp.txt"

_MOST_BYTES = 1000
"""Of a file that is read; a time has about thirty, and to read a hundred megabytes of digits takes
minutes and gigabytes."""

_Read = Callable[..., datetime | None]


def _last(*args: Any) -> str:
    return str(args[-1])


def forgive(read: _Read, log: Any = None, folder: Callable[..., str] = _last) -> _Read:
    """Make a function that reads a timestamp return None for an invalid one.

    The first and the last possible year are invalid, too: a time zone could lead beyond them.

    Parameters
    ----------
    read : callable
    log : logger, optional
    folder : callable
        Returns the folder of the file, given the arguments of ``read``; the last one by default.
    """

    @wraps(read)
    def forgiving(*args: Any, **kwargs: Any) -> datetime | None:
        try:
            _refuse_odd(Path(folder(*args, **kwargs), _NAME))
            found = read(*args, **kwargs)
        # nbgrader and dateutil raise anything: ValueError, OverflowError, AttributeError, OSError.
        except Exception as error:
            reason = one_line(str(error))[:200]
        else:
            if found is None or MINYEAR < found.year < MAXYEAR:
                return found
            reason = f"the year {found.year}"
        where = one_line(", ".join(str(arg) for arg in args if isinstance(arg, str)))
        (log or logging.getLogger(__name__)).warning(
            "timestamp.txt of %s is not a time and is ignored (%s)", where, reason
        )
        return None

    return forgiving


def _refuse_odd(path: Path) -> None:
    """Refuse anything but a small file: nbgrader would wait at a pipe, or read for minutes.

    Raises
    ------
    ValueError
        If it exists and is not a small plain file.
    """
    try:
        status = os.stat(path)
    except OSError:
        return
    if not stat.S_ISREG(status.st_mode) or status.st_size > _MOST_BYTES:
        raise ValueError(f"it is not a file, or has more than {_MOST_BYTES} bytes")


def forgive_everywhere() -> None:
    """Make all of this server process forgiving: it reads timestamps in several places."""

    def submitted(api: Any, assignment_id: str, student_id: str) -> str:
        course = api.coursedir
        return str(course.format_path(course.submitted_directory, student_id, assignment_id))

    for owner, name, folder in (
        (NbGraderAPI, "get_submitted_timestamp", submitted),
        (CourseDirectory, "get_existing_timestamp", _last),
    ):
        setattr(owner, name, forgive(getattr(owner, name), folder=folder))


def mend(folder: Path) -> None:
    """Replace an invalid timestamp by an empty file, in a folder of the grader's own.

    The file is copied to the feedback, and nbgrader reads and prints it when that is released.

    Parameters
    ----------
    folder : Path
        Of a graded submission.
    """
    path = folder / _NAME
    if not os.path.lexists(path):
        return
    try:
        _refuse_odd(path)
        text = path.read_text()
        if text.isprintable() or text.rstrip("\n").isprintable():
            parse_utc(text.strip())
            return
    except Exception:  # as above: nbgrader and dateutil raise anything
        pass
    scratch.remove(path)
    path.write_text("")
