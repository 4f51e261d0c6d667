"""Execute code in a box, within limits, and freeze it for a look.

    with Session(exercise, modules) as session:
        session.execute("print('hello')", seconds=10)
        session.step("settle(10)", seconds=20)

Each call returns within its limit and reports what happened; if the box had to be ended, ``ended``
says why. Only failures of the kit itself (no box, a cluster that does not start) are raised, as
`HarnessError`. Leaving the ``with`` ends every process.
"""

import math
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress

import nbformat
from nbclient.exceptions import CellTimeoutError, DeadKernelError

from autograder.errors import HarnessError
from autograder.model import CellOutput, Exercise
from autograder.sandbox import cgroups, machine_load, processes, untrusted
from autograder.sandbox.limits import MEMORY_FULL
from autograder.sandbox.running_box import START_SECONDS, Modules, RunningBox

__all__ = ["Session"]

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

_ENDED_KERNEL = "it ended the notebook's kernel"


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

    broken: bool = False
    """Whether a step of the driver's failed after the notebook's cells."""
    _load: machine_load.Reading
    """When the last execution began."""
    _load_when_ready: machine_load.Reading

    def __init__(
        self,
        exercise: Exercise,
        modules: Modules,
        *,
        boxed: bool = True,
        seconds: float | None = None,
    ) -> None:
        self.box = RunningBox(exercise, modules, boxed=boxed)
        self._exercise = exercise
        self._modules = modules
        self._seconds = exercise.limits.wall_seconds if seconds is None else seconds
        self._left = math.inf  # until it is ready
        self._killed_before = machine_load.killed()

    def __enter__(self) -> "Session":
        self.box.__enter__()
        try:
            with self.box.starting():
                self.step(f"begin({self.box.cases!r})", START_SECONDS)
                self.box.read_roles()
        except BaseException:
            self.box.__exit__()
            raise
        self._left = self._seconds
        self._load_when_ready = self.box.load()
        return self

    def __exit__(self, *exception: object) -> None:
        self.box.__exit__()

    @property
    def ended(self) -> str | None:
        """Why the box was ended before its time."""
        return self.box.ended

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
        if output.failure is None or self.box.client.succeeded:
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
            f"{self.box.log_tail()}"
        )

    def execute(self, source: str, seconds: float, *, silent: bool = False) -> CellOutput:
        """Execute a cell, as position 0 of a notebook, within a number of seconds."""
        self._refuse_failed()
        if self.ended:
            return CellOutput(0, (), 0.0, stopped=self.ended)
        left = max(self._left, 1.0)
        cell = nbformat.v4.new_code_cell(source)
        self.box.client.nb.cells = [cell]
        self.box.client.timeout = math.ceil(min(seconds, left))
        self.box.client.succeeded = False
        self._load = self.box.load()
        self.box.allow(min(seconds, left) + _GRACE_SECONDS)
        began = time.perf_counter()
        stopped = None
        try:
            self.box.client.execute_cell(cell, 0, store_history=not silent)
            if self.box.client.asked_to_end:
                # Its kernel goes on for a moment, and what is asked of it next would be blamed.
                stopped = _ENDED_KERNEL
                self.box.kill(stopped)
        except CellTimeoutError:
            stopped = self._out_of_time(seconds, left)
        except DeadKernelError:
            stopped = self._died()
        except Exception as error:
            # Whatever there is between two programs that speak by messages can be broken by one.
            stopped = f"a malformed message from or to its kernel: {error!r:.200}"
            self.box.kill(stopped)
        finally:
            self.box.client.hear_what_waits()
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
            self.box.kill(reason)
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
        share = machine_load.others(since or self._load, self.box.load())
        if share > _OTHERS:
            self.box.kill("the machine was busy")
            raise HarnessError(
                f"{happened} while {share:.0%} of the machine's CPU went to other work. That is "
                "nobody's fault: grade it again when the machine is quieter."
            )

    def _interrupt(self, reason: str) -> None:
        """Interrupt the kernel; end the box if that does not help."""
        with suppress(Exception):
            self.box.interrupt()
        # The old client still waits for the end of what was stopped, and would miss a message.
        assert self.box.client.kc is not None
        self.box.client.kc.stop_channels()
        self.box.client.startup_timeout = _INTERRUPT_SECONDS
        try:
            self.box.client.start_new_kernel_client()
        except Exception:  # it does not answer, or not as a kernel does
            self.box.kill(reason)

    def _died(self) -> str:
        # The watchdog says why a moment after the kernel is gone; on a busy machine, later.
        limited = self.box.group is not None and cgroups.breach(self.box.group) is not None
        until = time.monotonic() + (_INTERRUPT_SECONDS if limited else 0.3)
        while self.ended is None and time.monotonic() < until:
            time.sleep(0.05)
        # Without a control group nobody tells whose processes the machine killed.
        killed = self.box.group is None and machine_load.killed() != self._killed_before
        if self.ended is None and killed:
            self.box.fail(MEMORY_FULL)
        reason = self.ended or _ENDED_KERNEL
        self.box.kill(reason)
        return reason

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
        if not processes.freeze(self.box.root):
            self._refuse_busy(
                f"The processes of a submission to {self._exercise.name} could not be stopped"
            )
            self.box.kill("its processes could not be stopped")
            self.broken = True
        before = processes.ran(self.box.root)
        try:
            yield
        finally:
            if processes.went_on(before, processes.ran(self.box.root)):
                self.box.kill("its processes continued after they had been stopped")
            processes.thaw(self.box.root)

    def _refuse_failed(self) -> None:
        """Raise the reason for the sandbox's end, if it was not the submission.

        Raises
        ------
        HarnessError
        """
        if self.box.failed:
            raise HarnessError(
                f"A submission to {self._exercise.name} could not be graded: {self.box.failed}. "
                "Grade it again."
            )

    def _wait_for_grader(self) -> None:
        """Give the grader as long as a whole submission for what it does between two executions.

        It reads answers and compares them, and its oracle works out those of the next case, which
        takes longer for larger sizes, as the submission does. Whatever holds the grader up in a
        call of its own, the box ends after that.
        """
        self.box.allow(self._exercise.limits.wall_seconds + _GRACE_SECONDS, ours=True)
