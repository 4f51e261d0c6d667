"""Build a `Run` from an observed call, and `Evidence` from the runs."""

from collections.abc import Iterable, Mapping

from autograder.evidence import comparing
from autograder.evidence.observer import Call
from autograder.evidence.oracle import Truth
from autograder.evidence.versions import machine, versions
from autograder.model import (
    SCHEMA,
    CaseSpec,
    CellOutput,
    Evidence,
    Exercise,
    Run,
)
from autograder.sandbox import untrusted, wall

__all__ = ["assemble", "gather"]


def assemble(
    exercise: Exercise, case: CaseSpec, call: Call, truth: Truth | None, *, apart: bool = False
) -> Run:
    """Compare a function's result with the truth, and record everything observed of its call.

    Parameters
    ----------
    exercise, case, call
        What was called, and the observations.
    truth : Truth or None
        None only for a call that gave no answer.
    apart : bool
        Whether the answer is compared in a reader, as one that came out of a box is.

    Raises
    ------
    HarnessError
        If that reader failed for a reason of its own.
    """
    comparison = None
    if call.failure is None and call.stopped is None and truth is not None:
        compare = comparing.apart if apart else comparing.compare
        comparison = compare(exercise, case.name, truth.arrays, call.arrays)
    return Run(
        case=case.name,
        function=case.function,
        go=call.go,
        returned=call.returned,
        done=call.done,
        usage=call.usage,
        recording=call.recording,
        answer=untrusted.answer(call.answer),
        comparison=comparison,
        failure=call.failure,
        stopped=call.stopped,
        input_bytes=call.input_bytes,
        background_load=call.background_load,
        steal=call.steal,
        setup_cpu=call.setup_cpu,
        cpu=call.cpu if case.timed or call.stopped else (),
        memory=call.memory,
        kills=call.kills,
    )


def gather(
    exercise: Exercise,
    runs: Iterable[Run],
    *,
    untouched: Iterable[str] = (),
    cells: Iterable[CellOutput] = (),
    key: str = "",
    submission: str = "",
    seed_digest: str = "public",
    boxed: bool = False,
    phases: Mapping[str, float] | None = None,
    remarks: tuple[str, ...] = (),
) -> Evidence:
    """Combine everything that a grade follows from; see `Evidence` for the parameters."""
    return Evidence(
        schema=SCHEMA,
        key=key,
        exercise=exercise.name,
        digest=exercise.digest,
        submission=submission,
        seed_digest=seed_digest,
        cluster=exercise.cluster,
        versions=versions(),
        machine={**machine(), **wall.stated(boxed=boxed)},
        boxed=boxed,
        untouched=frozenset(untouched),
        cells=tuple(cells),
        runs=tuple(runs),
        phases=dict(phases or {}),
        remarks=remarks,
    )
