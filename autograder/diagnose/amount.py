"""How much work was done, against what the reference solution needs for the same answer."""

from autograder.evidence.summary import does_its_work, summarise
from autograder.model import Exercise, Reference, Run, SpeedupStudy

__all__ = ["busy_work", "computed_again", "hard_coded"]

TWICE = 1.8
"""Times the reference's work from which some of it was done again."""

TOO_MUCH = 1.3
"""Times the reference's CPU time from which some of it was for nothing. Work in the client beside
busy work took 1.48 times as much and more (ex01, where the reference solution had run in a slow
moment), and mostly 2 to 3 times."""

TOO_LITTLE = 0.1
"""Share of the reference's CPU time up to which an answer was not worked out.

Labels that were written down spent 0.04 of it in ex02 (0.09 of 2.24 s, Dask's own part in 80
empty tasks), and a search that left half the candidates out 0.15 to 0.18 in ex01. CPU time comes
in steps of 0.01 s for each of three processes: two or three hundredths more or less.
"""


def busy_work(
    exercise: Exercise, run: Run, study: SpeedupStudy | None, reference: Reference
) -> str | None:
    """The client did about the reference's work, and the workers had other tasks meanwhile."""
    own, needed = summarise(run), reference.cpu_seconds
    if needed is None or own.client_cpu < needed / 2 or own.worker_cpu < needed / 2:
        return None
    if own.client_cpu + own.worker_cpu < TOO_MUCH * needed or does_its_work(own, reference.summary):
        return None
    return (
        f"Your notebook's own process used {own.client_cpu:.2f} s of CPU and the workers "
        f"{own.worker_cpu:.2f} s, for what takes the reference solution {needed:.2f} s in all. "
        "The notebook's process did the work itself; what the cluster did meanwhile was not "
        "needed for the answer. Let the tasks do the work, and the notebook's process wait."
    )


def computed_again(
    exercise: Exercise, run: Run, study: SpeedupStudy | None, reference: Reference
) -> str | None:
    """More graphs or repeated keys than the reference, and about twice its work or more."""
    own, usual = summarise(run), reference.summary
    again = own.graphs > reference.graphs or own.repeats > (usual.repeats if usual else 0)
    if usual is not None and usual.work_seconds > 0:
        times = own.work_seconds / usual.work_seconds
        said = f"{own.work_seconds:.2f} s of work, {times:.1f} times the reference solution's"
    else:
        times = own.tasks / max(reference.tasks, 1)
        said = f"{own.tasks} tasks, {times:.1f} times the reference solution's"
    if not again or times < TWICE:
        return None
    return (
        f"The cluster got {own.graphs} graphs with {said}. Every compute(), len() of unknown "
        "length, plot or printed number works a lazy collection out from the beginning, and "
        "forgets what it computed on the way. Ask for everything in one dask.compute(a, b, c), "
        "or persist what is used again and keep the variable that holds it."
    )


def hard_coded(
    exercise: Exercise, run: Run, study: SpeedupStudy | None, reference: Reference
) -> str | None:
    """A wrong answer on the timed case, by none of the usual tasks and for a tenth of the CPU."""
    needed = reference.cpu_seconds
    if needed is None or run.case not in exercise.timed:
        return None
    own = summarise(run)
    spent = own.client_cpu + own.worker_cpu
    # Who has run any of the tasks that do the reference's work has worked something out.
    if spent > TOO_LITTLE * needed or does_its_work(own, reference.summary, least=0.0):
        return None
    return (
        f"All processes together used {spent:.2f} s of CPU for what takes the reference solution "
        f"{needed:.2f} s. The function is called on data that the notebook has not seen; values "
        "that were written down or kept from earlier data do not fit them. Work the answer out "
        "from the arguments."
    )
