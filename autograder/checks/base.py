"""What all checks share: whether there is an answer to judge, and the form of a finding."""

from collections.abc import Callable
from functools import wraps
from typing import Any

from autograder.diagnose import diagnose, explain
from autograder.errors import UNDEFINED
from autograder.model import (
    CheckSpec,
    Evidence,
    Exercise,
    Failure,
    Finding,
    Mistake,
    Reference,
    Run,
    Status,
)

__all__ = [
    "Check",
    "check",
    "failed",
    "failed_by",
    "finding",
    "given_away",
    "judged_runs",
    "passed",
]

Check = Callable[[Exercise, CheckSpec, Evidence, Reference], Finding]


def check(judge: Check) -> Check:
    """Decorate a check: it judges only where there is an answer, else the finding says why."""

    @wraps(judge)
    def checked(
        exercise: Exercise, spec: CheckSpec, evidence: Evidence, reference: Reference
    ) -> Finding:
        missing = _no_answer(exercise, spec, evidence)
        return judge(exercise, spec, evidence, reference) if missing is None else missing

    return checked


def judged_runs(spec: CheckSpec, evidence: Evidence) -> list[Run]:
    """Return the last run of each case of a check, in the check's order."""
    last = {run.case: run for run in evidence.runs}
    return [last[case] for case in spec.cases if case in last]


def passed(spec: CheckSpec, expected: str, got: str) -> Finding:
    """Say that a check is passed."""
    return finding(spec, Status.PASSED, 1.0, expected, got)


def failed(spec: CheckSpec, expected: str, got: str, **more: Any) -> Finding:
    """Say that a check is failed, and what to do; ``more`` as in `Finding`."""
    return finding(spec, Status.FAILED, 0.0, expected, got, **more)


def failed_by(
    exercise: Exercise,
    spec: CheckSpec,
    run: Run,
    reference: Reference,
    expected: str,
    got: str,
    advice: str,
) -> Finding:
    """Say that a check is failed by a run, and name the mistake that the run shows."""
    mistakes = diagnose(exercise, run, None, reference, spec.check)
    return failed(spec, expected, got, advice=advice, mistakes=mistakes)


def finding(
    spec: CheckSpec, status: Status, credit: float, expected: str, got: str, **more: Any
) -> Finding:
    """Return the finding of a check; ``more`` as in `Finding`."""
    return Finding(
        grade_id=spec.grade_id,
        function=spec.function,
        check=spec.check,
        title=spec.title,
        status=status,
        credit=credit,
        expected=expected,
        got=got,
        **more,
    )


def _no_answer(exercise: Exercise, spec: CheckSpec, evidence: Evidence) -> Finding | None:
    """Return the finding for a function that gave no answer to judge, if it gave none."""
    runs = judged_runs(spec, evidence)
    wanted = f"{spec.function} returns an answer"
    if spec.function in evidence.untouched:
        return finding(
            spec,
            Status.UNTOUCHED,
            0.0,
            f"{spec.function} is filled in",
            "the blank is as it was released",
            advice=f"Fill in {spec.function}, and run its check in the notebook.",
        )
    # A function that had to be stopped is not called again. What stopped it from outside may
    # look like an exception inside, so it is asked about first.
    calls = runs if len(runs) == len(spec.cases) else _calls(spec.function, evidence)
    for run in calls:
        if run.stopped is not None:
            return failed(
                spec,
                wanted,
                f"it was stopped: {run.stopped}",
                advice=f"Try {spec.function} on a small array in the notebook first.",
            )
    for run in runs:
        if run.failure is not None:
            return failed(
                spec,
                wanted,
                f"it raised {_named(run.failure)}",
                advice=_undefined(run.failure, evidence)
                or "Read the traceback from the bottom: the last line says what happened.",
                failure=run.failure,
                mistakes=given_away(exercise, run.failure) or explain(run.failure),
            )
    if len(runs) < len(spec.cases):
        cell = next((cell for cell in evidence.cells if cell.stopped), None)
        reason = (
            f"cell {cell.index + 1} of the notebook was stopped: {cell.stopped}" if cell else ""
        )
        return failed(
            spec,
            wanted,
            reason or "the notebook was stopped before it could be called",
            advice="Choose Run All on a fresh kernel: every cell should end within seconds.",
        )
    return None


def given_away(exercise: Exercise, failure: Failure) -> tuple[Mistake, ...]:
    """Return the exercise's own mistake that an exception gives away, if there is one."""
    raised = f"{failure.kind}: {failure.message}"
    known = (m for m in exercise.mistakes.values() if m.raises and m.raises in raised)
    return tuple(known)[:1]


def _named(failure: Failure) -> str:
    """Name an exception in one line."""
    message = failure.message.strip().splitlines()
    return f"{failure.kind}: {message[0][:200]}" if message else failure.kind


def _calls(function: str, evidence: Evidence) -> list[Run]:
    return [run for run in evidence.runs if run.function == function]


def _undefined(failure: Failure, evidence: Evidence) -> str:
    """Say which cell is to blame where there is no function to call."""
    if not failure.message.startswith(UNDEFINED):
        return ""
    cell = next((cell for cell in evidence.cells if cell.failure), None)
    if cell is None or cell.failure is None:
        return "Keep the name that the blank has, and define it in a cell of its own."
    return (
        f"Cell {cell.index + 1} of the notebook ended with {_named(cell.failure)}, and what it was "
        "to define is not there. Put that right first."
    )
