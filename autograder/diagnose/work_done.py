"""How much work was done, compared with the reference solution for the same answer."""

from autograder.diagnose.rules import Observed, rule
from autograder.evidence.summary import does_its_work
from autograder.formats import counted

TWICE = 1.8
"""Work, in multiples of the reference's, above which some of it was repeated. Kept evidence: up to
2.2."""

TOO_MUCH = 1.3
"""CPU time, in multiples of the reference's, above which some of it was wasted. Work in the client
beside busy work took 1.48 times as much or more (ex01, where the reference solution had run in a
slow moment), and mostly 2 to 3 times. Kept evidence: up to 1.75."""

TOO_LITTLE = 0.1
"""Share of the reference's CPU time up to which an answer was not computed.

Hard-coded labels took 0.04 of it in ex02 (0.09 of 2.24 s, Dask's own part in 80 empty tasks), and a
search that left half the candidates out 0.15 to 0.18 in ex01. CPU time comes in steps of 0.01 s for
each of three processes: two or three hundredths more or less. Kept evidence: 0.036 to 0.96.
"""

A_FEW = 8
"""Tasks per block of the input up to which handling them does not dominate the time. Kept evidence:
1.1 and more."""


@rule(
    "Unneeded work runs alongside the work itself",
    numbers=(36,),
    see="Dask: Understanding Performance",
)
def busy_work(observed: Observed) -> str | None:
    """The client did about the reference's work, and the workers had other tasks meanwhile."""
    reference, summary = observed.reference, observed.summary
    needed = reference.cpu_seconds
    if needed is None or summary.client_cpu < needed / 2 or summary.worker_cpu < needed / 2:
        return None
    too_little = summary.client_cpu + summary.worker_cpu < TOO_MUCH * needed
    if too_little or does_its_work(summary, reference.summary):
        return None
    return (
        f"Your notebook's process used {summary.client_cpu:.2f} s of CPU time and the workers "
        f"{summary.worker_cpu:.2f} s; the reference solution needs {needed:.2f} s in total. The "
        "notebook's process did the work itself, and the answer did not need what the cluster did "
        "meanwhile. Let the tasks do the work, and the notebook's process wait."
    )


@rule(
    "The same work is done more than once",
    numbers=(20, 21, 34),
    see="Dask: Best Practices, section Avoid calling compute repeatedly",
)
def computed_again(observed: Observed) -> str | None:
    """More graphs or repeated keys than the reference, and about twice its work or more."""
    reference, summary = observed.reference, observed.summary
    expected = reference.summary
    repeats = expected.repeats if expected else 0
    again = summary.graphs > reference.graphs or summary.repeats > repeats
    if expected is not None and expected.work_seconds > 0:
        times = summary.work_seconds / expected.work_seconds
        amount = f"{summary.work_seconds:.2f} s of work"
    else:
        times = summary.tasks / max(reference.tasks, 1)
        amount = counted(summary.tasks, "task")
    if not again or times < TWICE:
        return None
    return (
        f"The cluster got {counted(summary.graphs, 'graph')} with {amount}, {times:.1f} times as "
        "much as the reference solution needs. Every compute(), plot or printed number, and len() "
        "of unknown length, computes a lazy collection from the beginning and keeps nothing. Ask "
        "for everything in one dask.compute(a, b, c), or persist what is used again and keep the "
        "variable that holds it."
    )


@rule(
    "Python goes through the numbers, not NumPy",
    numbers=(),
    see="NumPy: the absolute basics for beginners",
    techniques=("repair",),
    explains=("work",),
)
def python_loop(observed: Observed) -> str | None:
    """A right answer for too much CPU time, in no more tasks than a few for each block."""
    run, summary = observed.run, observed.summary
    usual = observed.reference.case_cpu.get(run.case)
    if not run.right or not usual or summary.tasks > A_FEW * (run.answer.get("input_blocks") or 1):
        return None
    spent = summary.client_cpu + summary.worker_cpu
    return (
        f"Your function used {spent:.2f} s of CPU, {spent / usual:.1f} times the {usual:.2f} s "
        "that would do, although its tasks are large enough. A loop in Python does that: each "
        "step takes at least a tenth of a microsecond, and holds the interpreter's lock (GIL) "
        "meanwhile. Replace operations on single numbers by operations on whole arrays: NumPy "
        "then loops in C. np.vectorize and np.apply_along_axis still call Python at every step."
    )


@rule(
    "The answer was not computed from these data",
    numbers=(35,),
    see="scikit-learn: Common pitfalls and recommended practices",
    explains=("values",),
)
def hard_coded(observed: Observed) -> str | None:
    """A wrong answer on the timed case, by none of the usual tasks and for a tenth of the CPU."""
    reference, summary = observed.reference, observed.summary
    needed = reference.cpu_seconds
    if needed is None or observed.run.case not in observed.exercise.timed:
        return None
    spent = summary.client_cpu + summary.worker_cpu
    # Who has run any of the tasks that do the reference's work has worked something out.
    if spent > TOO_LITTLE * needed or does_its_work(summary, reference.summary, least=0.0):
        return None
    return (
        f"All processes together used {spent:.2f} s of CPU time; the reference solution needs "
        f"{needed:.2f} s. The function is called on data that the notebook has not seen, so values "
        "that were hard-coded or kept from earlier data do not fit. Compute the answer from the "
        "arguments."
    )
