"""The class as a table for the instructor's terminal, and where the time of grading went.

Lines fit 80 columns. A student's line has a sign for each check, with the reasons for lost points
below.
"""

import textwrap
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from rich.cells import cell_len, set_cell_size
from rich.table import Table
from rich.text import Text

from autograder.formats import NOTHING, clean, counted, number, shorten
from autograder.model import Exercise, Finding, Result, Status
from autograder.report.vocabulary import GLYPHS, WORDS

__all__ = ["Columns", "columns", "heading", "legend", "phase_table", "row"]

_INDENT = "  "
_NAME = 20
"""Characters of a student's name at most: two thirds of a line are for the rest."""


@dataclass(frozen=True, slots=True)
class Columns:
    """Widths of the columns that vary between classes."""

    student: int
    points: int
    checks: int


def columns(exercise: Exercise, students: Iterable[str]) -> Columns:
    """Lay out the table of a class before grading, so that lines can appear one by one.

    Parameters
    ----------
    exercise : Exercise
    students : iterable of str
        All who will have a line.
    """
    full = number(sum(check.points for check in exercise.checks))
    return Columns(
        student=min(max([len("student"), *(cell_len(clean(name)) for name in students)]), _NAME),
        points=max(len("points"), 2 * len(full) + len(" / ") + len(".5")),
        checks=max(len("checks"), len(exercise.checks)),
    )


def heading(widths: Columns) -> Text:
    """Return the line above the students."""
    return Text(
        _line(widths, "student", "points", "checks", "speedup", "seconds", "verdict"), "bold"
    )


def row(result: Result, widths: Columns, width: int = 80) -> list[Text]:
    """Lay out one student's result: a line, with the reasons for lost points below.

    Parameters
    ----------
    result : Result
    widths : Columns
    width : int
        Of a line. Longer text continues on the next line and is never cut.

    Returns
    -------
    list of rich.text.Text
        What the instructor should look at comes last.
    """
    scored = result.grade.scored if result.grade else ()
    findings = [item.finding for item in scored]
    total, full = (result.grade.points, result.grade.max_points) if result.grade else (0.0, 0.0)
    speedup = next((finding.speedup for finding in findings if finding.speedup), None)
    line = _line(
        widths,
        shorten(clean(result.student), widths.student),
        f"{number(total)} / {number(full)}" if result.grade else NOTHING,
        "".join(GLYPHS[finding.status] for finding in findings) or NOTHING,
        NOTHING if speedup is None else f"{speedup.speedup:.2f}",
        f"{sum(result.phases.values()):.1f}" if result.phases else NOTHING,
        _verdict([finding.status for finding in findings]),
    )
    mistakes = dict.fromkeys(m.title for finding in findings for m in finding.mistakes)
    diagnosis = "; ".join(mistakes) or _unexplained(findings)
    remark = "; ".join(result.grade.flags) if result.grade else result.reason
    return [
        _text(line),
        *(_text(part) for part in _below(diagnosis, width)),
        *(_text(part, "italic") for part in _below(remark, width)),
    ]


def legend(exercise: Exercise, width: int = 80) -> list[Text]:
    """Say what the signs mean, and in which order the checks stand."""
    signs = ", ".join(f"{sign} {WORDS[status]}" for status, sign in GLYPHS.items())
    by_function: dict[str, list[str]] = {}
    for check in exercise.checks:
        by_function.setdefault(check.function, []).append(check.check.replace("_", " "))
    order = "; ".join(f"{name} {', '.join(checks)}" for name, checks in by_function.items())
    lines = [*textwrap.wrap(signs + ".", width), *textwrap.wrap(f"Checks: {order}.", width)]
    return [_text(line, "dim") for line in lines]


def _line(
    widths: Columns, student: str, points: str, checks: str, speedup: str, took: str, verdict: str
) -> str:
    parts = [
        set_cell_size(student, max(widths.student, cell_len(student))),
        points.rjust(widths.points),
        checks.ljust(widths.checks),
        speedup.rjust(len("speedup")),
        took.rjust(len("seconds")),
        verdict,
    ]
    return "  ".join(parts)


def _below(words: str, width: int) -> list[str]:
    """Break a text into lines below a student's."""
    return textwrap.wrap(
        " ".join(clean(words).split()), width, initial_indent=_INDENT, subsequent_indent=_INDENT * 2
    )


def _verdict(statuses: Sequence[Status]) -> str:
    if not statuses:
        return "ungraded"
    if set(statuses) == {Status.UNTOUCHED}:
        return "left blank"
    passed = statuses.count(Status.PASSED)
    return "all passed" if passed == len(statuses) else f"{passed} of {len(statuses)} passed"


def _unexplained(findings: Sequence[Finding]) -> str:
    """Return the result of the first check that lost points, in case no mistake is named."""
    lost = (f for f in findings if f.status not in (Status.PASSED, Status.UNTOUCHED))
    return next((f"{finding.function}: {finding.got}" for finding in lost), "")


def phase_table(phases: Sequence[Mapping[str, float]]) -> Table:
    """Lay out where the time of grading went.

    Parameters
    ----------
    phases : sequence of mappings from phase to seconds
        One for each submission (``Evidence.phases``). A phase that a submission did not go
        through counts as zero there, so that the means add up to the mean of the whole.

    Returns
    -------
    rich.table.Table
        Mean seconds and share per phase, in the order of first appearance, and their sum.
    """
    count = max(len(phases), 1)
    names = list(dict.fromkeys(name for one in phases for name in one))
    means = {name: sum(one.get(name, 0.0) for one in phases) / count for name in names}
    total = sum(means.values())
    table = Table(box=None, pad_edge=False, header_style="bold", padding=(0, 2, 0, 0))
    table.add_column("phase", no_wrap=True)
    table.add_column("mean seconds", justify="right")
    table.add_column("share", justify="right")
    for name, mean in means.items():
        share = f"{mean / total:.0%}" if total else NOTHING
        table.add_row(_text(name), _text(f"{mean:.2f}"), _text(share))
    submissions = _text(counted(len(phases), "submission"))
    table.add_row(_text("together", "bold"), _text(f"{total:.2f}", "bold"), submissions)
    return table


def _text(content: str, style: str = "") -> Text:
    # Text, because a plain string would be read as rich's markup, names in brackets included.
    return Text(clean(content), style=style)
