"""Where the work was done: on the cluster, on one worker of it, or in the notebook's process."""

from collections import defaultdict
from math import fsum

from autograder.diagnose.rules import ENOUGH, FLAT, MOST, Observed, rule
from autograder.evidence.summary import does_its_work, worker_cpu
from autograder.formats import counted

NOTICEABLE = 0.2
"""Seconds of CPU in the notebook's process above which they matter. Kept evidence: up to 0.55."""

SEVERAL = 3
"""Client's CPU seconds, in multiples of the reference solution's, up to which they are normal. Kept
evidence: 0.3 to 30 name all alike."""

PART = 0.15
"""Client's share of all CPU seconds above which the workers wait for it. Kept evidence: up to
0.58."""

ROWS_OF_ONE = 0.8
"""One worker's share of the workers' CPU seconds, in a joint training, above which it has nearly
all of the rows. Right samples have up to 0.504, all rows on one worker 0.85 and more."""

ONE_WORKER = 0.9
"""One worker's share of the work above which it counts as all of it. Kept evidence: 0.73 to
0.99."""


@rule(
    "The notebook started another cluster",
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
        "No task ran on the cluster that connect() gave you: your notebook started another one. "
        "Its workers compete for the same cores, and the data are not there. Use the client that "
        "the first cell made."
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
        f"None of the trainings ran on the cluster.{_sham(summary.tasks)} joblib chooses its "
        "backend when fit runs, so fit has to be called inside the with block of "
        "joblib.parallel_config(backend='dask'); where the search object is made does not matter. "
        "n_jobs=-1 alone, or any other backend, uses the cores of this machine."
    )


@rule(
    "The notebook's process does the work",
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
        f"Your notebook's process used {summary.client_cpu:.2f} s of CPU time, "
        f"{summary.client_cpu / both:.0%} of the total.{_sham(summary.tasks) or ' No task ran.'} "
        "A loop over plain arrays does that, and so do a pool of threads in the notebook and the "
        "argument scheduler='threads' or 'synchronous'. Let the cluster compute: build the answer "
        "from the Dask collection, or hand out the calls with client.map."
    )


@rule(
    "The notebook's process does part of the work",
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
    """The client's share of CPU time is several times the reference's."""
    summary, expected = observed.summary, observed.reference.summary
    most = SEVERAL * expected.client_cpu if expected else 0.0
    both = summary.client_cpu + summary.worker_cpu
    if summary.client_cpu < max(NOTICEABLE, most) or summary.client_cpu < PART * both:
        return None
    return (
        f"The workers used {summary.worker_cpu:.2f} s of CPU time, and your notebook's process "
        f"another {summary.client_cpu:.2f} s, {summary.client_cpu / both:.0%} of the total, in "
        "which the workers wait. predict, score and a final fit (refit) run where they are "
        "called: a with block around them does not distribute them. Leave them out, or turn them "
        "into tasks."
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
    if study is None or study.speedup < FLAT or total <= 0 or len(run.recording.workers) < 2:
        return None
    worker, most = max(by_worker.items(), key=lambda item: item[1])
    if most < ONE_WORKER * total:
        return None
    return (
        f"One worker ({worker}) did {most:.2f} of the {total:.2f} seconds of work, although the "
        "tasks do not depend on one another. A workers= argument does that, and so do data that "
        "are all on one worker. Let the scheduler choose."
    )


@rule(
    "One worker has nearly all of the rows",
    numbers=(18,),
    see="XGBoost: DaskDMatrix",
    techniques=("XGBoost",),
)
def rows_on_one_worker(observed: Observed) -> str | None:
    """Four fifths of the workers' CPU time on one of them, in a training of all together."""
    used = worker_cpu(observed.run)
    most, total = max(used, default=0.0), fsum(used)
    if len(used) < 2 or total < ENOUGH or most < ROWS_OF_ONE * total:
        return None
    return (
        f"One worker used {most:.2f} of the {total:.2f} s of CPU time of all workers. XGBoost "
        "trains where the rows are and moves none of them, and a worker without rows just waits, "
        "at every level of every tree. rechunk to one block brings all rows to one worker, and so "
        "does reading them there. Leave the blocks as they are, several on each worker."
    )


def _sham(tasks: int) -> str:
    if not tasks:
        return ""
    they = "it" if tasks == 1 else "they"
    return f" {counted(tasks, 'task')} ran on the cluster, but {they} did not do the work."
