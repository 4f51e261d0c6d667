"""Time without a CPU: how long the threads of a process were ready to run and none was free.

The kernel counts it for every thread (``/proc/PID/task/TID/schedstat``, see
``Documentation/scheduler/sched-stats.rst`` of the kernel's sources). It can be read from outside a
sandbox by anybody, and nothing inside can write it.
"""

import os
from collections.abc import Mapping
from typing import NamedTuple

__all__ = ["Threads", "Turn", "is_counted", "read", "waited"]


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
    return any(turn.ran > 0.0 for turn in read("self").values())


def read(pid: int | str) -> Threads:
    """Read all threads of a process that live now; none where the kernel does not count."""
    turns: dict[int, Turn] = {}
    try:
        numbers = os.listdir(f"/proc/{pid}/task")
    except OSError:
        return turns
    for number in numbers:
        try:
            with open(f"/proc/{pid}/task/{number}/schedstat", "rb") as file:
                ran, waited, _ = file.read().split()
        except (OSError, ValueError):
            continue
        turns[int(number)] = Turn(int(ran) / 1e9, int(waited) / 1e9)
    return turns


def waited(before: Threads, after: Threads) -> float:
    """Return how long a process was held up between two readings, in seconds.

    It is the wait of the thread that wanted a CPU most, running or not: the one that had the work.
    Other threads wait at the same time, so that a sum would count a second twice.

    Parameters
    ----------
    before, after : Threads
        A thread that has started in between is new in ``after``; what one did that has ended is
        not known. Read often where threads come and go.
    """
    start = Turn(0.0, 0.0)
    turns = [
        Turn(turn.ran - earlier.ran, turn.waited - earlier.waited)
        for number, turn in after.items()
        for earlier in [before.get(number, start)]
    ]
    return max(turns, key=sum, default=start).waited
