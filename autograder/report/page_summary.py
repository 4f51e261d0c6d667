"""The summary on top of a feedback page: how each check went, why, and where it is explained."""

from collections.abc import Sequence
from dataclasses import dataclass

from autograder.formats import number
from autograder.model import Status
from autograder.report.card import ENVIRONMENT
from autograder.report.vocabulary import GLYPHS, WORDS

__all__ = ["CheckLine", "WordsLine", "summary"]


@dataclass(frozen=True, slots=True)
class CheckLine:
    """A check of the page."""

    anchor: str
    status: Status
    title: str
    reason: str
    """The mistake, or the exception; empty if none is known or the check is passed."""
    points: float
    max_points: float


@dataclass(frozen=True, slots=True)
class WordsLine:
    """A manual mark, or a comment."""

    anchor: str
    title: str
    points: float | None
    """None while it waits to be marked."""
    max_points: float
    commented: bool = False


def summary(checks: Sequence[CheckLine], words: Sequence[WordsLine]) -> str:
    """Write the summary as HTML.

    Parameters
    ----------
    checks, words : sequence
        In the order of the page.

    Returns
    -------
    str
        One ``<div>``. All passed checks share one line; every other has its own row.
    """
    waiting = sum(one.max_points for one in words if one.points is None)
    return ENVIRONMENT.get_template("summary.html").render(
        machine=f"{number(sum(one.points for one in checks))} of "
        f"{_points(sum(one.max_points for one in checks))}",
        lost=[one for one in checks if one.status is not Status.PASSED],
        passed=[one for one in checks if one.status is Status.PASSED],
        waiting=_points(waiting) if waiting else "",
        words=words,
        glyphs=GLYPHS,
        says=WORDS,
        Status=Status,
    )


def _points(value: float) -> str:
    return "1 point" if value == 1 else f"{number(value)} points"
