"""Turn a recorded task graph into makespans: how long the run would take on P workers.

A stopwatch on a shared machine tells more about its neighbours than about the program. The
recorded graph does not: task durations, dependencies and what the client waited for are the
same whoever else is running, and greedy list scheduling of them on 1 and on P workers gives
the speedup that the program has.

The model, in one place:

- A task runs for the compute time that was recorded, after its dependencies. Where a key ran
  more than once, a dependency is the latest execution that began before the dependent task.
- The client is one sequential program. A task that was submitted after others had finished
  waits for all of them, and then for as long as the client took from the last of them to the
  submission (its thinking time). What was submitted before anything had finished comes as
  long after GO as it did; after the last task comes the tail, up to "done". Thinking costs
  the same on any number of workers, so work done in the client earns no speedup.
- Ready tasks start in the order of submission, on the idle worker that holds most bytes of
  their dependencies, otherwise on the first idle one. Bytes held elsewhere are transferred
  first, and the receiver keeps a copy. Messages and bookkeeping take their time (`Costs`).

What follows from it: tasks that the client fed one at a time are replayed with at most as
many in flight as were recorded, which is right up to the recorded number of workers and
pessimistic beyond. List scheduling has anomalies (R. L. Graham, "Bounds on multiprocessing
timing anomalies", SIAM J. Appl. Math. 17(2), 1969): a makespan can be longer on more workers.
Makespans are therefore reported as they are, not smoothed. Dask itself is not quite greedy:
a task may queue for the busy worker that holds its data (``decide_worker`` in
distributed.scheduler) while another idles, which makes the replay of tangled graphs about a
third too fast at the worst (``benchmarks/replay_accuracy.py``). Data from before GO has no
known place or size, and is free wherever it is needed. A task that waits for tasks of its own
(``worker_client``) keeps its worker.
"""

from bisect import bisect_left
from collections import defaultdict, deque
from collections.abc import Iterable
from dataclasses import dataclass, replace
from heapq import heappop, heappush
from math import fsum, inf, isfinite

from autograder.errors import HarnessError, KitError
from autograder.model import Recording, Role, Run, SpeedupStudy, TaskRecord

__all__ = [
    "DEFAULT",
    "FREE",
    "Costs",
    "InconsistentRecording",
    "replay",
    "span",
    "study",
    "work",
]

CURVE = (1, 2, 4, 8, 16, 32, 64)
"""Numbers of workers that a study always holds."""

CLOCK_TOLERANCE = 0.05
"""Seconds by which a dependency may seem to begin after its dependent.

Workers shift their clocks to the scheduler's by what a heartbeat tells them, which on a busy
machine is milliseconds off (``Worker.scheduler_delay`` in distributed).
"""

MEASURABLE_BYTES = 1_000_000
"""A transfer of fewer bytes than this tells of latency, not of bandwidth."""

LARGEST = 1e15
"""Seconds or bytes beyond this are no measurement, and their sums could overflow."""


class InconsistentRecording(KitError):
    """The testimony contradicts itself: no run of any program could have left it.

    The recorder that the kit puts into the scheduler never writes such a record, so the
    verdict treats it as forged; it is neither a mistake of the student's nor a fault of ours.
    """


@dataclass(frozen=True, slots=True)
class Costs:
    """What the cluster itself costs, apart from the tasks.

    Attributes
    ----------
    task_seconds : float
        Per task, on its worker.
    scheduler_seconds : float
        Per task, on the scheduler, which handles one task after another.
    message_seconds : float
        Between scheduler and worker, one way. A task waits for one after its submission, for
        two (finished, go on) after a dependency; neither side is busy meanwhile.
    latency_seconds : float
        Per task that needs bytes from another worker.
    bandwidth : float
        Bytes per second between workers, where the recording does not tell.
    """

    task_seconds: float
    scheduler_seconds: float
    message_seconds: float
    latency_seconds: float
    bandwidth: float


DEFAULT = Costs(
    task_seconds=0.001,
    scheduler_seconds=0.0003,
    message_seconds=0.0028,
    latency_seconds=0.001,
    bandwidth=5e8,
)
"""Measured on two cores with distributed 2026.8.0; ``benchmarks/replay_accuracy.py --costs``
measures them again."""

FREE = Costs(
    task_seconds=0.0,
    scheduler_seconds=0.0,
    message_seconds=0.0,
    latency_seconds=0.0,
    bandwidth=inf,
)
"""A cluster that costs nothing: for bounds, and for tests with exact answers."""


@dataclass(frozen=True, slots=True)
class _Plan:
    """A recording made ready for scheduling; all tuples are in the order of finishing.

    In that order every edge points forward, the client's too: what a task waits for through
    the client is a prefix, so that its length says it all.
    """

    seconds: tuple[float, ...]
    nbytes: tuple[float, ...]
    dependencies: tuple[tuple[int, ...], ...]
    seen: tuple[int, ...]
    """How many tasks had finished when this one was submitted."""
    think: tuple[float, ...]
    """Seconds from the last of those, or from GO, to the submission."""
    rank: tuple[int, ...]
    """Position in the order of submission."""
    tail: float
    bandwidth: float | None


def replay(
    recording: Recording, go: float, done: float, workers: int, *, costs: Costs = DEFAULT
) -> float:
    """Compute the makespan of a recorded run on a number of single-thread workers.

    Parameters
    ----------
    recording : Recording
        Of the run; the order of its records does not matter.
    go, done : float
        When the run began and ended, in seconds on the recording's clock.
    workers : int
        At least 1; any number, whatever the run was recorded on.
    costs : Costs
        Of the cluster. Bandwidth is the recorded one where the recording shows transfers.

    Returns
    -------
    float
        Seconds from GO to done. ``done - go`` if no task ran on the cluster.

    Raises
    ------
    InconsistentRecording
        If a number is negative, not finite or absurdly large, or tasks wait for one another
        in a circle.
    HarnessError
        If a task could not be placed, or ``done`` is not after ``go``: faults of the kit.
    """
    return _makespan(_plan(recording, go, done), workers, costs)


def span(recording: Recording, go: float, done: float) -> float:
    """Compute the makespan on unboundedly many workers of a cluster that costs nothing.

    It is the longest path through dependencies, the client's waiting, thinking and tail, in
    seconds from GO to done, and a lower bound of every makespan. Raises as `replay` does.
    """
    return _span(_plan(recording, go, done))


def work(recording: Recording) -> float:
    """Add up the compute time of all recorded tasks, in seconds."""
    return fsum(task.compute_seconds for task in recording.tasks)


def study(run: Run, workers: int, serial_seconds: float | None) -> SpeedupStudy:
    """Replay a run on 1, 2, 4, … 64 and on ``workers`` workers.

    Parameters
    ----------
    run : Run
        With its recording and the usage of its processes.
    workers : int
        Of the cluster; the speedup is the one on this many.
    serial_seconds : float or None
        Plain scikit-learn on the same input, for the record.

    Returns
    -------
    SpeedupStudy
        Its ``speedup`` is 1 exactly if no task ran on the cluster. ``worker_cpu`` is in the
        order of the workers' names.

    Raises
    ------
    InconsistentRecording, HarnessError
        As `replay` does.
    """
    plan = _plan(run.recording, run.go, run.done)
    makespans = {p: _makespan(plan, p, DEFAULT) for p in sorted({*CURVE, workers})}
    cpu: dict[Role, list[tuple[int, str, float]]] = defaultdict(list)
    for usage in run.usage:
        # Length first, so that worker-10 comes after worker-9.
        cpu[usage.role].append((len(usage.name), usage.name, usage.cpu_seconds))
    return SpeedupStudy(
        workers=workers,
        measured_seconds=run.done - run.go,
        work=work(run.recording),
        span=_span(plan),
        makespans=makespans,
        speedup=makespans[1] / makespans[workers] if makespans[workers] > 0 else 1.0,
        client_cpu=fsum(seconds for _, _, seconds in cpu[Role.CLIENT]),
        worker_cpu=tuple(seconds for _, _, seconds in sorted(cpu[Role.WORKER])),
        serial_seconds=serial_seconds,
    )


# ----------------------------------------------------------------------- from records to a plan


def _plan(recording: Recording, go: float, done: float) -> _Plan:
    if not (isfinite(go) and isfinite(done) and done >= go):
        raise HarnessError(f"A run must end after it began; it began at {go} and ended at {done}.")
    for task in recording.tasks:
        _check(task)
    tasks = sorted(recording.tasks, key=_canonical)
    bound = _bind(tasks)
    order = _topological(tasks, bound)

    # Clocks of different workers disagree a little. Shift what seems to have begun before it
    # could, so that from here on every edge points forward in time and no circle can arise.
    stops = [0.0] * len(tasks)
    for i in order:
        task = tasks[i]
        start = max([task.start, task.submitted, *(stops[j] for j in bound[i])])
        stops[i] = start + (task.stop - task.start)

    position = {i: p for p, i in enumerate(order)}
    finishing = sorted(order, key=lambda i: (stops[i], position[i]))
    new = {i: p for p, i in enumerate(finishing)}
    times = [stops[i] for i in finishing]
    seen = [bisect_left(times, tasks[i].submitted) for i in finishing]
    return _Plan(
        seconds=tuple(float(tasks[i].compute_seconds) for i in finishing),
        nbytes=tuple(float(tasks[i].nbytes) for i in finishing),
        dependencies=tuple(tuple(sorted(new[j] for j in bound[i])) for i in finishing),
        seen=tuple(seen),
        think=tuple(
            max(0.0, tasks[i].submitted - (times[count - 1] if count else go))
            for i, count in zip(finishing, seen, strict=True)
        ),
        rank=tuple(finishing),
        tail=max(0.0, done - times[-1]) if times else done - go,
        bandwidth=_bandwidth(tasks, bound),
    )


def _check(task: TaskRecord) -> None:
    numbers = {
        "submitted": task.submitted,
        "start": task.start,
        "stop": task.stop,
        "compute_seconds": task.compute_seconds,
        "transfer_seconds": task.transfer_seconds,
        "nbytes": task.nbytes,
        "stop - start": task.stop - task.start,
    }
    for name, value in numbers.items():
        if not 0 <= value <= LARGEST:  # not a number compares false
            raise InconsistentRecording(
                f"The record of task {task.key!r:.80} says {name} = {value!r:.40}; "
                f"0 to {LARGEST:g} was expected, so this is no record of a real run."
            )


def _canonical(task: TaskRecord) -> tuple[object, ...]:
    # Tasks of one graph are submitted at one time; they began in about the order of Dask's
    # own priorities. The rest makes the order total.
    return (
        *(task.submitted, task.start, task.stop, task.key, task.worker),
        *(task.compute_seconds, task.transfer_seconds, task.nbytes, task.dependencies),
    )


def _bind(tasks: list[TaskRecord]) -> list[list[int]]:
    """Find the executions that each execution took its dependencies from."""
    executions: dict[str, list[tuple[float, int]]] = defaultdict(list)
    for i, task in enumerate(tasks):
        executions[task.key].append((task.start, i))
    for runs in executions.values():
        runs.sort()
    bound: list[list[int]] = []
    for task in tasks:
        found = []
        for key in dict.fromkeys(task.dependencies):
            runs = executions.get(key, [])
            latest = bisect_left(runs, (task.start, -1)) - 1
            if latest >= 0:
                found.append(runs[latest][1])
            elif runs and runs[0][0] <= task.start + CLOCK_TOLERANCE:
                found.append(runs[0][1])
            # Otherwise the data was there before GO.
        bound.append(found)
    return bound


def _topological(tasks: list[TaskRecord], bound: list[list[int]]) -> list[int]:
    missing = [len(found) for found in bound]
    followers = _followers(bound)
    order = [i for i, count in enumerate(missing) if count == 0]
    for i in order:  # grows while it is walked
        for j in followers[i]:
            missing[j] -= 1
            if missing[j] == 0:
                order.append(j)
    if len(order) < len(tasks):
        stuck = next(task.key for task, count in zip(tasks, missing, strict=True) if count)
        raise InconsistentRecording(
            f"The record says that {len(tasks) - len(order)} tasks, {stuck!r:.80} among them, wait "
            "for one another in a circle; they could never have run."
        )
    return order


def _followers(dependencies: Iterable[Iterable[int]]) -> dict[int, list[int]]:
    followers: dict[int, list[int]] = defaultdict(list)
    for i, found in enumerate(dependencies):
        for j in found:
            followers[j].append(i)
    return followers


def _bandwidth(tasks: list[TaskRecord], bound: list[list[int]]) -> float | None:
    """Bytes per second of the recorded transfers; None if there were none large enough."""
    nbytes = seconds = 0.0
    for task, found in zip(tasks, bound, strict=True):
        # With a dependency from before GO the bytes of the transfer are not known.
        if task.transfer_seconds > 0 and len(found) == len(set(task.dependencies)):
            remote = sum(float(tasks[j].nbytes) for j in found if tasks[j].worker != task.worker)
            if remote >= MEASURABLE_BYTES:
                nbytes += remote
                seconds += task.transfer_seconds
    return nbytes / seconds if seconds else None


# ------------------------------------------------------------------------- from a plan to seconds


def _span(plan: _Plan) -> float:
    finished: list[float] = []
    prefix = [0.0]  # latest finish of the first 0, 1, 2, … tasks
    for i, seconds in enumerate(plan.seconds):
        release = prefix[plan.seen[i]] + plan.think[i]
        finished.append(max([release, *(finished[j] for j in plan.dependencies[i])]) + seconds)
        prefix.append(max(prefix[-1], finished[i]))
    return prefix[-1] + plan.tail


def _makespan(plan: _Plan, workers: int, costs: Costs) -> float:
    if workers < 1:
        raise ValueError(f"A cluster has at least 1 worker, not {workers}.")
    costs = replace(costs, bandwidth=plan.bandwidth or costs.bandwidth)
    n = len(plan.seconds)
    followers = _followers(plan.dependencies)
    missing = [len(found) + 1 for found in plan.dependencies]  # one more for the client
    earliest = [0.0] * n
    gated: dict[int, list[int]] = defaultdict(list)
    for i in sorted(range(n), key=plan.rank.__getitem__):
        gated[plan.seen[i]].append(i)

    # Sets of workers are bits of whole numbers: cheap to intersect, and the first is at hand.
    idle = (1 << workers) - 1
    holders = [0] * n
    released: list[tuple[float, int, int]] = []  # heap: by time, then submission
    handled: deque[tuple[float, int]] = deque()  # by the scheduler, one after another
    ready: list[tuple[int, int]] = []  # heap: by submission
    running: list[tuple[float, int, int]] = []  # heap: by time
    scheduler_free = now = 0.0
    prefix = placed = 0

    def meet(i: int, since: float) -> None:
        missing[i] -= 1
        earliest[i] = max(earliest[i], since)
        if missing[i] == 0:
            heappush(released, (earliest[i], plan.rank[i], i))

    def open_gate() -> None:
        for i in gated.pop(prefix, ()):
            meet(i, now + plan.think[i] + costs.message_seconds)

    open_gate()
    while True:
        while released and released[0][0] <= now:
            scheduler_free = max(now, scheduler_free) + costs.scheduler_seconds
            handled.append((scheduler_free, heappop(released)[2]))
        while handled and handled[0][0] <= now:
            i = handled.popleft()[1]
            heappush(ready, (plan.rank[i], i))
        while ready and idle:
            i = heappop(ready)[1]
            worker = _place(plan, i, holders, idle)
            remote = 0.0
            for j in plan.dependencies[i]:
                if not holders[j] & worker:
                    holders[j] |= worker
                    remote += plan.nbytes[j]
            transfer = costs.latency_seconds + remote / costs.bandwidth if remote else 0.0
            idle ^= worker
            heappush(running, (now + costs.task_seconds + transfer + plan.seconds[i], i, worker))
            placed += 1
        events = [queue[0][0] for queue in (released, handled, running) if queue]
        if not events:
            break
        now = min(events)
        while running and running[0][0] <= now:
            _, i, worker = heappop(running)
            idle |= worker
            holders[i] |= worker
            for j in followers[i]:
                meet(j, now + 2 * costs.message_seconds)
            while prefix < n and holders[prefix]:
                prefix += 1
                open_gate()

    if placed < n:
        raise HarnessError(f"The replay on {workers} workers placed {placed} of {n} tasks.")
    return now + plan.tail


def _place(plan: _Plan, i: int, holders: list[int], idle: int) -> int:
    """Choose the idle worker, as a bit, that holds most bytes of a task's dependencies."""
    first = idle & -idle
    held: dict[int, float] = defaultdict(float)
    for j in plan.dependencies[i]:
        candidates = holders[j] & idle
        if candidates == idle:
            continue  # on all alike: says nothing
        while candidates:
            worker = candidates & -candidates
            held[worker] += plan.nbytes[j]
            candidates ^= worker
    return max(held, key=lambda worker: (held[worker], -worker)) if held else first
