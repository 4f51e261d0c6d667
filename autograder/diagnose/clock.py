"""How a student took the time."""

from autograder.evidence.summary import worked_seconds
from autograder.model import Exercise, Reference, Run, SpeedupStudy

__all__ = ["COVERED", "timed_too_early"]

COVERED = 0.5
"""Share of the seconds from the first task to the last that a time of the work holds at least.

Who stops the clock when the results are there holds all of them, and still more than half if a
block went ahead, to warm up. Who timed the making of a recipe holds some hundredths.
"""


def timed_too_early(
    exercise: Exercise, run: Run, study: SpeedupStudy | None, reference: Reference
) -> str | None:
    """The function's own seconds hold less than half of those from the first task to the last."""
    said = run.comparison.seconds if run.comparison else None
    worked = worked_seconds(run.recording)
    if said is None or said >= COVERED * worked:
        return None
    return (
        f"Your clock says {1e3 * said:.1f} ms, but the tasks took {worked:.2f} s from the first to "
        "the last. predict of a Dask array only writes down what is to be done; to compute it is "
        "what takes the time. Stop the clock when the labels are there, after compute(). (A clock "
        "of CPU time, such as time.process_time, does not see what the workers do.)"
    )
