"""A notebook on a cluster of one's own choice: run in a kernel of its own, without a box.

The cluster is started here and ends here; the kernel finds it by its address, as a student's
notebook finds one that is running already. The cases are run in the kernel by what ``check()``
runs them with, and come back as JSON.
"""

import math
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

import nbformat
from jupyter_client.kernelspec import KernelSpec
from jupyter_client.manager import AsyncKernelManager
from nbclient import NotebookClient
from nbclient.exceptions import CellTimeoutError, DeadKernelError
from pydantic import TypeAdapter

from autograder import grading
from autograder.errors import HarnessError, SubmissionError
from autograder.evidence import in_process
from autograder.evidence.observe import numbered, numbers
from autograder.exercise import catalogue
from autograder.model import CaseSpec, CheckSpec, Exercise, Grade, Run, Submission
from autograder.student import notebook
from cluster import ClusterError, connect, size_of
from cluster.client import Client

if TYPE_CHECKING:
    import distributed

__all__ = ["Desk", "Seen", "check", "cluster_of", "open_desk", "run_cases"]


@dataclass(frozen=True, slots=True)
class Seen:
    """One run of one case, and how long plain scikit-learn takes for it."""

    run: Run
    serial_seconds: float


_CASES = TypeAdapter(list[CaseSpec])
_SEEN = TypeAdapter(list[Seen])


def check(
    exercise: Exercise,
    submission: Submission,
    folder: Path,
    profile: str,
    specs: Sequence[CheckSpec],
) -> Grade:
    """Judge some checks of a notebook on another cluster, as ``check()`` in it would.

    Returns
    -------
    Grade
        Without the checks that cannot be judged on that cluster.

    Raises
    ------
    ClusterError
        If there is no such cluster, or none of the checks can be judged on it.
    SubmissionError, HarnessError
        As `open_desk` and `Desk.observe`.
    """
    with cluster_of(profile) as client:
        exercise = catalogue.sized(exercise, size_of(client))
        exercise, fitting, _ = in_process.fit(exercise, tuple(specs), client)
        wanted = {name for spec in fitting for name in spec.cases}
        cases = [
            case
            for case in exercise.cases
            if case.name in wanted and case.function not in submission.untouched
        ]
        seen: list[Seen] = []
        if cases:
            with open_desk(exercise, submission, folder, client) as desk:
                seen = desk.observe(cases)
    runs = tuple(each.run for each in seen)
    evidence = in_process.evidence(exercise, runs, submission.untouched)
    return grading.grade(exercise, evidence, exercise.typical, fitting)


@contextmanager
def cluster_of(profile: str, workers: int | None = None) -> Iterator["distributed.Client"]:
    """Connect to a cluster with just so many workers, and end it if it was started here.

    Parameters
    ----------
    profile : str
        As for `cluster.connect`.
    workers : int, optional
        Where jobs bring several workers each, those too many are sent home.

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
                    f"The cluster at {profile} has {len(here)} workers and is not ours to change: "
                    f"for {workers}, name a profile that starts clusters, such as local or slurm."
                )
            client.retire_workers(here[workers:], close_workers=True)
        yield client
    finally:
        client.close()


@contextmanager
def open_desk(
    exercise: Exercise, submission: Submission, folder: Path, client: "distributed.Client"
) -> Iterator["Desk"]:
    """Run the cells of a notebook in a kernel on a cluster; more can be asked of it then.

    Parameters
    ----------
    exercise, submission
        What is run; the grade cells are left out.
    folder : Path
        Where the notebook lies.
    client : distributed.Client
        Of the cluster.

    Raises
    ------
    SubmissionError
        If a cell takes longer than all of a submission may.
    HarnessError
        If no kernel can be started.
    """
    with tempfile.TemporaryDirectory(prefix="dsk-desk-") as place:
        kernel = NotebookClient(
            nbformat.v4.new_notebook(),
            km=_manager(),
            allow_errors=True,
            shutdown_kernel="graceful",
            timeout=math.ceil(exercise.limits.wall_seconds),
        )
        try:
            # What a kernel says of itself on stderr is not for whoever runs pytest.
            kernel.start_new_kernel(
                cwd=str(folder), env=_environment(client), stderr=subprocess.DEVNULL
            )
            kernel.start_new_kernel_client()
        except RuntimeError as error:
            _end(kernel)
            raise HarnessError(f"The notebook's kernel did not start: {error}.") from error
        try:
            desk = Desk(exercise, kernel, Path(place))
            desk.run_cells(submission)
            yield desk
        finally:
            _end(kernel)


class Desk:
    """A kernel in which a notebook has run, made by `open_desk`."""

    def __init__(self, exercise: Exercise, kernel: NotebookClient, place: Path) -> None:
        self._exercise = exercise
        self._kernel = kernel
        self._place = place
        self._numbers: list[int] = []

    def run_cells(self, submission: Submission) -> None:
        """Run the cells of the notebook but those that check; an exception stops none."""
        known = numbers(submission)
        for cell in submission.cells:
            if cell.runs:
                self._numbers.append(known[cell.index])
                self._execute(cell.source, f"Cell [{known[cell.index]}]")

    def observe(self, cases: Sequence[CaseSpec]) -> list[Seen]:
        """Call the student's functions, case after case.

        Returns
        -------
        list of Seen
            In the order of the cases.

        Raises
        ------
        SubmissionError
            If a function ends the kernel, or takes longer than all of a submission may.
        HarnessError
            If the kit's own part in the kernel fails.
        """
        asked, told = self._place / "cases.json", self._place / "seen.json"
        told.unlink(missing_ok=True)
        asked.write_bytes(_CASES.dump_json(list(cases)))
        call = (self._exercise.folder, self._exercise.size, str(asked), str(told))
        names = ", ".join(dict.fromkeys(case.function for case in cases))
        source = f"__import__({__name__!r}, fromlist=['x']).run_cases{call!r}"
        failed = self._execute(source, names)
        if failed or not told.exists():
            raise HarnessError(f"The cases of {names} could not be run: {failed or 'no answer'}.")
        return [
            replace(seen, run=replace(seen.run, failure=numbered(seen.run.failure, self._numbers)))
            for seen in _SEEN.validate_json(told.read_bytes())
        ]

    def _execute(self, source: str, what: str) -> str:
        """Run a cell; return the exception that it ended with, in a line."""
        cell = nbformat.v4.new_code_cell(source)
        self._kernel.nb.cells = [cell]
        try:
            self._kernel.execute_cell(cell, 0)
        except CellTimeoutError:
            seconds = self._exercise.limits.wall_seconds
            raise SubmissionError(f"{what} ran for more than {seconds:.0f} seconds.") from None
        except DeadKernelError:
            raise SubmissionError(f"{what} ended the notebook's kernel.") from None
        errors = [output for output in cell.outputs if output.output_type == "error"]
        return f"{errors[0].ename}: {errors[0].evalue}" if errors else ""


def run_cases(folder: str, size: str, asked: str, told: str) -> None:
    """Run cases on the notebook that this kernel has run; called in the kernel by `Desk`."""
    exercise = catalogue.load(Path(folder), size)
    seen = []
    for case in _CASES.validate_json(Path(asked).read_bytes()):
        function = notebook.namespace().get(case.function)
        seen.append(Seen(*in_process.run_case(exercise, case, function, connect())))
    Path(told).write_bytes(_SEEN.dump_json(seen))


def _manager() -> AsyncKernelManager:
    """Return the manager of a kernel in this environment, whatever kernels a user has named."""
    manager = AsyncKernelManager()
    manager._kernel_spec = KernelSpec(
        argv=[sys.executable, "-m", "ipykernel_launcher", "-f", "{connection_file}"],
        display_name="Python",
        language="python",
    )
    return manager


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
