"""Where and when the tasks of a plan run on P workers: a simulation of Dask's scheduler.

Textbooks use greedy list scheduling; Dask does not. These are Dask's rules, each with its source in
distributed 2026.8.0 (``scheduler.py`` unless another file is named); ``benchmarks/README.md`` has
the effect of each.

- Tasks of a large group that depends on little are roots. They queue in the scheduler, and go to
  the worker with the fewest tasks as long as one has fewer than two (``is_rootish``,
  ``decide_worker_rootish_queuing_enabled``, ``worker-saturation`` 1.1, rounded up).
- Every other task is sent as soon as it is ready, even if it then has to wait: to the worker with
  some of its data that is expected to be free first, including the time to fetch the rest
  (``decide_worker``, ``worker_objective``), or with no data, to the worker that is.
- A worker fetches missing data while it computes, then runs what is ready by priority
  (``worker_state_machine.py``).
- Once a second tasks move from crowded workers to idle ones (``stealing.py``, ``balance``).

Dask expects a task to take the moving average of its layer; here it is the layer's mean, so that
the first tasks are treated like the last ones.
"""

from collections import defaultdict
from dataclasses import dataclass
from enum import Enum, auto
from heapq import heappop, heappush
from math import inf

from autograder.errors import HarnessError, OversizeRecording
from autograder.replay.plan import STEALING_SECONDS, Plan, followers

__all__ = ["DEFAULT", "FREE", "Budget", "Costs", "Placement", "simulate"]


class Placement(Enum):
    """How workers are chosen for tasks."""

    DASK = auto()
    """The rules above."""
    GREEDY = auto()
    """List scheduling: all tasks queue, and go one at a time to the idle worker that holds most
    of their data (R. L. Graham, 1966)."""
    RECORDED = auto()
    """As recorded. It shows which part of an error is due to the rules, and only makes sense on the
    recorded number of workers."""


@dataclass(frozen=True, slots=True)
class Costs:
    """The overhead of the cluster, apart from the tasks.

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
        Bytes per second between workers, if the recording does not show it.
    """

    task_seconds: float
    scheduler_seconds: float
    message_seconds: float
    latency_seconds: float
    bandwidth: float


DEFAULT = Costs(
    task_seconds=0.001,
    scheduler_seconds=0.0003,
    message_seconds=0.002,
    latency_seconds=0.003,
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
"""A cluster without overhead: for bounds, and for tests with exact answers."""

SLOTS = 2
"""Root tasks that a worker of one thread has at most: ``ceil(worker-saturation)``."""

BELIEVED_BANDWIDTH = 1e8
"""Bytes per second that the scheduler assumes (``distributed.scheduler.bandwidth``)."""

SCATTER = 0x9E3779B1
"""The golden ratio's share of 2^32: its multiples are spread evenly, in no order of size (D. E.
Knuth, "The Art of Computer Programming", volume 3, 6.4, Fibonacci hashing)."""

MANY = 64
"""Maximum number of candidates that are compared, free ones first. Dask compares all of them, which
costs more than it gains. Chosen: on up to 64 workers nothing is left out."""

MOST_STEPS = 40_000_000
"""Of all simulations of a run together. A step is a task, a dependency or a worker that is looked
at; this many take 8 to 30 seconds. The study of 100,000 independent tasks, more than are ever
recorded, has 34 million, that of 17,600 forged ones that wait on one worker a thousand million."""


class Budget:
    """Remaining cost of simulations, counted in steps, so that it is the same on any machine."""

    def __init__(self, steps: int = MOST_STEPS) -> None:
        self.left = steps

    def spend(self, steps: int) -> None:
        """Subtract a number of steps.

        Raises
        ------
        OversizeRecording
            If there are not so many left.
        """
        self.left -= steps
        if self.left < 0:
            raise OversizeRecording(
                "The cluster recorded too many tasks, or too many dependencies between them, to "
                "replay. Use fewer and larger tasks."
            )


_FINISHED, _HEARD, _SUBMITTED, _ARRIVED, _FETCHED, _BALANCE = range(6)


def simulate(
    plan: Plan,
    workers: int,
    costs: Costs,
    placement: Placement = Placement.DASK,
    budget: Budget | None = None,
) -> float:
    """Return the seconds from GO to done on a number of single-thread workers.

    Parameters
    ----------
    plan : Plan
    workers : int
        At least 1.
    costs : Costs
        Bandwidth is the plan's own where it has one.
    placement : Placement
        Dask's own unless said.
    budget : Budget, optional
        For several simulations together; a separate one by default.

    Raises
    ------
    OversizeRecording
        If it takes more steps than the budget has.
    HarnessError
        If a task could not be placed: a fault of the kit.
    """
    if workers < 1:
        raise ValueError(f"A cluster has at least 1 worker, not {workers}.")
    return _Simulation(plan, workers, costs, placement, budget or Budget()).run()


class _Simulation:
    """The state of scheduler and workers; sets of workers are the bits of whole numbers.

    Expected durations are whole nanoseconds, so that adding and taking away leaves nothing.
    """

    def __init__(
        self, plan: Plan, workers: int, costs: Costs, placement: Placement, budget: Budget
    ) -> None:
        n = len(plan.seconds)
        self.plan, self.workers, self.costs, self.placement = plan, workers, costs, placement
        self.spend = budget.spend
        greedy = placement is Placement.GREEDY
        self.after = followers(plan.dependencies)
        self.rate = plan.bandwidth or costs.bandwidth
        self.estimate = [int(seconds * 1e9) for seconds in plan.estimate]
        self.queues = [greedy or size > 2 * workers for size in plan.roots]
        if placement is Placement.RECORDED:
            self.queues = [False] * n
        self.slots = 1 if greedy else SLOTS
        self.missing = [len(found) + 1 for found in plan.dependencies]  # one more for the client
        self.holders = [0] * n
        self.home = [-1] * n  # the worker that a task was sent to
        self.executing = [-1] * workers
        self.ready: list[list[tuple[int, int]]] = [[] for _ in range(workers)]  # heaps, by rank
        self.processing: list[dict[int, None]] = [{} for _ in range(workers)]
        self.occupancy = [0] * workers  # expected nanoseconds of what a worker has to do
        self.total = 0
        self.stored = [0.0] * workers  # bytes of results, as if none were ever released
        # Dask picks from equals by the order of a set: any, but the same one all the time.
        self.turn = [worker * SCATTER % 2**32 for worker in range(workers)]
        # Workers by the number of tasks that they have: 0, 1, … slots or more.
        self.free = [(1 << workers) - 1, *[0] * self.slots]
        self.arrives: dict[tuple[int, int], float] = {}  # data on its way, by task and worker
        self.queue: list[tuple[int, int]] = []  # heap of roots, by rank
        self.events: list[tuple[float, int, int, int, int]] = []  # by time, kind and rank
        self.touched: set[int] = set()
        self.finished = [False] * n
        self.scheduler_free = self.now = self.latest = 0.0
        self.prefix = self.placed = 0
        self.stealing = False

        self.gated: dict[int, list[int]] = defaultdict(list)
        for i in range(n):
            self.gated[plan.seen[i]].append(i)

    def run(self) -> float:
        """Handle events in order of time until nothing is left."""
        events = self.events
        handle = (
            self._finish, self._hear, self._submit, self._arrive, self._fetch, self._balance,
        )  # fmt: skip
        self._open_gate()
        while events:
            self.now = now = events[0][0]
            while events and events[0][0] <= now:
                _, kind, _, i, worker = heappop(events)
                handle[kind](i, worker)
            if self.queue:
                self._fill()
            for worker in sorted(self.touched):
                self._start(worker)
            self.touched.clear()
        n = len(self.plan.seconds)
        if self.placed < n or self.prefix < n:
            raise HarnessError(
                f"The replay on {self.workers} workers placed {self.placed} of {n} tasks."
            )
        return self.latest + self.plan.tail

    def _later(self, seconds: float, kind: int, i: int, worker: int = 0) -> None:
        self.spend(1)
        heappush(self.events, (seconds, kind, self.plan.rank[i] if i >= 0 else 0, i, worker))

    # ------------------------------------------------------------------------------ the client

    def _open_gate(self) -> None:
        for i in self.gated.pop(self.prefix, ()):
            self._later(self.now + self.plan.think[i], _SUBMITTED, i)

    def _submit(self, i: int, _: int) -> None:
        self._meet(i)

    # --------------------------------------------------------------------------- the scheduler

    def _hear(self, i: int, worker: int) -> None:
        self._keep(i, worker)
        self._take_away(i, worker)
        after = self.after.get(i, ())
        self.spend(len(after))
        for j in sorted(after, key=self.plan.rank.__getitem__):
            self._meet(j)

    def _keep(self, i: int, worker: int) -> None:
        if not self.holders[i] >> worker & 1:
            self.holders[i] |= 1 << worker
            self.stored[worker] += self.plan.nbytes[i]

    def _meet(self, i: int) -> None:
        self.missing[i] -= 1
        if self.missing[i] == 0:
            if self.queues[i]:
                heappush(self.queue, (self.plan.rank[i], i))
            else:
                self._send(i, self._decide(i))

    def _fill(self) -> None:
        """Send queued tasks to workers that have too little to do."""
        greedy = self.placement is Placement.GREEDY
        while self.queue:
            few = next((mask for mask in self.free[: self.slots] if mask), 0)
            if not few:
                break
            i = heappop(self.queue)[1]
            worker = self._most_data(i, few) if greedy else (few & -few).bit_length() - 1
            self._send(i, worker)

    def _send(self, i: int, worker: int) -> None:
        self.scheduler_free = max(self.now, self.scheduler_free) + self.costs.scheduler_seconds
        self.placed += 1
        self._add(i, worker)
        self._later(self.scheduler_free + self.costs.message_seconds, _ARRIVED, i, worker)

    def _add(self, i: int, worker: int) -> None:
        self.home[i] = worker
        tasks = self.processing[worker]
        self._count(worker, len(tasks), len(tasks) + 1)
        tasks[i] = None
        self.occupancy[worker] += self.estimate[i]
        self.total += self.estimate[i]
        if len(tasks) > 1 and not self.stealing and self.placement is Placement.DASK:
            self.stealing = True
            first = self.plan.balance
            turn = (self.now - first) // STEALING_SECONDS + 1
            self._later(max(self.now, first + turn * STEALING_SECONDS), _BALANCE, -1)

    def _take_away(self, i: int, worker: int) -> None:
        tasks = self.processing[worker]
        self._count(worker, len(tasks), len(tasks) - 1)
        del tasks[i]
        self.occupancy[worker] -= self.estimate[i]
        self.total -= self.estimate[i]

    def _count(self, worker: int, before: int, after: int) -> None:
        before, after = min(before, self.slots), min(after, self.slots)
        self.free[before] &= ~(1 << worker)
        self.free[after] |= 1 << worker

    def _decide(self, i: int) -> int:
        """Choose a worker for a task that is no root."""
        if self.placement is Placement.RECORDED:
            return self.plan.worker[i] % self.workers
        holders, dependencies = self.holders, self.plan.dependencies[i]
        candidates = 0
        for j in dependencies:
            candidates |= holders[j]
        if candidates & (candidates - 1) == 0 and candidates:
            return candidates.bit_length() - 1
        if not candidates:
            if self.free[0]:
                return (self.free[0] & -self.free[0]).bit_length() - 1
            candidates = (1 << self.workers) - 1
        if candidates.bit_count() > MANY:
            candidates = self._some(candidates)
        held = self._held(i, candidates)
        weight = 1e9 / BELIEVED_BANDWIDTH
        return min(
            _bits(candidates),
            key=lambda worker: (
                self.occupancy[worker] - weight * held[worker],
                self.stored[worker],
                self.turn[worker],
            ),
        )

    def _some(self, candidates: int) -> int:
        pool = candidates & self.free[0] or candidates
        few = 0
        for _ in range(MANY):
            few |= pool & -pool
            pool &= pool - 1
            if not pool:
                break
        return few

    def _most_data(self, i: int, candidates: int) -> int:
        held = self._held(i, candidates)
        if not held:
            return (candidates & -candidates).bit_length() - 1
        return max(held, key=lambda worker: (held[worker], -worker))

    def _held(self, i: int, candidates: int) -> dict[int, float]:
        """Add up the bytes of a task's dependencies by the worker that holds them."""
        self.spend(len(self.plan.dependencies[i]) + candidates.bit_count())
        held: dict[int, float] = defaultdict(float)
        for j in self.plan.dependencies[i]:
            has = self.holders[j] & candidates
            if has != candidates:  # on all alike: says nothing
                self.spend(has.bit_count())
                for worker in _bits(has):
                    held[worker] += self.plan.nbytes[j]
        return held

    # ----------------------------------------------------------------------------- the workers

    def _arrive(self, i: int, worker: int) -> None:
        """Request missing data; data that another task requested is sent only once."""
        self.spend(len(self.plan.dependencies[i]))
        missing = [j for j in self.plan.dependencies[i] if not self.holders[j] >> worker & 1]
        asked = [j for j in missing if (j, worker) not in self.arrives]
        remote = sum(self.plan.nbytes[j] for j in asked)
        fetching = self.costs.latency_seconds + remote / self.rate if remote else 0.0
        for j in asked:
            self.arrives[j, worker] = self.now + fetching
        latest = max([self.now, *(self.arrives[j, worker] for j in missing)])
        if latest > self.now:
            self._later(latest, _FETCHED, i, worker)
        else:
            self._fetch(i, worker)

    def _fetch(self, i: int, worker: int) -> None:
        self.spend(len(self.plan.dependencies[i]))
        for j in self.plan.dependencies[i]:
            self._keep(j, worker)
        if self.home[i] == worker:
            heappush(self.ready[worker], (self.plan.rank[i], i))
            self.touched.add(worker)

    def _start(self, worker: int) -> None:
        ready = self.ready[worker]
        if self.executing[worker] >= 0:
            return
        while ready:
            i = heappop(ready)[1]
            if self.home[i] == worker and not self.finished[i]:
                self.executing[worker] = i
                busy = self.costs.task_seconds + self.plan.seconds[i]
                self._later(self.now + busy, _FINISHED, i, worker)
                return

    def _finish(self, i: int, worker: int) -> None:
        self.executing[worker] = -1
        self.finished[i] = True
        self.latest = self.now
        self.touched.add(worker)
        self._later(self.now + self.costs.message_seconds, _HEARD, i, worker)
        while self.prefix < len(self.finished) and self.finished[self.prefix]:
            self.prefix += 1
            self._open_gate()

    # ---------------------------------------------------------------------------- work stealing

    def _balance(self, _: int, __: int) -> None:
        """Move tasks that wait on crowded workers to idle ones."""
        self.stealing = False
        self.spend(self.workers)
        occupancy, mean = self.occupancy, self.total / self.workers
        idle = [
            worker
            for worker in range(self.workers)
            if not self.processing[worker] or occupancy[worker] < mean / 2
        ]
        idle.sort(key=lambda worker: (occupancy[worker], worker))
        if not idle or len(idle) == self.workers:
            return
        many = [worker for worker in range(self.workers) if len(self.processing[worker]) > 1]
        pending = {w: occupancy[w] * (1 - 1 / len(self.processing[w])) for w in many}
        victims = [w for w in many if pending[w] > 0.4e9 and pending[w] > 1.9 * mean]
        if not victims:
            top = sorted(range(self.workers), key=lambda w: (-occupancy[w], w))[:10]
            victims = [w for w in top if w in pending and occupancy[w] > 0.2e9 and w not in idle]
        victims.sort(key=lambda w: (-occupancy[w], w))
        for victim in victims:
            self.spend(len(self.processing[victim]))
            # The last in line first: the others would not wait as long.
            for i in sorted(self.processing[victim], key=lambda i: -self.plan.rank[i]):
                if not idle:
                    return
                if i != self.executing[victim] and not self.finished[i]:
                    self._steal(i, victim, idle, mean)

    def _steal(self, i: int, victim: int, idle: list[int], mean: float) -> None:
        occupancy, expected = self.occupancy, self.estimate[i]

        def fetching(worker: int) -> float:
            bit = 1 << worker
            remote = sum(
                self.plan.nbytes[j] for j in self.plan.dependencies[i] if not self.holders[j] & bit
            )
            return 1e9 * remote / BELIEVED_BANDWIDTH

        self.spend(len(idle[:MANY]) * (1 + len(self.plan.dependencies[i])))
        thief = min(
            idle[:MANY],
            key=lambda worker: (
                occupancy[worker] + fetching(worker),
                self.stored[worker],
                self.turn[worker],
            ),
        )
        late = occupancy[thief] + fetching(thief) + expected
        if late > occupancy[victim] - (fetching(victim) + expected) / 2:
            return
        self._take_away(i, victim)
        self._add(i, thief)
        # The victim is asked, agrees, and the task is sent again.
        self._later(self.now + 3 * self.costs.message_seconds, _ARRIVED, i, thief)
        if occupancy[thief] >= mean / 2:
            idle.remove(thief)


def _bits(mask: int) -> list[int]:
    found = []
    while mask:
        found.append((mask & -mask).bit_length() - 1)
        mask &= mask - 1
    return found
