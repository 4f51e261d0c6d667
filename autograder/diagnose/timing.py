"""How a student took the time."""

from autograder.diagnose.rules import Observed, rule
from autograder.evidence.summary import worked_seconds

COVERED = 0.5
"""Share of the seconds from the first task to the last that a time of the work holds at least.

Who stops the clock when the results are there holds all of them, and still more than half if a
block went ahead, to warm up. Who timed the making of a recipe holds some hundredths. Kept evidence:
up to 0.92, one of 0.014 below it.
"""


@rule(
    "The clock was stopped before the work was done",
    numbers=(30,),
    see="Dask: User Interfaces, section Laziness and Computing",
    explains=("timing",),
)
def timed_too_early(observed: Observed) -> str | None:
    """The function's own seconds hold less than half of those from the first task to the last."""
    run = observed.run
    claimed = run.comparison.seconds if run.comparison else None
    worked = worked_seconds(run.recording)
    if claimed is None or claimed < 0.0 or claimed >= COVERED * worked:
        return None
    return (
        f"Your clock says {1e3 * claimed:.1f} ms, but the tasks took {worked:.2f} s from the "
        "first to the last. predict on a Dask array only writes down what is to be done; the "
        "computing takes the time. Stop the clock when the labels are there, after compute(). (A "
        "clock of CPU time, such as time.process_time, does not see what the workers do.)"
    )
