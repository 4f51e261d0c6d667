"""How the work was cut up: into one piece, into too few or into too many."""

from autograder.diagnose.rules import ENOUGH, FLAT, MOST, Observed, rule
from autograder.formats import megabytes

ALL = 0.8
"""Share of the work from which one task counts as all of it."""


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
        f"One task took {summary.longest_seconds:.2f} of the {summary.work_seconds:.2f} seconds "
        f"of all tasks, of which there were {summary.tasks}. That is what submit() of a whole fit "
        "does: the search moves to one worker and runs there, one training after another. Call "
        "fit here, and let the backend make a task of each training."
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
        f"One task took {summary.longest_seconds:.2f} of the {summary.work_seconds:.2f} seconds "
        f"of all tasks, of which there were {summary.tasks}. A task runs on one worker, so the "
        "others wait. That is what rechunk(-1) or a single huge chunk does. Keep the chunks that "
        "the data come with, several for each worker."
    )


@rule(
    "All rows are in one chunk",
    numbers=(7,),
    see="Dask: Chunks",
    techniques=("KMeans",),
    explains=("speedup", "reads_once"),
)
def one_block(observed: Observed) -> str | None:
    """Few tasks a graph, the result of one of them as large as most of the input."""
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
        f"A step over the data took {each:.1f} tasks on average, where the reference solution has "
        f"{expected:.1f}, and what one of your tasks made is {largest / 1e6:.0f} of the "
        f"{megabytes(run.input_bytes, 0)}. "
        "That is what rechunk(-1) does, or one huge chunk: a task runs on one worker, and the "
        "others wait. Keep the chunks that X comes with."
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
    if summary.longest_seconds < 1.2 * fair:
        return None
    return (
        f"The longest of {summary.tasks} tasks took {summary.longest_seconds:.2f} s, and all "
        f"together {summary.work_seconds:.2f} s: shared evenly, {study.workers} workers would "
        f"need {fair:.2f} s each, but no run is shorter than its longest task. Cut the work into "
        "more pieces of about the same size, several for each worker."
    )


@rule(
    "Too many tiny tasks",
    numbers=(8,),
    see="Dask: Best Practices, section Avoid Very Large Graphs",
)
def tiny_tasks(observed: Observed) -> str | None:
    """Twenty times as many tasks as the reference's."""
    reference, summary = observed.reference, observed.summary
    if summary.tasks < 20 * max(reference.tasks, 10):
        return None
    return (
        f"There were {summary.tasks:,} tasks, half of them shorter than "
        f"{summary.typical_seconds * 1e3:.1f} ms; the reference solution has {reference.tasks}. "
        "Each costs the scheduler about a millisecond, whatever it does. Use larger chunks, so "
        "that a task takes 0.1 s or more."
    )
