"""Where slots come from: workers on this machine, or the jobs of a profile in ``cluster/``.

Known problems of dask-jobqueue, and the workarounds:

- ``scale`` does not replace a lost job, and ``adapt``, which does not know how long a box takes,
  cancels working jobs (distributed #3627). Neither is used: `Place.replace` submits a new job when
  the engine misses one.
- A job that reaches its walltime loses its submission (dask-jobqueue #122, #481). A slot gets no
  task after its lifetime: the walltime minus the longest submission, staggered. The worker's own
  ``--lifetime`` is only a backstop.
- When the driver is gone, workers end after ``--death-timeout``, and their jobs with them.
- A lost worker is a failure at once (``allowed-failures`` is 0); the engine retries, since it
  knows which host to avoid.
"""

import random
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import dask
from dask.utils import parse_bytes

from autograder.errors import HarnessError
from autograder.farm import slots
from autograder.farm.tasks import Share
from autograder.formats import counted
from cluster.batch import QUEUE_COMMAND, start_batch
from cluster.profile import BatchProfile, load_profile

__all__ = ["Need", "Offer", "Place", "offer", "opened"]

_MARGIN_SECONDS = 120.0
"""Part of a job's walltime reserved for starting up and for writing the last evidence. Chosen: a
slot takes 2 to 5 s on an idle machine, and what a job that is ended was at is lost."""

_DEATH_SECONDS = 120
"""After which a job ends whose driver is silent. Chosen: a driver that swaps is so for some
seconds, and the nodes of one that is gone stand idle until then."""

_LOCAL_SECONDS = 120.0
"""Time limit for the first worker on this machine, which takes two to five seconds."""

_SETTINGS = {
    "distributed.scheduler.allowed-failures": 0,
    "distributed.scheduler.work-stealing": False,
    "distributed.scheduler.worker-saturation": 1.0,
    "distributed.worker.daemon": False,  # a slot starts processes
    # The worker itself is small; its box has its own limit and watchdog.
    "distributed.worker.memory.target": False,
    "distributed.worker.memory.spill": False,
    "distributed.worker.memory.pause": False,
    "distributed.worker.memory.terminate": False,
}


@dataclass(frozen=True, slots=True)
class Need:
    """Requirements of one submission, from the limits of the assignment's exercises."""

    cores: int
    memory: int
    """Bytes: the box's processes and the grader. With less, a slot is unfit."""
    asked_memory: int
    """Bytes requested from a batch system: the private folders are in memory, too."""
    seconds: float
    """Longest time of one, including the grader's own part."""
    boxed: bool


@dataclass(frozen=True, slots=True)
class Offer:
    """The number and location of slots; nothing is started yet."""

    slots: int
    where: str
    """As in "in 2 slots of 2 cores on this machine"."""
    profile: BatchProfile | None
    per_job: int
    forced: bool


class Place(Protocol):
    """Slots that were asked for."""

    client: Any
    """``distributed.Client``"""

    @property
    def patience(self) -> float:
        """Seconds within which the first slot must arrive."""

    @property
    def jobs(self) -> str:
        """Where to find out why none arrives."""

    def share(self, name: str) -> Share:
        """Return a worker's share of its machine."""

    def lifetime(self) -> float:
        """Return for how many seconds a slot that arrives now gets work."""

    def replace(self, name: str) -> bool:
        """Ask for another job in place of one whose last slot is gone; return whether it was."""


def offer(need: Need, profile: str | None, jobs: int | None, *, forced: bool = False) -> Offer:
    """Determine how many slots there will be.

    Parameters
    ----------
    need : Need
    profile : str, optional
        Name or path of a batch system's profile; this machine if left out.
    jobs : int, optional
        Slots on this machine, or jobs of the profile; by default as many slots as fit, or the
        jobs of the profile's workers.
    forced : bool
        Whether more slots than cores are allowed.

    Raises
    ------
    HarnessError
        If the machine has too few cores, the profile is not a batch system's, or it requests too
        little.
    """
    if profile is not None:
        chosen = load_profile(profile)
        if isinstance(chosen, BatchProfile):
            return _offer_jobs(need, chosen, jobs, forced)
        if chosen.kind != "local":
            raise HarnessError(
                f"The profile {profile!r} is the address of a running scheduler, whose workers are "
                "not set up for grading: name the profile of a batch system, or leave --profile "
                "out for this machine."
            )
    cores, memory = slots.here(), slots.memory_limit()
    there = slots.fitting(cores, need.cores, memory, need.memory)
    count = max(there, 1) if jobs is None else jobs
    if not forced:
        slots.refuse_too_many(count, cores, need.cores, memory, need.memory)
    each = need.cores if not forced else min(need.cores, max(len(cores) // count, 1))
    where = f"in {counted(count, 'slot')} of {counted(each, 'core')} on this machine"
    return Offer(count, where, None, 1, forced)


def _offer_jobs(need: Need, profile: BatchProfile, jobs: int | None, forced: bool) -> Offer:
    per_job = max(profile.cores // need.cores, int(forced))
    if per_job < 1:
        raise HarnessError(
            f"The profile {profile.name!r} asks for {counted(profile.cores, 'core')} a job, and "
            f"one submission needs {need.cores}. Raise cores in a copy of the profile."
        )
    if _walltime(profile) < 2 * need.seconds + _MARGIN_SECONDS:
        raise HarnessError(
            f"The profile {profile.name!r} has a walltime of {profile.walltime}, and one "
            f"submission may take {need.seconds / 60:.0f} min: ask for at least "
            f"{(2 * need.seconds + _MARGIN_SECONDS) / 60:.0f} min."
        )
    if jobs is None:
        jobs = -(-profile.workers // profile.processes)
    where = f"on {counted(jobs, 'job')} of {profile.name!r}, {counted(per_job, 'slot')} each"
    return Offer(jobs * per_job, where, profile, per_job, forced)


@contextmanager
def opened(need: Need, offered: Offer, logs: Path) -> Iterator[Place]:
    """Start the slots of an offer; all of them end with the context.

    Parameters
    ----------
    need : Need
    offered : Offer
    logs : Path
        Folder for the jobs' output, if the profile names none.

    Raises
    ------
    HarnessError, ClusterError
        If they cannot be asked for.
    """
    # An estimate for the dashboard, until the first task is done; Dask's default is 0.5 s.
    settings = _SETTINGS | {"distributed.scheduler.unknown-task-duration": f"{need.seconds / 4}s"}
    with dask.config.set(settings):
        if offered.profile is None:
            with _local(need, offered) as here:
                yield here
        else:
            with _batch(need, offered, offered.profile, logs) as there:
                yield there


@contextmanager
def _local(need: Need, offered: Offer) -> Iterator[Place]:
    from distributed import Client, LocalCluster, Security

    from cluster.client import without_polling

    # Without TLS, any user of this machine could run code as the scheduler's owner.
    security = Security.temporary()
    with (
        LocalCluster(
            n_workers=offered.slots,
            threads_per_worker=1,
            processes=True,
            security=security,
            protocol="tls://",
            dashboard_address="127.0.0.1:0",
            memory_limit=0,
            silence_logs="CRITICAL",
        ) as cluster,
        without_polling(),
        Client(cluster, set_as_default=False) as client,
    ):
        yield _Local(client, need, offered)


@dataclass
class _Local:
    client: Any
    need: Need
    offered: Offer
    patience: float = _LOCAL_SECONDS
    jobs: str = "top: the machine may be busy or out of memory"

    def share(self, name: str) -> Share:
        return Share(
            number=int(name),
            slots=self.offered.slots,
            cores=self.need.cores,
            memory=self.need.memory,
            divided=True,
            forced=self.offered.forced,
            boxed=self.need.boxed,
        )

    def lifetime(self) -> float:
        return float("inf")

    def replace(self, name: str) -> bool:
        """Leave it to the nanny, which restarts dead workers."""
        return False


@contextmanager
def _batch(need: Need, offered: Offer, profile: BatchProfile, logs: Path) -> Iterator[Place]:
    from distributed import Client

    from cluster.client import without_polling

    # One worker a slot, and memory for its box, whatever the profile says for interactive work.
    memory = max(parse_bytes(profile.memory), need.asked_memory * offered.per_job)
    ours = profile.model_copy(
        update={
            "processes": offered.per_job,
            "memory": f"{memory}B",
            "log_directory": profile.log_directory or str(logs),
        }
    )
    alive = _walltime(profile) - _MARGIN_SECONDS / 2
    further = {
        "worker_extra_args": [
            *("--nthreads", "1"),
            *("--memory-limit", "0"),
            *("--lifetime", f"{alive:.0f}s", "--lifetime-stagger", f"{_MARGIN_SECONDS / 4:.0f}s"),
        ],
        "death_timeout": _DEATH_SECONDS,
        "scheduler_options": {"dashboard_address": "127.0.0.1:0"},
    }
    started = start_batch(ours, offered.slots, further)
    try:
        with without_polling(), Client(started.cluster, set_as_default=False) as client:
            yield _Batch(client, need, offered, profile, started)
    finally:
        started.end()


@dataclass
class _Batch:
    client: Any
    need: Need
    offered: Offer
    profile: BatchProfile
    started: Any

    @property
    def patience(self) -> float:
        return self.profile.timeout

    @property
    def jobs(self) -> str:
        return f"{QUEUE_COMMAND[self.profile.kind]} and the output of {self.started.jobs}"

    def share(self, name: str) -> Share:
        per_job = self.offered.per_job
        return Share(
            number=int(name.rpartition("-")[2]) if per_job > 1 else 0,
            slots=per_job,
            cores=self.need.cores,
            memory=self.need.memory,
            divided=per_job > 1,
            forced=self.offered.forced,
            boxed=self.need.boxed,
        )

    def lifetime(self) -> float:
        most = _walltime(self.profile) - self.need.seconds - _MARGIN_SECONDS
        return most * random.uniform(0.9, 1.0)  # not all of them at once

    def replace(self, name: str) -> bool:
        job = self._job(name)
        cluster = self.started.cluster
        workers = self.client.scheduler_info(n_workers=-1)["workers"].values()
        others = {str(worker["name"]) for worker in workers} - {name}
        if job not in cluster.worker_spec or job in map(self._job, others):
            return False
        # The new one first: with the name of the lost one free, it would get that name, and Dask
        # would take the lost job for the new one.
        cluster.worker_spec.update(cluster.new_worker_spec())
        del cluster.worker_spec[job]
        cluster.sync(cluster._correct_state)
        return True

    def _job(self, name: str) -> str:
        return name.rpartition("-")[0] if self.offered.per_job > 1 else name


def _walltime(profile: BatchProfile) -> float:
    """Return a profile's walltime in seconds."""
    found = re.fullmatch(r"(?:(\d+)-)?(\d+):(\d\d):(\d\d)", profile.walltime)
    assert found is not None  # the profile holds to that form
    days, hours, minutes, seconds = (int(part or 0) for part in found.groups())
    return float(((days * 24 + hours) * 60 + minutes) * 60 + seconds)
