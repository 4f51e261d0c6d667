"""A class on one page: who got what, how fast, which mistakes how often, and what is open.

The page stands alone: one file, no library, and a policy that lets the browser load nothing
and run only the script that came with it. Everything from students is escaped. The CSV beside
it has a line per student and leaves points empty where there are none.
"""

import csv
import hashlib
import io
import statistics
from base64 import b64encode
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from importlib.resources import files

from markupsafe import Markup

from autograder.model import Finding, ScoredFinding, Status
from autograder.report.card import ENVIRONMENT
from autograder.report.plain import GLYPHS, WORDS, clean, number

__all__ = [
    "Classroom",
    "Column",
    "Entry",
    "Reason",
    "State",
    "Timing",
    "csv_text",
    "html",
    "reasons",
]


class State(StrEnum):
    """How far the marking of one student has come."""

    COMPLETE = "all marked"
    OPEN = "words to mark"
    UNGRADED = "ungraded"
    MISSING = "not handed in"


_GLYPH = {State.COMPLETE: "✓", State.OPEN: "✎", State.UNGRADED: "◌", State.MISSING: "–"}


@dataclass(frozen=True, slots=True)
class Column:
    """One row of the mark sheet as a column of the class table."""

    exercise: str
    grade_id: str
    function: str
    """Empty for a question in words."""
    label: str
    title: str
    max_points: float


@dataclass(frozen=True, slots=True)
class Reason:
    """Why points were lost, in a form that can be counted."""

    exercise: str
    function: str
    title: str
    example: str
    """What one student was told, with that student's numbers."""
    see: str = ""
    quotes: bool = False
    """The example may hold the student's own words, as an exception's message does."""


@dataclass(frozen=True, slots=True)
class Entry:
    """One student of the class."""

    student: str
    name: str
    state: State
    points: float | None
    """With marks by hand and without what lateness cost; None where there are none."""
    penalty: float
    marks: Mapping[tuple[str, str], float | None]
    """By exercise and ``grade_id``; None while open."""
    by_hand: frozenset[tuple[str, str]]
    findings: Mapping[tuple[str, str], ScoredFinding]
    speedups: Mapping[tuple[str, str], float]
    """The ones that count, by exercise and function."""
    flags: tuple[str, ...]
    reason: str
    """Why there is no grade."""
    feedback: str | None
    """Address of the feedback, relative to the page."""

    @property
    def reasons(self) -> tuple[Reason, ...]:
        """What cost this student points."""
        return tuple(reasons(self.findings))


@dataclass(frozen=True, slots=True)
class Timing:
    """A function whose speed is judged."""

    exercise: str
    function: str
    workers: int
    reference: float | None
    """Speedup of the reference solution in the round; None where it was not kept."""


@dataclass(frozen=True, slots=True)
class Classroom:
    """All that the page shows."""

    course: str
    assignment: str
    title: str
    round: str
    made: str
    """When, in words."""
    max_points: float
    columns: tuple[Column, ...]
    timings: tuple[Timing, ...]
    entries: tuple[Entry, ...]


def reasons(findings: Mapping[tuple[str, str], ScoredFinding]) -> Iterator[Reason]:
    """Yield what cost a student points, once per function and cause.

    One fault often fails several checks of a function. A named mistake explains them all; where
    there is none, an exception does; and failing that, the first check that was lost.

    Parameters
    ----------
    findings : mapping
        By exercise and ``grade_id``, in the order of the exercise.
    """
    lost: dict[tuple[str, str], list[Finding]] = {}
    for (exercise, _), item in findings.items():
        if item.finding.status not in (Status.PASSED, Status.UNTOUCHED):
            lost.setdefault((exercise, item.finding.function), []).append(item.finding)
    for (exercise, function), found in lost.items():
        named = dict.fromkeys(mistake for finding in found for mistake in finding.mistakes)
        if named:
            seen = {mistake.title: mistake for mistake in reversed(named)}
            for mistake in reversed(seen.values()):
                yield Reason(
                    exercise, function, mistake.title, mistake.explanation.strip(), mistake.see
                )
            continue
        failed = next((f for f in found if f.failure is not None), None)
        if failed is not None and failed.failure is not None:
            kind, message = failed.failure.kind, failed.failure.message.strip()
            yield Reason(exercise, function, f"{function} raises {kind}", message, quotes=True)
            continue
        if any(finding.status is Status.FORGED for finding in found):
            yield Reason(exercise, function, "The recording was not accepted", found[0].got)
            continue
        yield Reason(
            exercise, function, f"“{found[0].title}” is not passed", found[0].got, quotes=True
        )


# ----------------------------------------------------------------------------------- the page


def html(room: Classroom, *, anonymous: bool = False) -> str:
    """Write the page.

    Parameters
    ----------
    room : Classroom
    anonymous : bool
        Leave out every name and every line about one student, to show it to the class.

    Returns
    -------
    str
        A whole HTML document.
    """
    style, script = _asset("classroom.css"), _asset("classroom.js")
    counted = _counted(room.entries)
    return ENVIRONMENT.get_template("classroom.html").render(
        room=room,
        anonymous=anonymous,
        style=Markup(style),
        script=Markup(script),
        policy=_policy(style, script),
        tiles=_tiles(room),
        pictures=_pictures(room),
        mistakes=[
            {"id": f"m{place}", "reason": reason, "students": students, "share": share}
            for place, (reason, students, share) in enumerate(counted)
        ],
        checks=[_check(room, column) for column in room.columns if column.function],
        groups=_groups(room.columns),
        attention=list(_attention(room.entries)),
        rows=[_row(room, entry, counted) for entry in room.entries],
        states=[(state, _GLYPH[state]) for state in State],
        statuses=list(WORDS.items()),
        glyphs=GLYPHS,
    )


def _asset(name: str) -> str:
    return files("autograder.report").joinpath("templates", name).read_text(encoding="utf-8")


def _policy(style: str, script: str) -> str:
    """Return a Content-Security-Policy that allows just this style and this script."""

    def digest(text: str) -> str:
        return f"'sha256-{b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"

    return (
        f"default-src 'none'; style-src {digest(style)}; script-src {digest(script)}; "
        "base-uri 'none'; form-action 'none'"
    )


def _tiles(room: Classroom) -> list[tuple[str, str]]:
    """Return the numbers to begin with, each with its words."""
    states = Counter(entry.state for entry in room.entries)
    points = [entry.points for entry in room.entries if entry.points is not None]
    handed_in = len(room.entries) - states[State.MISSING]
    middle = f"{number(statistics.median(points))} of {number(room.max_points)}" if points else "–"
    return [
        (f"{handed_in} of {len(room.entries)}", "handed in"),
        (middle, "median points so far" if states[State.OPEN] else "median points"),
        (str(states[State.UNGRADED]), "ungraded"),
        (str(sum(bool(entry.flags) for entry in room.entries)), "flagged"),
        (str(states[State.OPEN]), "with words to mark"),
    ]


def _counted(entries: Sequence[Entry]) -> list[tuple[Reason, list[str], float]]:
    """Count the reasons: each with its students and its share of the graded, the most common first.

    Of a reason that many share, the first student's numbers are the example.
    """
    by_key: dict[tuple[str, str, str], tuple[Reason, list[str]]] = {}
    for entry in entries:
        for reason in entry.reasons:
            by_key.setdefault(_key(reason), (reason, []))[1].append(entry.student)
    graded = sum(bool(entry.findings) for entry in entries) or 1
    found = [(reason, students, len(students) / graded) for reason, students in by_key.values()]
    return sorted(found, key=lambda each: -len(each[1]))


def _key(reason: Reason) -> tuple[str, str, str]:
    return reason.exercise, reason.function, reason.title


def _check(room: Classroom, column: Column) -> dict[str, object]:
    """Count how one check came out."""
    key = column.exercise, column.grade_id
    found = [entry.findings[key] for entry in room.entries if key in entry.findings]
    counts = Counter(item.finding.status for item in found)
    return {
        "column": column,
        "counts": [counts[status] for status in WORDS],
        "passed": counts[Status.PASSED] / (len(found) or 1),
        "mean": statistics.mean(item.points for item in found) if found else None,
    }


def _groups(columns: Sequence[Column]) -> list[tuple[str, list[Column]]]:
    """Gather neighbouring columns of one function under its name."""
    groups: list[tuple[str, list[Column]]] = []
    for column in columns:
        name = column.function or "in words"
        if not groups or groups[-1][0] != name:
            groups.append((name, []))
        groups[-1][1].append(column)
    return groups


def _attention(entries: Iterable[Entry]) -> Iterator[tuple[Entry, str, str]]:
    """Yield what somebody has to look at, with the reason."""
    flagged = []
    for entry in entries:
        if entry.state is State.UNGRADED:
            yield entry, "ungraded", entry.reason
        flagged += [(entry, "flagged", flag) for flag in entry.flags]
    yield from flagged


def _row(
    room: Classroom, entry: Entry, counted: Sequence[tuple[Reason, list[str], float]]
) -> dict[str, object]:
    places = {_key(reason): f"m{place}" for place, (reason, _, _) in enumerate(counted)}
    cells = []
    for column in room.columns:
        key = column.exercise, column.grade_id
        found, points = entry.findings.get(key), entry.marks.get(key)
        status = found.finding.status if found else None
        cells.append(
            {
                "points": points,
                "glyph": GLYPHS[status] if status else "",
                "word": WORDS[status] if status else "",
                "status": status.value if status else "none",
                "by_hand": key in entry.by_hand and bool(column.function),
            }
        )
    return {
        "entry": entry,
        "glyph": _GLYPH[entry.state],
        "cells": cells,
        "speedups": [
            entry.speedups.get((timing.exercise, timing.function)) for timing in room.timings
        ],
        "mistakes": " ".join(places[_key(reason)] for reason in entry.reasons),
        "says": [reason.title for reason in entry.reasons],
    }


# ------------------------------------------------------------------------------- the pictures


@dataclass(frozen=True, slots=True)
class Bar:
    """One column of a histogram; lengths in the units of the drawing."""

    x: float
    y: float
    width: float
    height: float
    count: int
    label: str
    """The left edge, or empty where there is no room for one."""


@dataclass(frozen=True, slots=True)
class Histogram:
    """A distribution, ready to be drawn: 0 to 480 from left to right, 0 to 150 downwards."""

    name: str
    title: str
    unit: str
    bars: tuple[Bar, ...]
    last: str
    """The right edge."""
    mark: tuple[float, str] | None
    """A vertical line and its words."""
    description: str


WIDTH, HEIGHT = 480.0, 150.0


def _pictures(room: Classroom) -> list[Histogram]:
    points = [entry.points for entry in room.entries if entry.points is not None]
    open_ = sum(entry.state is State.OPEN for entry in room.entries)
    unit = "points" + (f", {open_} with words still to be marked" if open_ else "")
    step = 1.0 if room.max_points <= 20 else room.max_points / 10
    shown = [_histogram("marks", "Marks", unit, points, 0.0, room.max_points, step)]
    for place, timing in enumerate(room.timings):
        key = timing.exercise, timing.function
        values = [entry.speedups[key] for entry in room.entries if key in entry.speedups]
        top = max([float(timing.workers), *values])
        step = next(step for step in (0.1, 0.2, 0.5, 1.0, top) if (top - 1) / step <= 12)
        unit = f"times as fast as one worker, on {timing.workers}"
        title = f"Speedup of {timing.function}"
        shown.append(
            _histogram(f"speedup{place}", title, unit, values, 1.0, top, step, timing.reference)
        )
    return shown


def _histogram(
    name: str,
    title: str,
    unit: str,
    values: Sequence[float],
    low: float,
    high: float,
    step: float,
    mark: float | None = None,
) -> Histogram:
    """Count values into columns; what lies on the upper end belongs to the last one."""
    count = max(round((high - low) / step + 0.499), 1)
    # A hair above, so that 1.3 falls right of the edge at 1.3.
    places = Counter(min(int((value - low) / step + 1e-9), count - 1) for value in values)
    most = max(places.values(), default=1)
    width = WIDTH / count
    every = max(1, -(-count // 12))
    bars = tuple(
        Bar(
            x=place * width,
            y=HEIGHT - HEIGHT * places[place] / most,
            width=width,
            height=HEIGHT * places[place] / most,
            count=places[place],
            label=number(low + place * step) if place % every == 0 else "",
        )
        for place in range(count)
    )
    end = low + count * step
    parts = [
        f"{bar.count} from {number(low + place * step)} to {number(low + (place + 1) * step)}"
        for place, bar in enumerate(bars)
        if bar.count
    ]
    if values:
        parts.append(f"median {statistics.median(values):.2f}".rstrip("0").rstrip("."))
    line = None
    if mark is not None and low <= mark <= end:
        line = (WIDTH * (mark - low) / (end - low), f"reference {mark:.2f}")
        parts.append(line[1])
    description = f"{len(values)} students: {'; '.join(parts)}." if values else "Nobody yet."
    return Histogram(name, title, unit, bars, number(end), line, description)


# ------------------------------------------------------------------------------------ the CSV


def csv_text(room: Classroom) -> str:
    """Write a line per student, with the points of every check and question.

    A student without a grade has a state and a reason, and no points, where the export of
    nbgrader has a 0.
    """
    several = len({column.exercise for column in room.columns}) > 1

    def heading(exercise: str, name: str) -> str:
        return f"{exercise}/{name}" if several else name

    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(
        [
            *("student", "name", "state", "points", "max_points", "late_penalty"),
            *(heading(column.exercise, column.grade_id) for column in room.columns),
            *(heading(t.exercise, f"{t.function}_speedup_counted") for t in room.timings),
            *("mistakes", "flags", "reason"),
        ]
    )
    for entry in room.entries:
        marks = [entry.marks.get((c.exercise, c.grade_id)) for c in room.columns]
        speedups = [entry.speedups.get((t.exercise, t.function)) for t in room.timings]
        writer.writerow(
            [
                *(_safe(entry.student), _safe(entry.name), entry.state.value),
                *("" if entry.points is None else number(entry.points), number(room.max_points)),
                number(entry.penalty) if entry.points is not None else "",
                *("" if points is None else number(points) for points in marks),
                *("" if speedup is None else f"{speedup:.3f}" for speedup in speedups),
                _safe("; ".join(reason.title for reason in entry.reasons)),
                _safe("; ".join(entry.flags)),
                _safe(entry.reason),
            ]
        )
    return out.getvalue()


def _safe(text: str) -> str:
    """Keep a spreadsheet from taking a student's text for a formula."""
    line = " ".join(clean(text).split())
    return f"'{line}" if line.startswith(("=", "+", "-", "@")) else line
