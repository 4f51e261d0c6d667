"""The observer in the student's own process, where the notebook has run, on the student's cluster.

Readings that elsewhere come from the operating system are taken from the processes themselves,
since fooling a self-check gains nothing.
"""

import os
import signal
import socket
import tempfile
import threading
import time
from collections.abc import Collection, Iterable, Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import replace
from math import fsum
from pathlib import Path
from typing import Any

import distributed
import psutil
from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]

from autograder.errors import SubmissionError
from autograder.evidence import delays, kills, local_delays, self_reported
from autograder.evidence.driver import SCRATCH, call_student
from autograder.evidence.observer import Call
from autograder.evidence.one_clock import OneClock
from autograder.evidence.recorder import Recorder
from autograder.evidence.self_reported import Accounts, usage, used
from autograder.exercise import catalogue
from autograder.model import (
    CaseSpec,
    CellOutput,
    CpuSample,
    Exercise,
    ProcessUsage,
    Recording,
    Role,
    Submission,
)
from autograder.sandbox import machine_load, untrusted

__all__ = ["InProcess", "identity", "local_workers"]

_warm: set[object] = set()


class InProcess:
    """An `Observer` in the process that the notebook runs in.

    Parameters
    ----------
    exercise : Exercise
        Fitted to the cluster.
    client : distributed.Client
        Of the notebook's cluster, which is warmed up and recorded from the first call on.
    functions : mapping
        The notebook's variables.
    """

    ended: str | None = None

    def __init__(
        self, exercise: Exercise, client: distributed.Client, functions: Mapping[str, Any]
    ) -> None:
        self._exercise = exercise
        self._client = client
        self._functions = functions

    def run_cells(self, submission: Submission, skip: Collection[int] = ()) -> list[CellOutput]:
        """Run nothing: the student has run the cells."""
        return []

    def run_case(self, case: CaseSpec, seed: int) -> Call:
        """Call the student's function as in the sandbox, without one.

        Raises
        ------
        SubmissionError
            If the function closes the notebook's client.
        """
        client = self._client
        module = catalogue.cases(self._exercise)
        student = self._functions.get(case.function)
        with client.as_current(), ExitStack() as watching:
            _warm_up(self._exercise, module, client)
            dying = any(each.kill for each in self._exercise.cases)
            here = _workers_here(client)
            workers = here if dying and _are_replaced(client) else {}
            scratch = watching.enter_context(_scratch(elsewhere=dying and not workers))
            begun = used(client)
            arguments, input_bytes = module.prepare(case.name, case.parameters, seed)
            before = used(client, anew=True)
            limit = self._exercise.limits.case_seconds
            lost = _Lost(workers, before)
            names = self_reported.names(before, before)
            # A worker may have come in between.
            pids = {names[address]: pid for pid, address in here.items() if address in names}
            if pids:
                pids["client"] = os.getpid()
            load_before = _load(before) if pids else None
            # In a box and on workers BLAS has one thread. More of them here spin while they wait:
            # beside other programs that was six times the CPU time of the work (ex12).
            watching.enter_context(threadpool_limits(1))
            go = time.time()
            killed = watching.enter_context(
                kills.killing(case, seed, lambda: _read(scratch / kills.ANNOUNCED), lost.kill)
            )
            with local_delays.sampled(pids) as sampled:
                with _interrupting(limit):
                    told, arrays, failure = call_student(
                        module, case.name, case.function, student, arguments
                    )
                done = time.time()
            stopped = f"it ran for more than {limit:.0f} seconds" if done - go > limit else None
            if stopped is not None:
                told, arrays, failure = {}, {}, None
            if failure is not None and failure["kind"] == "KeyboardInterrupt":
                raise KeyboardInterrupt
            if client.status != "running":
                raise SubmissionError(
                    f"{case.function} closed the notebook's client, so it cannot be checked: do "
                    "not close it inside the function, and run the cell with connect() again."
                )
            if killed:
                with suppress(TimeoutError):
                    client.wait_for_workers(len(workers), timeout=kills.RECOVER_SECONDS)
            after = used(client)
        returned = untrusted.moment(told.get("returned"), go, done)
        all_usage = (*_without(sampled.seconds, usage(before, after)), *lost.usage)
        cpu = _before_and_after(all_usage, done - go)
        if sampled.cpu and load_before is not None:
            cpu = delays.due_to_others(sampled.cpu, load_before, _load(after), len(here))
        return Call(
            go=go,
            returned=returned,
            done=done,
            usage=all_usage,
            setup_cpu=sum(use.cpu_seconds for use in usage(begun, before)),
            answer=told,
            arrays=arrays,
            failure=untrusted.as_failure(failure),
            stopped=stopped,
            input_bytes=input_bytes,
            recording=_recording(client, go, done, returned),
            background_load=None,
            steal=None,
            cpu=tuple(cpu),
            memory=(),
            kills=None if killed is None else tuple(killed),
        )


def _load(accounts: Accounts) -> machine_load.Reading:
    """Read who uses this machine's CPU; the notebook and its workers take the box's place."""
    box_cpu = fsum(spent for spent, *_ in accounts.values())
    return machine_load.read(os.getpid(), box_cpu)


def _without(seconds: float, all_usage: Iterable[ProcessUsage]) -> Iterator[ProcessUsage]:
    """Take the CPU time of the sampling off what the notebook's process used."""
    for use in all_usage:
        own = seconds if use.role is Role.CLIENT else 0.0
        yield replace(use, cpu_seconds=max(use.cpu_seconds - own, 0.0))


def _before_and_after(all_usage: Iterable[ProcessUsage], seconds: float) -> list[CpuSample]:
    """Return one sample of every process, where nobody knows who waited when.

    The notebook is taken to have waited before the workers, which wait side by side.
    """
    return [
        CpuSample(0.0 if use.role is Role.CLIENT else seconds, use.name, use.cpu_seconds, use.delay)
        for use in all_usage
        if use.delay is not None
    ]


class _TooLong(BaseException):
    """Ends a call that takes longer than the grader would allow."""


@contextmanager
def _interrupting(seconds: float) -> Iterator[None]:
    """Interrupt a call that runs longer, as in a box, if the system and the thread allow it."""
    main = threading.current_thread() is threading.main_thread()
    if not main or not hasattr(signal, "setitimer") or signal.getitimer(signal.ITIMER_REAL)[0]:
        yield
        return

    def interrupt(number: int, frame: object) -> None:
        raise _TooLong

    before = signal.signal(signal.SIGALRM, interrupt)
    signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        yield
    except _TooLong:  # just as the call had ended
        pass
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


@contextmanager
def _scratch(*, elsewhere: bool) -> Iterator[Path]:
    """Create the folder for a case's files, visible to workers on other machines if necessary."""
    with tempfile.TemporaryDirectory(prefix=".check-", dir=Path.cwd() if elsewhere else None) as at:
        os.environ[SCRATCH] = at
        try:
            yield Path(at)
        finally:
            del os.environ[SCRATCH]


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError:
        return b""


def local_workers(client: distributed.Client) -> dict[int, str]:
    """Return the addresses of the workers by process number, if all may be killed from here.

    They may if they are on this machine, and a nanny replaces each of them.
    """
    return _workers_here(client) if _are_replaced(client) else {}


def _are_replaced(client: distributed.Client) -> bool:
    known = client.scheduler_info(n_workers=-1)["workers"]
    return all(worker.get("nanny") for worker in known.values())


def _workers_here(client: distributed.Client) -> dict[int, str]:
    """Return the addresses of the workers by process number, if all are on this machine."""
    places = client.run(_place)
    here = {
        pid: address
        for address, (host, pid, began) in places.items()
        if host == socket.gethostname() and psutil.pid_exists(pid)
        if abs(psutil.Process(pid).create_time() - began) < 1.0
    }
    return here if len(here) == len(places) and os.getpid() not in here else {}


def _place() -> tuple[str, int, float]:
    return socket.gethostname(), os.getpid(), psutil.Process().create_time()


class _Lost:
    """Kills a worker of the student's own cluster, and remembers its resource use."""

    def __init__(self, workers: Mapping[int, str], before: Accounts) -> None:
        self._workers = workers
        self._before = before
        self.usage: list[ProcessUsage] = []

    def kill(self, pid: int | None) -> str | None:
        """Kill the worker with a process id, or another one."""
        if not self._workers:
            return None
        chosen = min(self._workers) if pid is None or pid not in self._workers else pid
        address = self._workers[chosen]
        try:
            process = psutil.Process(chosen)
            times = process.cpu_times()
            process.kill()
        except psutil.Error:
            return None
        earlier = self._before.get((Role.WORKER, address))
        spent = times.user + times.system - (earlier[0] if earlier else 0.0)
        self.usage.append(ProcessUsage(Role.WORKER, "worker-lost", max(spent, 0.0), None, 0, 0))
        return address


def identity(client: distributed.Client) -> tuple[str, ...]:
    """Identify a cluster and its set of workers."""
    return (client.id, *sorted(client.scheduler_info(n_workers=-1)["workers"]))


def _warm_up(exercise: Exercise, module: catalogue.Cases, client: distributed.Client) -> None:
    """Do a little of everything and begin recording, once per set of workers."""
    known = (exercise.digest, *identity(client))
    if known not in _warm:
        module.warm()
        client.register_plugin(OneClock())
        client.register_plugin(Recorder())
        _warm.add(known)


def _recording(client: distributed.Client, go: float, done: float, returned: float) -> Recording:
    def read(dask_scheduler: Any) -> Recording:
        recorder: Recorder = dask_scheduler.plugins[Recorder.name]
        return recorder.recording(go, done, returned)

    recording: Recording = client.run_on_scheduler(read)
    return recording
