"""A slot: dedicated whole cores and memory, in which one box at a time runs.

Two hyperthreads of a core do not do the work of two cores, so they count as one, and a slot uses
one of them. The memory is the smallest limit above the process (of a job, a container, a slice or
the machine), divided among the slots below it.
"""

import os
from collections.abc import Collection, Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from autograder.errors import HarnessError
from autograder.formats import counted
from autograder.instructor.doctor import processor_numbers
from autograder.instructor.memory_limit import memory_limit

__all__ = [
    "Slot",
    "enter",
    "fitting",
    "here",
    "memory_limit",
    "places",
    "refuse_too_many",
    "shared",
    "whole_cores",
]

_CPUS = Path("/sys/devices/system/cpu")

Cores = tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Slot:
    """A slot's report when it arrives."""

    host: str
    cpu: str
    job: str
    cores: Cores
    memory: int
    """Bytes."""
    unfit: str = ""
    """Why it resigns; empty if it is fit."""


def whole_cores(mine: Collection[int], siblings: Iterable[Collection[int]]) -> list[int]:
    """Return one processor of each physical core that a process may use.

    Parameters
    ----------
    mine : collection of int
        Processors that it may use.
    siblings : iterable of collection of int
        Processors that share a core; a processor in none of them has its own core.
    """
    first: dict[int, int] = {}
    for group in siblings:
        usable = sorted(set(group) & set(mine))
        first |= {number: usable[0] for number in usable}
    return sorted({first.get(number, number) for number in mine})


def places(cores: Sequence[int], each: int) -> list[Cores]:
    """Divide cores into slots of ``each``; a remainder stays unused."""
    whole = len(cores) // each
    return [tuple(cores[i * each : (i + 1) * each]) for i in range(whole)]


def shared(cores: Sequence[int], slots: int) -> list[Cores]:
    """Divide cores among any number of slots, as ``--force-slots`` asks for."""
    each = max(len(cores) // slots, 1)
    return [
        tuple(cores[(i * each + k) % len(cores)] for k in range(min(each, len(cores))))
        for i in range(slots)
    ]


def here() -> list[int]:
    """Return one processor of each physical core that this process may use."""
    mine = os.sched_getaffinity(0)
    return whole_cores(mine, (_siblings(number) for number in mine))


def fitting(cores: Sequence[int], each: int, memory: int, each_memory: int) -> int:
    """Return how many slots fit, by cores and by memory."""
    return min(len(cores) // each, memory // each_memory)


def refuse_too_many(
    asked: int, cores: Sequence[int], each: int, memory: int, each_memory: int
) -> None:
    """Refuse more slots than the cores and memory suffice for.

    Raises
    ------
    HarnessError
        With the number that there could be.
    """
    there = fitting(cores, each, memory, each_memory)
    if asked <= there:
        return
    fewer = (
        f"Give --jobs {there}, or more machines with --profile."
        if there
        else "Use a larger machine, or --profile."
    )
    if asked > len(cores) // each:
        raise HarnessError(
            f"{counted(asked, 'submission')} at a time need {asked * each} cores, {each} for each, "
            f"and this process may use {len(cores)} (hyperthreads of one core count once): they "
            f"would wait for one another's cores, and their times would be unreliable. {fewer}"
        )
    raise HarnessError(
        f"{counted(asked, 'submission')} at a time may need {asked * each_memory / 1e9:.1f} GB of "
        f"memory, {each_memory / 1e9:.1f} GB for each with its grader, and this process may use "
        f"{memory / 1e9:.1f} GB: the system would end some of them. {fewer}"
    )


def enter(cores: Cores) -> None:
    """Bind this process, all its threads and all future children to some cores."""
    for thread in os.listdir("/proc/self/task"):
        with suppress(ProcessLookupError):
            os.sched_setaffinity(int(thread), cores)


def _siblings(number: int) -> set[int]:
    try:
        text = (_CPUS / f"cpu{number}/topology/thread_siblings_list").read_text()
    except OSError:
        return {number}
    return processor_numbers(text)
