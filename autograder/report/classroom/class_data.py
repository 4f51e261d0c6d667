"""The data of a class report, and why students lost points."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum

from autograder.checks.no_answer import UNREADABLE
from autograder.diagnose.arguments import NAMED
from autograder.diagnose.failures import FAILURES
from autograder.model import Finding, ScoredFinding, Status
from autograder.report.classroom.known_exceptions import KNOWN

__all__ = ["Classroom", "Column", "Entry", "EqualCode", "Reason", "State", "Timing", "reasons"]


class State(StrEnum):
    """The state of one student's marking."""

    COMPLETE = "all marked"
    OPEN = "words to mark"
    BLANK = "left blank"
    UNGRADED = "ungraded"
    MISSING = "not handed in"


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
    """The explanation that one student got, with that student's numbers."""
    see: str = ""
    quotes: bool = False
    """The example may hold the student's own words, as an exception's message does."""
    neutral: str = ""
    """The title without the student's own words; empty if it has none."""


@dataclass(frozen=True, slots=True)
class Entry:
    """One student of the class."""

    student: str
    name: str
    state: State
    points: float | None
    """Including manual marks, minus the late penalty; None where there are none."""
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

    @property
    def blanks(self) -> tuple[str, ...]:
        """Functions whose blanks are unchanged, in the order of the exercise."""
        statuses: dict[str, set[Status]] = {}
        for item in self.findings.values():
            statuses.setdefault(item.finding.function, set()).add(item.finding.status)
        return tuple(name for name, found in statuses.items() if found == {Status.UNTOUCHED})


@dataclass(frozen=True, slots=True)
class Timing:
    """A function whose speed is judged."""

    exercise: str
    function: str
    workers: int
    reference: float | None
    """Speedup of the reference solution in the round; None where it was not kept."""


@dataclass(frozen=True, slots=True)
class EqualCode:
    """Students with identical code; that alone proves nothing."""

    exercise: str
    students: tuple[str, ...]


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
    equal_code: tuple[EqualCode, ...] = ()


_STOPPED = re.compile(
    r"(?:the )?(?P<who>it|cell|notebook)\b(?: \d+ of the notebook)? was stopped(?P<why>.*)"
)
"""The wording of checks whose function, cell or notebook was stopped; a time-out of a function is a
named mistake, and these are the others."""

_OURS = re.compile(r":?[^:(]*")
"""How a reason for stopping begins. What it quotes, such as an exception of a step of the grader,
stands in brackets or behind a second colon."""

_QUOTING = {"unreadable_cell", *NAMED, *(k.name for k in FAILURES if re.compile(k.message).groups)}
"""Mistakes whose explanation holds names of the student's code, or parts of an exception."""


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
    for (exercise, function), failing in lost.items():
        named = dict.fromkeys(mistake for finding in failing for mistake in finding.mistakes)
        failed = next((f for f in failing if f.failure is not None), None)
        if named:
            kind = failed.failure.kind if failed is not None and failed.failure else ""
            unread = f" ({kind})" if kind in UNREADABLE else ""
            by_title = {mistake.title: mistake for mistake in reversed(named)}
            for mistake in reversed(by_title.values()):
                yield Reason(
                    exercise,
                    function,
                    f"{mistake.title}{unread}",
                    mistake.explanation.strip(),
                    mistake.see,
                    quotes=mistake.name in _QUOTING,
                )
            continue
        if failed is not None and failed.failure is not None:
            kind, message = failed.failure.kind, failed.failure.message.strip()
            neutral = "" if kind in KNOWN else f"{function} raises an exception of its own"
            title = f"{function} raises {kind}"
            yield Reason(exercise, function, title, message, quotes=True, neutral=neutral)
            continue
        if any(finding.status is Status.FORGED for finding in failing):
            said, got = "The recording was not accepted", failing[0].got
            yield Reason(exercise, function, said, got, quotes=True)
            continue
        stopped = next(filter(None, (_STOPPED.match(f.got) for f in failing)), None)
        if stopped is not None:
            who = {"it": function, "cell": "A cell of the notebook"}.get(stopped["who"])
            begun = f"{who or 'The notebook'} was stopped"
            ours = _OURS.match(stopped["why"])
            yield Reason(
                exercise,
                function,
                f"{begun}{stopped['why']}",
                stopped.string,
                quotes=True,
                neutral=f"{begun}{ours[0].rstrip() if ours else ''}",
            )
            continue
        yield Reason(
            exercise, function, f"“{failing[0].title}” is not passed", failing[0].got, quotes=True
        )
