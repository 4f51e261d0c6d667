"""The `Observer` protocol, and its observations of a call: `Call`.

`InSandbox` is the grader's: everything is read from outside. `InKernel` runs the notebook in a
kernel on a cluster of the student's choice, `InProcess` in the process that calls ``check()``;
fooling those two gains nothing. The observations of each have one form, `Call`, and become a run in
one place, `autograder.evidence.assemble`.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from autograder.model import (
    CaseSpec,
    CellOutput,
    CpuSample,
    Failure,
    Kill,
    MemorySample,
    ProcessUsage,
    Recording,
    Submission,
)

__all__ = ["Call", "Observer"]


@dataclass(frozen=True, slots=True)
class Call:
    """The observations of one call of a student's function; the fields are those of `Run`."""

    go: float
    returned: float
    done: float
    usage: tuple[ProcessUsage, ...]
    setup_cpu: float
    answer: Mapping[str, Any]
    """The description of the returned object; its format is not checked yet."""
    arrays: Mapping[str, Any]
    """The converted object: numpy arrays by name; empty if there is no answer."""
    failure: Failure | None
    stopped: str | None
    input_bytes: int
    recording: Recording
    background_load: float | None
    steal: float | None
    cpu: tuple[CpuSample, ...]
    memory: tuple[MemorySample, ...]
    kills: tuple[Kill, ...] | None = None
    unready: bool = False
    """Whether a step of the kit's own failed before or after the call."""


class Observer(Protocol):
    """A place where a notebook runs and its functions are called."""

    @property
    def ended(self) -> str | None:
        """Why nothing more can be observed here, or None."""

    def run_cells(self, submission: Submission, skip: Collection[int]) -> list[CellOutput]:
        """Run the cells of a notebook in order, except grade cells and skipped ones.

        It stops early only if `ended` says why.

        Returns
        -------
        list of CellOutput
            Of the cells that ran here.
        """

    def run_case(self, case: CaseSpec, seed: int) -> Call:
        """Generate a case's input, call the student's function, and return the observations.

        Raises
        ------
        HarnessError
            If the kit's own part fails, or the machine.
        """
