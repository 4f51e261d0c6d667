"""Time without a CPU: how long the threads of a process were ready to run and none was free.

The kernel counts it for every thread (``/proc/PID/task/TID/schedstat``, see
``Documentation/scheduler/sched-stats.rst`` of the kernel's sources). It can be read from outside a
sandbox by anybody, and nothing inside can write it.
"""

import os
from collections.abc import Mapping
from typing import NamedTuple

__all__ = ["Threads", "Turn", "is_counted", "read", "waited"]


_PROC = "/proc"


class Turn(NamedTuple):
    """What one thread has had since it started, in seconds."""

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
    """Read the threads of a process that live now; none where the kernel does not count.

    A kernel that has the file but does not count says "0 0 0". So does a thread that has neither
    run nor waited yet; it is left out, since its turn begins at zero anyway (`waited`).
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
        if any(turn):
            turns[int(number)] = turn
    return turns


def waited(before: Threads, after: Threads) -> float:
    """Return how long a process was held up between two readings, in seconds.

    It is the wait of the thread that wanted a CPU for the longest time, whether it ran or waited:
    that thread had the work. Others wait at the same time, and a sum would count a second twice.

    Parameters
    ----------
    before, after : Threads
        A thread that started in between is only in ``after``. One that ended in between is only in
        ``before``, and its last wait is not known: read often where threads come and go.
    """
    start = Turn(0.0, 0.0)
    turns = [
        Turn(turn.ran - earlier.ran, turn.waited - earlier.waited)
        for number, turn in after.items()
        for earlier in [before.get(number, start)]
    ]
    return max(turns, key=sum, default=start).waited
