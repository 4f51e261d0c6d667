"""Workers as jobs of a batch system, through dask-jobqueue."""

import math
import shutil
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from cluster.certificates import make_certificates
from cluster.environment import WORKER_ENVIRONMENT
from cluster.errors import ClusterError
from cluster.profile import BatchProfile

__all__ = ["QUEUE_COMMAND", "Started", "job_options", "start_batch"]

_SUBMIT = {"slurm": "sbatch", "pbs": "qsub"}
QUEUE_COMMAND = {"slurm": "squeue", "pbs": "qstat"}
"""The command that shows the state of a user's jobs."""


def job_options(profile: BatchProfile) -> dict[str, Any]:
    """Translate a profile to the keywords of ``SLURMJob`` and ``PBSJob``."""
    exports = [f"export {name}={value}" for name, value in WORKER_ENVIRONMENT.items()]
    return {
        "cores": profile.cores,
        "processes": profile.processes,
        "memory": profile.memory,
        "walltime": profile.walltime,
        "queue": profile.queue,
        "account": profile.account,
        "interface": profile.interface,
        "job_extra_directives": list(profile.directives),
        "job_directives_skip": list(profile.directives_skip),
        "job_script_prologue": [*exports, *profile.prologue],
        "local_directory": profile.local_directory,
        "log_directory": profile.log_directory,
    }


@dataclass(frozen=True, slots=True)
class Started:
    """A cluster whose jobs are submitted; workers arrive when the batch system starts them."""

    cluster: Any
    """``dask_jobqueue.JobQueueCluster``"""
    end: Callable[[], None]
    """Ends it, and removes its files."""

    @property
    def jobs(self) -> str:
        """The jobs, named as by the batch system's command."""
        numbers = dict.fromkeys(str(job.job_id) for job in self.cluster.workers.values())
        return f"{len(numbers)} job{'s' * (len(numbers) != 1)} ({', '.join(numbers)})"


def start_batch(
    profile: BatchProfile, workers: int, further: Mapping[str, Any] | None = None
) -> Started:
    """Submit jobs for a number of workers.

    Parameters
    ----------
    profile : BatchProfile
    workers : int
    further : mapping, optional
        Keywords of the cluster that no profile has, such as ``worker_extra_args``.

    Raises
    ------
    ClusterError
        If this machine has no such batch system or network interface, the batch system refuses the
        jobs, or no certificate can be created.
    """
    submit = _SUBMIT[profile.kind]
    if shutil.which(submit) is None:
        raise ClusterError(
            f"The profile {profile.name!r} needs {submit}, which this machine does not have: "
            f"run on a node of the cluster, or use connect('local')."
        )
    _check_interface(profile)
    options = dict(further or {})
    if not profile.tls:
        return _submit(profile, workers, options, lambda: None)
    certificates = make_certificates(profile.shared_directory)
    try:
        return _submit(
            profile,
            workers,
            options | {"security": certificates.security, "protocol": "tls://"},
            certificates.remove,
        )
    except BaseException:
        certificates.remove()
        raise


def _submit(
    profile: BatchProfile, workers: int, further: dict[str, Any], afterwards: Callable[[], None]
) -> Started:
    from dask_jobqueue import PBSCluster, SLURMCluster
    from distributed import Status

    kind = SLURMCluster if profile.kind == "slurm" else PBSCluster
    cluster = kind(**job_options(profile), **further)
    try:
        # As scale() does it, which leaves a refusal in the log, where nobody waits for it.
        for _ in range(math.ceil(workers / profile.processes)):
            cluster.worker_spec.update(cluster.new_worker_spec())
        cluster.sync(cluster._correct_state)
    except (RuntimeError, ValueError) as error:
        for job in cluster.workers.values():
            job.status = Status.failed  # else close() takes it for one that is starting
        cluster.close()
        raise ClusterError(
            f"{_SUBMIT[profile.kind]} refused the jobs of the profile {profile.name!r}: "
            f"{' '.join(str(error).split())}"
        ) from error

    def end() -> None:
        try:
            cluster.close()
        finally:
            afterwards()

    return Started(cluster, end)


def _check_interface(profile: BatchProfile) -> None:
    import psutil

    present = sorted(psutil.net_if_addrs())
    if profile.interface is not None and profile.interface not in present:
        raise ClusterError(
            f"The profile {profile.name!r} wants the network interface {profile.interface!r}, "
            f"which this machine does not have: it has {', '.join(present)}."
        )
