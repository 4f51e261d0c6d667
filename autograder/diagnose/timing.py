"""How a student measured time."""

from autograder.diagnose.rules import Observed, rule
from autograder.evidence.summary import worked_seconds

COVERED = 0.5
"""Least share of the seconds from the first task to the last that a timing of the work covers. A
clock that stops when the results are there covers all of them, or more than half if a block ran
earlier, to warm up. A clock around building the graph covers some hundredths. Kept evidence: up to
0.92, one of 0.014 below it.
"""


@rule(
    "The clock was stopped before the work was done",
    numbers=(30,),
    see="Dask: User Interfaces, section Laziness and Computing",
    explains=("timing",),
)
def timed_too_early(observed: Observed) -> str | None:
    """The function's own seconds cover less than half of those from the first task to the last."""
    run = observed.run
    claimed = run.comparison.seconds if run.comparison else None
    worked = worked_seconds(run.recording)
    if claimed is None or claimed < 0.0 or claimed >= COVERED * worked:
        return None
    return (
        f"Your clock says {1e3 * claimed:.1f} ms, but the tasks took {worked:.2f} s from the "
        "first to the last. predict on a Dask array only builds a graph; computing it takes the "
        "time. Stop the clock when the labels are there, after compute(). (A "
        "clock of CPU time, such as time.process_time, does not see what the workers do.)"
    )
