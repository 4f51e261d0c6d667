"""The results of a submission's checks, and their points."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from math import fsum

from autograder.model.evidence import Evidence, Failure
from autograder.model.exercise import Mistake

__all__ = ["Finding", "Grade", "Result", "ScoredFinding", "Speedup", "SpeedupStudy", "Status"]


class Status(StrEnum):
    """The status of one check."""

    PASSED = "passed"
    PARTIAL = "partial"
    FAILED = "failed"
    UNTOUCHED = "untouched"
    FORGED = "forged"


@dataclass(frozen=True, slots=True)
class Speedup:
    """The measurements of a timed run, and the resulting speedup. All are facts.

    ``autograder.speedup.quiet_time`` has the formula; times are seconds, and "work" is CPU time.
    """

    workers: int
    wall: float
    """GO to done."""
    without_cpu: float | None
    """Part of `wall` in which the run was ready to continue but had no CPU; None where the kernel
    does not count it."""
    alone: float
    """Work of the notebook's process and the scheduler, which no worker shares."""
    each: tuple[float, ...]
    """Work of every worker."""
    shared: float
    """Duration of the workers' part if, at each moment, those with something to do share it."""
    spared: float
    """Part of `alone` that the reference solution also has: starting, sending, fetching. It is
    subtracted from `useful`, and from `quiet` down to `shared`."""
    quiet: float
    """Duration of the run if no other work used a CPU."""
    useful: float
    """All work, up to what the answer needs."""
    most: float | None
    """Upper limit of the work that counts, including what is spared; None if the work that the
    answer needs is unknown."""
    speedup: float
    """`useful` / `quiet`."""
    zero: float
    """Speedup up to which nothing is earned."""
    full: float
    """Speedup that earns all of the points."""

    @property
    def work(self) -> float:
        """Work of all processes together."""
        return self.alone + fsum(self.each)


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


@dataclass(frozen=True, slots=True)
class Finding:
    """The result of one check, in the words that card, pytest and feedback share."""

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
    speedup: Speedup | None = None
    study: SpeedupStudy | None = None
    """None also where the recording cannot be replayed."""
    note: str = ""
    """For the instructor."""


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
    """The outcome of one student's submission in a round, for reports on the whole class."""

    schema: int
    """`SCHEMA` of the kit that made it."""
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
