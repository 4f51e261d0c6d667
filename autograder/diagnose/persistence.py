"""Whether the input was kept on the workers, or read again and again."""

from autograder.diagnose.rules import MOST, Observed, rule
from autograder.evidence.summary import needed_again, read_again, sent_during_call
from autograder.formats import counted, megabytes
from autograder.model import Reference, Run


@rule(
    "The persisted array is not the one that is used",
    numbers=(20,),
    see="Dask.distributed: Managing Memory, section Persisting Collections",
    techniques=("KMeans",),
    explains=("speedup", "lazy", "stays_distributed", "reads_once"),
)
def kept_in_vain(observed: Observed) -> str | None:
    """Files are read again though a graph asked for as many results as there are chunks."""
    run, reference = observed.run, observed.reference
    often = _how_often(run, reference)
    # persist asks for as many results as there are chunks, a computation for one or two.
    chunks = run.answer.get("input_blocks") or 0
    if not often or chunks < 3 or not any(g.wanted >= chunks for g in run.recording.graphs):
        return None
    return (
        f"{often} Your function calls persist(), but does not use or keep what it returns: "
        "persist() leaves X as it is and returns another array, whose chunks stay on the workers "
        "only as long as a variable holds it. Write X = X.persist(), and use that X from then on."
    )


@rule(
    "The input is read again in every step",
    numbers=(11, 21),
    see="Dask: Best Practices, section Persist When You Can",
    techniques=("KMeans",),
    explains=("speedup", "lazy", "stays_distributed", "reads_once"),
)
def not_kept(observed: Observed) -> str | None:
    """Files are read again, several times as often as by the reference."""
    run, reference = observed.run, observed.reference
    often = _how_often(run, reference)
    if not often:
        return None
    return (
        f"{often} A Dask array is a recipe, and each compute() follows it from the start. "
        f"k-means computes in every step, here {counted(len(run.recording.graphs), 'time')}. "
        "X = X.persist() makes the chunks once and keeps them on the workers."
    )


@rule(
    "Every block waits for all the others",
    numbers=(),
    see="Dask.distributed: Managing Memory, section Persisting Collections",
    techniques=("decomposition",),
    explains=("passes",),
)
def waits_for_all(observed: Observed) -> str | None:
    """Blocks are read again for most blocks of a result that is computed block by block."""
    run = observed.run
    blocks, reads = run.answer.get("input_blocks") or 0, run.recording.reads
    # Two and more passes of the function's own are `read_for_each`.
    if not blocks or reads < MOST * blocks**2 or sent_during_call(run) > 1:
        return None
    return (
        f"The {blocks} blocks were read {counted(reads, 'time')}. Before your "
        "function returned, means or deviations were not computed, so they are steps in the graph "
        "of every block: one block of the result needs all blocks of X to be read. If all are "
        "computed at once, each block is read once, but has to be kept until the last one is read, "
        "to be scaled then. Compute means and deviations first, both in one dask.compute, and "
        "scale by the numbers that come back."
    )


@rule(
    "A graph needs its blocks twice",
    numbers=(),
    see="Dask.distributed: Worker Memory Management",
    explains=("memory", "passes"),
)
def needed_twice(observed: Observed) -> str | None:
    """A graph needs most of the input again, after a step that waits for all of it."""
    run = observed.run
    kept = needed_again(run.recording, MOST * run.input_bytes)
    if kept <= MOST * run.input_bytes or not run.input_bytes:
        return None
    return (
        f"{megabytes(kept)} of {megabytes(run.input_bytes)} had to be kept until a step that waits "
        "for all blocks was done, because a later step of the same graph needs them again. "
        "A - A.mean(axis=0) is such a graph, and so is u of a decomposition. Dask computes each "
        "block once per graph and keeps it as long as a task needs it; what does not fit is "
        "spilled to disk. First compute what waits for all blocks, and start the next graph from "
        "the number that comes back: reading twice is cheaper than keeping everything."
    )


@rule(
    "The data are read again for every result",
    numbers=(21,),
    see="Dask: Best Practices, section Avoid calling compute repeatedly",
    techniques=("decomposition",),
    explains=("passes",),
)
def read_for_each(observed: Observed) -> str | None:
    """Several graphs before the return, and more reads than promised."""
    run = observed.run
    sent = sent_during_call(run)
    blocks = run.answer.get("input_blocks") or 0
    if sent < 2 or not blocks:
        return None
    return (
        f"The {blocks} blocks were read {counted(run.recording.reads, 'time')}: your function "
        f"computed {counted(sent, 'time')}. A Dask array is a recipe, and each compute() follows "
        "it from the start. dask.compute(a, b) asks for several results at once, and every block "
        "is read once for both. Where one result is needed for the next, as in power iterations, "
        "each step is another pass over the data."
    )


def _how_often(run: Run, reference: Reference) -> str:
    if not read_again(run, reference):
        return ""
    return (
        f"Files were read {counted(run.recording.reads, 'time')}; "
        f"{counted(reference.reads, 'time')} would do, once each."
    )
