"""Errors in a line or two: a student's exception, and a failure of the kit itself."""

import traceback
from pathlib import Path

from autograder.errors import KitError
from autograder.formats import clean, clip, sentence, shorten
from autograder.model import Failure

__all__ = ["failure_heading", "failure_lines", "in_short", "ours"]

MESSAGE_LIMIT = 240
"""Characters of an exception's message in a heading; the traceback has the rest."""


def failure_heading(failure: Failure) -> str:
    """Say which exception it was and where the student finds the line."""
    message, _, rest = clean(failure.message).strip().partition("\n")
    short = shorten(message, MESSAGE_LIMIT)
    if rest or short != message:
        message = short.removesuffix("…").rstrip() + " …"
    heading = clean(failure.kind) + (f": {message}" if message else "")
    places = [f"cell [{failure.cell}]"] if failure.cell is not None else []
    places += [f"line {failure.line}"] if failure.line is not None else []
    return f"{heading} ({', '.join(places)})" if places else heading


def failure_lines(failure: Failure) -> str:
    """Return the traceback of a failure; nothing where the heading has all of it."""
    lines = clip(clean(failure.traceback))
    return "" if lines.strip() == f"{failure.kind}: {failure.message}".strip() else lines


def ours(error: Exception) -> str:
    """Say that an error is the kit's, not the student's, and what to report."""
    return (
        f"The kit failed here, not your answer: {in_short(error)} Try again (in a notebook: "
        "restart the kernel and run all cells). If it fails again, send this message to your "
        "instructor."
    )


def in_short(error: Exception) -> str:
    """Describe an error of the kit in a line, and say where an unforeseen one was raised."""
    what = str(error)
    if not isinstance(error, KitError):
        last = traceback.extract_tb(error.__traceback__)[-1:]
        place = "".join(f" ({Path(frame.filename).name}, line {frame.lineno})" for frame in last)
        what = f"{type(error).__name__}: {error}{place}"
    return sentence(" ".join(clean(what).split()))
