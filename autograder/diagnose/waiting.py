"""Tasks that wait: for one another, for the notebook, or for a lock."""

from bisect import bisect_right
from collections import Counter
from itertools import pairwise

from autograder.diagnose.rules import ENOUGH, FLAT, Observed, rule
from autograder.evidence.summary import delayed
from autograder.formats import counted
from autograder.model import Run, SpeedupStudy

SAVED = 0.1
"""Share of the work that more workers would save, below which the tasks are a chain. Kept evidence:
up to 0.42."""

CLOCKS = 0.005
"""Seconds by which a task may seem to end after the graph that was sent when it had ended. Kept
evidence: 0.0005 to 0.05 name all alike."""

LOOP = 4
"""Number of graphs, in multiples of the reference's, above which they are sent in a loop. Kept
evidence: 1.0 to 8.0."""

EXPLAINED = 0.75
"""Share of the tasks' seconds explained by computing and waiting for a CPU, up to which they waited
for something else. Kept evidence: up to 1.0."""


@rule(
    "One training at a time",
    numbers=(10,),
    see="joblib: Parallel, parameter pre_dispatch",
    techniques=("joblib",),
)
def one_at_a_time(observed: Observed) -> str | None:
    """No number of workers would save a tenth of the work, in a search."""
    run, study = observed.run, observed.study
    if study is None or not _one_after_another(study):
        return None
    return (
        f"The {counted(len(run.recording.tasks), 'task')} ran one after another: each was sent "
        "only when the one before it had finished, so only one worker at a time was busy. "
        "pre_dispatch=1 does that, and so does result() after every submit(). Submit all the "
        "trainings at once."
    )


@rule(
    "compute() inside a loop",
    numbers=(10,),
    see="Dask: Best Practices, section Avoid calling compute repeatedly",
)
def compute_in_loop(observed: Observed) -> str | None:
    """Several times as many graphs as the reference's, one sent after the other, a flat replay."""
    run, study, reference = observed.run, observed.study, observed.reference
    graphs = len(run.recording.graphs)
    if graphs < LOOP * max(1, reference.graphs) or study is None or study.speedup > FLAT:
        return None
    # A turn of the loop may send two, to bring a block there and to work on it.
    if _awaited(run) + 1 < graphs / 2:
        return None
    return (
        f"The cluster got {counted(graphs, 'graph')} one by one, {reference.graphs:,} in the "
        "reference solution: each was sent after the one before it had finished. compute() or "
        "result() inside a loop does that, and so does np.array(...) of a list of lazy things, "
        "which computes them one by one. Only one worker at a time is busy. Build everything "
        "first, and compute once at the end."
    )


@rule(
    "Every task waits for the one before it",
    numbers=(19,),
    see="Dask: Understanding Performance",
)
def chain(observed: Observed) -> str | None:
    """No number of workers would save a tenth of the work."""
    run, study = observed.run, observed.study
    if study is None or not _one_after_another(study):
        return None
    layers = Counter(task.layer for task in run.recording.tasks)
    return (
        f"All tasks together take {study.work:.2f} s (most of them: "
        f"{layers.most_common(1)[0][0]}), and the longest chain of tasks that wait for one another "
        f"takes {study.span:.2f} s, including waiting: more workers would not make it faster. "
        "Tasks that wait for one another cannot run in parallel. Process each chunk on its own."
    )


@rule(
    "Tasks wait instead of computing",
    numbers=(16,),
    see="Dask: Futures, section Coordination Primitives",
)
def waits_inside(observed: Observed) -> str | None:
    """The tasks took far longer than client and workers computed and waited for a CPU."""
    exercise, run, summary = observed.exercise, observed.run, observed.summary
    # Without it, a task that waits looks like one that got no CPU.
    if not run.cpu or summary.work_seconds < ENOUGH:
        return None
    # What the client computed meanwhile, the tasks may have waited for: it needs a core, too.
    explained = summary.worker_cpu + summary.client_cpu + delayed(run)
    if explained > EXPLAINED * summary.work_seconds:
        return None
    explanation = (
        f"The tasks took {summary.work_seconds:.2f} s, but the workers computed for only "
        f"{summary.worker_cpu:.2f} s of it. The rest of the time they waited: for a lock, for "
        "another task or for a clock. A task that waits keeps its worker from doing anything "
        "else. Pass what one task needs from another as an argument instead."
    )
    if exercise.cluster.threads_per_worker > 1:
        explanation += (
            " The threads of a worker also share Python's global lock (GIL): Python loops run one "
            "at a time. NumPy and scikit-learn release it while they compute."
        )
    return explanation


def _awaited(run: Run) -> int:
    """Count the graphs that were sent after a task of the one before had come back."""
    sent = sorted(graph.submitted for graph in run.recording.graphs)
    stops = sorted(task.stop for task in run.recording.tasks)
    done = [bisect_right(stops, at + CLOCKS) for at in sent]
    return sum(before < after for before, after in pairwise(done))


def _one_after_another(study: SpeedupStudy) -> bool:
    saved = study.makespans[1] - min(study.makespans.values())
    return study.work >= ENOUGH and saved < SAVED * study.work
