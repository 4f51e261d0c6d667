"""Kill a worker in the middle of a call, from outside, at a moment that the seed chooses.

The jobs of a case with ``kill`` announce themselves: each appends its process id, on a separate
line, to a file in the case's scratch folder. After a certain number of lines the worker in the last
line is killed. So the moment depends on the progress of the work, not on a clock, and not on the
machine's load. The file is testimony: it decides which worker dies, and whether one does. Correct
jobs always get that far; if no worker was killed although the grader had the CPU to look, they did
not (`survives`).
"""

import random
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from time import time

import psutil

from autograder.errors import HarnessError
from autograder.evidence import facts, sampling
from autograder.model import CaseSpec, Kill
from autograder.sandbox import processes

__all__ = ["ANNOUNCED", "ANNOUNCED_BYTES", "RECOVER_SECONDS", "killer", "killing", "moment"]

ANNOUNCED = "announced"
"""Name of the file."""

ANNOUNCED_BYTES = 1 << 16
"""A longer file is not read, and no worker is killed."""

RECOVER_SECONDS = 20.0
"""Time for a killed worker to be replaced, which takes about one second."""

_LATE_SECONDS = 0.1
"""Time since the last poll in which a job may have announced itself and finished: those of ex11
take 0.06 to 0.57 s, half of them 0.12 s or more, and announce themselves in the middle. On two
cores with ten other programs 8,250 looks were 5 ms apart in the median and 69 ms at the most."""

_LOOK_SECONDS = 0.005
"""Polling interval: reading the file takes 0.05 ms, and half a job takes 30 ms or more."""


def moment(case: CaseSpec, seed: int) -> int:
    """Return the number of announcements after which a worker is killed."""
    return random.Random(f"{seed} {case.name}").randint(*case.kill)


@contextmanager
def killing(
    case: CaseSpec,
    seed: int,
    announced: Callable[[], bytes],
    kill: Callable[[int | None], str | None],
) -> Iterator[list[Kill] | None]:
    """Kill a worker once while the block runs, if the case is one in which a worker dies.

    Parameters
    ----------
    case : CaseSpec
    seed : int
        Says when.
    announced : callable
        Reads the file.
    kill : callable
        Kills the worker with the process id in the file, or another worker if there is none;
        returns the killed worker's name, None if there was no worker.

    Yields
    ------
    list of Kill or None
        Empty until then; None if no worker is to be killed.

    Raises
    ------
    HarnessError
        If the moment was missed because the file was not polled in time.
    """
    if not case.kill:
        yield None
        return
    began, after = time(), moment(case, seed)
    kills: list[Kill] = []
    looked, tried = began, False

    def look() -> float:
        nonlocal looked, tried
        looked = time()
        lines = [] if kills else announced().split(b"\n")[:-1]
        if len(lines) >= after:
            tried = True
            named = kill(_number(lines[after - 1]))
            if named is not None:
                kills.append(Kill(time() - began, named, after))
        return _LOOK_SECONDS

    with sampling.repeatedly(look, "kills", wait=_LOOK_SECONDS):
        yield kills
    late = time() - looked > _LATE_SECONDS
    if late and not tried and len(announced().split(b"\n")) > after:
        raise HarnessError(
            f"No worker could be killed in time in {case.name}: the machine was too busy for the "
            "grader. Grade it again when the machine is quieter."
        )


def killer(root: int, roles: processes.Roles) -> Callable[[int | None], str | None]:
    """Return a function that kills a worker of a sandbox by its process id inside."""

    def kill(inside: int | None) -> str | None:
        names = facts.names(root, roles)
        workers = {pid: name for pid, name in sorted(names.items()) if name.startswith("worker")}
        pid = next((p for p in workers if processes.number_inside(p) == inside), None)
        if pid is None:
            pid = next(iter(workers), None)
        if pid is None:
            return None
        try:
            process = psutil.Process(pid)
            # A process that a task has started is not the worker itself.
            while (above := process.parent()) is not None and above.pid in workers:
                process = above
            process.kill()
        except psutil.NoSuchProcess:
            return None
        return workers[process.pid]

    return kill


def _number(line: bytes) -> int | None:
    return int(line) if line.isdigit() and len(line) < 10 else None
