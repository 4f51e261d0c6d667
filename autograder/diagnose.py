"""From evidence to the named mistake: why a function is not lazy, or not fast.

A check says what is wrong; this module says what the student did. Each detector looks at one
run, at its replay and at the reference solution's run, and recognises one mistake by what gives
it away. Counts and bytes are judged against the reference's, never against an absolute. The
detectors are tried in order and the first that recognises its mistake speaks: the more specific
come first. (A mistake that a returned value gives away is in the exercise's own description.)
"""

from collections import Counter, defaultdict
from collections.abc import Callable, Mapping

from autograder.model import Exercise, Mistake, Reference, Role, Run, SpeedupStudy

__all__ = ["REREADS", "diagnose"]

Detector = Callable[[Exercise, Run, SpeedupStudy | None, Reference], str | None]
"""Returns the explanation with the student's own numbers, or None if it is not this mistake."""

_MOST = 0.5
"""More than this share of something is "most of it"."""

REREADS = 2.5
"""Reads per read of the reference solution from which the input was not kept. A right solution
reads every file once, or twice if it looks at the data before it keeps them; without persist,
15 to 40 times."""


def diagnose(
    exercise: Exercise, run: Run, study: SpeedupStudy | None, reference: Reference
) -> tuple[Mistake, ...]:
    """Name the mistake that a run shows.

    Parameters
    ----------
    exercise : Exercise
        What the run is of.
    run : Run
        The student's run.
    study : SpeedupStudy or None
        Its replay, where the speedup is judged.
    reference : Reference
        The reference solution on the same input.

    Returns
    -------
    tuple of Mistake
        The first that fits, or nothing.
    """
    for name, (_, _, detect) in _DETECTED.items():
        explanation = detect(exercise, run, study, reference)
        if explanation is not None:
            return (_named(name, explanation),)
    return ()


def _named(name: str, explanation: str) -> Mistake:
    title, see, _ = _DETECTED[name]
    return Mistake(name, title, explanation, see)


def _own_cluster(
    exercise: Exercise, run: Run, study: SpeedupStudy | None, reference: Reference
) -> str | None:
    cluster = str(run.answer.get("own_cluster") or "")
    if run.recording.tasks or not cluster:
        return None
    return (
        "Not one task ran on the cluster that connect() gave you, and your notebook started "
        "another one. Its workers compete for the same cores and the data live elsewhere. Keep "
        "to the client that the first cell made."
    )


def _outside_backend(
    exercise: Exercise, run: Run, study: SpeedupStudy | None, reference: Reference
) -> str | None:
    worked = sum(task.compute_seconds for task in run.recording.tasks)
    client, _ = _cpu(run)
    if exercise.technique != "joblib" or (run.recording.tasks and worked > _MOST * client):
        return None
    sham = (
        f" {len(run.recording.tasks)} tasks did run on the cluster, but they did not do the work."
        if run.recording.tasks
        else ""
    )
    return (
        f"None of the trainings ran on the cluster.{sham} joblib asks which backend to use when "
        "fit runs, so fit has to stand inside the with of joblib.parallel_config(backend='dask'); "
        "where the search is made does not count. n_jobs=-1 alone, and any other backend, mean "
        "the cores of this machine."
    )


def _search_in_one_task(
    exercise: Exercise, run: Run, study: SpeedupStudy | None, reference: Reference
) -> str | None:
    seconds = [task.compute_seconds for task in run.recording.tasks]
    if exercise.technique != "joblib" or not seconds or max(seconds) < 0.8 * sum(seconds):
        return None
    return (
        f"One task took {max(seconds):.2f} of the {sum(seconds):.2f} seconds of all tasks, of "
        f"which there were {len(seconds)}. That is what submit() of a whole fit does: the search "
        "moves to one worker and runs there, one training after another. Call fit here, and let "
        "the backend make a task of each training."
    )


def _one_at_a_time(
    exercise: Exercise, run: Run, study: SpeedupStudy | None, reference: Reference
) -> str | None:
    if exercise.technique != "joblib" or study is None or study.span < 0.9 * study.work:
        return None
    return (
        f"The {len(run.recording.tasks)} tasks ran one after another: each was sent only when the "
        "one before it had come back, so that one worker at a time had something to do. "
        "pre_dispatch=1 does that, and so does result() after every submit(). Hand all the "
        "trainings over at once."
    )


def _gathers_input(
    exercise: Exercise, run: Run, study: SpeedupStudy | None, reference: Reference
) -> str | None:
    gathered = run.recording.gathered_bytes - reference.gathered_bytes
    if run.input_bytes == 0 or gathered < _MOST * run.input_bytes:
        return None
    return (
        f"{run.recording.gathered_bytes / 1e6:.1f} MB came to the notebook's process, about the "
        f"{run.input_bytes / 1e6:.1f} MB of the whole input. That is what compute() on the input "
        "does, and what handing a Dask array to a plain scikit-learn estimator does. From then "
        "on one process does all the work. Leave X a Dask array, and let each worker predict the "
        "chunks that it holds."
    )


def _serial_in_client(
    exercise: Exercise, run: Run, study: SpeedupStudy | None, reference: Reference
) -> str | None:
    client, workers = _cpu(run)
    if client < 0.2 or client < _MOST * (client + workers):
        return None
    share = client / (client + workers)
    sham = (
        f" {len(run.recording.tasks)} tasks did run on the cluster, but they did not do the work."
        if run.recording.tasks
        else " Not one task ran on the cluster."
    )
    return (
        f"Your notebook's own process used {client:.2f} s of CPU, {share:.0%} of all.{sham} A "
        "scheduler='threads' or 'synchronous' argument does that, and so does a loop over plain "
        "arrays. Build the answer from the Dask array X and let the cluster compute it."
    )


def _pinned(
    exercise: Exercise, run: Run, study: SpeedupStudy | None, reference: Reference
) -> str | None:
    by_worker: dict[str, float] = defaultdict(float)
    for task in run.recording.tasks:
        by_worker[task.worker] += task.compute_seconds
    total = sum(by_worker.values())
    if study is None or study.speedup < 1.3 or total <= 0 or len(run.recording.workers) < 2:
        return None
    worker, most = max(by_worker.items(), key=lambda item: item[1])
    if most < 0.9 * total:
        return None
    return (
        f"{most:.2f} of {total:.2f} seconds of work were done by one worker ({worker}), though "
        "the tasks do not depend on one another. A workers= argument does that, or data that all "
        "live on one worker. Let the scheduler choose."
    )


def _one_chunk(
    exercise: Exercise, run: Run, study: SpeedupStudy | None, reference: Reference
) -> str | None:
    seconds = [task.compute_seconds for task in run.recording.tasks]
    if not seconds or max(seconds) < 0.8 * sum(seconds) or sum(seconds) < 0.1:
        return None
    return (
        f"One task took {max(seconds):.2f} of the {sum(seconds):.2f} seconds of all "
        f"{len(seconds)} tasks. A task runs on one worker, so the others wait. That is what "
        "rechunk(-1) or a single huge chunk does. Keep the chunks that X comes with, several for "
        "each worker."
    )


def _compute_in_loop(
    exercise: Exercise, run: Run, study: SpeedupStudy | None, reference: Reference
) -> str | None:
    graphs = len(run.recording.graphs)
    if graphs < max(4, 4 * reference.graphs) or study is None or study.speedup > 1.3:
        return None
    return (
        f"The cluster got {graphs} separate graphs, the reference solution's {reference.graphs}: "
        "each was sent after the one before it had come back. That is what compute() or result() "
        "inside a loop does, and only one worker has something to do at a time. Build all of it "
        "first and compute once at the end."
    )


def _tiny_tasks(
    exercise: Exercise, run: Run, study: SpeedupStudy | None, reference: Reference
) -> str | None:
    tasks = run.recording.tasks
    if not tasks or len(tasks) < 20 * max(reference.tasks, 10):
        return None
    typical = sorted(task.compute_seconds for task in tasks)[len(tasks) // 2]
    return (
        f"There were {len(tasks):,} tasks, half of them shorter than {typical * 1e3:.1f} ms; the "
        f"reference solution has {reference.tasks}. Each costs the scheduler about a millisecond, "
        "whatever it does. Use larger chunks, so that a task takes 0.1 s or more."
    )


def _chain(
    exercise: Exercise, run: Run, study: SpeedupStudy | None, reference: Reference
) -> str | None:
    if study is None or study.work < 0.1 or study.span < 0.9 * study.work:
        return None
    layers = Counter(task.layer for task in run.recording.tasks)
    return (
        f"The longest chain of tasks that wait for one another takes {study.span:.2f} s of the "
        f"{study.work:.2f} s of all work (most of them: {layers.most_common(1)[0][0]}). Tasks "
        "that wait for one another cannot run side by side. Let each chunk be worked on by itself."
    )


def _gathers_result(
    exercise: Exercise, run: Run, study: SpeedupStudy | None, reference: Reference
) -> str | None:
    during = run.recording.gathered_during_call
    judged_lazy = {check.function for check in exercise.checks if check.check == "lazy"}
    if run.function not in judged_lazy or during < _MOST * reference.gathered_bytes:
        return None
    return (
        f"The labels were computed and {during / 1e6:.2f} MB of them brought to the notebook's "
        "process before your function returned. With labels for a billion rows that process would "
        "run out of memory. Return what predict() gives you, without compute()."
    )


def _collection_fetched(
    exercise: Exercise, run: Run, study: SpeedupStudy | None, reference: Reference
) -> str | None:
    gathered = run.recording.gathered_bytes - reference.gathered_bytes
    # What standardise and assign return is large itself, and rightly fetched after they return.
    before = min(gathered, run.recording.gathered_during_call)
    if exercise.technique != "KMeans" or before < _MOST * run.input_bytes or not run.input_bytes:
        return None
    return (
        f"{before / 1e6:.1f} MB came to the notebook's process before {run.function} returned; the "
        f"whole input is {run.input_bytes / 1e6:.1f} MB. compute() on it does that, and so does "
        "giving a Dask array to an estimator of scikit-learn: it knows NumPy only, so the array is "
        "fetched first and one process does the rest. Use dask_ml's estimator of the same name."
    )


def _kept_in_vain(
    exercise: Exercise, run: Run, study: SpeedupStudy | None, reference: Reference
) -> str | None:
    often = _read_again(exercise, run, reference)
    # persist asks for as many results as there are chunks, a computation for one or two.
    chunks = run.answer.get("input_blocks") or 0
    if not often or chunks < 3 or not any(g.wanted >= chunks for g in run.recording.graphs):
        return None
    return (
        f"{often} Your function did call persist(), but what it gave back was not used, or not "
        "kept: persist() leaves X as it is and returns another array, whose chunks stay on the "
        "workers only as long as somebody holds it. Write X = X.persist(), and go on with that X."
    )


def _not_kept(
    exercise: Exercise, run: Run, study: SpeedupStudy | None, reference: Reference
) -> str | None:
    often = _read_again(exercise, run, reference)
    if not often:
        return None
    return (
        f"{often} A Dask array is a recipe, and each compute() follows it from the start: "
        f"k-means computes after every step, here {len(run.recording.graphs)} times. "
        "X = X.persist() makes the chunks once and keeps them on the workers."
    )


def _read_again(exercise: Exercise, run: Run, reference: Reference) -> str:
    reads = run.recording.reads
    if exercise.technique != "KMeans" or not reference.reads or reads <= REREADS * reference.reads:
        return ""
    return f"Files were read {reads} times, where {reference.reads} reads do, one of each file."


def _one_block(
    exercise: Exercise, run: Run, study: SpeedupStudy | None, reference: Reference
) -> str | None:
    recording = run.recording
    if exercise.technique != "KMeans" or study is None or study.speedup > 1.3:
        return None
    if not recording.graphs or not reference.graphs:
        return None
    each = len(recording.tasks) / len(recording.graphs)
    usual = reference.tasks / reference.graphs
    largest = max((task.nbytes for task in recording.tasks), default=0)
    if each > _MOST * usual or largest < _MOST * run.input_bytes:
        return None
    return (
        f"A step over the data took {each:.0f} tasks on average, where the reference solution has "
        f"{usual:.0f}, and what one of your tasks made is {largest / 1e6:.0f} of the "
        f"{run.input_bytes / 1e6:.0f} MB. "
        "That is what rechunk(-1) does, or one huge chunk: a task runs on one worker, and the "
        "others wait. Keep the chunks that X comes with."
    )


def _computed_early(
    exercise: Exercise, run: Run, study: SpeedupStudy | None, reference: Reference
) -> str | None:
    judged_lazy = {check.function for check in exercise.checks if check.check == "lazy"}
    during = run.recording.gathered_during_call
    if (
        exercise.technique != "KMeans"
        or run.function not in judged_lazy
        or during < max(_MOST * reference.gathered_bytes, 0.01 * run.input_bytes)
    ):
        return None
    return (
        f"{during / 1e6:.2f} MB came to the notebook's process before {run.function} returned: the "
        "result was computed here and now. Whoever called your function may want to store it, "
        "count it or go on computing with it, and for a billion rows there would be no room. "
        "Return the Dask array, without compute()."
    )


_DETECTED: Mapping[str, tuple[str, str, Detector]] = {
    "own_cluster": (
        "A cluster of your own",
        "Dask.distributed: Client",
        _own_cluster,
    ),
    "outside_backend": (
        "fit does not run inside the Dask backend",
        "joblib: parallel_config",
        _outside_backend,
    ),
    "search_in_one_task": (
        "The whole search is one task",
        "Dask-ML: Scikit-Learn & Joblib",
        _search_in_one_task,
    ),
    "collection_fetched": (
        "The whole collection is brought to one process",
        "Dask-ML: KMeans",
        _collection_fetched,
    ),
    "kept_in_vain": (
        "What was persisted is not what was used",
        "Dask.distributed: Managing Memory, section Persisting Collections",
        _kept_in_vain,
    ),
    "not_kept": (
        "The input is made anew for every step",
        "Dask: Best Practices, section Persist When You Can",
        _not_kept,
    ),
    "computed_early": (
        "The result is computed too early",
        "Dask: User Interfaces, section Laziness and Computing",
        _computed_early,
    ),
    "one_block": (
        "All rows are in one chunk",
        "Dask: Chunks",
        _one_block,
    ),
    "one_at_a_time": (
        "One training at a time",
        "joblib: Parallel, parameter pre_dispatch",
        _one_at_a_time,
    ),
    "gathers_input": (
        "All the data are brought to one process",
        "Dask: Best Practices, section Load Data with Dask",
        _gathers_input,
    ),
    "serial_in_client": (
        "The work is done in the notebook's own process",
        "Dask: Scheduling",
        _serial_in_client,
    ),
    "pinned": (
        "All tasks are sent to one worker",
        "Dask.distributed: Data Locality",
        _pinned,
    ),
    "one_chunk": (
        "One chunk holds everything",
        "Dask: Chunks",
        _one_chunk,
    ),
    "tiny_tasks": (
        "Too many tiny tasks",
        "Dask: Best Practices, section Avoid Very Large Graphs",
        _tiny_tasks,
    ),
    "compute_in_loop": (
        "compute() inside a loop",
        "Dask: Best Practices, section Avoid calling compute repeatedly",
        _compute_in_loop,
    ),
    "chain": (
        "Every task waits for the one before it",
        "Dask: Understanding Performance",
        _chain,
    ),
    "gathers_result": (
        "The labels are computed too early",
        "Dask-ML: ParallelPostFit",
        _gathers_result,
    ),
}
"""Title, documentation page and detector by name, the more specific first."""


def _cpu(run: Run) -> tuple[float, float]:
    client = sum(use.cpu_seconds for use in run.usage if use.role is Role.CLIENT)
    workers = sum(use.cpu_seconds for use in run.usage if use.role is Role.WORKER)
    return client, workers
