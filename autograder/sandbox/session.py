"""The life of one sandbox: start it, execute code in it, end it.

    with Session(exercise, modules) as session:
        session.execute("print('hello')", seconds=10)
        session.step("settle(10)", seconds=20)

Each call returns within its limit and reports what happened; if the sandbox had to be ended,
``ended`` says why. Only failures of the kit itself (no sandbox, a cluster that does not start) are
raised, as `HarnessError`. Leaving the ``with`` ends every process.
"""

import asyncio
import gc
import json
import math
import socket
import subprocess
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import nbformat
from jupyter_core.utils import run_sync
from nbclient import NotebookClient
from nbclient.exceptions import CellTimeoutError, DeadKernelError

from autograder.errors import HarnessError
from autograder.model import CellOutput, Exercise
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
from autograder.sandbox.kernel import BoxedKernelManager
from autograder.sandbox.limits import MEMORY_FULL, Watchdog
from autograder.sandbox.output_limit import CappedOutput
from autograder.sandbox.wall import Box, Sandbox

__all__ = ["START_SECONDS", "Modules", "Session"]

START_SECONDS = 60.0
"""Timeout for starting kernel and cluster; about 3 seconds on two idle cores."""

_GRACE_SECONDS = 30.0
"""Grace period after a submission's total time, before its box is ended from outside. Chosen: what
the grader asks of a box for itself has ended by then, and this holds whatever holds up the
grader."""

_INTERRUPT_SECONDS = 3
"""Grace period for a cell to stop after an interrupt, before the box is ended. On two cores with
ten other programs an endless loop took 0.1 to 1.4 s."""

_OTHERS = 0.4
"""Share of the machine's CPU used by other programs above which an exceeded time limit is not the
submission's fault. On two cores, one busy neighbour uses half."""

_MESSAGE_BYTES = 4 << 20
"""Size of one kernel message, which may take thirty times its size in memory when parsed."""

_ENDED_KERNEL = "it ended the notebook's kernel"

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


class Session:
    """A kernel and a Dask cluster for one submission.

    Parameters
    ----------
    exercise : Exercise
        Whose cluster, limits and cases the sandbox gets.
    modules : Modules
        What the kernel and the cluster load.
    boxed : bool
        False runs the same processes without protection, on the user's own responsibility.
    seconds : float, optional
        What is left of the submission's time; all of it if left out. Only what is executed here
        takes of it: a start that takes long on a busy machine does not.

    Raises
    ------
    HarnessError
        On entering, if the box, the kernel or the cluster does not start.
    """

    ended: str | None = None
    """Why the box was ended before its time."""
    broken: bool = False
    """Whether a step of the driver's failed after the notebook's cells."""

    def __init__(
        self,
        exercise: Exercise,
        modules: Modules,
        *,
        boxed: bool = True,
        seconds: float | None = None,
    ) -> None:
        self._exercise = exercise
        self._modules = modules
        self._boxed = boxed
        self._seconds = exercise.limits.wall_seconds if seconds is None else seconds
        self._left = math.inf  # until it is ready
        self._killed_before = machine_load.killed()

    def __enter__(self) -> "Session":
        if self._boxed:
            walls.require()
        self.folder = scratch.make()
        # Beside it, since what is in it the box could change.
        self._given = self.folder.with_name(f"{self.folder.name}-given")
        self._out = self.folder / "out"
        self._out.mkdir()
        self._ready = str(self.folder / "ready.json")
        self.recorder = self.folder / "recorder.sock"
        try:
            withhold_oracle.copy(Path(self._exercise.folder), self._given)
            self._start()
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *exception: object) -> None:
        if hasattr(self, "_watchdog"):
            self._watchdog.stop()
        gone = True
        if self._process is not None:
            gone = self._end(self.root)
        if hasattr(self, "_client"):
            with suppress(Exception):
                self._client._cleanup_kernel()
        if hasattr(self, "_manager"):
            self._manager.close()
        if self.group is not None:
            gone = cgroups.remove(self.group) and gone
        if self._box is not None:
            self._box.close()
        scratch.remove(self.folder)
        scratch.remove(self._given)
        # What was broken off leaves tasks that log their errors when they are collected. Should
        # that be in the middle of ast.parse, Python 3.11.7 and older fail there (gh-106905).
        gc.collect()
        if not gone:
            raise HarnessError(f"A box could not be ended: process {self.root} is still there.")

    folder: Path
    """The one folder that the sandbox shares with the grader."""
    recorder: Path
    """The recorder's socket in it."""
    roles: processes.Roles
    """The roles of the processes."""
    group: cgroups.Group | None = None
    _box: Box | None = None
    """None without protection."""
    _process: "subprocess.Popen[bytes] | None" = None
    _failed: str | None = None
    """Why the machine ended it, if that is not the submission's fault."""
    _load: machine_load.Reading
    """When the last execution began."""
    _load_when_ready: machine_load.Reading

    def _start(self) -> None:
        self._box = walls.chosen().prepare(self.folder) if self._boxed else None
        port = _free_port() if self._box is None else self._box.port
        limits = self._exercise.limits
        sandbox = Sandbox(
            writable=(self.folder,),
            readable={self._given: _CASES},
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
        self._client = _CappedClient(
            nbformat.v4.new_notebook(),
            km=self._manager,
            room=self._exercise.limits.output_bytes,
            startup_timeout=int(START_SECONDS),
            allow_errors=True,
            interrupt_on_timeout=False,
            raise_on_iopub_timeout=False,
            shutdown_kernel="immediate",
        )
        try:
            self._client.start_new_kernel()
            self._process = self._manager.process
            self._watchdog = Watchdog(
                self.root,
                limits,
                self.folder,
                self._set_ended,
                self.group,
                on_failure=self._set_failed,
                end=self._end,
                private=None if self._box is None else self._box.private,
                private_bytes=2 * sandbox.scratch_bytes,
            )
            self._client.start_new_kernel_client()
            folder = self._exercise.folder
            if self._box is not None:
                folder = self._box.place(self._given, _CASES)
            self.step(f"begin({folder!r})", START_SECONDS)
            self.roles = self._read_roles()
            self._left = self._seconds
            self._load_when_ready = self.load()
        except Exception as error:
            told = untrusted.record(self.folder, "ready.json").get("error")
            if told is None and isinstance(error, HarnessError):
                raise
            why = f"{error}. {self._last_words()}" if told is None else f"its cluster said: {told}."
            raise HarnessError(f"The box of {self._exercise.name} did not start: {why}") from error

    def _wait_for_grader(self) -> None:
        """Give the grader as long as a whole submission for what it does between two executions.

        It reads answers and compares them, and its oracle works out those of the next case, which
        takes longer for larger sizes, as the submission does. Whatever holds the grader up in a
        call of its own, the box ends after that.
        """
        self._watchdog.allow(self._exercise.limits.wall_seconds + _GRACE_SECONDS, ours=True)

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

    def _read_roles(self) -> processes.Roles:
        # The kernel may be ready while the last of the workers still starts.
        until = time.monotonic() + START_SECONDS
        while not Path(self._ready).exists() and time.monotonic() < until:
            if self.ended:
                break
            time.sleep(0.02)
        ready = json.loads(Path(self._ready).read_text())
        return processes.identify(self.root, ready["scheduler"], ready["workers"])

    def _set_ended(self, reason: str) -> None:
        self.ended = reason

    def _set_failed(self, reason: str) -> None:
        self._failed = self.ended = reason

    def _refuse_failed(self) -> None:
        """Raise the reason for the sandbox's end, if it was not the submission.

        Raises
        ------
        HarnessError
        """
        if self._failed:
            raise HarnessError(
                f"A submission to {self._exercise.name} could not be graded: {self._failed}. Grade "
                "it again."
            )

    def _last_words(self) -> str:
        if self.ended:
            return f"The grader ended it: {self.ended}."
        status = None if self._process is None else self._process.poll()
        return self._log_tail() or ("" if status is None else f"It ended with status {status}.")

    def _log_tail(self) -> str:
        log = scratch.read(self.folder, "cluster.log", 1 << 20).decode(errors="replace")
        lines = [line[:300] for line in log.splitlines()[-3:]]
        return "Its cluster said: " + " / ".join(lines) if lines else ""

    def step(self, call: str, seconds: float, *, spoilt: bool = False) -> str | None:
        """Run a line of the driver in the box; return why it was stopped, if it was.

        Parameters
        ----------
        spoilt : bool
            Whether the notebook's cells have run before. The same step worked after the reference
            solution's cells, so the student's cells broke it.

        Raises
        ------
        HarnessError
            If the step fails in a notebook that has not run yet, or on a busy machine.
        """
        # Of all steps, only `call` runs the student's function; how long the others take is not up
        # to it alone, so one that is stopped is `broken`, too.
        source = f"__import__({self._modules.driver!r}, fromlist=['x']).{call}"
        output = self.execute(source, seconds, silent=True)
        name = call.split("(")[0]
        if output.failure is None:
            if output.stopped is not None and not spoilt:
                raise HarnessError(
                    f"The box of {self._exercise.name} did not start: its step {name}() was "
                    f"stopped: {output.stopped}."
                )
            if output.stopped is not None and name != "call":
                self.broken = True
            return output.stopped
        told = f"{output.failure.kind}: {output.failure.message}"
        if spoilt:
            self._refuse_busy(
                f"The grader's own step {name}() of {self._exercise.name} failed ({told})"
            )
            self.broken = True
            return (
                f"the notebook's cells broke something that the grader needs ({name}() raised "
                f"{told}); closing the client does that, or an option that turns warnings into "
                "errors"
            )
        raise HarnessError(
            f"The grader's own step {name}() of {self._exercise.name} failed in the box: {told}. "
            f"{self._log_tail()}"
        )

    def execute(self, source: str, seconds: float, *, silent: bool = False) -> CellOutput:
        """Execute a cell, as position 0 of a notebook, within a number of seconds."""
        self._refuse_failed()
        if self.ended:
            return CellOutput(0, (), 0.0, stopped=self.ended)
        left = max(self._left, 1.0)
        cell = nbformat.v4.new_code_cell(source)
        self._client.nb.cells = [cell]
        self._client.timeout = math.ceil(min(seconds, left))
        self._load = self.load()
        self._watchdog.allow(min(seconds, left) + _GRACE_SECONDS)
        began = time.perf_counter()
        stopped = None
        try:
            self._client.execute_cell(cell, 0, store_history=not silent)
            if self._client.asked_to_end:
                # Its kernel goes on for a moment, and what is asked of it next would be blamed.
                stopped = _ENDED_KERNEL
                self._kill(stopped)
        except CellTimeoutError:
            stopped = self._out_of_time(seconds, left)
        except DeadKernelError:
            stopped = self._died()
        except Exception as error:
            # Whatever there is between two programs that speak by messages can be broken by one.
            stopped = f"a malformed message from or to its kernel: {error!r:.200}"
            self._kill(stopped)
        finally:
            self._client.hear_what_waits()
        self._refuse_failed()
        took = time.perf_counter() - began
        self._left -= took
        self._wait_for_grader()
        return CellOutput(
            index=0,
            outputs=tuple(cell.outputs),
            seconds=took,
            failure=untrusted.failure(cell.outputs),
            stopped=stopped,
        )

    def _out_of_time(self, seconds: float, left: float) -> str:
        """Stop a call that runs too long; return the reason, if the student is responsible.

        Raises
        ------
        HarnessError
            If most of the machine's CPU went to other work meanwhile.
        """
        happened = f"A submission to {self._exercise.name} ran out of time"
        self._refuse_busy(happened)
        if left <= seconds:
            self._refuse_busy(happened, self._load_when_ready)
            wall = self._exercise.limits.wall_seconds
            reason = f"it ran for more than the {wall:.0f} seconds a submission may take in all"
            self._kill(reason)
            return reason
        reason = f"it ran for more than {seconds:.0f} seconds"
        self._interrupt(reason)
        return reason

    def _refuse_busy(self, happened: str, since: machine_load.Reading | None = None) -> None:
        """End the box and say that it is nobody's fault, if others had most of the machine's CPU.

        Parameters
        ----------
        happened : str
        since : Reading, optional
            From when on; by default, since the last execution began.

        Raises
        ------
        HarnessError
        """
        share = machine_load.others(since or self._load, self.load())
        if share > _OTHERS:
            self._kill("the machine was busy")
            raise HarnessError(
                f"{happened} while {share:.0%} of the machine's CPU went to other work. That is "
                "nobody's fault: grade it again when the machine is quieter."
            )

    def _interrupt(self, reason: str) -> None:
        """Interrupt the kernel; end the box if that does not help."""
        with suppress(Exception):
            run_sync(self._manager.interrupt_kernel)()
        # The old client still waits for the end of what was stopped, and would miss a message.
        assert self._client.kc is not None
        self._client.kc.stop_channels()
        self._client.startup_timeout = _INTERRUPT_SECONDS
        try:
            self._client.start_new_kernel_client()
        except Exception:  # it does not answer, or not as a kernel does
            self._kill(reason)

    def _died(self) -> str:
        # The watchdog says why a moment after the kernel is gone; on a busy machine, later.
        limited = self.group is not None and cgroups.breach(self.group) is not None
        until = time.monotonic() + (_INTERRUPT_SECONDS if limited else 0.3)
        while self.ended is None and time.monotonic() < until:
            time.sleep(0.05)
        # Without a control group nobody tells whose processes the machine killed.
        killed = self.group is None and machine_load.killed() != self._killed_before
        if self.ended is None and killed:
            self._set_failed(MEMORY_FULL)
        reason = self.ended or _ENDED_KERNEL
        self._kill(reason)
        return reason

    def load(self) -> machine_load.Reading:
        """Read who uses the machine's CPU."""
        return machine_load.read(self.root, self.cpu_seconds())

    def cpu_seconds(self) -> float | None:
        """Return the CPU time of everything that ever ran here, or None if it is not counted."""
        return None if self.group is None else cgroups.cpu_seconds(self.group)

    @contextmanager
    def frozen(self) -> Iterator[None]:
        """Freeze everything here during the block; end the sandbox if that fails.

        Values read meanwhile cannot change, and everything that ran until then has been counted. If
        anything continues to run, the box is ended after the block.

        Raises
        ------
        HarnessError
            If that fails while most of the machine's CPU goes to other work.
        """
        if not processes.freeze(self.root):
            self._refuse_busy(
                f"The processes of a submission to {self._exercise.name} could not be stopped"
            )
            self._kill("its processes could not be stopped")
            self.broken = True
        before = processes.ran(self.root)
        try:
            yield
        finally:
            if processes.went_on(before, processes.ran(self.root)):
                self._kill("its processes continued after they had been stopped")
            processes.thaw(self.root)

    def _kill(self, reason: str) -> None:
        self.ended = self.ended or reason
        self._end(self.root)

    def _end(self, root: int) -> bool:
        end = processes.end if self._box is None else self._box.end
        return end(root)

    @property
    def root(self) -> int:
        """The id of the sandbox's outermost process."""
        assert self._process is not None
        return self._process.pid


class _CappedClient(CappedOutput, NotebookClient):
    """A notebook client that limits the output it keeps."""

    keeps_widgets = False
    asked_to_end = False
    """Whether the last cell requested the end of the kernel, as ``exit()`` does."""

    def __init__(self, *args: Any, room: int, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.room = room
        self.on_cell_executed = self._read_reply

    def hear_what_waits(self) -> None:
        """Read the errors of tasks that wait for messages: asyncio logs those that nobody read."""
        for name in ("task_poll_for_reply", "task_poll_output_msg"):
            task: asyncio.Future[Any] | None = getattr(self, name, None)
            if task is not None and task.done():
                _hear(task)
            elif task is not None:
                task.add_done_callback(_hear)

    def _read_reply(self, execute_reply: Any, **kwargs: Any) -> None:
        self.asked_to_end = asks_to_end(execute_reply)


def _hear(task: "asyncio.Future[Any]") -> None:
    if not task.cancelled():
        task.exception()


def asks_to_end(reply: Any) -> bool:
    """Tell whether a kernel's reply, which may be malformed, announces its end."""
    content = reply.get("content") if isinstance(reply, Mapping) else None
    payload = content.get("payload") if isinstance(content, Mapping) else None
    parts = payload if isinstance(payload, list) else []
    return any(isinstance(part, Mapping) and part.get("source") == "ask_exit" for part in parts)


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
