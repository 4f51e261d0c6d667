"""The data of the kit: what is handed from one step to the next, frozen, without behaviour.

Times are seconds since the epoch (``time.time()``) or durations in seconds, memory and
traffic are bytes, points are nbgrader points. Facts were read outside the box; testimony was
written inside it, where the student's code runs too, and is believed only where it agrees
with the facts.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

__all__ = [
    "CaseSpec",
    "CellOutput",
    "CheckSpec",
    "ClusterShape",
    "Comparison",
    "Evidence",
    "Exercise",
    "Failure",
    "Finding",
    "Grade",
    "GraphRecord",
    "LayerUsage",
    "Limits",
    "MemorySample",
    "Mistake",
    "ProcessUsage",
    "Recording",
    "Reference",
    "Result",
    "Role",
    "Run",
    "ScalingPoint",
    "ScalingStudy",
    "ScoredFinding",
    "SpeedupStudy",
    "Status",
    "Submission",
    "SubmittedCell",
    "Summary",
    "TaskRecord",
]


# --------------------------------------------------------------------------- the exercise


@dataclass(frozen=True, slots=True)
class Limits:
    """What one submission may use before it is stopped."""

    wall_seconds: float
    """The whole submission: start-up, the student's cells, all cases."""
    cell_seconds: float
    """One cell of the notebook."""
    case_seconds: float
    """One call of a student's function."""
    memory_bytes: int
    """All processes of the box together."""
    processes: int
    """Processes and threads of the box together."""
    output_bytes: int
    """All that the notebook prints and displays."""
    answer_bytes: int
    """What the student's functions return, as files."""


@dataclass(frozen=True, slots=True)
class ClusterShape:
    """The Dask cluster that a submission runs on."""

    workers: int
    threads_per_worker: int
    memory_per_worker: int
    """Bytes."""


@dataclass(frozen=True, slots=True)
class CaseSpec:
    """One call of one of the student's functions on unseen input."""

    name: str
    function: str
    timed: bool
    """Whether the speedup is judged on this case."""
    parameters: Mapping[str, float]
    """Sizes, as ``cases.py`` of the exercise understands them."""
    grows: tuple[str, ...] = ()
    """Parameters that the work is proportional to, all else the same: blocks stay as many."""
    per_worker: tuple[str, ...] = ()
    """Parameters that grow with the number of workers so that each has as much to do, in pieces as
    large as before: the input of weak scaling."""


@dataclass(frozen=True, slots=True)
class CheckSpec:
    """One thing that is judged: a grade cell of the notebook and a row of the mark sheet."""

    grade_id: str
    function: str
    check: str
    """The name of a function in ``autograder.checks``."""
    cases: tuple[str, ...]
    """Names of the cases whose runs it is judged on."""
    points: float
    title: str
    options: Mapping[str, float]
    """Settings of the check, with the check's own defaults where a name is missing."""


@dataclass(frozen=True, slots=True)
class Summary:
    """What one run did, counted: the numbers that mistakes are told by."""

    wall_seconds: float
    """Fact: GO to done."""
    early_cpu: float
    """Fact: of all processes, while the input was made, before GO."""
    client_cpu: float
    worker_cpu: float
    """Fact: seconds of all workers together."""
    scheduler_cpu: float
    tasks: int
    """Executions, repeats included."""
    work_seconds: float
    longest_seconds: float
    """Of one task."""
    typical_seconds: float
    """Median over the tasks."""
    executions: Mapping[str, int]
    """By layer, repeats included."""
    seconds: Mapping[str, float]
    """By layer."""
    repeats: int
    """Executions of keys that had run before in the same run."""
    erred: int
    transfer_seconds: float
    graphs: int
    graph_bytes: int
    gathered_bytes: int
    scattered_bytes: int


@dataclass(frozen=True, slots=True)
class Reference:
    """What the reference solution does on the timed case; ratios judge against it.

    In grading it is measured in the same round, on the same machine and input. In a
    student's self-check it is the typical one that the exercise's author recorded.
    """

    speedup: float
    """Replayed speedup on the cluster's number of workers, dimensionless."""
    work_seconds: float | None
    """Sum of all task durations; None where it was recorded on another machine."""
    tasks: int
    graphs: int
    gathered_bytes: int
    graph_bytes: int
    serial_seconds: float | None
    """Plain scikit-learn on one core outside the cluster, same input; None if not measured here."""
    same_round: bool
    cpu_seconds: float | None = None
    """CPU time of client and workers together; None where it was measured on another machine."""
    summary: Summary | None = None
    """Everything that is counted of its run; None where it was measured on another machine."""
    reads: int = 0
    """As in `Recording`; 0 where the input is there before the function is called."""
    client_growth: int = 0
    """Bytes by which the client grew at most between GO and done."""
    input_bytes: Mapping[str, int] = field(default_factory=dict)
    """Size of the input of each case; empty where it was recorded on another machine. What a
    student's box says of it is testimony."""


@dataclass(frozen=True, slots=True)
class Exercise:
    """One exercise, as ``exercise.toml`` describes it."""

    name: str
    version: str
    title: str
    technique: str
    functions: tuple[str, ...]
    cases: tuple[CaseSpec, ...]
    checks: tuple[CheckSpec, ...]
    words: Mapping[str, float]
    """``grade_id`` of each question in words and its points, marked by hand."""
    limits: Limits
    cluster: ClusterShape
    typical: Reference
    """The author's recording, for self-checks."""
    mistakes: Mapping[str, "Mistake"]
    """Those that ``cases.py`` knows by the value that they give, by name."""
    folder: str
    """Where ``exercise.toml`` and ``cases.py`` are."""
    digest: str
    """Hash of both files and of the size: evidence of another version does not fit."""
    size: str = "laptop"
    """For what the cases are large enough: ``laptop``, ``node`` or ``cluster``."""

    @property
    def timed(self) -> frozenset[str]:
        """Names of the cases that speedup is judged on."""
        return frozenset(case.name for case in self.cases if case.timed)


# ------------------------------------------------------------------------- the submission


@dataclass(frozen=True, slots=True)
class SubmittedCell:
    """A code cell of the student's notebook."""

    index: int
    """Position in the notebook, from 0, counting every cell."""
    source: str
    grade_id: str | None
    runs: bool
    """False for grade cells: points never come from what they print."""


@dataclass(frozen=True, slots=True)
class Submission:
    """What the student handed in, parsed and never executed."""

    exercise: str
    cells: tuple[SubmittedCell, ...]
    untouched: frozenset[str]
    """Functions whose blanks are as they were released."""
    digest: str
    """Hash of all the code that runs, and of where it stands."""
    remarks: tuple[str, ...] = ()
    """What was odd about the notebook and put right, for student and instructor."""


# --------------------------------------------------------------------------- the evidence


class Role(StrEnum):
    """What a process of the box is for. Whatever is none of ours counts as the client's."""

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
    peak_memory: int
    """Since GO, as far as the kernel tells: the largest resident size of one process."""
    memory_at_go: int = 0


@dataclass(frozen=True, slots=True)
class MemorySample:
    """Fact: what the largest process of a name held at a moment."""

    seconds: float
    """Since GO."""
    name: str
    """As in `ProcessUsage`."""
    nbytes: int


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
    """Dask's own: of the ready tasks, the one with the least runs first."""
    run: int = 1
    """How often the key has run, this time included."""
    transfers: int = 0
    """How often data was fetched from another worker for it."""
    disk_seconds: float = 0.0
    """Spent before ``start`` on reading back what the worker had moved to its disk."""
    away_seconds: float = 0.0
    """From when it left its worker's thread to others (``secede``) to ``stop``; not computing."""

    @property
    def busy_seconds(self) -> float:
        """For how long the task kept its worker."""
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
    """Testimony: what the tasks of a layer did with their time, as far as workers have told."""

    layer: str
    cpu_seconds: float
    """Of the threads that ran the tasks."""
    wall_seconds: float
    """Of the same tasks. Workers tell with a heartbeat, up to a second late: what this is short
    of the recorded tasks has not been heard of yet."""


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
    """What happened and is in no record of a task, by kind; see ``autograder.measure.recorder``."""
    reads: int = 0
    """How often a file of the input was read, as the tasks of ``cases.py`` say that read one."""


@dataclass(frozen=True, slots=True)
class Failure:
    """An exception in the student's code, as the student should read it."""

    kind: str
    """Name of the exception type."""
    message: str
    traceback: str
    """Only the frames that are the student's, and the last one."""
    cell: int | None = None
    """The number beside the cell whose line raised it, as Run All on a fresh kernel gives it."""
    line: int | None = None


@dataclass(frozen=True, slots=True)
class Comparison:
    """Fact: a returned value held against the serial oracle, outside the box."""

    equal: bool
    expected: str
    got: str
    mistake: str | None = None
    """Name of a mistake in ``Exercise.mistakes`` that gives just this value."""
    seconds: float | None = None
    """Testimony: how long the function says that it took, where it is to take the time."""


@dataclass(frozen=True, slots=True)
class Run:
    """One case, once: the call of a student's function from GO to done.

    ``answer`` is what the driver says of the returned object before it was turned into
    numbers: ``type``, ``lazy`` (is it a Dask collection), ``blocks``, ``input_blocks``,
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
    stopped: str | None = None
    """Why the run was ended from outside: a limit, or the kernel died."""
    input_bytes: int = 0
    busy: bool = False
    """The machine was too busy with other work for this run to be a fair one."""
    others: float | None = None
    """Fact: share of the machine's CPU, 0 to 1, that went to work that is neither the box's nor
    the grader's; None if it was not read."""
    early_cpu: float = 0.0
    """Fact: CPU seconds of the client while the input was made, before GO."""
    memory: tuple[MemorySample, ...] = ()
    """Fact: memory over time, of cases that memory is judged on."""

    @property
    def right(self) -> bool:
        """Whether there was an answer, equal to the oracle's."""
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
    """All that was seen of one submission; the grade follows from it and nothing else."""

    key: str
    exercise: str
    digest: str
    """Of the exercise."""
    submission: str
    """Digest of the submission."""
    seed_digest: str
    """The seed itself stays with the round."""
    cluster: ClusterShape
    environment: Mapping[str, str]
    """Versions and machine."""
    boxed: bool
    untouched: frozenset[str]
    cells: tuple[CellOutput, ...]
    runs: tuple[Run, ...]
    """Every run of every case, repeats included; the last one of a case is judged."""
    phases: Mapping[str, float]
    """Seconds spent per phase of grading, in the order they happened."""
    remarks: tuple[str, ...] = ()
    schema: int = 1


# ----------------------------------------------------------------------------- the verdict


class Status(StrEnum):
    """What became of one check."""

    PASSED = "passed"
    PARTIAL = "partial"
    FAILED = "failed"
    UNTOUCHED = "untouched"
    FORGED = "forged"
    BUSY = "busy-machine"
    """Part of the points, on a machine that was busy in every try; more may be due."""


@dataclass(frozen=True, slots=True)
class Mistake:
    """A named mistake; one that behaviour gives away has the student's own numbers in it."""

    name: str
    title: str
    explanation: str
    see: str
    """Title of the documentation page to read."""
    raises: str = ""
    """Part of the exception that gives it away, as in ``ValueError: classes must be``."""


@dataclass(frozen=True, slots=True)
class SpeedupStudy:
    """The replay of one timed run, for verdict, words and pictures alike."""

    workers: int
    measured_seconds: float
    """GO to done on the real cluster."""
    work: float
    """Seconds of all tasks together."""
    span: float
    """Makespan on unboundedly many workers."""
    makespans: Mapping[int, float]
    """Replayed seconds from GO to done by number of workers; holds 1 and ``workers``."""
    speedup: float
    """``makespans[1] / makespans[workers]``."""
    client_cpu: float
    worker_cpu: tuple[float, ...]
    serial_seconds: float | None = None
    """Plain scikit-learn on the same input."""
    counted: float | None = None
    """The speedup that earns credit: the replayed one within the bounds of the facts."""


@dataclass(frozen=True, slots=True)
class Finding:
    """The result of one check, in words that student, card, pytest and feedback share."""

    grade_id: str
    function: str
    check: str
    title: str
    status: Status
    credit: float
    """Share of the points, 0 to 1."""
    expected: str
    got: str
    advice: str = ""
    mistakes: tuple[Mistake, ...] = ()
    failure: Failure | None = None
    study: SpeedupStudy | None = None
    note: str = ""
    """For the instructor: a flag, or that the machine was busy."""


@dataclass(frozen=True, slots=True)
class ScoredFinding:
    """A finding and the points that it is worth."""

    finding: Finding
    points: float
    max_points: float


@dataclass(frozen=True, slots=True)
class Grade:
    """The marks of one submission for everything that a machine can mark."""

    exercise: str
    scored: tuple[ScoredFinding, ...]
    points: float
    max_points: float
    flags: tuple[str, ...] = ()
    """What the instructor should look at."""
    evidence: Evidence | None = field(default=None, compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class Result:
    """What became of one student's submission in a round, for reports on the whole class."""

    student: str
    exercise: str
    grade: Grade | None
    """Without its evidence; None if the submission could not be graded."""
    reason: str = ""
    """Why there is no grade."""
    evidence: str = ""
    """Key of the evidence."""
    phases: Mapping[str, float] = field(default_factory=dict)
    """Seconds per phase of the grading that made the evidence."""


# ---------------------------------------------------------------------------- scaling studies


@dataclass(frozen=True, slots=True)
class ScalingPoint:
    """What was seen of a solution at one number of workers."""

    workers: int
    factor: float
    """The input's size, as a multiple of that on the smallest cluster."""
    seconds: tuple[float, ...]
    """GO to done, of every repetition."""
    median: float
    """Of the repetition that stands for all: the middle one, or the lower of the two there."""
    replayed: float
    """Seconds of that repetition, replayed on as many workers."""
    replayed_fewest: float
    """The same, replayed on as many workers as the smallest cluster has."""
    serial_seconds: float
    """Plain scikit-learn on the same input."""
    tasks: int
    """That ran on the cluster."""


@dataclass(frozen=True, slots=True)
class ScalingStudy:
    """A solution on clusters of several sizes, smallest first."""

    exercise: str
    function: str
    case: str
    profile: str
    size: str
    grows: tuple[str, ...]
    """What grows with the workers in ``weak``."""
    strong: tuple[ScalingPoint, ...]
    """The input stays the same."""
    weak: tuple[ScalingPoint, ...]
    """The input grows with the workers; empty where the exercise does not say what grows."""
    environment: Mapping[str, str]
