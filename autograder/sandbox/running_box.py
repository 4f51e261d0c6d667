"""The life of one box: a kernel, a Dask cluster and a watchdog, until every process has ended.

Nothing is executed here; `autograder.sandbox.session` does that.
"""

import gc
import json
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import nbformat
from jupyter_core.utils import run_sync

from autograder.errors import HarnessError
from autograder.model import Exercise
from autograder.sandbox import (
    bubblewrap,
    cgroups,
    machine_load,
    pid1,
    processes,
    scratch,
    untrusted,
    walls,
    withhold_oracle,
)
from autograder.sandbox.capped_client import CappedClient
from autograder.sandbox.kernel import BoxedKernelManager
from autograder.sandbox.limits import Watchdog
from autograder.sandbox.wall import Box, Sandbox

__all__ = ["START_SECONDS", "Modules", "RunningBox"]

START_SECONDS = 60.0
"""Timeout for starting kernel and cluster; about 3 seconds on two idle cores."""

_MESSAGE_BYTES = 4 << 20
"""Size of one kernel message, which may take thirty times its size in memory when parsed."""

_CASES = "/opt/exercise"
"""The exercise's folder in the box: its cases, without anything that reveals a solution."""


@dataclass(frozen=True, slots=True)
class Modules:
    """Modules loaded by name inside a sandbox."""

    driver: str
    """By the kernel; its functions are the steps."""
    scheduler: str
    """Preload of the scheduler."""
    worker: str
    """Preload of every worker."""


class RunningBox:
    """The processes of one submission, with the folder that they share with the grader.

    Parameters
    ----------
    exercise : Exercise
        Whose cluster, limits and cases the box gets.
    modules : Modules
        What the kernel and the cluster load.
    boxed : bool
        False runs the same processes without protection, on the user's own responsibility.

    Raises
    ------
    HarnessError
        On entering, if the box or the kernel does not start; on leaving, if a process is left.
    """

    ended: str | None = None
    """Why the box was ended before its time."""
    failed: str | None = None
    """Why the machine ended it, if that is not the submission's fault."""
    folder: Path
    """The one folder that the box shares with the grader."""
    given: Path
    """The exercise's cases, which the box reads."""
    recorder: Path
    """The recorder's socket in the shared folder."""
    cases: str
    """Where the box finds the exercise's cases."""
    roles: processes.Roles
    """The roles of the processes, once they are known."""
    group: cgroups.Group | None = None
    client: CappedClient
    _watchdog: Watchdog | None = None
    _manager: BoxedKernelManager | None = None
    _box: Box | None = None
    """None without protection."""
    _process: "subprocess.Popen[bytes] | None" = None

    def __init__(self, exercise: Exercise, modules: Modules, *, boxed: bool = True) -> None:
        self._exercise = exercise
        self._modules = modules
        self._boxed = boxed

    def __enter__(self) -> "RunningBox":
        if self._boxed:
            walls.require()
        self.folder = scratch.make()
        # Beside it, since what is in it the box could change.
        self.given = self.folder.with_name(f"{self.folder.name}-given")
        (self.folder / "out").mkdir()
        self._ready = str(self.folder / "ready.json")
        self.recorder = self.folder / "recorder.sock"
        try:
            withhold_oracle.copy(Path(self._exercise.folder), self.given)
            self._start()
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *exception: object) -> None:
        if self._watchdog is not None:
            self._watchdog.stop()
        gone = True
        if self._process is not None:
            gone = self._end(self.root)
        if self._manager is not None:
            with suppress(Exception):
                self.client._cleanup_kernel()
            self._manager.close()
        if self.group is not None:
            gone = cgroups.remove(self.group) and gone
        if self._box is not None:
            self._box.close()
        scratch.remove(self.folder)
        scratch.remove(self.given)
        # What was broken off leaves tasks that log their errors when they are collected. Should
        # that be in the middle of ast.parse, Python 3.11.7 and older fail there (gh-106905).
        gc.collect()
        if not gone:
            raise HarnessError(f"A box could not be ended: process {self.root} is still there.")

    @property
    def root(self) -> int:
        """The id of the box's outermost process."""
        assert self._process is not None
        return self._process.pid

    def _start(self) -> None:
        self._box = walls.chosen().prepare(self.folder) if self._boxed else None
        port = _free_port() if self._box is None else self._box.port
        limits = self._exercise.limits
        sandbox = Sandbox(
            writable=(self.folder,),
            readable={self.given: _CASES},
            environment={
                "DASK_SCHEDULER_ADDRESS": f"tcp://127.0.0.1:{port}",
                "AUTOGRADER_RECORDER_SOCKET": str(self.recorder),
                "AUTOGRADER_GRADING": "1",
                "DASK_SCALING_SIZE": self._exercise.size,
            },
            workdir=str(self.folder) if self._box is None else self._box.home,
            processes=limits.processes,
            scratch_bytes=bubblewrap.scratch_for(limits.memory_bytes),
        )
        if self._boxed:
            self.group = bubblewrap.group_for(sandbox, limits.memory_bytes)
        self._manager = BoxedKernelManager(
            sandbox,
            self.folder,
            boxed=self._boxed,
            box=self._box,
            group=self.group,
            message_bytes=_MESSAGE_BYTES,
            program=self._program(port),
            warm=True,
        )
        self.client = CappedClient(
            nbformat.v4.new_notebook(),
            km=self._manager,
            room=self._exercise.limits.output_bytes,
            startup_timeout=int(START_SECONDS),
            allow_errors=True,
            interrupt_on_timeout=False,
            raise_on_iopub_timeout=False,
            shutdown_kernel="immediate",
        )
        with self.starting():
            self.client.start_new_kernel()
            self._process = self._manager.process
            self._watchdog = Watchdog(
                self.root,
                limits,
                self.folder,
                self._set_ended,
                self.group,
                on_failure=self.fail,
                end=self._end,
                private=None if self._box is None else self._box.private,
                private_bytes=2 * sandbox.scratch_bytes,
            )
            self.client.start_new_kernel_client()
        self.cases = self._exercise.folder
        if self._box is not None:
            self.cases = self._box.place(self.given, _CASES)

    @contextmanager
    def starting(self) -> Iterator[None]:
        """Say of any failure in the block that the box did not start, and why.

        Raises
        ------
        HarnessError
        """
        try:
            yield
        except Exception as error:
            told = untrusted.record(self.folder, "ready.json").get("error")
            if told is None and isinstance(error, HarnessError):
                raise
            why = f"{error}. {self._last_words()}" if told is None else f"its cluster said: {told}."
            raise HarnessError(f"The box of {self._exercise.name} did not start: {why}") from error

    def _program(self, port: int) -> tuple[str, ...]:
        shape = self._exercise.cluster
        return (
            *(pid1.__name__, str(self.folder / "cluster.log"), self._modules.driver),
            *("serve", "--port", str(port), "--ready", self._ready),
            *("--workers", str(shape.workers), "--threads", str(shape.threads_per_worker)),
            *("--memory", str(shape.memory_per_worker)),
            *("--preload", self._modules.scheduler),
            *("--worker-preload", self._modules.worker, "--"),
        )

    def read_roles(self) -> None:
        """Wait for all workers, and note the roles of the processes."""
        # The kernel may be ready while the last of the workers still starts.
        until = time.monotonic() + START_SECONDS
        while not Path(self._ready).exists() and time.monotonic() < until:
            if self.ended:
                break
            time.sleep(0.02)
        ready = json.loads(Path(self._ready).read_text())
        self.roles = processes.identify(self.root, ready["scheduler"], ready["workers"])

    def _last_words(self) -> str:
        if self.ended:
            return f"The grader ended it: {self.ended}."
        status = None if self._process is None else self._process.poll()
        return self.log_tail() or ("" if status is None else f"It ended with status {status}.")

    def log_tail(self) -> str:
        """Return the last lines of the cluster's log, for an error message."""
        log = scratch.read(self.folder, "cluster.log", 1 << 20).decode(errors="replace")
        lines = [line[:300] for line in log.splitlines()[-3:]]
        return "Its cluster said: " + " / ".join(lines) if lines else ""

    def allow(self, seconds: float, *, ours: bool = False) -> None:
        """Have the watchdog end the box after so many seconds; a later call replaces this one."""
        assert self._watchdog is not None
        self._watchdog.allow(seconds, ours=ours)

    def interrupt(self) -> None:
        """Interrupt the kernel, as far as it listens."""
        assert self._manager is not None
        run_sync(self._manager.interrupt_kernel)()

    def kill(self, reason: str) -> None:
        """End every process, for a reason that is kept unless there was one before."""
        self.ended = self.ended or reason
        self._end(self.root)

    def fail(self, reason: str) -> None:
        """Note that the machine ended the box."""
        self.failed = self.ended = reason

    def _set_ended(self, reason: str) -> None:
        self.ended = reason

    def _end(self, root: int) -> bool:
        end = processes.end if self._box is None else self._box.end
        return end(root)

    def load(self) -> machine_load.Reading:
        """Read who uses the machine's CPU."""
        return machine_load.read(self.root, self.cpu_seconds())

    def cpu_seconds(self) -> float | None:
        """Return the CPU time of everything that ever ran here, or None if it is not counted."""
        return None if self.group is None else cgroups.cpu_seconds(self.group)


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
