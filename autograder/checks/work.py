"""How much was computed for the answer, by any process and in any time."""

from autograder.checks.base import failed_by, first_right, judged_runs, passed
from autograder.checks.no_answer import check
from autograder.evidence.summary import cpu_used, early_cpu
from autograder.model import CheckSpec, Evidence, Exercise, Finding, Reference, Run

__all__ = ["is_costly", "work"]

_MOST = 1.7
"""Default limit, in multiples of the reference solution's CPU seconds. In the kept evidence right
answers took 0.50 to 1.55 times as many; the next, 1.80 and 1.91, do unneeded work."""

_TASK = 0.005
"""CPU seconds per block of the input that the tasks of right solutions may take in addition, if the
limit is measured on one core without Dask. In ex06 that core takes 0.05 s for 24 blocks, and 12
right samples took 0.08 to 0.17 s."""


def is_costly(exercise: Exercise, run: Run, reference: Reference) -> bool:
    """Tell whether a run loses points for its work, so that another run is fair.

    The same work takes more CPU seconds beside other programs, never fewer. So the best run counts.
    """
    return any(
        _spent(run, reference) > sum(_limit(spec, run, reference))
        for spec in exercise.checks
        if spec.check == "work" and run.case in spec.cases
    )


def _times(spec: CheckSpec) -> float:
    most: float = spec.options.get("most", _MOST)
    return most


def _spent(run: Run, reference: Reference) -> float:
    """Return the CPU seconds of the answer, also of what was computed as soon as the input was."""
    return cpu_used(run) + early_cpu(run, reference.case_setup.get(run.case))


def _limit(spec: CheckSpec, run: Run, reference: Reference) -> tuple[float, float]:
    """Return the CPU seconds that a run may take for its work, and for its tasks in addition."""
    most = _times(spec) * reference.case_cpu.get(run.case, 0.0)
    tasks = 0.0 if reference.same_round else _TASK * (run.answer.get("input_blocks") or 0)
    return most, tasks


@check
def work(exercise: Exercise, spec: CheckSpec, evidence: Evidence, reference: Reference) -> Finding:
    """The answer takes no more computing than it should: CPU seconds of all processes together."""
    source = "the reference solution" if reference.same_round else "one core here"
    advice = "Find the part of the work that the answer does not need, and leave it out."
    shown = ("", "")
    closest = 0.0
    for last in judged_runs(spec, evidence):
        right = (other for other in evidence.runs if other.case == last.case and other.right)
        run = min(right, key=lambda run: _spent(run, reference), default=last)
        usual = reference.case_cpu.get(run.case, 0.0)
        spent = _spent(run, reference)
        most, tasks = _limit(spec, run, reference)
        limit = most + tasks
        expected = (
            f"at most {limit:.2f} s of CPU, all processes together: {_times(spec):g} times what "
            f"{source} needs for it ({usual:.2f} s)"
        )
        expected += f", and {tasks:.2f} s for tasks" if tasks else ""
        got = f"{spent:.2f} s of CPU"
        # Right runs had at most 0.02 s of it (`EARLY`), which nobody needs to read about.
        if (early := spent - cpu_used(run)) > 0.1 * limit:
            got += f", {early:.2f} s of them before the call, while its input was made"
        if not run.right:
            got = "the answer is not right, so the work it took does not count"
            advice = first_right(spec)
        elif spent <= limit:
            share = spent / usual if usual else 0.0
            if share >= closest:
                closest, shown = share, (expected, got)
            continue
        return failed_by(exercise, spec, run, reference, expected, got, advice)
    return passed(spec, *shown)
