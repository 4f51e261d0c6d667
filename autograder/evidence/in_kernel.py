"""The observer of a notebook in a separate kernel, without a box, on a chosen cluster.

The cluster is started here and ends here; the kernel finds it by its address, as a student's
notebook finds one that is running already. In the kernel the functions are called in the same way
as by ``check()``, and the observations are returned as files.
"""

import math
import os
import sys
import tempfile
from collections.abc import Collection, Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import nbformat
import numpy as np
from IPython import get_ipython
from jupyter_client.kernelspec import KernelSpec
from jupyter_client.manager import AsyncKernelManager
from nbclient import NotebookClient
from nbclient.exceptions import CellTimeoutError, DeadKernelError
from pydantic import TypeAdapter

from autograder.errors import HarnessError, SubmissionError
from autograder.evidence.cell_numbers import numbers
from autograder.evidence.in_process import InProcess
from autograder.evidence.module_names import DRIVER
from autograder.evidence.observer import Call
from autograder.exercise import catalogue
from autograder.formats import clean, shorten
from autograder.model import CaseSpec, CellOutput, Exercise, Submission
from autograder.sandbox import scratch, untrusted
from cluster import ClusterError, connect, size_of
from cluster.client import Client

if TYPE_CHECKING:
    import distributed

__all__ = ["InKernel", "cluster_of", "in_kernel"]

_CASE = TypeAdapter(CaseSpec)
_CALL = TypeAdapter(Call)


@contextmanager
def cluster_of(profile: str, workers: int | None = None) -> Iterator["distributed.Client"]:
    """Connect to a cluster with a given number of workers, and end it if it was started here.

    Parameters
    ----------
    profile : str
        As for `cluster.connect`.
    workers : int, optional
        If jobs have several workers each, surplus workers are retired.

    Raises
    ------
    ClusterError
        As `cluster.connect`; or if the cluster was there before and has another number.
    """
    client = connect(profile, workers=workers)
    try:
        here = sorted(client.scheduler_info(n_workers=-1)["workers"])
        if workers is not None and len(here) != workers:
            if not isinstance(client, Client):
                raise ClusterError(
                    f"The cluster at {profile} has {len(here)} workers, and this command "
                    f"cannot resize it. For {workers} workers, name a profile that starts "
                    "clusters, such as local or slurm."
                )
            client.retire_workers(here[workers:], close_workers=True)
        yield client
    finally:
        client.close()


@contextmanager
def in_kernel(
    exercise: Exercise, folder: Path, client: "distributed.Client"
) -> Iterator["InKernel"]:
    """Start a kernel on a cluster, and end it.

    Parameters
    ----------
    exercise : Exercise
    folder : Path
        Where the notebook lies.
    client : distributed.Client
        Of the cluster.

    Raises
    ------
    HarnessError
        If no kernel can be started.
    """
    with tempfile.TemporaryDirectory(prefix="dsk-kernel-", dir=scratch.place()) as place:
        kernel = _started(exercise, folder, client, Path(place))
        try:
            observer = InKernel(exercise, kernel, Path(place))
            observer.prepare()
            yield observer
        finally:
            _end(kernel)


_STARTS = 2
"""Times that a kernel is started at the most. Chosen: in each of two runs of all tests side by
side, two kernels ended before they had answered; alone the same tests passed. Why is unknown."""


def _started(
    exercise: Exercise, folder: Path, client: "distributed.Client", place: Path
) -> NotebookClient:
    told = ""
    for start in range(_STARTS):
        kernel = NotebookClient(
            nbformat.v4.new_notebook(),
            km=_manager(place / str(start)),
            allow_errors=True,
            shutdown_kernel="graceful",
            timeout=math.ceil(exercise.limits.wall_seconds),
        )
        said = place / f"{start}.txt"
        try:
            # What a kernel says of itself on stderr is not for whoever runs pytest.
            with open(said, "wb") as stderr:
                kernel.start_new_kernel(cwd=str(folder), env=_environment(client), stderr=stderr)
            kernel.start_new_kernel_client()
            return kernel
        except RuntimeError as error:
            _end(kernel)
            last = " / ".join(said.read_text(errors="replace").splitlines()[-3:])
            told = f"{error}." + (f" It said: {shorten(clean(last), 300)}" if last else "")
    raise HarnessError(f"The notebook's kernel did not start: {told}")


class InKernel:
    """An `Observer` of a notebook in a kernel, made by `in_kernel`."""

    ended: str | None = None

    def __init__(self, exercise: Exercise, kernel: NotebookClient, place: Path) -> None:
        self._exercise = exercise
        self._kernel = kernel
        self._place = place

    def prepare(self) -> None:
        """Make the kernel ready for a notebook."""
        self._execute(f"__import__({DRIVER!r}, fromlist=['x']).leave_clients_alone()", "The kernel")

    def run_cells(self, submission: Submission, skip: Collection[int] = ()) -> list[CellOutput]:
        """Run the cells; an exception stops none.

        Raises
        ------
        SubmissionError
            If a cell ends the kernel, or takes longer than all of a submission may.
        """
        known = numbers(submission)
        return [
            replace(self._execute(cell.source, f"Cell [{known[cell.index]}]"), index=cell.index)
            for cell in submission.cells
            if cell.runs and cell.index not in skip
        ]

    def run_case(self, case: CaseSpec, seed: int) -> Call:
        """Call the student's function in the kernel.

        Raises
        ------
        SubmissionError
            If the function ends the kernel, or takes longer than all of a submission may.
        HarnessError
            If the kit's own part in the kernel fails.
        """
        asked, told = self._place / "case.json", self._place / "call.json"
        told.unlink(missing_ok=True)
        asked.write_bytes(_CASE.dump_json(case))
        call = (self._exercise.folder, self._exercise.size, str(asked), seed, str(told))
        source = f"__import__({__name__!r}, fromlist=['x']).run_case{call!r}"
        failure = self._execute(source, case.function).failure
        if failure is not None or not told.exists():
            why = f"{failure.kind}: {failure.message}" if failure else "no answer"
            raise HarnessError(f"The case {case.name} of {case.function} could not be run: {why}.")
        with np.load(told.with_suffix(".npz"), allow_pickle=False) as kept:
            arrays = {name: kept[name] for name in kept.files}
        return replace(_CALL.validate_json(told.read_bytes()), arrays=arrays)

    def _execute(self, source: str, what: str) -> CellOutput:
        cell = nbformat.v4.new_code_cell(source)
        self._kernel.nb.cells = [cell]
        try:
            self._kernel.execute_cell(cell, 0)
        except CellTimeoutError:
            seconds = self._exercise.limits.wall_seconds
            raise SubmissionError(f"{what} ran for more than {seconds:.0f} seconds.") from None
        except DeadKernelError:
            raise SubmissionError(f"{what} ended the notebook's kernel.") from None
        return CellOutput(0, tuple(cell.outputs), 0.0, untrusted.failure(cell.outputs))


def run_case(folder: str, size: str, asked: str, seed: int, told: str) -> None:
    """Run a case on the notebook that this kernel has run; called in the kernel by `InKernel`."""
    exercise = catalogue.load(Path(folder), size)
    case = _CASE.validate_json(Path(asked).read_bytes())
    call = InProcess(exercise, connect(), get_ipython().user_ns).run_case(case, seed)
    np.savez(Path(told).with_suffix(".npz"), allow_pickle=False, **call.arrays)
    Path(told).write_bytes(_CALL.dump_json(replace(call, arrays={})))


def _manager(place: Path) -> AsyncKernelManager:
    """Return the manager of a kernel in this environment, ignoring the user's kernel specs.

    It is spoken to over Unix sockets: a TCP port that is free when it is chosen may be taken when
    the kernel starts, on a machine where a cluster opens its connections.
    """
    manager = AsyncKernelManager(transport="ipc", connection_file=f"{place}.json", ip=str(place))
    manager._kernel_spec = KernelSpec(
        argv=_argv(),
        display_name="Python",
        language="python",
    )
    return manager


def _argv() -> list[str]:
    return [sys.executable, "-m", "ipykernel_launcher", "-f", "{connection_file}"]


def _environment(client: "distributed.Client") -> dict[str, str]:
    return {
        **os.environ,
        "DASK_SCHEDULER_ADDRESS": client.scheduler.address,
        "DASK_SCALING_SIZE": size_of(client),
        # What a cell of the student's own checks is asked for here, too.
        "AUTOGRADER_GRADING": "1",
    }


def _end(kernel: NotebookClient) -> None:
    with suppress(Exception):
        kernel._cleanup_kernel()
