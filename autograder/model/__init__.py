"""The data of the kit: frozen, without behaviour, passed from one step to the next.

Times are seconds since the epoch (``time.time()``) or durations in seconds, memory and traffic are
bytes, points are nbgrader points. Facts were read outside the box; testimony was written inside it,
where the student's code also runs, and is trusted only where it agrees with the facts.
"""

from autograder.model.evidence import (
    SCHEMA,
    CellOutput,
    Comparison,
    CpuSample,
    Evidence,
    Failure,
    Kill,
    MemorySample,
    ProcessUsage,
    ReferenceRun,
    Role,
    Run,
)
from autograder.model.exercise import CaseSpec, CheckSpec, ClusterShape, Exercise, Limits, Mistake
from autograder.model.grade import (
    Finding,
    Grade,
    Result,
    ScoredFinding,
    Speedup,
    SpeedupStudy,
    Status,
)
from autograder.model.recording import (
    LOST_WORKERS,
    GraphRecord,
    LayerUsage,
    Recording,
    TaskRecord,
)
from autograder.model.reference import Reference, Summary
from autograder.model.scaling import ScalingPoint, ScalingStudy
from autograder.model.submission import FunctionNames, Submission, SubmittedCell

__all__ = [
    "LOST_WORKERS",
    "SCHEMA",
    "CaseSpec",
    "CellOutput",
    "CheckSpec",
    "ClusterShape",
    "Comparison",
    "CpuSample",
    "Evidence",
    "Exercise",
    "Failure",
    "Finding",
    "FunctionNames",
    "Grade",
    "GraphRecord",
    "Kill",
    "LayerUsage",
    "Limits",
    "MemorySample",
    "Mistake",
    "ProcessUsage",
    "Recording",
    "Reference",
    "ReferenceRun",
    "Result",
    "Role",
    "Run",
    "ScalingPoint",
    "ScalingStudy",
    "ScoredFinding",
    "Speedup",
    "SpeedupStudy",
    "Status",
    "Submission",
    "SubmittedCell",
    "Summary",
    "TaskRecord",
]
