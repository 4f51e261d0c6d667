"""Whether an answer is right, by the exercise's own comparison with the truth."""

from dataclasses import replace

from autograder.checks.base import failed, judged_runs, passed
from autograder.checks.no_answer import check
from autograder.checks.wrong_results import kind_of, to_find_out
from autograder.diagnose import diagnose
from autograder.evidence.summary import cpu_of, died_alone
from autograder.formats import counted, seconds
from autograder.model import (
    CheckSpec,
    Evidence,
    Exercise,
    Finding,
    Mistake,
    Reference,
    Role,
    Run,
    Status,
)

__all__ = ["once", "request", "rule", "survives", "values", "workers"]

_AT_HOME = 0.2
"""CPU seconds of the notebook's process above which it did more than wait, if the workers have
fewer. A right solution of ex11 used 0.1 s there and a second or two on the workers. Kept evidence:
up to 0.6."""


@check
def values(
    exercise: Exercise, spec: CheckSpec, evidence: Evidence, reference: Reference
) -> Finding:
    """The function returns what plain scikit-learn gives on the same data."""
    return _compared(exercise, spec, evidence, "", reference)


@check
def rule(exercise: Exercise, spec: CheckSpec, evidence: Evidence, reference: Reference) -> Finding:
    """The function returns what the rule in its docstring gives."""
    advice = f"Work out one example by hand, and compare it with what {spec.function} returns."
    return _compared(exercise, spec, evidence, advice)


@check
def request(
    exercise: Exercise, spec: CheckSpec, evidence: Evidence, reference: Reference
) -> Finding:
    """The job script requests the right resources, in the batch system's own units."""
    advice = f"Print the job script that {spec.function} leads to, and read its directives."
    return _compared(exercise, spec, evidence, advice)


@check
def workers(
    exercise: Exercise, spec: CheckSpec, evidence: Evidence, reference: Reference
) -> Finding:
    """The job script starts the right workers, in the right place and with the right resources."""
    advice = f"Print the job script that {spec.function} leads to, and read its last lines."
    return _compared(exercise, spec, evidence, advice)


@check
def survives(
    exercise: Exercise, spec: CheckSpec, evidence: Evidence, reference: Reference
) -> Finding:
    """The function returns the right result although a worker is killed during the call."""
    advice = (
        f"Call {spec.function} in the notebook, kill a worker meanwhile as the text shows, and "
        "count how often each job runs."
    )
    return _with_losses(_compared(exercise, spec, evidence, advice), spec, evidence, reference)


@check
def once(exercise: Exercise, spec: CheckSpec, evidence: Evidence, reference: Reference) -> Finding:
    """Losing a worker costs little more than the work that it was doing."""
    advice = f"Count how often each job runs while {spec.function} is called and a worker dies."
    return _with_losses(_compared(exercise, spec, evidence, advice), spec, evidence, reference)


def _with_losses(
    found: Finding, spec: CheckSpec, evidence: Evidence, reference: Reference
) -> Finding:
    """Report the dead workers, or that the notebook did everything and needed none.

    Or that the jobs did not announce themselves, as each should in the middle of its work. In a
    self-check there may be no worker that can be killed.
    """
    runs = judged_runs(spec, evidence)
    if found.status is Status.PASSED:
        for run in runs:
            client, workers = cpu_of(run, Role.CLIENT), cpu_of(run, Role.WORKER)
            if client > max(workers, _AT_HOME):
                return failed(
                    spec,
                    found.expected,
                    f"{found.got}, but the notebook's process computed for {seconds(client)} and "
                    f"the workers for {seconds(workers)}: a dying worker could not have harmed "
                    "that",
                    advice="Let the workers do the jobs, and the notebook wait for them.",
                )
            if run.kills == () and reference.same_round:
                return failed(
                    spec,
                    found.expected,
                    f"{found.got}, but {_lost(run)}: the jobs did not announce themselves, as each "
                    "should in the middle of its work",
                    advice="Let the workers call the jobs as they are, each of them whole.",
                )
    told = _lost(next((run for run in runs if not run.right), runs[-1]))
    return replace(found, got=f"{found.got} ({told})" if told else found.got)


def _lost(run: Run) -> str:
    """Say which worker was killed on purpose, and how many others died by themselves."""
    if run.kills is None:
        return ""
    said = [f"{kill.worker} was killed after {seconds(kill.seconds)}" for kill in run.kills]
    others = died_alone(run)
    if others:
        said.append(f"{counted(others, 'worker')} died without being killed by the grader")
    return "; ".join(said) or "no worker was killed"


def _compared(
    exercise: Exercise,
    spec: CheckSpec,
    evidence: Evidence,
    advice: str,
    reference: Reference | None = None,
) -> Finding:
    """Judge by the exercise's own comparison of each run."""
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
    type_name = wrong[0].answer.get("type") or ""
    to_do = to_find_out(spec.function, kind_of(wrong[0], got), type_name)
    return failed(
        spec,
        expected,
        got,
        # A named mistake says what to do, and knows better than the type of the result does.
        advice=advice or ("" if mistakes else to_do),
        mistakes=mistakes,
    )
