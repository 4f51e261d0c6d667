"""The `Observer` protocol, and what it sees of a call: `Call`.

`InSandbox` is the grader's: everything is read from outside. `InKernel` runs the notebook in a
kernel on a cluster of the student's choice, `InProcess` in the very process that ``check()`` is
called in; nobody gains anything by fooling those two. What each of them sees of a call has one
form, `Call`, and becomes a run in one place, `autograder.evidence.assemble`.
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
    """What was seen of one call of a student's function; the fields are those of `Run`."""

    go: float
    returned: float
    done: float
    usage: tuple[ProcessUsage, ...]
    setup_cpu: float
    answer: Mapping[str, Any]
    """What is said of the returned object; of unknown form."""
    arrays: Mapping[str, Any]
    """What the object was turned into: numpy arrays by name; empty if there is no answer."""
    failure: Failure | None
    stopped: str | None
    input_bytes: int
    recording: Recording
    background_load: float | None
    steal: float | None
    cpu: tuple[CpuSample, ...]
    memory: tuple[MemorySample, ...]
    kills: tuple[Kill, ...] | None = None


class Observer(Protocol):
    """A place where a notebook runs and its functions are called."""

    @property
    def ended(self) -> str | None:
        """Why nothing more can be observed here, or None."""

    def run_cells(self, submission: Submission, skip: Collection[int]) -> list[CellOutput]:
        """Run the cells of a notebook in order, but grade cells and those that are skipped.

        It stops early only where `ended` says why.

        Returns
        -------
        list of CellOutput
            Of the cells that ran here.
        """

    def run_case(self, case: CaseSpec, seed: int) -> Call:
        """Make the input of a case, call the student's function on it, and say what was seen.

        Raises
        ------
        HarnessError
            If the kit's own part fails, or the machine.
        """
