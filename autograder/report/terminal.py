"""A grade in plain words: the vocabulary that every view shares, and the text for terminals."""

import math
import re
import textwrap
import traceback
from collections.abc import Iterable, Iterator
from pathlib import Path

from autograder.errors import KitError
from autograder.model import Failure, Grade, Mistake, ScoredFinding, SpeedupStudy, Status

__all__ = [
    "GLYPHS",
    "NOTHING",
    "PREVIEW",
    "PREVIEW_TITLE",
    "TIMES",
    "WORDS",
    "Said",
    "by_function",
    "clean",
    "clip",
    "failure_heading",
    "finding_lines",
    "in_order",
    "in_short",
    "number",
    "ours",
    "preview_lines",
    "render",
    "seconds",
    "seconds_rows",
    "time_left",
    "together",
    "verdict",
]

WIDTH = 88
LABEL = 15
"""Columns of the label (``expected``, ``got`` …), indent included."""
TRACEBACK_LIMIT = 4000
"""Characters; the end of a traceback, which says what happened, is what is kept."""
MESSAGE_LIMIT = 240
"""Characters of an exception's message in a heading; the traceback has the rest."""

Said = frozenset[Failure | Mistake | str]
"""Failures, mistakes and advice that an earlier check of the same grade spelt out."""

NOTHING = "\N{EN DASH}"
"""Stands where there is no number or word."""
TIMES = "\N{MULTIPLICATION SIGN}"

WORDS = {
    Status.PASSED: "passed",
    Status.PARTIAL: "partly passed",
    Status.FAILED: "not passed",
    Status.UNTOUCHED: "not attempted",
    Status.FORGED: "not accepted",
    Status.BUSY: "partly passed, on a busy machine",
}
PREVIEW_TITLE = "This is a preview: what can differ in the grade"
PREVIEW = (
    "The grade is taken on data that neither you nor your code has seen, in "
    "other sizes and chunks, so an answer that fits these data alone fails there. It runs in a "
    "box without network and without other files than the notebook's. Its speedup is held "
    "against the reference solution's on the same machine, so the credit may differ a little."
)
"""What every self-check says of the grade: that it is another thing, and what can differ."""

GLYPHS = {
    Status.PASSED: "✓",
    Status.PARTIAL: "◐",
    Status.FAILED: "✗",
    Status.UNTOUCHED: "○",
    Status.FORGED: "⚑",
    Status.BUSY: "◐",
}

ESCAPE_SEQUENCE = re.compile(r"\x1b(?:\[[0-?]*[ -/]*[@-~]|\][^\x07\x1b]*(?:\x07|\x1b\\)?|.?)")


def clean(text: str) -> str:
    """Take out of a text what can harm a terminal, an XML parser or the reader.

    Escape sequences go; other control characters, lone surrogates and characters that turn
    the direction of writing become ``U+FFFD``. Line breaks and tabs stay.

    Parameters
    ----------
    text : str
        Anything, such as the message of an exception in a student's code.

    Returns
    -------
    str
    """
    text = ESCAPE_SEQUENCE.sub("", text).replace("\r\n", "\n").replace("\r", "\n")
    return "".join(
        c if c.isprintable() or c in "\n\t" or (c.isspace() and c > " ") else "\ufffd" for c in text
    )


def clip(text: str, limit: int = TRACEBACK_LIMIT) -> str:
    """Shorten a text to its last `limit` characters, and say so where it was shortened."""
    text = text.strip("\n")
    if len(text) <= limit:
        return text
    end = text[-limit:]
    return "… (shortened)\n" + (end.partition("\n")[2] or end)


def number(value: float) -> str:
    """Write points or a ratio with at most two decimals and no trailing zeros."""
    if not math.isfinite(value):
        return NOTHING
    return f"{value:.2f}".rstrip("0").rstrip(".")


def seconds(value: float) -> str:
    """Write a duration in seconds with three significant digits or so, and its unit."""
    if not math.isfinite(value):
        return NOTHING
    digits = 3 if value < 0.1 else 2 if value < 10 else 1 if value < 100 else 0
    return f"{value:.{digits}f} s"


def time_left(elapsed: float, done: int, to_do: int) -> str:
    """Guess how long the rest of a batch takes, by what the first of it took; nothing at first.

    Parameters
    ----------
    elapsed : float
        Seconds that those took that are done.
    done, to_do : int
        How many are done, and how many are not.
    """
    if done < 1:
        return ""
    left = elapsed / done * to_do
    if left < 90:
        # To the next ten: a number that changes all the time says more than is known.
        return f"about {max(10 * round(left / 10), 10)} s left"
    return (
        f"about {round(left / 60)} min left" if left < 5400 else f"about {left / 3600:.1f} h left"
    )


def verdict(grade: Grade) -> str:
    """Say in a sentence or two how a grade came out and where to begin.

    Parameters
    ----------
    grade : Grade

    Returns
    -------
    str
    """
    findings = [scored.finding for scored in grade.scored]
    failing = [finding for finding in findings if finding.status is not Status.PASSED]
    if not findings:
        return "Nothing in this exercise is marked by a machine."
    if not failing:
        return "Every check passed."
    if all(finding.status is Status.UNTOUCHED for finding in findings):
        return "Nothing to mark yet: the blanks are as they were released."
    if any(finding.status is Status.FORGED for finding in findings):
        return (
            "What was recorded of this run contradicts what was measured from outside. "
            "Your instructor will look at it."
        )
    passed = len(findings) - len(failing)
    counted = f"{passed} of {len(findings)} checks passed."
    blanks = [name for name, status in by_function(grade) if status is Status.UNTOUCHED]
    if all(finding.status is Status.UNTOUCHED for finding in failing):
        return f"{counted} All that is filled in is right; next: {clean(blanks[0])}."
    failing = [finding for finding in failing if finding.status is not Status.UNTOUCHED]
    # An exception tends to break all checks after it: it is the place to begin.
    first = next((f for f in failing if f.failure is not None), failing[0])
    if first.failure is not None:
        return f"{counted} Begin with the {clean(first.failure.kind)} your code raised."
    named = next((f.mistakes[0].title for f in failing if f.mistakes), None)
    if named is None:
        return f"{counted} Begin with “{clean(first.title)}”."
    return f"{counted} Most likely reason: {clean(named).rstrip('.')}."


def together(statuses: Iterable[Status]) -> Status:
    """Say in one word how the checks of a function came out.

    Parameters
    ----------
    statuses : iterable of Status
        At least one.

    Returns
    -------
    Status
        The most serious of them.
    """
    return max(statuses, key=list(Status).index)


def by_function(grade: Grade) -> list[tuple[str, Status]]:
    """Say how each function came out, in the order of the exercise."""
    statuses: dict[str, list[Status]] = {}
    for scored in grade.scored:
        statuses.setdefault(scored.finding.function, []).append(scored.finding.status)
    return [(name, together(found)) for name, found in statuses.items()]


def ours(error: Exception) -> str:
    """Say of an error that it is the kit's, not the student's, and what to report."""
    return (
        f"The kit failed here, not your answer: {in_short(error)} Try again (in a notebook: "
        "restart the kernel and run all cells). If it fails again, send this message to your "
        "instructor."
    )


def in_short(error: Exception) -> str:
    """Say in a line what an error of ours is, and where one came up that nobody foresaw."""
    what = str(error)
    if not isinstance(error, KitError):
        last = traceback.extract_tb(error.__traceback__)[-1:]
        place = "".join(f" ({Path(frame.filename).name}, line {frame.lineno})" for frame in last)
        what = f"{type(error).__name__}: {error}{place}."
    return " ".join(clean(what).split())


def failure_heading(failure: Failure) -> str:
    """Say which exception it was and where the student finds the line."""
    message, _, rest = clean(failure.message).strip().partition("\n")
    if rest or len(message) > MESSAGE_LIMIT:
        message = message[:MESSAGE_LIMIT].rstrip() + " …"
    heading = clean(failure.kind) + (f": {message}" if message else "")
    places = [f"cell [{failure.cell}]"] if failure.cell is not None else []
    places += [f"line {failure.line}"] if failure.line is not None else []
    return f"{heading} ({', '.join(places)})" if places else heading


def seconds_rows(study: SpeedupStudy) -> list[tuple[str, float]]:
    """List the seconds of the timed case, each with what it is of, in the order to read them."""
    rows = (
        []
        if study.serial_seconds is None
        else [("plain scikit-learn, one core", study.serial_seconds)]
    )
    rows += [
        (f"Dask, {_workers(p)}, replayed", study.makespans[p]) for p in sorted({1, study.workers})
    ]
    return [*rows, (f"Dask, {_workers(study.workers)}, measured", study.measured_seconds)]


def in_order(grade: Grade) -> Iterator[tuple[ScoredFinding, Said]]:
    """Go through the checks of a grade, each with what the earlier ones have said already."""
    said: Said = frozenset()
    for scored in grade.scored:
        yield scored, said
        finding = scored.finding
        if finding.status is not Status.PASSED:
            said |= {finding.advice, *finding.mistakes}
            said |= {finding.failure} if finding.failure else set()


def finding_lines(scored: ScoredFinding, said: Said = frozenset()) -> list[str]:
    """Write one check as lines of text: one line where it passed, else all that helps.

    Parameters
    ----------
    scored : ScoredFinding
    said : frozenset, optional
        What need not be said again.

    Returns
    -------
    list of str
        Lines without line breaks, at most 88 columns wide, tracebacks excepted.
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
        if mistake not in said:
            lines += _labelled("", mistake.explanation)
            lines += _labelled("", f"Read more: {mistake.see}" if mistake.see else "")
    failure = finding.failure
    if failure is None or finding.advice not in said:
        lines += _labelled("what to do", finding.advice)
    if failure is not None and failure in said:
        lines += _labelled("your error", f"{failure.kind}, the same as above")
    elif failure is not None:
        lines += _labelled("your error", failure_heading(failure))
        traceback = clip(clean(failure.traceback))
        lines += [f"    │ {line}".rstrip() for line in traceback.splitlines()]
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
    for scored, said in in_order(grade):
        block = finding_lines(scored, said)
        lines += block if len(block) == 1 else [*block, ""]
    return "\n".join(lines).rstrip() + "\n"


def preview_lines() -> list[str]:
    """Wrap what a self-check says of the grade for terminals."""
    return textwrap.wrap(f"{PREVIEW_TITLE}. {PREVIEW}", WIDTH)


def _workers(count: int) -> str:
    return "1 worker" if count == 1 else f"{count} workers"


def _labelled(label: str, text: str) -> Iterator[str]:
    """Indent a paragraph under its label; nothing for an empty text."""
    for paragraph in clean(text).strip().splitlines():
        for line in textwrap.wrap(paragraph, WIDTH - 4 - LABEL) or [""]:
            yield f"    {label:<{LABEL}}{line}".rstrip()
            label = ""
