"""What all checks share: which runs they judge, and the form of a finding."""

from collections.abc import Callable
from typing import Any

from autograder.diagnose import diagnose
from autograder.model import CheckSpec, Evidence, Exercise, Finding, Reference, Run, Status

__all__ = [
    "OF_ANSWERS",
    "Check",
    "failed",
    "failed_by",
    "finding",
    "first_right",
    "judged_runs",
    "passed",
]

OF_ANSWERS = ("values", "rule", "request", "workers", "survives", "once")
"""Checks that judge what a function returns, and fail if any case is wrong; the others judge how it
works."""

Check = Callable[[Exercise, CheckSpec, Evidence, Reference], Finding]


def judged_runs(spec: CheckSpec, evidence: Evidence) -> list[Run]:
    """Return the last run of each case of a check, in the check's order."""
    last = {run.case: run for run in evidence.runs}
    return [last[case] for case in spec.cases if case in last]


def passed(spec: CheckSpec, expected: str, got: str) -> Finding:
    """Say that a check is passed."""
    return finding(spec, Status.PASSED, 1.0, expected, got)


def first_right(spec: CheckSpec) -> str:
    """Advise to get the right answer first, before anything else counts."""
    return f"First make {spec.function} return the right values."


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
    """Say that a run fails a check, and name the mistake that the run shows."""
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
