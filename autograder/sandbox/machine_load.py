"""Tell who has the machine's CPU: the box, or somebody else.

A time limit is fair only to a submission that had the machine. When one is passed, this says
what share of the CPU went to work that is neither the box's nor the grader's.
"""

import os
import time
from dataclasses import dataclass

import psutil

from autograder.sandbox import processes

__all__ = ["Reading", "others", "read", "taken"]

_IDLE = ("idle", "iowait", "guest", "guest_nice")
"""Not work, or counted in ``user`` already."""


@dataclass(frozen=True, slots=True)
class Reading:
    """The CPU accounts of the machine at one moment, in seconds."""

    at: float
    busy: float
    """All processors that the grader may use, time that a hypervisor took away included."""
    box: float
    ours: float
    """The box and the grader."""
    stolen: float
    """What a hypervisor took away, of all processors that the grader may use."""


def read(root: int, box_cpu: float | None = None) -> Reading:
    """Read the accounts.

    Parameters
    ----------
    root : int
        The box's outermost process.
    box_cpu : float, optional
        CPU seconds of all that ever ran in the box, where something counts them. Otherwise its
        processes are asked, and children that nobody waited for are missing.
    """
    mine = os.sched_getaffinity(0)
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
    capacity = (after.at - before.at) * len(os.sched_getaffinity(0))
    if capacity <= 0:
        return 0.0
    spent = (after.busy - before.busy) - (after.ours - before.ours)
    return min(max(spent / capacity, 0.0), 1.0)


def taken(before: Reading, after: Reading) -> float:
    """Return the CPU seconds that went to anything but the box in between, the grader included."""
    return max((after.busy - before.busy) - (after.box - before.box), 0.0)
