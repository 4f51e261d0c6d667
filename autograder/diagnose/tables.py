"""Tables of many files: how often they are read, and what is moved to join them."""

from autograder.diagnose.rules import MOST, Observed, rule
from autograder.diagnose.waiting import LOOP
from autograder.evidence.summary import (
    MOVED,
    cpu_used,
    moved_bytes,
    sent_during_call,
    shuffled_bytes,
)
from autograder.formats import counted, megabytes

TABLES = ("dataframe",)

FEW_FILES = 3
"""Number of files opened by the notebook's process above which it reads more than their columns.
Kept evidence: up to 13; one that reads them at home opens 14."""

AGAIN = 1.5
"""Reads per read of the reference solution from which all files are read again. Kept evidence: 1.01
to 1.90; right solutions read each once, one that reads again 1.93 times."""

SLOW = 2.5
"""CPU seconds, in multiples of the reference's, above which tasks that are no more and read no more
compute row by row: by column, right solutions took 0.5 to 1.3 times as much. Kept evidence: up to
4.6."""

MORE_TASKS = 5
"""Number of tasks, in multiples of the reference's, up to which they do not dominate the time. Kept
evidence: 1.01 and more."""


@rule(
    "The files are read in the notebook's process",
    numbers=(),
    see="Dask: Best Practices, section Load Data with Dask",
    techniques=TABLES,
    explains=("speedup", "lazy", "reads_once", "work"),
)
def read_at_home(observed: Observed) -> str | None:
    """The notebook's process opened most of the files before the function returned."""
    opened, reads = observed.run.answer.get("opened") or 0, observed.run.recording.reads
    if opened < FEW_FILES or reads > MOST * opened:
        return None
    return (
        f"Your notebook's process opened {counted(opened, 'file')} itself, the workers read "
        f"{reads or 'none'}. pd.concat over read(path) does that: one process reads and keeps "
        "everything, and the workers wait. dd.from_map(read, paths) makes a partition of each "
        "file, and a worker reads it when it is needed."
    )


@rule(
    "compute() for every file",
    numbers=(),
    see="Dask: Best Practices, section Avoid calling compute repeatedly",
    techniques=TABLES,
    explains=("speedup", "lazy"),
)
def file_by_file(observed: Observed) -> str | None:
    """Several graphs before a lazy function returned, none of more than a few files."""
    run, reference = observed.run, observed.reference
    graphs = sent_during_call(run)
    if not observed.judged_lazy or graphs < max(LOOP, MOST * reference.reads):
        return None
    return (
        f"{counted(graphs, 'graph')} went to the cluster before {run.function} returned, about one "
        "for each file. compute() in a loop does that. The results are put together in the "
        "notebook's process, and if each compute waits for the one before, only one worker at a "
        "time is busy. Make one table of all the files, and leave computing it to the caller."
    )


@rule(
    "All files are read more than once",
    numbers=(),
    see="Dask: Best Practices, section Avoid calling compute repeatedly",
    techniques=TABLES,
    explains=("speedup", "lazy", "reads_once", "work"),
)
def read_twice(observed: Observed) -> str | None:
    """Half as many reads again as by the reference, or more."""
    reads, usual = observed.run.recording.reads, observed.reference.reads
    if not usual or reads <= AGAIN * usual:
        return None
    return (
        f"Files were read {counted(reads, 'time')}; {counted(usual, 'time')} would do, once each. "
        "A lazy table keeps nothing: every value computed on the way, such as a mean or the number "
        "of rows, reads all files, and the table reads them again. Leave such numbers lazy "
        "and use them as they are, so that all is computed in one run."
    )


@rule(
    "The large table is shuffled",
    numbers=(),
    see="Dask: Joins",
    techniques=TABLES,
    explains=("moved",),
)
def shuffled(observed: Observed) -> str | None:
    """Shuffles processed half of the input or more."""
    run = observed.run
    through = shuffled_bytes(run.recording)
    if through < MOST * run.input_bytes or not run.input_bytes:
        return None
    return (
        f"{megabytes(through)} went through a shuffle; the whole input is "
        f"{megabytes(run.input_bytes)}. A shuffle sends every row to the worker responsible for "
        "its key. merge does that if the right table has several partitions, and so do "
        "set_index, sort_values and shuffle. Make the small table one partition, or a pandas "
        "DataFrame: then it is sent to the large one."
    )


@rule(
    "The large table goes to one place",
    numbers=(),
    see="Dask: Joins",
    techniques=TABLES,
    explains=("moved",),
)
def brought_together(observed: Observed) -> str | None:
    """A quarter of the input or more was put together or sent, without a shuffle."""
    run = observed.run
    travelled = moved_bytes(run.recording)
    if not run.right or travelled <= MOVED * run.input_bytes:
        return None
    return (
        f"{megabytes(travelled)} of {megabytes(run.input_bytes)} were put together in one place, "
        "or sent there and back, without a shuffle. compute() on the large table does that, "
        "and so does making it one partition: all rows go to one process, which then does the "
        "join. "
        "Leave it in its partitions, and send the small table."
    )


@rule(
    "Computed row by row",
    numbers=(),
    see="Dask: Dask DataFrames Best Practices",
    techniques=TABLES,
    explains=("work",),
)
def row_by_row(observed: Observed) -> str | None:
    """Several times the reference's CPU time, in tasks that are no more and read no more."""
    run, reference, summary = observed.run, observed.reference, observed.summary
    usual = reference.case_cpu.get(run.case)
    if not run.right or not usual or cpu_used(run) < SLOW * usual:
        return None
    if (
        summary.tasks > MORE_TASKS * max(reference.tasks, 10)
        or run.recording.reads > AGAIN * reference.reads
    ):
        return None
    return (
        f"Client and workers used {cpu_used(run):.2f} s of CPU, {cpu_used(run) / usual:.1f} times "
        f"the usual {usual:.2f} s, in no more tasks than usual. apply(axis=1), iterrows "
        "and loops over rows do that: they run Python code for every single row. Compute with "
        "whole columns, which runs in compiled code."
    )
