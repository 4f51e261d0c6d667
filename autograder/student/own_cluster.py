"""Fit an exercise and its checks to the student's own cluster."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from typing import Any

import distributed
from psutil import virtual_memory

from autograder.model import CheckSpec, Exercise, Reference
from cluster import ClusterError, connect, system

__all__ = ["fit", "own_client"]


def own_client(progress: Callable[[str], None]) -> distributed.Client:
    """Return the notebook's client, or one of a new cluster if it has none."""
    try:
        return distributed.default_client()
    except ValueError:
        progress("Starting a cluster …")
        return connect()


def fit(
    exercise: Exercise, specs: tuple[CheckSpec, ...], client: distributed.Client
) -> tuple[Exercise, tuple[CheckSpec, ...], str]:
    """Fit an exercise and its checks to the student's cluster, and say what was changed.

    Raises
    ------
    ClusterError
        If none of the checks can be judged there.
    """
    workers = client.scheduler_info(n_workers=-1)["workers"]
    if not workers:
        raise ClusterError(
            "Your cluster has no workers: wait for them with client.wait_for_workers(2), or close "
            "the client and run the cell with connect() again."
        )
    untold = ""
    if not system.tells_memory() and any(spec.check == "memory" for spec in specs):
        untold = "Memory was not checked: this system does not report it as the grader's does."
        specs = tuple(spec for spec in specs if spec.check != "memory")
        if not specs:
            raise ClusterError(untold)
    exercise, held = _with_memory(exercise, specs, workers)
    exercise, specs, remark = _with_workers(exercise, specs, workers)
    return exercise, specs, " ".join(filter(None, (remark, held, untold)))


def _with_memory(
    exercise: Exercise, specs: Iterable[CheckSpec], workers: Mapping[str, Any]
) -> tuple[Exercise, str]:
    """Judge memory by the workers' own limit, up to which Dask fills them."""
    if not any(spec.check == "memory" for spec in specs):
        return exercise, ""
    # A limit of 0 is none.
    room = min(worker["memory_limit"] or virtual_memory().total for worker in workers.values())
    usual = exercise.cluster.memory_per_worker
    if room == usual:
        return exercise, ""
    remark = (
        f"Its workers may hold {room / 1e6:.0f} MB each and were judged by that; the grader's may "
        f"hold {usual / 1e6:.0f} MB."
    )
    return replace(exercise, cluster=replace(exercise.cluster, memory_per_worker=room)), remark


def _with_workers(
    exercise: Exercise, specs: tuple[CheckSpec, ...], workers: Mapping[str, Any]
) -> tuple[Exercise, tuple[CheckSpec, ...], str]:
    """Judge speedup by the actual number of workers, if it can be judged on them at all."""
    count, usual = len(workers), exercise.cluster.workers
    unfit = ""
    if count < 2:
        unfit = "it has one worker"
    elif any(worker["nthreads"] > 1 for worker in workers.values()):
        unfit = "its workers have several threads each"
    elif any(address.startswith("inproc") for address in workers):
        unfit = "its workers are threads of this notebook's process"
    if unfit:
        judged = tuple(spec for spec in specs if spec.check != "speedup")
        remark = (
            f"The speedup cannot be checked on your cluster, since {unfit}. Close its client and "
            f"call connect(): that starts {usual} workers of one thread, as the grader does."
        )
        if not judged:
            raise ClusterError(remark)
        return exercise, judged, remark if judged != specs else ""
    if count == usual:
        return exercise, specs, ""
    shape = replace(exercise.cluster, workers=count)
    typical = replace(exercise.typical, speedup=_speedup_on(count, exercise.typical, usual))
    remark = f"It has {count} workers and was judged by that; the grader's has {usual}."
    return replace(exercise, cluster=shape, typical=typical), specs, remark


def _speedup_on(workers: int, reference: Reference, measured_on: int) -> float:
    """Return the reference's speedup on another number of workers.

    From its speedup follows the serial share of its work (Karp and Flatt, CACM 33(5), 1990),
    and from that the speedup on any number of workers (Amdahl, AFIPS 1967).
    """
    serial = (1 / reference.speedup - 1 / measured_on) / (1 - 1 / measured_on)
    return 1 / (serial + (1 - serial) / workers)
