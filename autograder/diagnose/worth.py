"""The choice between one thread and a cluster: work that was not worth sending to the cluster."""

from autograder.diagnose.rules import Observed, rule
from autograder.evidence.summary import cpu_used
from autograder.formats import counted, megabytes


@rule(
    "The cluster is slower than one thread",
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
        f"thread it takes {usual:.2f} s. A piece costs less to compute than to turn into a task, "
        "or than to send its data. Time a few pieces here first, and use the cluster only if the "
        "rest takes longer than sending it there."
    )
