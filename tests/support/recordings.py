"""Recordings made by hand, with answers that can be worked out on paper; seconds count from GO."""

from collections.abc import Iterable
from typing import Any

from autograder.model import ProcessUsage, Recording, Role, Run, TaskRecord

__all__ = ["GO", "UNSEEN", "flat", "run", "task"]

GO = 1_000.0

UNSEEN: dict[str, Any] = {
    "stopped": None,
    "input_bytes": 0,
    "background_load": None,
    "steal": None,
    "setup_cpu": 0.0,
    "cpu": (),
    "memory": (),
}
"""What a run has besides, where a test is not about it."""


def task(
    key: str,
    start: float,
    seconds: float,
    *dependencies: str,
    submitted: float = 0.0,
    worker: str = "w0",
    nbytes: int = 0,
    transfer: float = 0.0,
) -> TaskRecord:
    """Record a task; times count from GO."""
    begun = GO + start
    return TaskRecord(
        key=key,
        layer=key,
        worker=worker,
        submitted=GO + submitted,
        start=begun,
        stop=begun + seconds,
        compute_seconds=seconds,
        transfer_seconds=transfer,
        nbytes=nbytes,
        dependencies=dependencies,
    )


def flat(n: int, seconds: float = 1.0) -> list[TaskRecord]:
    """Make tasks without dependencies, in one graph, as two workers would run them."""
    return [task(f"t{i}", (i // 2) * seconds, seconds, worker=f"w{i % 2}") for i in range(n)]


def run(tasks: Iterable[TaskRecord], seconds: float) -> Run:
    return Run(
        case="timed",
        function="predict",
        go=GO,
        returned=GO + seconds,
        done=GO + seconds,
        usage=(
            ProcessUsage(Role.WORKER, "worker-10", 0.3, 0.0, 0, 0),
            ProcessUsage(Role.CLIENT, "client", 0.25, 0.0, 0, 0),
            ProcessUsage(Role.WORKER, "worker-2", 0.2, 0.0, 0, 0),
            ProcessUsage(Role.SCHEDULER, "scheduler", 9.0, 0.0, 0, 0),
            ProcessUsage(Role.CLIENT, "python", 0.5, 0.0, 0, 0),
        ),
        recording=Recording(tuple(tasks)),
        answer={},
        comparison=None,
        failure=None,
        **UNSEEN,
    )
