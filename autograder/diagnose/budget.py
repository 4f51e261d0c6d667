"""Searches that should save work: what they compute beyond what the answer needs."""

from autograder.diagnose.rules import MOST, Observed, rule
from autograder.evidence.summary import cpu_used
from autograder.formats import counted

INSIDE = "_parallel_"
"""Prefix of the functions that scikit-learn's ensembles pass to joblib when they are fitted; those
of a search are ``_fit_and_score``."""


@rule(
    "The model makes tasks of its own",
    numbers=(),
    see="scikit-learn: Parallelism, resource management, and configuration",
    techniques=("joblib",),
    explains=("work", "speedup"),
)
def tasks_inside_tasks(observed: Observed) -> str | None:
    """Most tasks are parts of one model's training, where the reference has none."""
    summary = observed.summary
    inside = sum(n for layer, n in summary.executions.items() if layer.startswith(INSIDE))
    if inside <= MOST * summary.tasks:
        return None
    return (
        f"Of {counted(summary.tasks, 'task')}, {inside:,} belong to a single training, as trees "
        "do. A forest uses joblib itself, and inside the with block of "
        "joblib.parallel_config(backend='dask') its trees go to the cluster too, in many small "
        "tasks. Handling them takes longer than growing them. Fit "
        "small forests outside the with."
    )


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
        "growing budget is not what costs the time. A forest spends its time on its trees, so "
        "fewer rows save little. Start with little of what is expensive."
    )
