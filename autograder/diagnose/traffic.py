"""What travelled between the notebook's process and the cluster."""

from autograder.diagnose.placement import MOST
from autograder.evidence.summary import summarise
from autograder.model import Exercise, Reference, Run, SpeedupStudy

__all__ = ["big_graph", "gathers_input", "gathers_result", "round_trip", "scored_at_home"]


def round_trip(
    exercise: Exercise, run: Run, study: SpeedupStudy | None, reference: Reference
) -> str | None:
    """An input-sized gather, and as much sent to the cluster in graphs or by scatter."""
    own = summarise(run)
    sent = own.graph_bytes - reference.graph_bytes + own.scattered_bytes
    came = _input_came(exercise, run, reference)
    if not came or sent < MOST * run.input_bytes:
        return None
    return (
        f"{came} of the whole input, and {_mb(sent)} went back to the cluster. "
        "That is what compute() does with from_array or scatter after it; with broadcast=True "
        "every worker gets all of it. The data were on the workers already: leave the collection "
        "as it is, and call map_blocks, or the estimator's own methods, on it."
    )


def gathers_input(
    exercise: Exercise, run: Run, study: SpeedupStudy | None, reference: Reference
) -> str | None:
    """A gather of the input's size."""
    came = _input_came(exercise, run, reference)
    return came and (
        f"{came} of the whole input. That is what compute() on the input does, "
        "and what handing a Dask collection to a plain scikit-learn estimator does. From then on "
        "one process does all the work. Leave the data a Dask collection, and let each worker "
        "work on the chunks that it holds."
    )


def scored_at_home(
    exercise: Exercise, run: Run, study: SpeedupStudy | None, reference: Reference
) -> str | None:
    """A gather of the input's size where a score is asked for."""
    came = _input_came(exercise, run, reference)
    return came and (
        f"{came} that were to be scored. A score of scikit-learn's own does that: "
        "that of a wrapper without scoring=, whose pipeline makes one NumPy array of all chunks, "
        "or that of the estimator inside. So does compute() on X. With scoring='accuracy' each "
        "chunk is labelled where it lies, and only sums travel."
    )


def gathers_result(
    exercise: Exercise, run: Run, study: SpeedupStudy | None, reference: Reference
) -> str | None:
    """A gather of the result's size before the function returned, where it is to be lazy."""
    during = run.recording.gathered_during_call
    if not _judged_lazy(exercise, run) or during < MOST * reference.gathered_bytes:
        return None
    return (
        f"The labels were computed and {_mb(during)} of them brought to the notebook's process "
        "before your function returned. With labels for a billion rows that process would run "
        "out of memory. Return what predict() gives you, without compute()."
    )


def big_graph(
    exercise: Exercise, run: Run, study: SpeedupStudy | None, reference: Reference
) -> str | None:
    """Graphs of several times the reference's bytes, and of the input's size or more."""
    own = summarise(run)
    if own.graph_bytes < max(4 * reference.graph_bytes, run.input_bytes, 1_000_000):
        return None
    return (
        f"The graphs that your notebook sent hold {_mb(own.graph_bytes)}, those of the reference "
        f"solution {_mb(reference.graph_bytes)}: a large object is packed into them, once for "
        f"each of {own.tasks} tasks or so, and goes through the notebook's process and the "
        "scheduler one copy after another. A function that uses a large object from outside does "
        "that, and so does a large argument. Send it once with client.scatter, or as one delayed "
        "object, and hand that to the tasks."
    )


def _input_came(exercise: Exercise, run: Run, reference: Reference) -> str | None:
    """Begin the sentence that says so, if about all of the input came to the client."""
    told, usual = run.recording.gathered_bytes, reference.gathered_bytes
    if _judged_lazy(exercise, run):
        # What came later was fetched by whoever looked at the result.
        told, usual = run.recording.gathered_during_call, 0
    if run.input_bytes <= 0 or told - usual < MOST * run.input_bytes:
        return None
    return f"{_mb(told)} came to the notebook's process, about the {_mb(run.input_bytes)}"


def _judged_lazy(exercise: Exercise, run: Run) -> bool:
    return any(c.function == run.function and c.check == "lazy" for c in exercise.checks)


def _mb(size: int) -> str:
    return f"{size / 1e6:.1f} MB" if size >= 50_000 else f"{size / 1e6:.2f} MB"
