"""Prepare a recording for replay: check it, bind repeated keys, find the dependencies.

- Where a key ran more than once, a dependency is the latest execution that began before the
  dependent task. Data from before GO has no known location or size, and no task waits for it.
- The client is one sequential program. A task that was submitted after others had finished waits
  for all of them, and then for as long as the client took from the last of them to the submission
  (its thinking time). Tasks submitted before anything had finished keep their delay after GO; after
  the last task comes the tail, up to "done". Thinking costs the same on any number of workers, so
  work done in the client earns no speedup.
- A seceded task (``secede``) frees its thread for its subtasks; the replay schedules its own work
  after them.

Consequently tasks that the client fed one at a time are replayed with at most as many in flight as
were recorded, which is right up to the recorded number of workers and pessimistic beyond.
"""

from bisect import bisect_left
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, replace
from math import fsum, isfinite

from autograder.errors import HarnessError, InconsistentRecording, OversizeRecording
from autograder.model import Recording, TaskRecord

__all__ = [
    "MEASURABLE_BYTES",
    "STEALING_SECONDS",
    "Plan",
    "followers",
    "make_plan",
]

CLOCK_TOLERANCE = 0.05
"""Seconds by which a dependency may seem to begin after its dependent. Workers adjust their clocks
to the scheduler's through heartbeats, which on a busy machine are milliseconds off
(``Worker.scheduler_delay`` in distributed; those in a box do not, see `evidence.one_clock`). Of
2,537 runs that were kept while they did, 160 dependencies seem to begin late: half of them by 5 ms
at most, nine of ten by 33 ms. The 11 that do so by more than this, by 105 ms at most, are taken for
data from before GO, for which nobody waits."""

MEASURABLE_BYTES = 1_000_000
"""A transfer of fewer bytes than this shows latency, not bandwidth: in the kept evidence half of
5,974 smaller ones brought less than 0.5 MB a second, half of 465 larger ones more than 800 MB."""

MOST_EDGES = 1_000_000
"""Dependencies of all tasks together. No complete record of a program in this course has as many,
and each costs the replay some microseconds for every number of workers.
"""

LARGEST = 1e15
"""Larger seconds or bytes are not measurements, and their sums could overflow."""

ROOTISH_DEPENDENCIES = 5
"""A group of tasks counts as roots to Dask only if it depends on fewer tasks than this
(``distributed.scheduler.rootish-taskgroup-dependencies``). That it may depend on no more than as
many groups (``rootish-taskgroup``) follows: each has a task."""

MOST_OWN = 100
"""Maximum number of subtasks that a seceded task is assumed to wait for. In the kept evidence such
a task (there are 93) had 64 at the most. It bounds what a forged record costs."""

STEALING_SECONDS = 1.0
"""Interval between balances (``distributed.scheduler.work-stealing-interval``)."""


@dataclass(frozen=True, slots=True)
class Plan:
    """A recording prepared for scheduling; all tuples are in the order of finishing.

    In that order every edge points forward, including the client's: what a task waits for through
    the client is a prefix, so its length is sufficient.
    """

    seconds: tuple[float, ...]
    nbytes: tuple[float, ...]
    dependencies: tuple[tuple[int, ...], ...]
    seen: tuple[int, ...]
    """How many tasks had finished when this one was submitted."""
    think: tuple[float, ...]
    """Seconds from the last of those, or from GO, to the submission."""
    worker: tuple[int, ...]
    """Number of the worker that ran it."""
    rank: tuple[int, ...]
    """Position in the order of ready tasks."""
    estimate: tuple[float, ...]
    """Seconds that the scheduler expects for such a task: the mean of its layer."""
    roots: tuple[int, ...]
    """Size of the task's group if Dask could treat it as a group of roots, otherwise 0."""
    tail: float
    bandwidth: float | None
    """Bytes per second of the recorded transfers; None if there were none large enough."""
    balance: float
    """Seconds from GO until Dask first moves waiting tasks to idle workers."""


def make_plan(recording: Recording, go: float, done: float) -> Plan:
    """Check a recording and prepare it for scheduling.

    Raises
    ------
    InconsistentRecording
        If a number is negative, not finite or absurdly large, or tasks wait for one another
        in a circle.
    HarnessError
        If ``done`` is not after ``go``: a fault of the kit.
    """
    if not (isfinite(go) and isfinite(done) and done >= go):
        raise HarnessError(f"A run must end after it began; it began at {go} and ended at {done}.")
    for task in recording.tasks:
        _check(task)
    edges = sum(len(task.dependencies) for task in recording.tasks)
    if edges > MOST_EDGES:
        raise OversizeRecording(
            f"The record has {edges:,} dependencies; no more than {MOST_EDGES:,} can be replayed."
        )
    tasks = sorted(_with_their_own(recording.tasks), key=_canonical)
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
    numbers = {name: i for i, name in enumerate(sorted({task.worker for task in tasks}))}
    ranks, estimates, roots = _ranks(tasks), _estimates(tasks), _roots(tasks)
    return Plan(
        seconds=tuple(float(tasks[i].busy_seconds) for i in finishing),
        nbytes=tuple(float(tasks[i].nbytes) for i in finishing),
        dependencies=tuple(tuple(sorted(new[j] for j in bound[i])) for i in finishing),
        seen=tuple(seen),
        think=tuple(
            max(0.0, tasks[i].submitted - (times[count - 1] if count else go))
            for i, count in zip(finishing, seen, strict=True)
        ),
        worker=tuple(numbers[tasks[i].worker] for i in finishing),
        rank=tuple(ranks[i] for i in finishing),
        estimate=tuple(estimates[tasks[i].layer] for i in finishing),
        roots=tuple(roots[i] for i in finishing),
        tail=max(0.0, done - times[-1]) if times else done - go,
        bandwidth=_bandwidth(tasks, bound),
        balance=_balance(recording.balance, go),
    )


def followers(dependencies: Iterable[Iterable[int]]) -> dict[int, list[int]]:
    """Turn the lists of dependencies into lists of dependents."""
    found: dict[int, list[int]] = defaultdict(list)
    for i, before in enumerate(dependencies):
        for j in before:
            found[j].append(i)
    return found


def _check(task: TaskRecord) -> None:
    numbers = {
        "submitted": task.submitted,
        "start": task.start,
        "stop": task.stop,
        "compute_seconds": task.compute_seconds,
        "transfer_seconds": task.transfer_seconds,
        "disk_seconds": task.disk_seconds,
        "away_seconds": task.away_seconds,
        "nbytes": task.nbytes,
        "stop - start": task.stop - task.start,
    }
    for name, value in numbers.items():
        if not 0 <= value <= LARGEST:  # not a number compares false
            raise InconsistentRecording(
                f"The record of task {task.key!r:.80} says {name} = {value!r:.40}; "
                f"0 to {LARGEST:g} was expected, so this is no record of a real run."
            )
    if not all(abs(part) <= LARGEST for part in task.priority):
        raise InconsistentRecording(
            f"The record of task {task.key!r:.80} says priority = {task.priority!r:.80}; finite "
            "numbers were expected, so this is no record of a real run."
        )


def _with_their_own(tasks: Iterable[TaskRecord]) -> list[TaskRecord]:
    """Make a task depend on the tasks that it submitted, and free its worker meanwhile.

    These are not recorded: the last ones are assumed, of all that were submitted meanwhile and had
    finished.
    """
    tasks = list(tasks)
    if not any(task.away_seconds for task in tasks):
        return tasks
    by_stop = sorted(tasks, key=lambda task: task.stop)
    stops = [task.stop for task in by_stop]
    found = []
    for task in tasks:
        if task.away_seconds:
            left = task.stop - task.away_seconds
            last = bisect_left(stops, task.stop)
            before = by_stop[max(last - MOST_OWN, 0) : last]
            own = [other.key for other in before if other.submitted >= left - CLOCK_TOLERANCE]
            keys = dict.fromkeys((*task.dependencies, *own))
            keys.pop(task.key, None)
            start = max(task.start, task.stop - task.busy_seconds)
            task = replace(task, start=start, dependencies=tuple(keys))
        found.append(task)
    return found


def _canonical(task: TaskRecord) -> tuple[object, ...]:
    # Tasks of one graph are submitted at one time; they began in about the order of Dask's
    # own priorities. The rest makes the order total.
    return (
        *(task.submitted, task.start, task.stop, task.key, task.worker),
        *(task.compute_seconds, task.transfer_seconds, task.nbytes, task.dependencies),
        *(task.layer, task.priority, task.disk_seconds),
    )


def _ranks(tasks: list[TaskRecord]) -> list[int]:
    """Put tasks into the order of Dask's priorities, or of submission if one has none."""
    order = list(range(len(tasks)))
    if all(task.priority for task in tasks):
        order.sort(key=lambda i: (tasks[i].priority, i))
    return sorted(range(len(tasks)), key=order.__getitem__)


def _estimates(tasks: list[TaskRecord]) -> dict[str, float]:
    seconds: dict[str, list[float]] = defaultdict(list)
    for task in tasks:
        seconds[task.layer].append(task.compute_seconds)
    return {layer: fsum(found) / len(found) for layer, found in seconds.items()}


def _roots(tasks: list[TaskRecord]) -> list[int]:
    """Return the size of each task's group if it depends on little, as roots do, else 0."""
    # Groups of earlier graphs are forgotten with their last task, so each graph has its own.
    groups = [(task.submitted, _group(task.key, task.layer)) for task in tasks]
    members: dict[tuple[float, str], set[str]] = defaultdict(set)
    needed: dict[tuple[float, str], set[str]] = defaultdict(set)
    for task, group in zip(tasks, groups, strict=True):
        members[group].add(task.key)
        needed[group].update(task.dependencies)
    size = {}
    for group, keys in members.items():
        # One that needs its own tasks depends on itself, on all of them.
        inner = bool(needed[group] & keys)
        count = len(needed[group] - keys) + inner * len(keys)
        size[group] = len(keys) if count < ROOTISH_DEPENDENCIES else 0
    return [size[group] for group in groups]


def _group(key: str, layer: str = "") -> str:
    # As distributed.utils.key_split_group does, for keys that are tuples and were turned to text.
    if key.startswith("("):
        return key.split(",", 1)[0].strip("()\"'")
    if layer:
        return layer
    # Few keys need it, and recording marks is to do without Dask.
    from dask.utils import key_split

    return str(key_split(key))


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
    after = followers(bound)
    order = [i for i, count in enumerate(missing) if count == 0]
    for i in order:  # grows while it is walked
        for j in after.get(i, ()):
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


def _balance(recorded: float | None, go: float) -> float:
    if recorded is None:
        return STEALING_SECONDS / 2  # on average
    if not abs(recorded) <= LARGEST:
        raise InconsistentRecording(
            f"The record says balance = {recorded!r}; a time was expected, so this is no record of "
            "a real run."
        )
    return (recorded - go) % STEALING_SECONDS


def _bandwidth(tasks: list[TaskRecord], bound: list[list[int]]) -> float | None:
    nbytes = seconds = 0.0
    for task, found in zip(tasks, bound, strict=True):
        # With a dependency from before GO the bytes of the transfer are not known.
        if task.transfer_seconds > 0 and len(found) == len(set(task.dependencies)):
            remote = sum(float(tasks[j].nbytes) for j in found if tasks[j].worker != task.worker)
            if remote >= MEASURABLE_BYTES:
                nbytes += remote
                seconds += task.transfer_seconds
    return nbytes / seconds if seconds else None
