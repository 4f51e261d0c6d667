"""Where the work was done: on the cluster, on one worker of it, or in the notebook's process."""

from collections import defaultdict

from autograder.evidence.summary import does_its_work, summarise
from autograder.model import Exercise, Reference, Run, SpeedupStudy

__all__ = ["outside_backend", "own_cluster", "partly_in_client", "pinned", "serial_in_client"]

MOST = 0.5
"""More than this share of something is "most of it"."""

NOTICEABLE = 0.2
"""Seconds of CPU in the notebook's process that are worth a word."""


def own_cluster(
    exercise: Exercise, run: Run, study: SpeedupStudy | None, reference: Reference
) -> str | None:
    """No task on our cluster, and the notebook has a client of another one."""
    cluster = str(run.answer.get("own_cluster") or "")
    if run.recording.tasks or not cluster:
        return None
    return (
        "Not one task ran on the cluster that connect() gave you, and your notebook started "
        "another one. Its workers compete for the same cores and the data live elsewhere. Keep "
        "to the client that the first cell made."
    )


def outside_backend(
    exercise: Exercise, run: Run, study: SpeedupStudy | None, reference: Reference
) -> str | None:
    """No tasks, or much less work in them than the client did, and not the reference's."""
    own = summarise(run)
    if own.tasks and own.work_seconds > MOST * own.client_cpu:
        return None
    if does_its_work(own, reference.summary):
        return None
    return (
        f"None of the trainings ran on the cluster.{_sham(own.tasks)} joblib asks which backend "
        "to use when fit runs, so fit has to stand inside the with of "
        "joblib.parallel_config(backend='dask'); where the search is made does not count. "
        "n_jobs=-1 alone, and any other backend, mean the cores of this machine."
    )


def serial_in_client(
    exercise: Exercise, run: Run, study: SpeedupStudy | None, reference: Reference
) -> str | None:
    """The client used most of all CPU time, and the reference's tasks are not there."""
    own = summarise(run)
    if does_its_work(own, reference.summary):
        return None
    both = own.client_cpu + own.worker_cpu
    if own.client_cpu < NOTICEABLE or own.client_cpu < MOST * both:
        return None
    return (
        f"Your notebook's own process used {own.client_cpu:.2f} s of CPU, "
        f"{own.client_cpu / both:.0%} of all.{_sham(own.tasks) or ' Not one task ran.'} A "
        "scheduler='threads' or 'synchronous' argument does that, and so does a loop over plain "
        "arrays. Build the answer from the Dask collection and let the cluster compute it."
    )


def partly_in_client(
    exercise: Exercise, run: Run, study: SpeedupStudy | None, reference: Reference
) -> str | None:
    """The client's share of CPU time is several times what the reference's is."""
    own, usual = summarise(run), reference.summary
    room = 3 * usual.client_cpu if usual else 0.0
    both = own.client_cpu + own.worker_cpu
    if own.client_cpu < max(NOTICEABLE, room) or own.client_cpu < 0.15 * both:
        return None
    return (
        f"The cluster worked for {own.worker_cpu:.2f} s, but your notebook's own process used "
        f"{own.client_cpu:.2f} s of CPU besides, {own.client_cpu / both:.0%} of all, while the "
        "workers wait. predict, score and a last fit (refit) run where they are called: a with "
        "around them does not spread them. Leave them out, or make tasks of them."
    )


def pinned(
    exercise: Exercise, run: Run, study: SpeedupStudy | None, reference: Reference
) -> str | None:
    """Nine tenths of the work on one worker, though the replay would spread it."""
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


def _sham(tasks: int) -> str:
    return f" {tasks} tasks did run on the cluster, but they did not do the work." if tasks else ""
