"""The choice between one thread and a cluster: work on the cluster that was not worth the way."""

from autograder.diagnose.rules import Observed, rule
from autograder.evidence.summary import cpu_used
from autograder.formats import counted, megabytes


@rule(
    "The cluster, where one thread is quicker",
    numbers=(),
    see="Dask: Best Practices",
    techniques=("COST",),
    explains=("work",),
)
def not_worth_the_way(observed: Observed) -> str | None:
    """A right answer by tasks, for more CPU time than the same in one thread takes."""
    run, reference, summary = observed.run, observed.reference, observed.summary
    usual = reference.case_cpu.get(run.case)
    if not run.right or not usual or not summary.tasks:
        return None
    return (
        f"This went to the cluster in {counted(summary.tasks, 'task')}, with "
        f"{megabytes(run.input_bytes)} of data, and took {cpu_used(run):.2f} s of CPU; in one "
        f"thread it takes {usual:.2f} s. What a piece takes there is less than making a task of "
        "it, or than sending its data. Do a few pieces here first, look at the clock, and ask the "
        "cluster only if the rest takes longer than the way there."
    )
