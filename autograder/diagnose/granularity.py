"""How the work was cut up: into one piece, into too few or into too many."""

from autograder.diagnose.rules import ENOUGH, FLAT, MOST, Observed, rule
from autograder.formats import counted, megabytes
from autograder.model import Summary

ALL = 0.8
"""Share of the work above which one task counts as all of it. Kept evidence: 0.73 to 0.93."""

UNEVEN = 1.2
"""Length of the longest task, in a worker's fair shares of the work, above which it sets the time.
Kept evidence: 1.01 to 1.43."""

MANY = 20
"""Number of tasks, in multiples of the reference's, above which handling them dominates. Kept
evidence: 12 and more."""


@rule(
    "The whole search is one task",
    numbers=(7,),
    see="Dask-ML: Scikit-Learn & Joblib",
    techniques=("joblib",),
)
def search_in_one_task(observed: Observed) -> str | None:
    """One task holds nearly all work, in a search."""
    summary = observed.summary
    if not summary.tasks or summary.longest_seconds < ALL * summary.work_seconds:
        return None
    return (
        f"{_longest(summary)} submit() of a whole fit does that: the search moves to one worker "
        "and runs there, one training after another. Call fit in the notebook, and let the "
        "backend turn each training into a task."
    )


@rule(
    "One chunk holds everything",
    numbers=(7,),
    see="Dask: Chunks",
)
def one_chunk(observed: Observed) -> str | None:
    """One task holds nearly all work."""
    summary = observed.summary
    if summary.work_seconds < ENOUGH or summary.longest_seconds < ALL * summary.work_seconds:
        return None
    return (
        f"{_longest(summary)} A task runs on one worker, so the others wait. rechunk(-1) does "
        "that, and so does a single huge chunk. Keep the chunks that the data have, several for "
        "each worker."
    )


@rule(
    "All rows are in one chunk",
    numbers=(7,),
    see="Dask: Chunks",
    techniques=("KMeans",),
    explains=("speedup", "reads_once"),
)
def one_block(observed: Observed) -> str | None:
    """Few tasks per graph, and the result of one is as large as most of the input."""
    run, study, reference = observed.run, observed.study, observed.reference
    recording = run.recording
    if study is None or study.speedup > FLAT:
        return None
    if not recording.graphs or not reference.graphs:
        return None
    each = len(recording.tasks) / len(recording.graphs)
    expected = reference.tasks / reference.graphs
    largest = max((task.nbytes for task in recording.tasks), default=0)
    if each > MOST * expected or largest < MOST * run.input_bytes:
        return None
    return (
        f"Each pass over the data took {each:.1f} tasks on average, {expected:.1f} in the "
        f"reference solution, and a single task produced {largest / 1e6:.0f} of the "
        f"{megabytes(run.input_bytes, 0)}. rechunk(-1) does that, and so does one huge chunk: a "
        "task runs on one worker, and the others wait. Keep the chunks that X has."
    )


@rule(
    "Too few pieces for the workers",
    numbers=(31,),
    see="Dask: Chunks",
    see_in={"joblib": "Dask-ML: Scikit-Learn & Joblib"},
)
def too_few(observed: Observed) -> str | None:
    """The longest task is clearly longer than work / P."""
    study, summary = observed.study, observed.summary
    if study is None or summary.work_seconds < ENOUGH:
        return None
    fair = summary.work_seconds / study.workers
    if summary.longest_seconds < UNEVEN * fair:
        return None
    return (
        f"The longest of {counted(summary.tasks, 'task')} took {summary.longest_seconds:.2f} s, "
        f"all of them together {summary.work_seconds:.2f} s. Shared evenly among "
        f"{counted(study.workers, 'worker')} that would be {fair:.2f} s each, but no run is "
        "shorter than its longest task. Cut the work into more pieces of about the same size, "
        "several for each worker."
    )


@rule(
    "Too many tiny tasks",
    numbers=(8,),
    see="Dask: Best Practices, section Avoid Very Large Graphs",
)
def tiny_tasks(observed: Observed) -> str | None:
    """Twenty times as many tasks as the reference's."""
    reference, summary = observed.reference, observed.summary
    if summary.tasks < MANY * max(reference.tasks, 10):
        return None
    return (
        f"There were {summary.tasks:,} tasks, half of them shorter than "
        f"{summary.typical_seconds * 1e3:.1f} ms; the reference solution has {reference.tasks:,}. "
        "Each task costs the scheduler about a millisecond, however short it is. Use larger "
        "chunks, so that a task takes 0.1 s or more."
    )


def _longest(summary: Summary) -> str:
    """Say that one task did nearly all of the work."""
    if summary.tasks == 1:
        return f"There was only one task, which took {summary.longest_seconds:.2f} s."
    return (
        f"One task took {summary.longest_seconds:.2f} of the {summary.work_seconds:.2f} seconds "
        f"that all {summary.tasks:,} tasks took."
    )
