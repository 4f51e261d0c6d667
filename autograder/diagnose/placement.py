"""Where the work was done: on the cluster, on one worker of it, or in the notebook's process."""

from collections import defaultdict

from autograder.diagnose.rules import MOST, Observed, rule
from autograder.evidence.summary import does_its_work

NOTICEABLE = 0.2
"""Seconds of CPU in the notebook's process that are worth mentioning."""


@rule(
    "A cluster of your own",
    numbers=(3,),
    see="Dask.distributed: Client",
)
def own_cluster(observed: Observed) -> str | None:
    """No task on our cluster, and the notebook has a client of another one."""
    run = observed.run
    cluster = str(run.answer.get("own_cluster") or "")
    if run.recording.tasks or not cluster:
        return None
    return (
        "Not one task ran on the cluster that connect() gave you, and your notebook started "
        "another one. Its workers compete for the same cores and the data live elsewhere. Keep "
        "to the client that the first cell made."
    )


@rule(
    "fit does not run inside the Dask backend",
    numbers=(1,),
    see="joblib: parallel_config",
    techniques=("joblib",),
)
def outside_backend(observed: Observed) -> str | None:
    """No tasks, or much less work in them than the client did, and not the reference's."""
    reference, summary = observed.reference, observed.summary
    if summary.tasks and summary.work_seconds > MOST * summary.client_cpu:
        return None
    if does_its_work(summary, reference.summary):
        return None
    return (
        f"None of the trainings ran on the cluster.{_sham(summary.tasks)} joblib asks which "
        "backend to use when fit runs, so fit has to stand inside the with of "
        "joblib.parallel_config(backend='dask'); where the search is made does not count. "
        "n_jobs=-1 alone, and any other backend, mean the cores of this machine."
    )


@rule(
    "The work is done in the notebook's own process",
    numbers=(4,),
    see="Dask: Scheduling",
    explains=("speedup", "lazy", "stays_distributed"),
)
def serial_in_client(observed: Observed) -> str | None:
    """The client used most of all CPU time, and the reference's tasks are not there."""
    reference, summary = observed.reference, observed.summary
    if does_its_work(summary, reference.summary):
        return None
    both = summary.client_cpu + summary.worker_cpu
    if summary.client_cpu < NOTICEABLE or summary.client_cpu < MOST * both:
        return None
    return (
        f"Your notebook's own process used {summary.client_cpu:.2f} s of CPU, "
        f"{summary.client_cpu / both:.0%} of all.{_sham(summary.tasks) or ' Not one task ran.'} A "
        "scheduler='threads' or 'synchronous' argument does that, and so does a loop over plain "
        "arrays. Build the answer from the Dask collection and let the cluster compute it."
    )


@rule(
    "Part of the work is done in the notebook's own process",
    numbers=(2,),
    see="Dask: Scheduling",
    see_in={
        "joblib": "Dask-ML: Scikit-Learn & Joblib",
        "ParallelPostFit": "Dask-ML: ParallelPostFit",
        "Incremental": "Dask-ML: Incremental Meta-estimator",
        "KMeans": "Dask-ML: KMeans",
    },
)
def partly_in_client(observed: Observed) -> str | None:
    """The client's share of CPU time is several times what the reference's is."""
    summary, expected = observed.summary, observed.reference.summary
    most = 3 * expected.client_cpu if expected else 0.0
    both = summary.client_cpu + summary.worker_cpu
    if summary.client_cpu < max(NOTICEABLE, most) or summary.client_cpu < 0.15 * both:
        return None
    return (
        f"The cluster worked for {summary.worker_cpu:.2f} s, but your notebook's own process used "
        f"{summary.client_cpu:.2f} s of CPU besides, {summary.client_cpu / both:.0%} of all, "
        "while the workers wait. predict, score and a last fit (refit) run where they are "
        "called: a with around them does not spread them. Leave them out, or make tasks of them."
    )


@rule(
    "All tasks are sent to one worker",
    numbers=(18,),
    see="Dask.distributed: Data Locality",
)
def pinned(observed: Observed) -> str | None:
    """Nine tenths of the work on one worker, though the replay would spread it."""
    run, study = observed.run, observed.study
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
