"""Build a `Run` from an observed call, and `Evidence` from the runs."""

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any

from autograder.evidence.observer import Call
from autograder.evidence.oracle import Truth
from autograder.evidence.versions import machine, versions
from autograder.exercise.catalogue import cases
from autograder.model import (
    SCHEMA,
    CaseSpec,
    CellOutput,
    Comparison,
    Evidence,
    Exercise,
    Run,
)
from autograder.sandbox import untrusted, wall

__all__ = ["assemble", "gather"]


def assemble(exercise: Exercise, case: CaseSpec, call: Call, truth: Truth | None) -> Run:
    """Compare a function's result with the truth, and record everything observed of its call.

    Parameters
    ----------
    exercise, case, call
        What was called, and the observations.
    truth : Truth or None
        None only for a call that gave no answer.
    """
    compared = call.failure is None and call.stopped is None
    return Run(
        case=case.name,
        function=case.function,
        go=call.go,
        returned=call.returned,
        done=call.done,
        usage=call.usage,
        recording=call.recording,
        answer=untrusted.answer(call.answer),
        comparison=_compared(exercise, case, truth, call.arrays) if compared and truth else None,
        failure=call.failure,
        stopped=call.stopped,
        input_bytes=call.input_bytes,
        background_load=call.background_load,
        steal=call.steal,
        setup_cpu=call.setup_cpu,
        cpu=call.cpu if case.timed else (),
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


def _compared(
    exercise: Exercise, case: CaseSpec, truth: Truth, arrays: Mapping[str, Any]
) -> Comparison:
    """Compare an answer with the truth; one that cannot be compared is wrong."""
    try:
        found = cases(exercise).compare(case.name, truth.arrays, arrays)
    except Exception as error:
        return Comparison(
            False, "an answer", f"what cannot be compared with it ({type(error).__name__})"
        )
    # Half a surrogate pair, of a student's text, could not be kept in any file.
    expected, got = (text.encode(errors="replace").decode() for text in (found.expected, found.got))
    return replace(found, expected=expected, got=got)
