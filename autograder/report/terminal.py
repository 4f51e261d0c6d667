"""A grade as plain text for terminals, pytest and logs, 88 columns wide."""

import textwrap
from collections.abc import Iterator

from autograder.formats import clean, number, seconds
from autograder.model import Grade, ScoredFinding, Status
from autograder.pointers import pointers
from autograder.report.error_text import failure_heading, failure_lines
from autograder.report.vocabulary import (
    GLYPHS,
    PREVIEW,
    PREVIEW_TITLE,
    WORDS,
    Explained,
    in_order,
    seconds_rows,
    verdict,
)

__all__ = ["finding_lines", "preview_lines", "render"]

WIDTH = 88
LABEL = 15
"""Columns of the label (``expected``, ``got`` …), indent included."""


def finding_lines(scored: ScoredFinding, explained: Explained = frozenset()) -> list[str]:
    """Write one check as lines of text: one line where it passed, else all that helps.

    Parameters
    ----------
    scored : ScoredFinding
    explained : frozenset, optional
        Explanations of earlier checks, which are not repeated.

    Returns
    -------
    list of str
        Lines without line breaks, at most 88 columns wide, tracebacks and addresses excepted.
    """
    finding = scored.finding
    status = f"{GLYPHS[finding.status]} {WORDS[finding.status]}".ljust(LABEL + 2)
    points = f"{number(scored.points)} / {number(scored.max_points)}"
    title = textwrap.wrap(clean(finding.title), WIDTH - len(status) - len(points) - 2) or [""]
    lines = [f"{status}{title[0]}".ljust(WIDTH - len(points)) + points]
    lines += [" " * len(status) + rest for rest in title[1:]]
    if finding.status is Status.PASSED:
        return lines
    lines += _labelled("expected", finding.expected)
    lines += _labelled("got", finding.got)
    for mistake in finding.mistakes:
        lines += _labelled("likely reason", mistake.title)
        if mistake not in explained:
            lines += _labelled("", mistake.explanation)
            for pointer in pointers(mistake.see):
                lines += _labelled("", f"Read more: {pointer.title}")
                # On a line of its own and never broken, so that a terminal makes a link of it.
                lines += [pointer.address] if pointer.address else []
    failure = finding.failure
    if failure is None or finding.advice not in explained:
        lines += _labelled("what to do", finding.advice)
    if failure is not None and failure in explained:
        lines += _labelled("your error", f"{failure.kind}, the same as above")
    elif failure is not None:
        lines += _labelled("your error", failure_heading(failure))
        traced = failure_lines(failure).splitlines()
        lines += [f"    │ {line}".rstrip() for line in traced]
    if finding.study is not None and finding.status is not Status.FORGED:
        rows = seconds_rows(finding.study)
        lines += ["    seconds"]
        lines += [f"        {what:<34}{seconds(value):>10}" for what, value in rows]
    return lines


def render(grade: Grade) -> str:
    """Write a grade as plain text for terminals, pytest and logs, 88 columns wide.

    Parameters
    ----------
    grade : Grade

    Returns
    -------
    str
        Ends with a line break.
    """
    points = f"{number(grade.points)} of {number(grade.max_points)} points"
    lines = [clean(grade.exercise).ljust(WIDTH - len(points)) + points]
    lines += [*textwrap.wrap(verdict(grade), WIDTH), ""]
    for scored, explained in in_order(grade):
        block = finding_lines(scored, explained)
        lines += block if len(block) == 1 else [*block, ""]
    return "\n".join(lines).rstrip() + "\n"


def preview_lines() -> list[str]:
    """Wrap a self-check's remarks on the grade for terminals."""
    return textwrap.wrap(f"{PREVIEW_TITLE}. {PREVIEW}", WIDTH)


def _labelled(label: str, text: str) -> Iterator[str]:
    """Indent a paragraph under its label; nothing for an empty text."""
    for paragraph in clean(text).strip().splitlines():
        for line in textwrap.wrap(paragraph, WIDTH - 4 - LABEL) or [""]:
            yield f"    {label:<{LABEL}}{line}".rstrip()
            label = ""
