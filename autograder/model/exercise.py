"""What an exercise is, as ``exercise.toml`` describes it."""

from collections.abc import Mapping
from dataclasses import dataclass

from autograder.model.reference import Reference

__all__ = ["CaseSpec", "CheckSpec", "ClusterShape", "Exercise", "Limits", "Mistake"]


@dataclass(frozen=True, slots=True)
class Limits:
    """What one submission may use before it is stopped."""

    wall_seconds: float
    """The whole submission: its cells, all cases, and the start of boxes that it made necessary."""
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
    """Parameters to which the work is proportional while everything else, such as the number of
    blocks, stays the same."""
    per_worker: tuple[str, ...] = ()
    """Parameters that grow with the number of workers, so that the work per worker and the size of
    the pieces stay the same: the input of weak scaling."""
    kill: tuple[int, ...] = ()
    """First and last announcement after which the grader may kill a worker; the seed chooses one.
    Empty if no worker is killed."""


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
    """Settings of the check; missing names take the check's defaults."""


@dataclass(frozen=True, slots=True)
class Mistake:
    """A named mistake; one recognised by behaviour contains the student's own numbers."""

    name: str
    title: str
    explanation: str
    see: str
    """Title of the documentation page to read."""
    raises: str = ""
    """Part of the exception that identifies it, as in ``ValueError: classes must be``."""


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
    mistakes: Mapping[str, Mistake]
    """Mistakes that ``cases.py`` recognises by the value, by name."""
    folder: str
    """Where ``exercise.toml`` and ``cases.py`` are."""
    digest: str
    """Hash of both files, of their helpers in the kit and of the size: evidence of another version
    does not fit."""
    size: str = "laptop"
    """The machine that the cases are scaled for: ``laptop``, ``node`` or ``cluster``."""
    experiments: frozenset[str] = frozenset()
    """Hashes of the cells of the instructor's notebook that need not run in grading."""

    @property
    def timed(self) -> frozenset[str]:
        """Names of the cases that speedup is judged on."""
        return frozenset(case.name for case in self.cases if case.timed)

    @property
    def measured(self) -> frozenset[str]:
        """Names of the cases that earn points by seconds, which other programs can only raise."""
        works = (case for spec in self.checks if spec.check == "work" for case in spec.cases)
        return self.timed.union(works)
