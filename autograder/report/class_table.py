"""The class as a table for the instructor's terminal, and where the time of grading went."""

import re
from collections.abc import Iterator, Mapping, Sequence

from rich.table import Table
from rich.text import Text

from autograder.formats import NOTHING, clean, counted, number, shorten
from autograder.model import Finding, Result, Status

__all__ = ["class_table", "phase_table"]


def class_table(results: Sequence[Result]) -> Table:
    """Lay out a class: a line per student, a column per check.

    Parameters
    ----------
    results : sequence of Result
        In the order to show them. The columns of checks stand in the order in which the
        results first name them.

    Returns
    -------
    rich.table.Table
        What the instructor should look at stands below the diagnosis.
    """
    checks = list(dict.fromkeys(name for result in results for name in _points(result)))
    table = Table(box=None, pad_edge=False, header_style="bold", padding=(0, 1, 0, 0))
    table.add_column("student", no_wrap=True)
    for check in checks:
        # A name over several lines keeps the column as narrow as its points.
        table.add_column(_text(re.sub("[-_ ]+", "\n", check)), justify="right", no_wrap=True)
    for name in ("points", "speedup", "seconds"):
        table.add_column(name, justify="right", no_wrap=True)
    table.add_column("verdict", no_wrap=True)
    table.add_column("diagnosis", ratio=1, min_width=20)
    for result in results:
        table.add_row(*_row(result, checks))
    return table


def _row(result: Result, checks: Sequence[str]) -> Iterator[Text]:
    """Yield the cells of a student's line."""
    findings = [item.finding for item in result.grade.scored] if result.grade else []
    points = _points(result)
    total, full = (result.grade.points, result.grade.max_points) if result.grade else (0.0, 0.0)
    speedup = next((finding.speedup for finding in findings if finding.speedup), None)
    yield _text(result.student)
    yield from (_text(number(points[c]) if c in points else NOTHING) for c in checks)
    yield _text(f"{number(total)} / {number(full)}", "bold")
    yield _text(NOTHING if speedup is None else f"{speedup.speedup:.2f}")
    yield _text(f"{sum(result.phases.values()):.1f}")
    yield _text(_verdict([finding.status for finding in findings]))
    mistakes = dict.fromkeys(m.title for finding in findings for m in finding.mistakes)
    diagnosis = _text("; ".join(mistakes) or shorten(_unexplained(findings), 120))
    remark = _text("; ".join(result.grade.flags) if result.grade else result.reason, "italic")
    yield Text("\n").join(filter(None, [diagnosis, remark])) or _text(NOTHING)


def _points(result: Result) -> dict[str, float]:
    scored = result.grade.scored if result.grade else ()
    return {item.finding.grade_id: item.points for item in scored}


def _verdict(statuses: Sequence[Status]) -> str:
    if not statuses:
        return "ungraded"
    if set(statuses) == {Status.UNTOUCHED}:
        return "left blank"
    passed = statuses.count(Status.PASSED)
    return "all passed" if passed == len(statuses) else f"{passed} of {len(statuses)} passed"


def _unexplained(findings: Sequence[Finding]) -> str:
    """Return what the first check that lost points got, for where no mistake has a name."""
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
