"""How the work was cut up: into one piece, into too many, or into pieces that wait."""

from bisect import bisect_right
from collections import Counter
from itertools import pairwise

from autograder.evidence.summary import summarise
from autograder.model import Exercise, Reference, Run, SpeedupStudy

__all__ = [
    "chain",
    "compute_in_loop",
    "one_at_a_time",
    "one_chunk",
    "search_in_one_task",
    "tiny_tasks",
    "too_few",
    "waits_inside",
]

ENOUGH = 0.1
"""Seconds of work from which its shape says something."""

ALL = 0.8
"""Share of the work from which one task counts as all of it."""

SAVED = 0.1
"""Share of the work that any number of workers would save, under which it is one after another."""

CLOCKS = 0.005
"""Seconds by which a task may seem to end after the graph that was sent when it had ended."""

FLAT = 1.3
"""Replayed speedup up to which a program is as good as serial."""


def search_in_one_task(
    exercise: Exercise, run: Run, study: SpeedupStudy | None, reference: Reference
) -> str | None:
    """One task holds nearly all work, in a search."""
    own = summarise(run)
    if not own.tasks or own.longest_seconds < ALL * own.work_seconds:
        return None
    return (
        f"One task took {own.longest_seconds:.2f} of the {own.work_seconds:.2f} seconds of all "
        f"tasks, of which there were {own.tasks}. That is what submit() of a whole fit does: the "
        "search moves to one worker and runs there, one training after another. Call fit here, "
        "and let the backend make a task of each training."
    )


def one_at_a_time(
    exercise: Exercise, run: Run, study: SpeedupStudy | None, reference: Reference
) -> str | None:
    """No number of workers would save a tenth of the work, in a search."""
    if study is None or not _one_after_another(study):
        return None
    return (
        f"The {len(run.recording.tasks)} tasks ran one after another: each was sent only when the "
        "one before it had come back, so that one worker at a time had something to do. "
        "pre_dispatch=1 does that, and so does result() after every submit(). Hand all the "
        "trainings over at once."
    )


def one_chunk(
    exercise: Exercise, run: Run, study: SpeedupStudy | None, reference: Reference
) -> str | None:
    """One task holds nearly all work."""
    own = summarise(run)
    if own.work_seconds < ENOUGH or own.longest_seconds < ALL * own.work_seconds:
        return None
    return (
        f"One task took {own.longest_seconds:.2f} of the {own.work_seconds:.2f} seconds of all "
        f"tasks, of which there were {own.tasks}. A task runs on one worker, so the others wait. "
        "That is what rechunk(-1) or a single huge chunk does. Keep the chunks that the data come "
        "with, several for each worker."
    )


def too_few(
    exercise: Exercise, run: Run, study: SpeedupStudy | None, reference: Reference
) -> str | None:
    """The longest task is clearly longer than work / P."""
    own = summarise(run)
    if study is None or own.work_seconds < ENOUGH:
        return None
    fair = own.work_seconds / study.workers
    if own.longest_seconds < 1.2 * fair:
        return None
    return (
        f"The longest of {own.tasks} tasks took {own.longest_seconds:.2f} s, and all together "
        f"{own.work_seconds:.2f} s: shared evenly, {study.workers} workers would need "
        f"{fair:.2f} s each, but no run is shorter than its longest task. Cut the work into more "
        "pieces of about the same size, several for each worker."
    )


def tiny_tasks(
    exercise: Exercise, run: Run, study: SpeedupStudy | None, reference: Reference
) -> str | None:
    """Twenty times as many tasks as the reference's."""
    own = summarise(run)
    if own.tasks < 20 * max(reference.tasks, 10):
        return None
    return (
        f"There were {own.tasks:,} tasks, half of them shorter than "
        f"{own.typical_seconds * 1e3:.1f} ms; the reference solution has {reference.tasks}. Each "
        "costs the scheduler about a millisecond, whatever it does. Use larger chunks, so that a "
        "task takes 0.1 s or more."
    )


def compute_in_loop(
    exercise: Exercise, run: Run, study: SpeedupStudy | None, reference: Reference
) -> str | None:
    """Several times as many graphs as the reference's, one sent after the other, a flat replay."""
    graphs = len(run.recording.graphs)
    if graphs < max(4, 4 * reference.graphs) or study is None or study.speedup > FLAT:
        return None
    if _awaited(run) < graphs / 2:
        return None
    return (
        f"The cluster got {graphs} separate graphs, the reference solution's {reference.graphs}: "
        "each was sent after the one before it had come back. That is what compute() or result() "
        "inside a loop does, and only one worker has something to do at a time. Build all of it "
        "first and compute once at the end."
    )


def chain(
    exercise: Exercise, run: Run, study: SpeedupStudy | None, reference: Reference
) -> str | None:
    """No number of workers would save a tenth of the work."""
    if study is None or not _one_after_another(study):
        return None
    layers = Counter(task.layer for task in run.recording.tasks)
    return (
        f"All tasks together come to {study.work:.2f} s (most of them: "
        f"{layers.most_common(1)[0][0]}), and the longest chain of those that wait for one another "
        f"takes {study.span:.2f} s, waiting included: no number of workers would be faster. Tasks "
        "that wait for one another cannot run side by side. Let each chunk be worked on by itself."
    )


def waits_inside(
    exercise: Exercise, run: Run, study: SpeedupStudy | None, reference: Reference
) -> str | None:
    """The CPU time of workers and client is far below the task time, on a quiet machine."""
    own = summarise(run)
    # Without knowing what else ran, a task that waits looks like one that got no CPU.
    if run.busy or run.others is None or own.work_seconds < ENOUGH:
        return None
    # What the client computed meanwhile, the tasks may have waited for: it needs a core, too.
    if own.worker_cpu + own.client_cpu > 0.75 * own.work_seconds:
        return None
    said = (
        f"The tasks took {own.work_seconds:.2f} s, but the workers computed for "
        f"{own.worker_cpu:.2f} s of it: for the rest they waited, for a lock, for another task or "
        "for a clock. Tasks that wait inside keep their worker from doing anything else. Hand "
        "over what one task needs from another as an argument instead."
    )
    if exercise.cluster.threads_per_worker > 1:
        said += (
            " The threads of a worker also share Python's own lock: loops in Python run one at a "
            "time there. NumPy and scikit-learn let go of it while they compute."
        )
    return said


def _awaited(run: Run) -> int:
    """Count the graphs that were sent after a task of the one before had come back."""
    sent = sorted(graph.submitted for graph in run.recording.graphs)
    stops = sorted(task.stop for task in run.recording.tasks)
    done = [bisect_right(stops, at + CLOCKS) for at in sent]
    return sum(before < after for before, after in pairwise(done))


def _one_after_another(study: SpeedupStudy) -> bool:
    saved = study.makespans[1] - min(study.makespans.values())
    return study.work >= ENOUGH and saved < SAVED * study.work
