"""Time without a CPU: how long a process's threads were ready to run while no CPU was free.

The kernel counts it for every thread (``/proc/PID/task/TID/schedstat``, see
``Documentation/scheduler/sched-stats.rst`` of the kernel's sources). It can be read from outside a
sandbox, and nothing inside can write it.
"""

import os
from collections.abc import Mapping
from math import fsum
from typing import NamedTuple

from cluster import system

__all__ = ["Threads", "Turn", "held_up", "is_counted", "read", "since"]

_PROC = "/proc"


class Turn(NamedTuple):
    """One thread's times since it started, in seconds."""

    ran: float
    """On a CPU."""
    waited: float
    """Ready to run, without a CPU."""


Threads = Mapping[int, Turn]
"""By the number of the thread."""


def is_counted() -> bool:
    """Tell whether this kernel counts the time that a thread waits for a CPU."""
    return bool(read("self"))


def read(pid: int | str) -> Threads:
    """Read the live threads of a process; none if the kernel does not count.

    A thread that lowered its own priority (``nice``, ``SCHED_IDLE``) is skipped: it may wait for
    ever, and cannot raise its priority again.

    A kernel that has the file but does not count says "0 0 0". So does a thread that has neither
    run nor waited yet; it is left out, since its turn begins at zero anyway (`since`).
    """
    turns: dict[int, Turn] = {}
    try:
        numbers = os.listdir(f"{_PROC}/{pid}/task")
    except OSError:
        return turns
    for number in numbers:
        try:
            with open(f"{_PROC}/{pid}/task/{number}/schedstat", "rb") as file:
                ran, waited, _ = file.read().split()
        except (OSError, ValueError):
            continue
        turn = Turn(int(ran) / 1e9, int(waited) / 1e9)
        if any(turn) and _is_fair(int(number)):
            turns[int(number)] = turn
    return turns


def _is_fair(thread: int) -> bool:
    """Tell whether a thread has at least this process's priority."""
    try:
        behind = os.getpriority(os.PRIO_PROCESS, thread) > os.getpriority(os.PRIO_PROCESS, 0)
        idle = system.is_idle_class(thread) and not system.is_idle_class(0)
    except OSError:
        return False
    return not (behind or idle)


def since(before: Threads, after: Threads) -> Threads:
    """Return every thread's times between two readings.

    Parameters
    ----------
    before, after : Threads
        A thread that started in between is only in ``after``. One that ended in between is only in
        ``before``, and its last turn is not known: read often where threads come and go.
    """
    start = Turn(0.0, 0.0)
    return {
        number: Turn(turn.ran - earlier.ran, turn.waited - earlier.waited)
        for number, turn in after.items()
        for earlier in [before.get(number, start)]
    }


def held_up(turns: Threads, work: Mapping[int, float]) -> float:
    """Return how long a process was delayed, in seconds: the mean wait, weighted by work.

    Parameters
    ----------
    turns : Threads
        What every thread had meanwhile.
    work : mapping of int to float
        How much of the work each thread has done; 0 is returned if none has done any.
    """
    done = fsum(work.values())
    if done <= 0.0:
        return 0.0
    return fsum(work[number] * turn.waited for number, turn in turns.items()) / done
