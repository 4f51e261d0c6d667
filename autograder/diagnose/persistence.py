"""Whether the input was kept on the workers, or read again and again."""

from autograder.diagnose.rules import Observed, rule
from autograder.evidence.summary import read_again
from autograder.formats import counted
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


def _how_often(run: Run, reference: Reference) -> str:
    if not read_again(run, reference):
        return ""
    return (
        f"Files were read {counted(run.recording.reads, 'time')}; "
        f"{counted(reference.reads, 'time')} would do, once each."
    )
