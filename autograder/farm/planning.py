"""What to observe: each code once, unless the store has its evidence. Pure."""

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from autograder.formats import NOTHING, counted, one_line
from autograder.model import Submission

__all__ = ["CORES", "Code", "Known", "Plan", "Unreadable", "cost", "duration", "make", "summary",
           "whose"]  # fmt: skip

CORES = 2
"""Of a slot, unless an exercise has more workers."""


@dataclass(frozen=True, slots=True)
class Known:
    """A notebook that was read, and whether its code has been observed."""

    student: str
    exercise: str
    key: str
    submission: Submission
    kept: Mapping[str, float] | None
    """The phases of its evidence; None without evidence."""


@dataclass(frozen=True, slots=True)
class Unreadable:
    """A submission that autograde will refuse."""

    student: str
    exercise: str
    reason: str


@dataclass(frozen=True, slots=True)
class Code:
    """Code to be observed, and the students who handed it in."""

    key: str
    exercise: str
    students: tuple[str, ...]
    submission: Submission


@dataclass(frozen=True, slots=True)
class Plan:
    """The work of one call of ``autograder observe``."""

    submissions: int
    """Notebooks that were handed in and can be read."""
    codes: int
    """Different ones among them."""
    kept: int
    """Codes that were observed before."""
    waiting: tuple[Code, ...]
    unreadable: tuple[Unreadable, ...]
    seconds: Mapping[str, float]
    """Mean time of a submission by exercise, from existing evidence; exercises without evidence
    are missing."""


def make(found: Iterable[Known | Unreadable], references: Iterable[tuple[str, float]] = ()) -> Plan:
    """Plan from the submissions, in their order.

    Parameters
    ----------
    found : iterable
    references : iterable of (str, float)
        Exercise and seconds of observed reference solutions: the estimate for exercises without
        any other evidence.
    """
    known: dict[str, list[Known]] = {}
    unreadable = []
    for one in found:
        if isinstance(one, Unreadable):
            unreadable.append(one)
        else:
            known.setdefault(one.key, []).append(one)
    times: dict[str, list[float]] = {}
    waiting = []
    for key, same in known.items():
        first = same[0]
        if first.kept is None:
            students = tuple(one.student for one in same)
            waiting.append(Code(key, first.exercise, students, first.submission))
        elif first.kept:
            times.setdefault(first.exercise, []).append(sum(first.kept.values()))
    seconds = dict(references) | {name: sum(all_) / len(all_) for name, all_ in times.items()}
    return Plan(
        submissions=sum(map(len, known.values())),
        codes=len(known),
        kept=len(known) - len(waiting),
        waiting=tuple(waiting),
        unreadable=tuple(unreadable),
        seconds=seconds,
    )


def cost(plan: Plan) -> float | None:
    """Return the slot seconds that the waiting codes need; None if unknown."""
    names = [code.exercise for code in plan.waiting]
    if any(name not in plan.seconds for name in names):
        return None
    return sum(plan.seconds[name] for name in names)


def summary(plan: Plan, places: Iterable[tuple[int, str]]) -> str:
    """Summarise the work and how long it takes.

    Parameters
    ----------
    plan : Plan
    places : iterable of (int, str)
        Number of slots, and where: "in 1 slot of 2 cores on this machine".
    """
    said = (
        f"{counted(plan.submissions, 'submission')}, {counted(plan.codes, 'different code')}, "
        f"{plan.kept} observed already, {len(plan.waiting)} to observe"
    )
    if plan.unreadable:
        said += f"; {len(plan.unreadable)} cannot be read"
    if not plan.waiting:
        return f"{said}."
    whole = cost(plan)
    if whole is None:
        unknown = sorted({code.exercise for code in plan.waiting} - set(plan.seconds))
        wheres = " or ".join(where for _, where in places)
        return (
            f"{said}. How long that takes {wheres} is not known yet: nothing of "
            f"{', '.join(unknown)} has been observed in this round; the reference solution runs "
            "first and will show."
        )
    longest = max(plan.seconds[code.exercise] for code in plan.waiting)
    takes = ", ".join(f"{duration(max(whole / slots, longest))} {where}" for slots, where in places)
    hours = whole * CORES / 3600
    return (
        f"{said}: about {takes}; {f'{hours:.1f}' if hours >= 0.1 else 'less than 0.1'} core hours "
        f"({whole / len(plan.waiting):.1f} s a code, as measured in this round)."
    )


def duration(seconds: float) -> str:
    """Write a time as an instructor would: ``40 s``, ``2 min 40 s``, ``33 min``, ``3 h 20 min``."""
    if not math.isfinite(seconds):
        return NOTHING
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    if whole < 600:
        minutes, rest = divmod(whole, 60)
        return f"{minutes} min {rest} s" if rest else f"{minutes} min"
    hours, minutes = divmod(round(seconds / 60), 60)
    if not hours:
        return f"{minutes} min"
    return f"{hours} h {minutes} min" if minutes else f"{hours} h"


def whose(students: Iterable[str]) -> str:
    """Name the students of a code."""
    return ", ".join(map(one_line, students))
