"""What became of a large collection: fetched, kept on the workers, or read again and again."""

from autograder.diagnose.placement import MOST
from autograder.evidence.summary import read_again
from autograder.model import Exercise, Reference, Run, SpeedupStudy

__all__ = [
    "collection_fetched",
    "computed_early",
    "kept_in_vain",
    "not_kept",
    "one_block",
]

EARLY = 0.4
"""Share of all bytes fetched in a run that came before the function returned, from which it was
the result. The grader fetches the result of a lazy function afterwards, so one that fetched it
itself has half; means and variances that a contract lets come over are a hundredth."""


def collection_fetched(
    exercise: Exercise, run: Run, study: SpeedupStudy | None, reference: Reference
) -> str | None:
    """More than half the input came to the client before the function returned."""
    gathered = run.recording.gathered_bytes - reference.gathered_bytes
    # What standardise and assign return is large itself, and rightly fetched after they return.
    before = min(gathered, run.recording.gathered_during_call)
    if before < MOST * run.input_bytes or not run.input_bytes:
        return None
    return (
        f"{before / 1e6:.1f} MB came to the notebook's process before {run.function} returned; the "
        f"whole input is {run.input_bytes / 1e6:.1f} MB. compute() on it does that, and so does "
        "giving a Dask array to an estimator of scikit-learn: it knows NumPy only, so the array is "
        "fetched first and one process does the rest. Use dask_ml's estimator of the same name."
    )


def kept_in_vain(
    exercise: Exercise, run: Run, study: SpeedupStudy | None, reference: Reference
) -> str | None:
    """Files are read again though a graph asked for as many results as there are chunks."""
    often = _how_often(run, reference)
    # persist asks for as many results as there are chunks, a computation for one or two.
    chunks = run.answer.get("input_blocks") or 0
    if not often or chunks < 3 or not any(g.wanted >= chunks for g in run.recording.graphs):
        return None
    return (
        f"{often} Your function did call persist(), but what it gave back was not used, or not "
        "kept: persist() leaves X as it is and returns another array, whose chunks stay on the "
        "workers only as long as somebody holds it. Write X = X.persist(), and go on with that X."
    )


def not_kept(
    exercise: Exercise, run: Run, study: SpeedupStudy | None, reference: Reference
) -> str | None:
    """Files are read again, several times as often as by the reference."""
    often = _how_often(run, reference)
    if not often:
        return None
    return (
        f"{often} A Dask array is a recipe, and each compute() follows it from the start: "
        f"k-means computes after every step, here {len(run.recording.graphs)} times. "
        "X = X.persist() makes the chunks once and keeps them on the workers."
    )


def _how_often(run: Run, reference: Reference) -> str:
    if not read_again(run, reference):
        return ""
    return (
        f"Files were read {run.recording.reads} times, where {reference.reads} reads do, one of "
        "each file."
    )


def one_block(
    exercise: Exercise, run: Run, study: SpeedupStudy | None, reference: Reference
) -> str | None:
    """Few tasks a graph, the result of one of them as large as most of the input."""
    recording = run.recording
    if study is None or study.speedup > 1.3:
        return None
    if not recording.graphs or not reference.graphs:
        return None
    each = len(recording.tasks) / len(recording.graphs)
    usual = reference.tasks / reference.graphs
    largest = max((task.nbytes for task in recording.tasks), default=0)
    if each > MOST * usual or largest < MOST * run.input_bytes:
        return None
    return (
        f"A step over the data took {each:.1f} tasks on average, where the reference solution has "
        f"{usual:.1f}, and what one of your tasks made is {largest / 1e6:.0f} of the "
        f"{run.input_bytes / 1e6:.0f} MB. "
        "That is what rechunk(-1) does, or one huge chunk: a task runs on one worker, and the "
        "others wait. Keep the chunks that X comes with."
    )


def computed_early(
    exercise: Exercise, run: Run, study: SpeedupStudy | None, reference: Reference
) -> str | None:
    """More came before the return than a lazy function brings."""
    judged_lazy = {check.function for check in exercise.checks if check.check == "lazy"}
    during, all_in_all = run.recording.gathered_during_call, run.recording.gathered_bytes
    if run.function not in judged_lazy or during < max(EARLY * all_in_all, 0.01 * run.input_bytes):
        return None
    return (
        f"{during / 1e6:.2f} MB came to the notebook's process before {run.function} returned: the "
        "result was computed here and now. Whoever called your function may want to store it, "
        "count it or go on computing with it, and for a billion rows there would be no room. "
        "Return the Dask array, without compute()."
    )
