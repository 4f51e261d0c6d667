"""The evidence of one submission: facts read from outside the box, and its testimony."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from autograder.model.exercise import ClusterShape
from autograder.model.recording import Recording

__all__ = [
    "SCHEMA",
    "CellOutput",
    "Comparison",
    "CpuSample",
    "Evidence",
    "Failure",
    "Kill",
    "MemorySample",
    "ProcessUsage",
    "ReferenceRun",
    "Role",
    "Run",
]

SCHEMA = 5
"""Version of kept evidence and results. It is raised whenever their format or the measurements
change: a record of another schema is never judged but recorded again."""


class Role(StrEnum):
    """The role of a process of the box. Processes that are not ours count as the client's."""

    CLIENT = "client"
    SCHEDULER = "scheduler"
    WORKER = "worker"


@dataclass(frozen=True, slots=True)
class ProcessUsage:
    """Fact: what one process used between GO and done."""

    role: Role
    name: str
    """``client``, ``scheduler``, ``worker-0`` …"""
    cpu_seconds: float
    delay: float | None
    """Seconds in which the threads that did its work were ready to run but had no CPU. None where
    the kernel does not count them."""
    peak_memory: int
    """The largest resident size of one process since the input was asked for, shortly before GO, as
    far as the kernel reports it."""
    memory_at_go: int
    """What the largest of its processes held when the input was asked for."""


@dataclass(frozen=True, slots=True)
class CpuSample:
    """Fact: the CPU time that the processes of a name used in one step, and waited for."""

    seconds: float
    """When the step ended, since GO."""
    name: str
    """As in `ProcessUsage`."""
    ran: float
    """CPU seconds."""
    waited: float
    """Seconds without a CPU, as `ProcessUsage.delay` counts them."""


@dataclass(frozen=True, slots=True)
class MemorySample:
    """Fact: the memory of the largest process of a name at one moment."""

    seconds: float
    """Since GO."""
    name: str
    """As in `ProcessUsage`."""
    nbytes: int


@dataclass(frozen=True, slots=True)
class Kill:
    """Fact: a worker that the grader killed."""

    seconds: float
    """Since GO."""
    worker: str
    """As in `ProcessUsage`; in a self-check its address."""
    after: int
    """Number of announcements by the jobs of the case until then."""


@dataclass(frozen=True, slots=True)
class Failure:
    """An exception in the student's code, as the student should read it."""

    kind: str
    """Name of the exception type."""
    message: str
    traceback: str
    """Only the frames that are the student's."""
    cell: int | None = None
    """The execution count of the cell whose line raised it, after Run All on a fresh kernel."""
    line: int | None = None


@dataclass(frozen=True, slots=True)
class Comparison:
    """Fact: a returned value compared with the serial oracle, outside the box."""

    equal: bool
    expected: str
    got: str
    mistake: str | None = None
    """Name of a mistake in ``Exercise.mistakes`` that produces exactly this value."""
    seconds: float | None = None
    """Testimony: the duration that the function reports, if it measures time."""


@dataclass(frozen=True, slots=True)
class ReferenceRun:
    """Fact: CPU seconds of the reference solution for the same case, right after a run."""

    client_cpu: float
    scheduler_cpu: float
    worker_cpu: float
    """Of all workers together."""
    setup_cpu: float
    """Of all processes while the input was made, before GO."""
    crowd: float | None = None
    """Demand of other work for CPU, in machines, as `autograder.evidence.summary.crowd`."""


@dataclass(frozen=True, slots=True)
class Run:
    """One case, once: the call of a student's function from GO to done.

    ``answer`` is the driver's description of the returned object before its conversion to numbers:
    ``type``, ``lazy`` (is it a Dask collection), ``blocks``, ``input_blocks``,
    ``dtype``, ``shape``.
    """

    case: str
    function: str
    go: float
    returned: float
    """When the student's function returned, by the driver's clock (testimony)."""
    done: float
    usage: tuple[ProcessUsage, ...]
    recording: Recording
    answer: Mapping[str, Any]
    comparison: Comparison | None
    failure: Failure | None
    stopped: str | None
    """Why the run was ended from outside: a limit was reached, or the kernel died."""
    input_bytes: int
    background_load: float | None
    """Fact: share of the machine's CPU, 0 to 1, used by neither the box nor the grader; None if it
    was not read."""
    steal: float | None
    """Fact: CPU seconds that a hypervisor took from the machine's processors; None if not read."""
    setup_cpu: float
    """Fact: CPU seconds of all processes while the input was made, before GO."""
    cpu: tuple[CpuSample, ...]
    """Fact: CPU over time, of timed cases and stopped calls; empty where the kernel does not count
    it, or nobody read it."""
    memory: tuple[MemorySample, ...]
    """Fact: memory over time, of cases that memory is judged on."""
    kills: tuple[Kill, ...] | None = None
    """Fact: the workers that the grader killed; None if the case kills none. Any other lost worker
    died by itself."""
    reference: tuple[ReferenceRun, ...] = ()
    """Fact: what the reference solution took right after this run; empty if it was not run again.
    """

    @property
    def right(self) -> bool:
        """Whether there was an answer that equals the oracle's."""
        return self.comparison is not None and self.comparison.equal


@dataclass(frozen=True, slots=True)
class CellOutput:
    """What one cell of the student's notebook printed or displayed, as nbformat outputs."""

    index: int
    outputs: tuple[Mapping[str, Any], ...]
    seconds: float
    failure: Failure | None = None
    stopped: str | None = None


@dataclass(frozen=True, slots=True)
class Evidence:
    """The evidence of one submission; the grade follows from it and nothing else.

    No field has a default: a missing measurement must not pass for zero.
    """

    schema: int
    """`SCHEMA` of the kit that made it."""
    key: str
    exercise: str
    digest: str
    """Of the exercise."""
    submission: str
    """Digest of the submission."""
    seed_digest: str
    """The seed itself stays with the round."""
    cluster: ClusterShape
    versions: Mapping[str, str]
    """By package; part of the key."""
    machine: Mapping[str, str]
    """Where it was measured: host, processor, load, job; not part of the key."""
    boxed: bool
    untouched: frozenset[str]
    cells: tuple[CellOutput, ...]
    runs: tuple[Run, ...]
    """Every run of every case, repeats included."""
    phases: Mapping[str, float]
    """Seconds spent per phase of grading, in the order they happened."""
    remarks: tuple[str, ...]
