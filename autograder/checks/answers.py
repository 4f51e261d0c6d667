"""Whether an answer is right, by the exercise's own comparison with the truth."""

from autograder.checks.base import check, failed, judged_runs, passed
from autograder.diagnose import diagnose
from autograder.model import CheckSpec, Evidence, Exercise, Finding, Mistake, Reference

__all__ = ["request", "rule", "values", "workers"]


@check
def values(
    exercise: Exercise, spec: CheckSpec, evidence: Evidence, reference: Reference
) -> Finding:
    """What the function returns equals what plain scikit-learn gives on the same data."""
    advice = f"Run {spec.function} on a small array and compare with scikit-learn alone."
    return _compared(exercise, spec, evidence, advice, reference)


@check
def rule(exercise: Exercise, spec: CheckSpec, evidence: Evidence, reference: Reference) -> Finding:
    """What the function returns is what the rule of its contract gives."""
    advice = f"Work one example out by hand, then print what {spec.function} makes of it."
    return _compared(exercise, spec, evidence, advice)


@check
def request(
    exercise: Exercise, spec: CheckSpec, evidence: Evidence, reference: Reference
) -> Finding:
    """The job script asks the batch system for what it should, in the units that it counts in."""
    advice = f"Print the job script that {spec.function} makes, and read its directives."
    return _compared(exercise, spec, evidence, advice)


@check
def workers(
    exercise: Exercise, spec: CheckSpec, evidence: Evidence, reference: Reference
) -> Finding:
    """The job script starts the workers that it should, where and with what they should have."""
    advice = f"Print the job script that {spec.function} makes, and read its last lines."
    return _compared(exercise, spec, evidence, advice)


def _compared(
    exercise: Exercise,
    spec: CheckSpec,
    evidence: Evidence,
    advice: str,
    reference: Reference | None = None,
) -> Finding:
    """Judge what the exercise's own comparison of each run says."""
    runs = judged_runs(spec, evidence)
    wrong = [run for run in runs if not run.right]
    shown = (wrong or runs[-1:])[0].comparison
    if not wrong:
        assert shown is not None
        return passed(spec, shown.expected, shown.got)
    expected = shown.expected if shown else "an answer"
    got = shown.got if shown else "nothing that could be read"
    known = exercise.mistakes.get(shown.mistake or "") if shown else None
    mistakes: tuple[Mistake, ...] = (known,) if known else ()
    if reference is not None:
        for run in wrong:
            mistakes = mistakes or diagnose(exercise, run, None, reference, "values")
    return failed(
        spec,
        expected,
        got,
        advice=advice,
        mistakes=mistakes,
    )
