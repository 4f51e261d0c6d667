"""From evidence to a grade: every check, in order, and what it is worth. Pure."""

from collections.abc import Iterable, Mapping
from dataclasses import replace
from types import MappingProxyType

from autograder.checks import CHECKS, Check, with_names
from autograder.errors import HarnessError
from autograder.evidence.reference_again import at_the_moment
from autograder.model import (
    CheckSpec,
    Evidence,
    Exercise,
    FunctionNames,
    Grade,
    Reference,
    Run,
    ScoredFinding,
    Status,
)

__all__ = ["grade"]

_UNKNOWN: Mapping[str, FunctionNames] = MappingProxyType({})


def grade(
    exercise: Exercise,
    evidence: Evidence,
    reference: Reference,
    specs: Iterable[CheckSpec] | None = None,
    names: Mapping[str, FunctionNames] = _UNKNOWN,
) -> Grade:
    """Judge the checks of an exercise on the evidence of one submission.

    The same evidence and reference give the same grade to the last digit: points are rounded to
    hundredths, as nbgrader shows them.

    Parameters
    ----------
    exercise, evidence, reference
        What to judge and against what.
    specs : iterable of CheckSpec, optional
        The checks to judge; all of the exercise's if left out.
    names : mapping, optional
        What the code of the functions reads. It explains marks and never changes one.

    Raises
    ------
    HarnessError
        If the exercise names a check that does not exist.
    """
    scored = []
    reference = at_the_moment(reference, exercise.timed, evidence.runs)
    trusted = replace(evidence, runs=tuple(_trusted(run, reference) for run in evidence.runs))
    for spec in exercise.checks if specs is None else specs:
        finding = _check(spec)(exercise, spec, trusted, reference)
        finding = with_names(finding, spec, trusted, names.get(spec.function, FunctionNames()))
        scored.append(ScoredFinding(finding, round(finding.credit * spec.points, 2), spec.points))
    return Grade(
        exercise=exercise.name,
        scored=tuple(scored),
        points=round(sum(item.points for item in scored), 2),
        max_points=sum(item.max_points for item in scored),
        flags=tuple(dict.fromkeys([*_flags(scored), *evidence.remarks])),
        evidence=evidence,
    )


def _trusted(run: Run, reference: Reference) -> Run:
    """Take the size of the input from the reference solution's run, which nobody could change."""
    return replace(run, input_bytes=reference.input_bytes.get(run.case, run.input_bytes))


def _check(spec: CheckSpec) -> Check:
    check = CHECKS.get(spec.check)
    if check is None:
        raise HarnessError(
            f"{spec.grade_id}: exercise.toml asks for a check called {spec.check!r}; there are "
            f"{', '.join(sorted(CHECKS))}."
        )
    return check


def _flags(scored: Iterable[ScoredFinding]) -> list[str]:
    findings = [item.finding for item in scored]
    notes = [finding.note for finding in findings if finding.note]
    forged = [f.function for f in findings if f.status is Status.FORGED]
    return [
        *notes,
        *(f"{name}: the record of the cluster cannot be trusted" for name in forged),
    ]
