"""What travelled between the notebook's process and the cluster."""

from autograder.diagnose.rules import MOST, Observed, rule
from autograder.evidence.summary import graph_bytes, sent_during_call
from autograder.formats import counted, megabytes

EARLY = 0.4
"""Share of a run's fetched bytes that were fetched before the function returned, above which they
were the result. The grader fetches the result of a lazy function afterwards, so a function that
fetched it itself has half; means and variances that a contract allows are a hundredth. Kept
evidence: up to 0.50."""

FEW_BYTES = 0.01
"""Share of the input's bytes that may be fetched before a lazy function returns. Kept evidence: up
to 0.015."""

PACKED = 4
"""Size of the graphs, in multiples of the reference's, above which they contain data. Kept
evidence: 1.0 and more."""


@rule(
    "The whole collection is brought to one process",
    numbers=(5, 15),
    see="Dask-ML: KMeans",
    techniques=("KMeans",),
    explains=("speedup", "lazy", "stays_distributed", "reads_once"),
)
def collection_fetched(observed: Observed) -> str | None:
    """More than half the input came to the client before the function returned."""
    run, reference = observed.run, observed.reference
    gathered = run.recording.gathered_bytes - reference.gathered_bytes
    # What standardise and assign return is large itself, and rightly fetched after they return.
    before = min(gathered, run.recording.gathered_during_call)
    if before < MOST * run.input_bytes or not run.input_bytes:
        return None
    return (
        f"{megabytes(before)} were brought to the notebook's process before {run.function} "
        f"returned; the whole input is {megabytes(run.input_bytes)}. compute() on the input does "
        "that, and so does a scikit-learn estimator that is given a Dask array: it knows NumPy "
        "only, so the array is fetched first and one process does the rest. Use dask_ml's "
        "estimator of the same name."
    )


@rule(
    "The data go to the notebook's process and back",
    numbers=(9, 27),
    see="Dask: Best Practices, section Load Data with Dask",
    explains=("speedup", "lazy"),
)
def round_trip(observed: Observed) -> str | None:
    """An input-sized gather, and as much sent to the cluster in graphs or by scatter."""
    run, reference, summary = observed.run, observed.reference, observed.summary
    sent = summary.graph_bytes - reference.graph_bytes + summary.scattered_bytes
    came = _input_came(observed)
    if not came or sent < MOST * run.input_bytes:
        return None
    return (
        f"{came} of the whole input, and {megabytes(sent)} were sent back to the cluster. "
        "compute() followed by from_array or scatter does that; with broadcast=True every worker "
        "gets all of it. The data were already on the workers: leave the collection as it is, and "
        "call map_blocks, or the estimator's own methods, on it."
    )


@rule(
    "All the data are brought to one process",
    numbers=(5, 13, 15),
    see="Dask: Best Practices, section Load Data with Dask",
    explains=("speedup", "lazy", "memory", "stays_distributed", "work"),
)
def gathers_input(observed: Observed) -> str | None:
    """A gather of the input's size."""
    came = _input_came(observed)
    return came and (
        f"{came} of the whole input. compute() on the input does that, and so does a plain "
        "scikit-learn estimator, or a function written for NumPy arrays, that is given a Dask "
        "collection. From then on one process does all the work. Leave the data in the Dask "
        "collection, and let each worker work on the chunks that it holds."
    )


@rule(
    "The score is computed in the notebook's process",
    numbers=(5, 28),
    see="Dask-ML: ParallelPostFit",
    techniques=("ParallelPostFit",),
    explains=("stays_distributed",),
)
def scored_at_home(observed: Observed) -> str | None:
    """A gather of the input's size where a score is asked for."""
    came = _input_came(observed)
    return came and (
        f"{came} to be scored. scikit-learn's own score does that: the score of a wrapper "
        "without scoring=, whose pipeline turns all chunks into one NumPy array, or that of the "
        "estimator inside. So does compute() on X. With scoring='accuracy' each chunk is labelled "
        "where it is, and only sums are sent."
    )


@rule(
    "The result is computed too early",
    numbers=(6,),
    see="Dask: User Interfaces, section Laziness and Computing",
    techniques=("KMeans",),
    explains=("speedup", "lazy", "stays_distributed", "reads_once"),
)
def computed_early(observed: Observed) -> str | None:
    """More was fetched before the return than a lazy function fetches."""
    run = observed.run
    during, in_all = run.recording.gathered_during_call, run.recording.gathered_bytes
    if not observed.judged_lazy or during < max(EARLY * in_all, FEW_BYTES * run.input_bytes):
        return None
    return (
        f"{megabytes(during, 2)} were brought to the notebook's process before {run.function} "
        "returned: the result was computed at once. The caller may want to store it, count it or "
        "use it in another computation, and a billion rows would not fit into memory. Return the "
        "Dask array, without compute()."
    )


@rule(
    "The labels are computed too early",
    numbers=(6,),
    see="Dask-ML: ParallelPostFit",
    techniques=("ParallelPostFit",),
    explains=("speedup", "lazy"),
)
def gathers_result(observed: Observed) -> str | None:
    """A gather of the result's size before a lazy function returned."""
    reference = observed.reference
    during = observed.run.recording.gathered_during_call
    if not observed.judged_lazy or during < MOST * reference.gathered_bytes:
        return None
    return (
        f"The labels were computed, and {megabytes(during)} of them brought to the notebook's "
        "process, before your function returned. With labels for a billion rows that process "
        "would run out of memory. Return what predict() returns, without compute()."
    )


@rule(
    "The data are in the graph of the result",
    numbers=(),
    see="Dask: Best Practices, section Load Data with Dask",
    explains=("lazy",),
)
def data_in_graph(observed: Observed) -> str | None:
    """The graphs of a lazy result hold most of the input's bytes."""
    run = observed.run
    held = graph_bytes(run.recording)
    if not observed.judged_lazy or held < MOST * run.input_bytes or not run.input_bytes:
        return None
    return (
        f"The data are {megabytes(run.input_bytes)}, and {megabytes(held)} are in the graph of "
        "your result: they were read in the notebook's process, and travel to the cluster with "
        "every computation. from_array on data in memory does that, and so does "
        "dask.delayed(read(number)), whose inner brackets call read at once. A graph says what to "
        "read: in dask.delayed(read)(number) a task calls read."
    )


@rule(
    "The work has begun before anybody asked",
    numbers=(),
    see="Dask: User Interfaces, section Laziness and Computing",
    explains=("lazy",),
)
def begun_early(observed: Observed) -> str | None:
    """A function that must be lazy had more begun when it returned than it may."""
    run = observed.run
    checks = (c for c in observed.exercise.checks if c.function == run.function)
    options = next((c.options for c in checks if c.check == "lazy"), None)
    sent, kept = sent_during_call(run), run.answer.get("kept") or 0
    # What is sent just before the end may reach the scheduler after it; the caller sends one more.
    late = 0 if sent or len(run.recording.graphs) < 2 else kept
    if options is None or not (sent or late):
        return None
    within = sent <= options.get("graphs", sent) and kept <= options.get("kept", kept)
    if run.answer.get("lazy") and within:
        return None
    begun = f"{counted(sent, 'graph')} went to the cluster before {run.function} returned."
    if not sent:
        begun = f"When {run.function} returned, work on {counted(late, 'block')} had begun."
    return (
        f"{begun} compute() and persist() begin at once, and so do client.compute, client.submit "
        "and client.map. The caller may want ten rows of a million, or more than fits into memory. "
        "Return what only describes the work: the Dask array itself, or blocks made by "
        "dask.delayed."
    )


@rule(
    "Large objects are sent inside the graph",
    numbers=(9, 26),
    see="Dask: Best Practices, section Load Data with Dask",
)
def big_graph(observed: Observed) -> str | None:
    """Graphs of several times the reference's bytes, and of the input's size or more."""
    run, reference, summary = observed.run, observed.reference, observed.summary
    if summary.graph_bytes < max(PACKED * reference.graph_bytes, run.input_bytes, 1_000_000):
        return None
    return (
        f"Your notebook's graphs hold {megabytes(summary.graph_bytes)}, those of the reference "
        f"solution {megabytes(reference.graph_bytes)}: a large object is packed into them, about "
        f"once for each of {counted(summary.tasks, 'task')}, and every copy passes through the "
        "notebook's process and the scheduler. A function that uses a large object from outside "
        "does that, and so does a large argument. Send the object once, with client.scatter or as "
        "one delayed object, and pass that to the tasks."
    )


def _input_came(observed: Observed) -> str | None:
    """Begin the sentence about the transfer, if about all of the input came to the client."""
    run = observed.run
    gathered, expected = run.recording.gathered_bytes, observed.reference.gathered_bytes
    if observed.judged_lazy:
        # What came after the return was fetched by the caller.
        gathered, expected = run.recording.gathered_during_call, 0
    if run.input_bytes <= 0 or gathered - expected < MOST * run.input_bytes:
        return None
    came, whole = megabytes(gathered), megabytes(run.input_bytes)
    return f"{came} were brought to the notebook's process, about the {whole}"
