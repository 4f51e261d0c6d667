"""The class as a table for the instructor's terminal, and where the time of grading went."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from rich.table import Table
from rich.text import Text

from autograder.formats import NOTHING, clean, counted, number

__all__ = ["ClassRow", "class_table", "phase_table"]


@dataclass(frozen=True, slots=True)
class ClassRow:
    """One student's line of the class table."""

    student: str
    points_by_check: Mapping[str, str | float]
    """Points, or a word in their place, by the name that heads the column."""
    total: float
    max_points: float
    verdict: str
    """In words."""
    diagnosis: str
    """Titles of the named mistakes; empty where there is none."""
    speedup: float | None
    """The one that counts; None where nothing was timed."""
    seconds: float
    """From taking the submission up to its marks."""
    remark: str = ""
    """What the instructor should look at."""


def class_table(rows: Sequence[ClassRow]) -> Table:
    """Lay out a class: a line per student, a column per check.

    Parameters
    ----------
    rows : sequence of ClassRow
        In the order to show them. The columns of checks stand in the order in which the
        rows first name them.

    Returns
    -------
    rich.table.Table
        A remark stands below the diagnosis.
    """
    checks = list(dict.fromkeys(check for row in rows for check in row.points_by_check))
    table = Table(box=None, pad_edge=False, header_style="bold", padding=(0, 1, 0, 0))
    table.add_column("student", no_wrap=True)
    for check in checks:
        # A name over several lines keeps the column as narrow as its points.
        table.add_column(_text(re.sub("[-_ ]+", "\n", check)), justify="right", no_wrap=True)
    for name in ("points", "speedup", "seconds"):
        table.add_column(name, justify="right", no_wrap=True)
    table.add_column("verdict", no_wrap=True)
    table.add_column("diagnosis", ratio=1, min_width=20)
    for row in rows:
        table.add_row(
            _text(row.student),
            *(_points(row.points_by_check.get(check, NOTHING)) for check in checks),
            _text(f"{number(row.total)} / {number(row.max_points)}", "bold"),
            _text(NOTHING if row.speedup is None else f"{row.speedup:.2f}"),
            _text(f"{row.seconds:.1f}"),
            _text(row.verdict),
            _diagnosis(row),
        )
    return table


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


def _diagnosis(row: ClassRow) -> Text:
    if not row.remark:
        return _text(row.diagnosis or NOTHING)
    return Text("\n").join([*filter(None, [_text(row.diagnosis)]), _text(row.remark, "italic")])


def _points(value: str | float) -> Text:
    return _text(value if isinstance(value, str) else number(value))
