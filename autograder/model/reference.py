"""The reference solution's figures, with which a submission is compared."""

from collections.abc import Mapping
from dataclasses import dataclass, field

__all__ = ["Reference", "Summary"]


@dataclass(frozen=True, slots=True)
class Summary:
    """Totals of one run, used to diagnose mistakes."""

    wall_seconds: float
    """Fact: GO to done."""
    setup_cpu: float
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
    """The reference solution's figures on the timed case, the base of all ratios.

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
    """CPU time of all processes together; None where it was measured on another machine."""
    alone: float = 0.0
    """Part of it that no worker shares: of client and scheduler."""
    summary: Summary | None = None
    """Totals of its run; None where it was measured on another machine."""
    reads: int = 0
    """As in `Recording`; 0 where the input is there before the function is called."""
    client_growth: int = 0
    """Largest growth of the client between GO and done, in bytes."""
    client_at_go: int = 0
    """What the client held at GO, in bytes; 0 where it was measured on another machine."""
    input_bytes: Mapping[str, int] = field(default_factory=dict)
    """Size of the input of each case; empty where it was recorded on another machine. What a
    student's box says of it is testimony."""
    case_cpu: Mapping[str, float] = field(default_factory=dict)
    """CPU seconds that each case takes: the reference solution, or, in a self-check, the oracle on
    one core of the student's machine."""
    case_setup: Mapping[str, float] = field(default_factory=dict)
    """CPU seconds in the box while the input of each case was made; empty where it was recorded on
    another machine."""
