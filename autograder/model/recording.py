"""Testimony: the record of the cluster, made by the scheduler in the box."""

from collections.abc import Mapping
from dataclasses import dataclass, field

__all__ = ["LOST_WORKERS", "GraphRecord", "LayerUsage", "Recording", "TaskRecord"]

LOST_WORKERS = "workers lost"
"""The kind of `Recording.missing` that counts the workers that left, for any reason."""


@dataclass(frozen=True, slots=True)
class TaskRecord:
    """Testimony: one execution of one task. Keys repeat when a task runs again."""

    key: str
    layer: str
    """The key without its hash, as Dask names it."""
    worker: str
    submitted: float
    start: float
    stop: float
    compute_seconds: float
    transfer_seconds: float
    nbytes: int
    dependencies: tuple[str, ...]
    erred: bool = False
    priority: tuple[float, ...] = ()
    """Dask's priority: of the ready tasks, the lowest runs first."""
    run: int = 1
    """How often the key has run, including this time."""
    transfers: int = 0
    """How often data was fetched from another worker for it."""
    disk_seconds: float = 0.0
    """Spent before ``start`` on reading back what the worker had moved to its disk."""
    away_seconds: float = 0.0
    """From when it left its worker's thread to others (``secede``) to ``stop``; not computing."""

    @property
    def busy_seconds(self) -> float:
        """How long the task occupied its worker."""
        return self.compute_seconds + self.disk_seconds


@dataclass(frozen=True, slots=True)
class GraphRecord:
    """Testimony: one graph that a client sent to the scheduler."""

    submitted: float
    tasks: int
    wanted: int
    nbytes: int
    """Size of the serialised graph."""


@dataclass(frozen=True, slots=True)
class LayerUsage:
    """Testimony: how the tasks of a layer spent their time, as far as workers have reported."""

    layer: str
    cpu_seconds: float
    """Of the threads that ran the tasks."""
    wall_seconds: float
    """Of the same tasks. Workers report with their heartbeat, up to a second late: any difference
    from the recorded tasks has not been reported yet."""


@dataclass(frozen=True, slots=True)
class Recording:
    """Testimony: what the scheduler saw between GO and done, in order of time."""

    tasks: tuple[TaskRecord, ...] = ()
    graphs: tuple[GraphRecord, ...] = ()
    gathered_bytes: int = 0
    scattered_bytes: int = 0
    gathered_during_call: int = 0
    """Part of ``gathered_bytes`` that was fetched before the function returned."""
    workers: tuple[str, ...] = ()
    unrecorded: int = 0
    """Task executions that were seen but could not be recorded."""
    balance: float | None = None
    """A time at which the scheduler moved waiting tasks to idle workers, as it does regularly."""
    layers: tuple[LayerUsage, ...] = ()
    missing: Mapping[str, int] = field(default_factory=dict)
    """Counts of events outside the tasks' records, by kind: see ``evidence/recorder.py``."""
    reads: int = 0
    """How often a file of the input was read, as the tasks of ``cases.py`` say that read one."""
