"""Tell who uses the machine's CPU: the box, or other programs.

A time limit is only fair if the submission had the CPU. When it is exceeded, this module reports
the share of the CPU used by neither the box nor the grader.
"""

import os
import time
from contextlib import suppress
from dataclasses import dataclass

import psutil

from autograder.sandbox import processes
from cluster import system

__all__ = ["Reading", "killed", "others", "read", "taken"]

_IDLE = ("idle", "iowait", "guest", "guest_nice")
"""Not work, or already counted in ``user``."""


@dataclass(frozen=True, slots=True)
class Reading:
    """The CPU accounts of the machine at one moment, in seconds."""

    at: float
    busy: float
    """All processors that the grader may use, including time that a hypervisor took."""
    box: float
    ours: float
    """The box and the grader."""
    stolen: float
    """Time that a hypervisor took from the processors that the grader may use."""


def read(root: int, box_cpu: float | None = None) -> Reading:
    """Read the accounts.

    Parameters
    ----------
    root : int
        The box's outermost process.
    box_cpu : float, optional
        CPU seconds of everything that ever ran in the box, if they are counted. Otherwise its
        processes are read, and children that were never waited for are missing.
    """
    mine = system.processors()
    each = [t._asdict() for i, t in enumerate(psutil.cpu_times(percpu=True)) if i in mine]
    own = os.times()
    box = _of_processes(root) if box_cpu is None else box_cpu
    return Reading(
        at=time.monotonic(),
        busy=sum(s for times in each for name, s in times.items() if name not in _IDLE),
        box=box,
        ours=box + own.user + own.system,
        stolen=sum(times.get("steal", 0.0) for times in each),
    )


def _of_processes(root: int) -> float:
    total = 0.0
    for process in processes.tree(root):
        try:
            used = process.cpu_times()
        except psutil.NoSuchProcess:
            continue
        total += used.user + used.system + used.children_user + used.children_system
    return total


def others(before: Reading, after: Reading) -> float:
    """Return the share of the machine's CPU, 0 to 1, that went to other work in between."""
    capacity = (after.at - before.at) * system.cores()
    if capacity <= 0:
        return 0.0
    spent = (after.busy - before.busy) - (after.ours - before.ours)
    return min(max(spent / capacity, 0.0), 1.0)


def taken(before: Reading, after: Reading) -> float:
    """Return the CPU seconds used outside the box in between, including the grader's."""
    return max((after.busy - before.busy) - (after.box - before.box), 0.0)


def killed() -> int | None:
    """Return how many processes the machine has killed for lack of memory, if it tells."""
    with suppress(OSError), open("/proc/vmstat") as told:
        for line in told:
            name, value = line.split()
            if name == "oom_kill":
                return int(value)
    return None
