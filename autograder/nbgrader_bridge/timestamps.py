"""A student's ``timestamp.txt`` that is no time is none, and breaks nothing for the others.

nbgrader writes the file when it collects, but files that reach a course in another way may bring
their own. What nbgrader cannot read stops its batch, and the formgrader's list of the whole class.
"""

import logging
from collections.abc import Callable
from datetime import MAXYEAR, MINYEAR, datetime
from functools import wraps
from typing import Any

from nbgrader.apps import NbGraderAPI
from nbgrader.coursedir import CourseDirectory

from autograder.formats import one_line

__all__ = ["forgive", "forgive_everywhere"]

_Read = Callable[..., datetime | None]


def forgive(read: _Read, log: Any = None) -> _Read:
    """Let a function that reads a timestamp return None for what is none.

    So it does for the first and the last year there is, since a time zone leads out of it.
    """

    @wraps(read)
    def forgiving(*args: Any, **kwargs: Any) -> datetime | None:
        try:
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
            "timestamp.txt of %s is no time and is passed over (%s)", where, reason
        )
        return None

    return forgiving


def forgive_everywhere() -> None:
    """Do so for this process, which is a server's: its lists are made in several ways."""
    for owner, name in (
        (NbGraderAPI, "get_submitted_timestamp"),
        (CourseDirectory, "get_existing_timestamp"),
    ):
        setattr(owner, name, forgive(getattr(owner, name)))
