"""How much was computed for the answer, whoever did it and however long it took."""

from autograder.checks.base import check, failed_by, judged_runs, passed
from autograder.evidence.summary import cpu_used
from autograder.model import CheckSpec, Evidence, Exercise, Finding, Reference

__all__ = ["work"]

_MOST = 1.7
"""Times the reference solution's CPU seconds, where ``options`` of the check do not say. Of the
kept evidence, right answers took 0.50 to 1.55 times as many; the next, 1.80 and 1.91, compute in
vain."""


@check
def work(exercise: Exercise, spec: CheckSpec, evidence: Evidence, reference: Reference) -> Finding:
    """The answer takes no more computing than it should: CPU seconds of all processes together."""
    most = spec.options.get("most", _MOST)
    source = "the reference solution" if reference.same_round else "one core here"
    advice = "Ask which part of the work the answer does not need, and leave it out."
    shown = ("", "")
    closest = 0.0
    for run in judged_runs(spec, evidence):
        usual = reference.case_cpu.get(run.case, 0.0)
        spent = cpu_used(run)
        expected = (
            f"at most {most * usual:.2f} s of CPU, all processes together: {most:g} times what "
            f"{source} needs for it ({usual:.2f} s)"
        )
        got = f"{spent:.2f} s of CPU"
        if not run.right:
            got = "the answer is not right, so the work that it took does not count"
            advice = f"First make {spec.function} return the right values."
        elif spent <= most * usual:
            share = spent / usual if usual else 0.0
            if share >= closest:
                closest, shown = share, (expected, got)
            continue
        return failed_by(exercise, spec, run, reference, expected, got, advice)
    return passed(spec, *shown)
