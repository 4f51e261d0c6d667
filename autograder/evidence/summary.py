"""Compute the totals of a run once, so that two runs can be compared."""

import re
from collections import Counter, defaultdict
from math import fsum
from statistics import median

from autograder.model import (
    LOST_WORKERS,
    Recording,
    Reference,
    Role,
    Run,
    Summary,
    TaskRecord,
)

__all__ = [
    "EARLY",
    "MOVED",
    "REREADS",
    "SHORT",
    "client_at_go",
    "client_growth",
    "cpu_of",
    "cpu_used",
    "crowd",
    "delayed",
    "died_alone",
    "does_its_work",
    "early_cpu",
    "graph_bytes",
    "moved_bytes",
    "needed_again",
    "read_again",
    "scheduler_growth",
    "seconds_by_worker",
    "sent_during_call",
    "shuffled_bytes",
    "summarise",
    "task_seconds",
    "worked_seconds",
    "worker_cpu",
]

MOVED = 0.25
"""Share of the input's bytes that may leave their partition before the result is fetched. A join
that broadcasts its small table handles some hundredths of the large one at a time; a shuffle
processes all of it. Kept evidence: up to 1.1."""

REREADS = 2.5
"""Reads, in multiples of the reference's, above which the input was not kept. A right solution
reads every file once, or twice if it looks at the data before it keeps them; without persist, 15 to
40 times. Kept evidence: 1.01 to 4.9."""

_INTO_SHUFFLES = frozenset({"shuffle-transfer", "hash-join-transfer"})
"""Layers of the tasks that hand a partition to a shuffle by p2p (dask.dataframe 2026.8.0)."""

_MOST_TASKS = 5_000
"""Tasks of a recording up to which the memory that a graph had to keep is computed.

The time grows with their square or faster: the worst forged record of 4,000 takes 0.5 s, of 5,000
1.0 s. The longest recording of a sample that is judged so has 1,928.
"""

SHORT = 0.3
"""Seconds of work below which a ratio of CPU to task time is meaningless. In right runs of the kept
evidence it was 0 to 25 below 0.1 s of work (199 runs), and 0.2 to 1.5 from there on (216)."""


def summarise(run: Run) -> Summary:
    """Compute the totals of a run: tasks and seconds by layer, graphs, bytes, CPU time."""
    recording = run.recording
    durations = [task.busy_seconds for task in recording.tasks]
    seconds: dict[str, float] = defaultdict(float)
    for task in recording.tasks:
        seconds[_kind(task.layer)] += task.busy_seconds
    return Summary(
        wall_seconds=run.done - run.go,
        setup_cpu=run.setup_cpu,
        client_cpu=cpu_of(run, Role.CLIENT),
        worker_cpu=cpu_of(run, Role.WORKER),
        scheduler_cpu=cpu_of(run, Role.SCHEDULER),
        tasks=len(recording.tasks),
        work_seconds=task_seconds(recording),
        longest_seconds=max(durations, default=0.0),
        typical_seconds=median(durations) if durations else 0.0,
        executions=dict(Counter(_kind(task.layer) for task in recording.tasks)),
        seconds=dict(seconds),
        repeats=len(recording.tasks) - len({task.key for task in recording.tasks}),
        erred=sum(task.erred for task in recording.tasks),
        transfer_seconds=fsum(task.transfer_seconds for task in recording.tasks),
        graphs=len(recording.graphs),
        graph_bytes=graph_bytes(recording),
        gathered_bytes=recording.gathered_bytes,
        scattered_bytes=recording.scattered_bytes,
    )


def _kind(layer: str) -> str:
    """Return the name of a layer's work, regardless of joblib's batching.

    The number of calls per task depends on how long the first ones took, so the same program has
    different layer names on another machine (joblib's ``DaskDistributedBackend``).
    """
    batch = re.fullmatch(r"(?:mixed_)?batch_of_(.+)_\d+_calls", layer)
    return batch[1] if batch else layer


def cpu_of(run: Run, *roles: Role) -> float:
    """Return the CPU seconds of all processes of some roles together, from GO to done; fact."""
    return fsum(use.cpu_seconds for use in run.usage if use.role in roles)


def delayed(run: Run) -> float:
    """Return the total seconds in which processes were ready but had no CPU; fact."""
    return fsum(use.delay or 0.0 for use in run.usage)


def cpu_used(run: Run) -> float:
    """Return the CPU seconds of client and workers, which should do all the work."""
    return cpu_of(run, Role.CLIENT, Role.WORKER)


def early_cpu(run: Run, usual: float | None) -> float:
    """Return the CPU seconds used before GO, since the input was asked for, beyond what it takes.

    Parameters
    ----------
    run : Run
    usual : float or None
        The same of the reference solution; 0 is returned where that is not known.
    """
    return 0.0 if usual is None else max(run.setup_cpu - EARLY * usual, 0.0)


def crowd(run: Run) -> float | None:
    """Return how much CPU other work asked for meanwhile, as a share of the machine's; fact.

    Other work gets less beside a program that asks for more, so its share alone says little. Where
    all compete, each gets the same part of what it asks for: that part is known of the run. It may
    be more than 1, and is None where the kernel does not tell.
    """
    spent = fsum(use.cpu_seconds for use in run.usage)
    waits = [use.delay for use in run.usage]
    if run.background_load is None or None in waits or spent <= 0.0:
        return None
    return run.background_load * (1.0 + fsum(wait or 0.0 for wait in waits) / spent)


def died_alone(run: Run) -> int:
    """Return how many workers were lost, by the record, besides those that the grader killed."""
    return max(run.recording.missing.get(LOST_WORKERS, 0) - len(run.kills or ()), 0)


def worker_cpu(run: Run) -> list[float]:
    """Return the CPU seconds of every worker process, from GO to done; fact."""
    return [use.cpu_seconds for use in run.usage if use.role is Role.WORKER]


def task_seconds(recording: Recording) -> float:
    """Return the recorded seconds of work of all tasks; testimony."""
    return fsum(task.busy_seconds for task in recording.tasks)


def seconds_by_worker(recording: Recording) -> dict[str, float]:
    """Return the recorded seconds of work of every worker that had any; testimony."""
    seconds: dict[str, float] = defaultdict(float)
    for task in recording.tasks:
        seconds[task.worker] += task.busy_seconds
    return dict(seconds)


def graph_bytes(recording: Recording) -> int:
    """Return the bytes of all graphs, including those that computed the result."""
    return sum(graph.nbytes for graph in recording.graphs)


def sent_during_call(run: Run) -> int:
    """Return how many graphs were sent before the function returned; testimony."""
    return sum(graph.submitted <= run.returned for graph in run.recording.graphs)


def moved_bytes(recording: Recording) -> int:
    """Return the bytes that left their partition before the result was fetched; testimony.

    These are the input of shuffles, the largest result that one task combined from several others,
    what the client fetched before the function returned, and what it sent, in graphs and by
    scatter. The worker on which a task happened to run does not matter.
    """
    together = max(
        (task.nbytes for task in recording.tasks if len(task.dependencies) > 1), default=0
    )
    client = recording.gathered_during_call + recording.scattered_bytes + graph_bytes(recording)
    return shuffled_bytes(recording) + together + client


def shuffled_bytes(recording: Recording) -> int:
    """Return the bytes that were handed to the shuffles of Dask's DataFrames; testimony.

    A shuffle takes each partition apart in one task, whose pieces go to all others: by connections
    of its own (p2p), so that no record has what it sent, or by tasks. What went into these tasks is
    recorded, unless it was on the workers before GO.
    """
    sizes = {task.key: task.nbytes for task in recording.tasks}
    entered = {
        key for task in recording.tasks if _enters_shuffle(task) for key in task.dependencies
    }
    return sum(sizes.get(key, 0) for key in entered)


def _enters_shuffle(task: TaskRecord) -> bool:
    by_tasks = task.layer.startswith("group-") and "shuffle" in task.layer
    return by_tasks or task.layer in _INTO_SHUFFLES


def worked_seconds(recording: Recording) -> float:
    """Return the seconds from the start of the first task to the end of the last."""
    if not recording.tasks:
        return 0.0
    return max(task.stop for task in recording.tasks) - min(t.start for t in recording.tasks)


def read_again(run: Run, reference: Reference) -> bool:
    """Tell whether a run read its input again and again, instead of keeping it."""
    return run.recording.reads > REREADS * reference.reads > 0


def does_its_work(own: Summary, usual: Summary | None, least: float = 0.5) -> bool:
    """Whether the run contains more than a share of the other run's main layer.

    Other tasks may do the same work, so False alone proves nothing.
    """
    if usual is None or not usual.seconds:
        return False
    main = max(usual.seconds, key=lambda layer: usual.seconds[layer])
    return _computed(own, main) > least * _computed(usual, main)


def _computed(summary: Summary, layer: str) -> float:
    """Return the CPU seconds of a layer's tasks, scaled by the workers' CPU use.

    The seconds of a task on a contended machine are not those of the same task on a quiet one.
    """
    rate = min(summary.worker_cpu / max(summary.work_seconds, 1e-9), 1.0)
    return rate * summary.seconds.get(layer, 0.0)


def client_growth(run: Run) -> int:
    """Return the client's largest growth since the input was asked for, in bytes.

    By peak or by samples.
    """
    return _growth(run, Role.CLIENT)


def scheduler_growth(run: Run) -> int:
    """Return the scheduler's largest growth since GO in bytes, as `client_growth`.

    It is 0 in a self-check, where the scheduler is in the notebook's process.
    """
    return _growth(run, Role.SCHEDULER)


_AT_GO = 0.05
"""Seconds after GO by which the first sample was read. Chosen: half the interval between two."""

EARLY = 1.5
"""CPU seconds allowed while the input is generated, as a multiple of the reference solution's. In
the corpus this phase took 0.76 to 1.67 times as long as in the reference solution's run (about 0.2
s). In the kept evidence, 157 right runs whose work or memory is judged took at most 0.02 s more."""


def _growth(run: Run, role: Role) -> int:
    """Return how much the processes of a role grew together.

    The peaks are those of the largest process, the samples are of all together; what they held at
    first may be that of several, too.
    """
    uses = [use for use in run.usage if use.role is role]
    names = {use.name for use in uses}
    samples = [sample for sample in run.memory if sample.name in names]
    first = {s.name: s.nbytes for s in reversed(samples) if s.seconds < _AT_GO}.values()
    at_go = max([*first, *(use.memory_at_go for use in uses)], default=0)
    most = max([s.nbytes for s in samples] + [use.peak_memory for use in uses], default=0)
    return max(most - at_go, 0)


def client_at_go(run: Run) -> int:
    """Return what the largest of the client's processes held at GO, in bytes."""
    clients = (use for use in run.usage if use.role is Role.CLIENT)
    return max((use.memory_at_go for use in clients), default=0)


def needed_again(recording: Recording, least: float) -> int:
    """Return the most bytes that a graph had to keep, whatever the order of its tasks; testimony.

    It is 0, for unknown, if the recording is too long to find out.

    Say that task B needs the result of A, directly or through other tasks, and that C also needs
    the result of A but cannot run before B. Then the result of A has to be kept while B runs. An
    example is a mean of some blocks that is then subtracted from the same blocks.

    Parameters
    ----------
    recording : Recording
    least : float
        A task is examined only if it needs, directly or through others, blocks of more bytes than
        this. Of several tasks that need the same blocks, only the first is examined.
    """
    if len(recording.tasks) > _MOST_TASKS:
        return 0
    most = 0
    sent = {graph.submitted for graph in recording.graphs}
    graphs: dict[float, dict[str, TaskRecord]] = defaultdict(dict)
    for task in recording.tasks:
        if task.submitted in sent:
            graphs[task.submitted][task.key] = task
    for tasks in graphs.values():
        order = sorted(tasks.values(), key=lambda task: task.stop)
        place = {task.key: n for n, task in enumerate(order)}
        before: list[int] = []  # the ancestors of each task, as bits
        blocks: list[int] = []  # those among them, or itself, that need nothing
        again: dict[int, int] = {}  # by the tasks asked about, what is needed after them, as bits
        for n, task in enumerate(order):
            needs = [place[key] for key in task.dependencies if place.get(key, n) < n]
            direct, ancestors, of_blocks = 0, 0, 0 if needs else 1 << n
            for need in needs:
                direct |= 1 << need
                ancestors |= before[need]
                of_blocks |= blocks[need]
            ancestors |= direct
            before.append(ancestors)
            blocks.append(of_blocks)
            for gate in again:
                if ancestors >> gate & 1:
                    again[gate] |= before[gate] & direct
            first = all(blocks[need] != of_blocks for need in needs)
            if first and _bytes_of(of_blocks, order) > least:
                again[n] = 0
        most = max([most, *(_bytes_of(bits, order) for bits in again.values())])
    return most


def _bytes_of(bits: int, tasks: list[TaskRecord]) -> int:
    """Return the bytes of the results of the tasks in a bit set."""
    size = 0
    while bits:
        last = bits & -bits
        size += tasks[last.bit_length() - 1].nbytes
        bits ^= last
    return size
