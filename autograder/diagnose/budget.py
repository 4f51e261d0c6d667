"""Searches that are to stop early: how much of the full search's work they save."""

from autograder.diagnose.rules import Observed, rule
from autograder.evidence.summary import cpu_used


@rule(
    "The search saves too little",
    numbers=(),
    see="scikit-learn: Tuning the hyper-parameters, section Successive halving",
    techniques=("joblib",),
    explains=("work",),
)
def little_saved(observed: Observed) -> str | None:
    """A right answer for more CPU time than a search that drops candidates early needs."""
    run, reference = observed.run, observed.reference
    usual = reference.case_cpu.get(run.case)
    if not run.right or not usual:
        return None
    spent = cpu_used(run)
    return (
        f"Your search used {spent:.2f} s of CPU, {spent / usual:.1f} times the {usual:.2f} s of a "
        "search that drops most candidates early. Either every candidate gets the whole budget "
        "(GridSearchCV does that, and so does a first rung that is close to the last), or the "
        "budget that grows is not what the time is spent on. A forest's time goes into its trees, "
        "so fewer rows save little. Start with little of what is expensive."
    )
