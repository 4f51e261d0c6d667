"""From evidence to a grade: every check, in order, and what it is worth. Pure."""

from autograder.checks import CHECKS
from autograder.errors import HarnessError
from autograder.model import Evidence, Exercise, Grade, Reference, ScoredFinding, Status

__all__ = ["grade"]


def grade(exercise: Exercise, evidence: Evidence, reference: Reference) -> Grade:
    """Judge all checks of an exercise on the evidence of one submission.

    The same evidence and reference give the same grade to the last digit: points are rounded to
    hundredths, as nbgrader shows them.

    Raises
    ------
    HarnessError
        If the exercise names a check that does not exist.
    """
    scored = []
    for spec in exercise.checks:
        check = CHECKS.get(spec.check)
        if check is None:
            raise HarnessError(
                f"{exercise.name}: exercise.toml asks for a check called {spec.check!r}; there "
                f"are {', '.join(sorted(CHECKS))}."
            )
        finding = check(exercise, spec, evidence, reference)
        scored.append(ScoredFinding(finding, round(finding.credit * spec.points, 2), spec.points))
    flags = [item.finding.note for item in scored if item.finding.note]
    flags += [
        f"{item.finding.function}: forged testimony"
        for item in scored
        if item.finding.status is Status.FORGED
    ]
    return Grade(
        exercise=exercise.name,
        scored=tuple(scored),
        points=round(sum(item.points for item in scored), 2),
        max_points=sum(item.max_points for item in scored),
        flags=tuple(dict.fromkeys([*flags, *evidence.remarks])),
        evidence=evidence,
    )
