"""Send tasks to slots, one at a time each, and collect their outcomes.

Each task is pinned to one worker. Dask's own scheduling would not do: only slots that passed their
checks may work, a retry goes to another host, and a slot whose job ends soon gets nothing more. The
engine keeps no state that matters: the evidence is in the store.
"""

import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from autograder.errors import HarnessError
from autograder.farm import tasks
from autograder.farm.places import Place
from autograder.farm.queue import Queue
from autograder.farm.slots import Slot
from autograder.farm.tasks import Outcome, Task

__all__ = ["Engine"]

_POLL_SECONDS = 0.5
"""Between two looks at which slots have come and gone. Chosen: observing takes seven seconds."""

_MOST_REPLACED = 3
"""Replacement jobs for lost or unfit ones, per job of the original request. Chosen: a node that
fails is survived, and a profile whose jobs are all unfit comes to an end."""

_ARRIVAL_SECONDS = 180.0
"""Time for a slot to import the kit from a busy file system and to check its machine. Chosen: on
two idle cores with a disk of their own it takes 2 to 5 s, and a slot given up too early is a job
lost."""

_RESULT_SECONDS = 30.0
"""Time for the few bytes of a finished task to arrive. Chosen: longer than a busy scheduler takes
to answer. If its worker has died meanwhile, Dask would wait for it for ever; the next look at the
workers finds that out."""


@dataclass
class _Visit:
    """A worker that has appeared."""

    name: str
    since: float
    future: Any
    slot: Slot | None = None
    until: float = float("inf")
    """When it gets no more tasks."""


class Engine:
    """The available slots, and each one's task.

    Parameters
    ----------
    place : Place
        Where slots come from.
    slots : int
        Number requested.
    say : callable
        Called with a message for the instructor.
    """

    def __init__(self, place: Place, slots: int, say: Callable[[str], None]) -> None:
        self._place, self._client, self._say = place, place.client, say
        self._visits: dict[str, _Visit] = {}
        self._tasks: dict[str, Any] = {}
        """Futures by worker."""
        self._replaced = 0
        self._most_replaced = _MOST_REPLACED * slots
        self._since = time.monotonic()
        self._unfit: dict[str, str] = {}
        """By slot: why it resigned."""
        self._ending: set[str] = set()
        """Slots whose job is about to end."""
        self._processors: set[str] = set()

    @property
    def slots(self) -> Mapping[str, Slot]:
        """Slots that arrived and are fit, by address."""
        return {
            address: visit.slot
            for address, visit in self._visits.items()
            if visit.slot is not None and address not in {*self._unfit, *self._ending}
        }

    def run(
        self,
        queue: Queue[Task],
        ended: Callable[[Task, Outcome], None],
        progress: Callable[[Queue[Task]], None],
    ) -> None:
        """Process a queue.

        Parameters
        ----------
        queue : Queue
        ended : callable
            Called with each task that a slot has finished, and its outcome.
        progress : callable
            Called every half second or so.

        Raises
        ------
        HarnessError
            If there is no slot, and none is expected.
        """
        for address in self.slots:
            self._admit(queue, address)
        while not queue.finished:
            self._update(queue)
            self._give(queue)
            self._wait()
            self._collect(queue, ended)
            progress(queue)
            self._refuse_without_slots(queue)

    def _admit(self, queue: Queue[Task], address: str) -> None:
        slot = self._visits[address].slot
        assert slot is not None
        queue.arrived(address, slot.host)

    def _update(self, queue: Queue[Task]) -> None:
        """Find new workers and lost ones."""
        there = self._client.scheduler_info(n_workers=-1)["workers"]
        for address in [known for known in self._visits if known not in there]:
            self._lost(queue, address)
        for address in [new for new in there if new not in self._visits]:
            name = str(there[address]["name"])
            future = self._client.submit(
                tasks.arrive, self._place.share(name), key=f"arrive-{name}-{time.time_ns()}",
                workers=[address], allow_other_workers=False, pure=False, retries=0,
            )  # fmt: skip
            self._visits[address] = _Visit(name, time.monotonic(), future)
        for address, visit in list(self._visits.items()):
            if address in self._unfit:
                continue  # it is about to go
            if visit.slot is None and visit.future.done():
                self._welcome(queue, address, visit)
            elif visit.slot is None and time.monotonic() - visit.since > _ARRIVAL_SECONDS:
                self._dismiss(queue, address, f"it did not report for {_ARRIVAL_SECONDS:.0f} s")
            elif time.monotonic() > visit.until and address in queue.free:
                queue.resign(address, "its job is about to end")
                self._ending.add(address)
                self._retire(address, replace=bool(queue.waiting))

    def _welcome(self, queue: Queue[Task], address: str, visit: _Visit) -> None:
        if visit.future.status != "finished":
            if reason := _failure(visit.future):
                self._dismiss(queue, address, reason)
            return  # lost: the next update will miss it
        slot: Slot | None = _result(visit.future)
        if slot is None:
            return
        visit.slot = slot
        visit.until = time.monotonic() + self._place.lifetime()
        if slot.unfit:
            self._dismiss(queue, address, slot.unfit)
            return
        self._admit(queue, address)
        if slot.cpu not in self._processors and self._processors:
            self._say(
                f"{slot.host} has a different processor ({slot.cpu}) from earlier slots "
                f"({', '.join(sorted(self._processors))}): speedups are ratios and stay "
                "comparable, seconds do not. A directive in the profile can request one kind of "
                "node."
            )
        self._processors.add(slot.cpu)

    def _dismiss(self, queue: Queue[Task], address: str, reason: str) -> None:
        """Retire a slot that is not fit; each reason is reported once."""
        visit = self._visits[address]
        where = visit.slot.host if visit.slot is not None else address
        if reason not in self._unfit.values():
            self._say(f"A slot on {where} resigned: {reason}.")
        self._unfit[address] = reason
        self._retire(address, replace=False)
        if address in queue.slots:
            queue.resign(address, reason)

    def _retire(self, address: str, *, replace: bool) -> None:
        name = self._visits[address].name
        with suppress(Exception):
            self._client.retire_workers([address], close_workers=True)
        if replace:
            self._replace(name)

    def _lost(self, queue: Queue[Task], address: str) -> None:
        visit = self._visits.pop(address)
        self._tasks.pop(address, visit.future).cancel()
        unfit = address in self._unfit or address in queue.resigned
        queue.lose(address, _loss(visit))
        if not unfit and not queue.finished:
            self._replace(visit.name)

    def _replace(self, name: str) -> None:
        if self._replaced < self._most_replaced:
            self._replaced += self._place.replace(name)

    def _give(self, queue: Queue[Task]) -> None:
        for address in queue.free:
            if time.monotonic() > self._visits[address].until:
                continue
            task = queue.take(address)
            if task is None:
                continue
            self._tasks[address] = self._client.submit(
                tasks.observe, task, key=f"observe-{task.exercise}-{task.key[:8]}-{time.time_ns()}",
                workers=[address], allow_other_workers=False, pure=False, retries=0,
            )  # fmt: skip

    def _wait(self) -> None:
        from distributed import wait

        futures = [*self._tasks.values()]
        futures += [
            visit.future
            for visit in self._visits.values()
            if visit.slot is None and not visit.future.done()
        ]
        if not futures:
            time.sleep(_POLL_SECONDS)
            return
        with suppress(TimeoutError), self._client.as_current():
            wait(futures, timeout=_POLL_SECONDS, return_when="FIRST_COMPLETED")

    def _collect(self, queue: Queue[Task], ended: Callable[[Task, Outcome], None]) -> None:
        for address, future in list(self._tasks.items()):
            if not future.done():
                continue
            outcome: Outcome | None = None
            if future.status == "finished" and (outcome := _result(future)) is None:
                continue
            del self._tasks[address]
            task = queue.running[address]
            if outcome is None:
                reason = _failure(future) or _loss(self._visits[address])
                queue.fail(address, reason)
                ended(task, Outcome("failed", 0.0, reason))
                continue
            if outcome.what == "refused":
                queue.refuse(address, outcome.reason)
            elif outcome.what == "failed":
                queue.fail(address, outcome.reason)
            else:
                queue.finish(address)
            ended(task, outcome)
            if address in queue.resigned:
                self._dismiss(queue, address, queue.resigned[address])

    def _refuse_without_slots(self, queue: Queue[Task]) -> None:
        """Give up when no slot is left and none is expected.

        Raises
        ------
        HarnessError
        """
        if queue.finished or queue.slots:
            self._since = time.monotonic()
            return
        expected = [
            address
            for address, visit in self._visits.items()
            if visit.slot is None and address not in self._unfit
        ]
        if self._unfit and not expected and len(self._unfit) >= self._most_replaced // 3:
            reasons = "; ".join(dict.fromkeys(self._unfit.values()))
            raise HarnessError(
                f"No slot is fit for grading: {reasons}. What was observed is kept; the same "
                "command continues."
            )
        if time.monotonic() - self._since > self._place.patience:
            resigned = "; ".join(dict.fromkeys(self._unfit.values()))
            raise HarnessError(
                f"No slot has been available for {self._place.patience:.0f} s"
                f"{f' (others resigned: {resigned})' if resigned else ''}: see {self._place.jobs}. "
                "What was observed is kept; the same command continues."
            )


def _loss(visit: _Visit) -> str:
    """Describe a lost slot."""
    if visit.slot is None:
        return "its slot was lost"
    job = f", job {visit.slot.job}" if visit.slot.job else ""
    return f"the slot that observed it was lost, on {visit.slot.host}{job}"


def _result(future: Any) -> Any:
    """Return what a finished task gave, None if it does not arrive."""
    with suppress(TimeoutError):
        return future.result(timeout=_RESULT_SECONDS)
    return None


def _failure(future: Any) -> str:
    """Describe an exception of a slot; empty if the slot was lost."""
    from distributed import KilledWorker

    error = future.exception() if future.status == "error" else None
    if error is None or isinstance(error, KilledWorker):
        return ""
    return f"the kit itself failed: {type(error).__name__}: {error}"
