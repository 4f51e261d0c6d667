"""The page of a class, as HTML."""

import hashlib
import re
import statistics
from base64 import b64encode
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from importlib.resources import files

from markupsafe import Markup

from autograder.formats import clean, number
from autograder.model import Status
from autograder.report.card import ENVIRONMENT, prose
from autograder.report.classroom import histogram
from autograder.report.classroom.class_data import Classroom, Column, Entry, Reason, State
from autograder.report.vocabulary import GLYPHS, WORDS

__all__ = ["html"]

_BREAK = re.compile(r"(?<=[\s._@/+-])(?=[^\s._@/+-])|(?<=[a-z])(?=[A-Z])")
"""Where a name may be broken: after a sign that joins words, and before a capital letter."""
_LONGEST = 16
"""Longest run of letters without such a place; longer ones are broken anywhere."""


def _breakable(name: str) -> Markup:
    """Let a browser break a name between its words, and not anywhere."""
    pieces = (
        piece[at : at + _LONGEST]
        for piece in _BREAK.split(clean(name))
        for at in range(0, max(len(piece), 1), _LONGEST)
    )
    return Markup("<wbr/>").join(pieces)


_MANY = 13
"""Columns of checks, questions and speedups that fit a window of 800 pixels, names of students
included; a table with more scrolls within itself."""


def html(classroom: Classroom, *, anonymous: bool = False) -> str:
    """Write the page.

    Parameters
    ----------
    classroom : Classroom
    anonymous : bool
        Leave out every name, every line about one student and whatever students wrote, to show it
        to the class.

    Returns
    -------
    str
        A whole HTML document.
    """
    style, script = _asset("classroom.css"), _asset("classroom.js")
    counted = _counted(classroom.entries, anonymous=anonymous)
    return ENVIRONMENT.get_template("classroom.html").render(
        classroom=classroom,
        breakable=_breakable,
        anonymous=anonymous,
        style=Markup(style),
        script=Markup(script),
        policy=_policy(style, script),
        tiles=_tiles(classroom),
        pictures=histogram.of(classroom),
        mistakes=[
            {"id": f"m{place}", "reason": reason, "students": students, "share": share}
            for place, (reason, students, share) in enumerate(counted)
        ],
        checks=[_check(classroom, column) for column in classroom.columns if column.function],
        groups=_groups(classroom.columns),
        attention=list(_attention(classroom.entries)),
        rows=[] if anonymous else [_row(classroom, one, counted) for one in classroom.entries],
        states=list(State),
        many=len(classroom.columns) + len(classroom.timings) > _MANY,
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


def _tiles(classroom: Classroom) -> list[tuple[str, str]]:
    """Return the key figures, each with its label."""
    states = Counter(entry.state for entry in classroom.entries)
    points = [entry.points for entry in classroom.entries if entry.points is not None]
    handed_in = len(classroom.entries) - states[State.MISSING]
    middle = (
        f"{number(statistics.median(points))} of {number(classroom.max_points)}" if points else "–"
    )
    return [
        (f"{handed_in} of {len(classroom.entries)}", "handed in"),
        (middle, "median points so far" if states[State.OPEN] else "median points"),
        (str(states[State.UNGRADED]), "ungraded"),
        (str(sum(bool(entry.flags) for entry in classroom.entries)), "flagged"),
        (str(states[State.OPEN]), "with words to mark"),
    ]


def _counted(entries: Sequence[Entry], *, anonymous: bool) -> list[tuple[Reason, list[str], float]]:
    """Count the reasons: each with its students and its share of the graded, the most common first.

    Of a reason that many share, the first student's numbers are the example.
    """
    by_key: dict[tuple[str, str, str], tuple[Reason, list[str]]] = {}
    for entry in entries:
        for reason in map(_neutral, entry.reasons) if anonymous else entry.reasons:
            by_key.setdefault(_key(reason), (reason, []))[1].append(entry.student)
    graded = sum(bool(entry.findings) for entry in entries) or 1
    found = [(reason, students, len(students) / graded) for reason, students in by_key.values()]
    return sorted(found, key=lambda each: -len(each[1]))


def _neutral(reason: Reason) -> Reason:
    """Leave out what the student may have written."""
    example = "" if reason.quotes else reason.example
    return replace(reason, title=reason.neutral or reason.title, example=example)


def _key(reason: Reason) -> tuple[str, str, str]:
    return reason.exercise, reason.function, reason.title


def _check(classroom: Classroom, column: Column) -> dict[str, object]:
    """Count how one check came out."""
    key = column.exercise, column.grade_id
    found = [entry.findings[key] for entry in classroom.entries if key in entry.findings]
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
    """Yield what needs attention, with the reason."""
    flagged = []
    for entry in entries:
        if entry.state is State.UNGRADED:
            yield entry, "ungraded", entry.reason
        flagged += [(entry, "flagged", flag) for flag in entry.flags]
    yield from flagged


def _row(
    classroom: Classroom, entry: Entry, counted: Sequence[tuple[Reason, list[str], float]]
) -> dict[str, object]:
    places = {_key(reason): f"m{place}" for place, (reason, _, _) in enumerate(counted)}
    cells = []
    for column in classroom.columns:
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
        "cells": cells,
        "speedups": [
            entry.speedups.get((timing.exercise, timing.function)) for timing in classroom.timings
        ],
        "mistakes": " ".join(places[_key(reason)] for reason in entry.reasons),
        "says": list(_said(entry.reasons)),
        "blanks": [] if entry.state is State.BLANK else list(entry.blanks),
    }


def _said(reasons: Iterable[Reason]) -> Iterator[Markup]:
    """Yield each title once, with its functions if there are several."""
    functions: dict[str, list[str]] = {}
    for reason in reasons:
        functions.setdefault(reason.title, []).append(reason.function)
    for title, names in functions.items():
        text = f"{title}: {', '.join(names)}" if len(names) > 1 else title
        # Only words have underscores here, and no tag of ours.
        yield Markup(str(prose(text)).replace("_", "_<wbr/>"))
