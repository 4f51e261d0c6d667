"""Fit slots get work, unfit ones none; what is lost is tried again, and nothing waits for ever."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import pytest
from distributed import KilledWorker

from autograder.errors import HarnessError
from autograder.farm import tasks
from autograder.farm.engine import Engine
from autograder.farm.queue import Queue
from autograder.farm.slots import Slot
from autograder.farm.tasks import Outcome, Share, Task


class Future:
    """One call on one worker, made when the engine waits."""

    def __init__(self, call: Callable[[], Any], worker: str) -> None:
        self.call, self.worker = call, worker
        self.status, self._result = "pending", None

    def work(self) -> None:
        try:
            self._result, self.status = self.call(), "finished"
        except ZeroDivisionError as error:
            self._result, self.status = error, "error"

    def done(self) -> bool:
        return self.status != "pending"

    def result(self, timeout: float) -> Any:
        return self._result

    def exception(self) -> Any:
        return self._result or KilledWorker("task", None, 0)

    def cancel(self) -> None:
        self.status = "cancelled"


@dataclass
class Here:
    """Two workers, each on a host of its own; client and place at once."""

    patience: float = 0.2
    jobs: str = "the fake queue"
    life: float = float("inf")
    replaced: list[str] = field(default_factory=list)
    workers: dict[str, int] = field(default_factory=lambda: {"tcp://0": 0, "tcp://1": 1})
    futures: list[Future] = field(default_factory=list)
    at_work: int = -1
    """The worker whose call is being made."""

    @property
    def client(self) -> "Here":
        return self

    def share(self, name: str) -> Share:
        return Share(int(name), 2, 2, 0, divided=False)

    def lifetime(self) -> float:
        return self.life

    def replace(self, name: str) -> bool:
        self.replaced.append(name)
        return True

    def scheduler_info(self, n_workers: int) -> Any:
        return {"workers": {address: {"name": name} for address, name in self.workers.items()}}

    def submit(self, function: Any, argument: Any, *, workers: list[str], **_: Any) -> Future:
        (worker,) = workers
        assert worker in self.workers, "a task for a worker that is gone waits for ever"
        future = Future(lambda: function(argument), worker)
        self.futures.append(future)
        return future

    def retire_workers(self, addresses: list[str], close_workers: bool) -> None:
        for address in addresses:
            self.workers.pop(address, None)

    def wait(self) -> None:
        for future in [one for one in self.futures if not one.done()]:
            if future.worker in self.workers:
                self.at_work = self.workers[future.worker]
                future.work()
            else:
                future.status = "error"


@pytest.fixture
def here(monkeypatch: pytest.MonkeyPatch) -> Here:
    made = Here()
    monkeypatch.setattr(Engine, "_wait", lambda self: made.wait())
    return made


@pytest.fixture
def play(monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """Replace what runs in a slot."""

    def play(
        observe: Callable[[Task], Outcome], unfit: Callable[[Share], str] = lambda share: ""
    ) -> None:
        def arrive(share: Share) -> Slot:
            return Slot(f"host {share.number}", "", "", (0, 1), 1 << 40, unfit(share))

        monkeypatch.setattr(tasks, "arrive", arrive)
        monkeypatch.setattr(tasks, "observe", observe)

    return play


def some(count: int) -> list[Task]:
    keys = [f"{i:08d}" for i in range(count)]
    return [Task("/e", "/x", "ex", "laptop", key, True, "/", "ref", "/s") for key in keys]


def run(here: Here, items: list[Task]) -> tuple[Queue[Task], list[str], dict[str, list[str]]]:
    queue, said = Queue(items), list[str]()
    told: dict[str, list[str]] = {}
    engine = Engine(here, 2, said.append)
    engine.run(queue, lambda task, o: told.setdefault(task.key, []).append(o.what), lambda _: None)
    return queue, said, told


def test_all_is_observed_once_by_slots_that_take_turns(here: Here, play: Any) -> None:
    seen: list[str] = []

    def observe(task: Task) -> Outcome:
        seen.append(task.key)
        return Outcome("observed", 0.0)

    play(observe)
    queue, said, _ = run(here, some(20))
    assert len(queue.done) == 20 and not queue.aside and not said
    assert sorted(seen) == [task.key for task in some(20)]


def test_unfit_slot_says_why_and_gets_nothing(here: Here, play: Any) -> None:
    names: set[Any] = set()

    def observe(task: Task) -> Outcome:
        names.add(here.at_work)
        return Outcome("observed", 0.0)

    play(observe, lambda share: "it has no box" if share.number == 1 else "")
    queue, said, _ = run(here, some(8))
    assert len(queue.done) == 8 and names == {0}
    assert said == ["A slot on host 1 resigned: it has no box."]


def test_slots_on_other_processors_are_told_once(
    here: Here, play: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    play(lambda task: Outcome("observed", 0.0))
    monkeypatch.setattr(
        tasks, "arrive", lambda share: Slot("host", f"model {share.number}", "", (0,), 1)
    )
    _, said, _ = run(here, some(4))
    assert len(said) == 1 and "(model 1)" in said[0] and "(model 0)" in said[0]


def test_slot_that_fails_on_arrival_says_so_once(here: Here, play: Any) -> None:
    play(lambda task: Outcome("observed", 0.0), lambda share: "" * (1 // share.number))
    here.retire_workers = lambda *_, **__: None  # type: ignore[method-assign]
    queue, said, _ = run(here, some(3))
    assert len(queue.done) == 3
    assert len(said) == 1 and "ZeroDivisionError" in said[0]


def test_where_no_slot_is_fit_that_ends_it(here: Here, play: Any) -> None:
    play(lambda task: Outcome("observed", 0.0), lambda share: "it has no box")
    with pytest.raises(HarnessError, match=r"No slot is fit.*it has no box.*same command"):
        run(here, some(3))


def test_what_fails_is_tried_on_another_host_and_then_set_aside(here: Here, play: Any) -> None:
    where: list[Any] = []

    def observe(task: Task) -> Outcome:
        if task.key != some(5)[2].key:
            return Outcome("observed", 0.0)
        where.append(here.at_work)
        return Outcome("failed", 0.0, "the box did not start")

    play(observe)
    queue, _, told = run(here, some(5))
    assert len(queue.done) == 4
    assert [aside.reason for aside in queue.aside.values()] == ["the box did not start"]
    assert told[some(5)[2].key] == ["failed"] * 3
    assert set(where[:2]) == {0, 1}


def test_mistake_of_the_kits_own_is_called_one(here: Here, play: Any) -> None:
    play(lambda task: Outcome(str(1 // 0), 0.0))
    queue, _, _ = run(here, some(1))
    (aside,) = queue.aside.values()
    assert aside.reason.startswith("the kit itself failed: ZeroDivisionError")


def test_submission_that_cannot_be_observed_is_not_tried_again(here: Here, play: Any) -> None:
    play(lambda task: Outcome("refused", 0.0, "it cannot go on"))
    queue, _, told = run(here, some(2))
    assert len(queue.aside) == 2 and set(map(tuple, told.values())) == {("refused",)}


def test_slot_that_is_lost_at_work_loses_nothing_and_is_replaced(here: Here, play: Any) -> None:
    def observe(task: Task) -> Outcome:
        if here.at_work == 1 and len(here.workers) == 2:
            here.workers.pop("tcp://1")
            here.futures[-1].status = "error"  # of a call that never comes back
            raise SystemExit
        return Outcome("observed", 0.0)

    class Cancelled(Future):
        def work(self) -> None:
            try:
                super().work()
            except SystemExit:
                self.status = "error"

    play(observe)
    here.submit = lambda function, argument, *, workers, **_: (  # type: ignore[method-assign]
        here.futures.append(made := Cancelled(lambda: function(argument), workers[0])) or made
    )
    queue, _, _ = run(here, some(6))
    assert sorted(task.key for task in queue.done) == [task.key for task in some(6)]
    assert not queue.aside and here.replaced == ["1"]


def test_result_that_does_not_arrive_any_more_is_not_waited_for(here: Here, play: Any) -> None:
    """A worker that dies between the end of its task and the request for what it gave."""

    class Lost(Future):
        def result(self, timeout: float) -> Any:
            if len(here.workers) == 2 and self.worker == "tcp://1":
                here.workers.pop("tcp://1")
            if self.worker not in here.workers:
                raise TimeoutError
            return super().result(timeout)

    play(lambda task: Outcome("observed", 0.0))
    here.submit = lambda function, argument, *, workers, **_: (  # type: ignore[method-assign]
        here.futures.append(made := Lost(lambda: function(argument), workers[0])) or made
    )
    queue, _, _ = run(here, some(6))
    assert sorted(task.key for task in queue.done) == [task.key for task in some(6)]
    assert here.replaced == ["1"]


def test_worker_that_comes_late_is_welcome(here: Here, play: Any) -> None:
    del here.workers["tcp://1"]
    names = set[int]()

    def observe(task: Task) -> Outcome:
        names.add(here.at_work)
        here.workers["tcp://1"] = 1
        return Outcome("observed", 0.0)

    play(observe)
    queue, _, _ = run(here, some(6))
    assert len(queue.done) == 6 and names == {0, 1}


def test_without_a_slot_it_ends_after_its_patience(here: Here, play: Any) -> None:
    play(lambda task: Outcome("observed", 0.0))
    here.workers.clear()
    with pytest.raises(HarnessError, match="No slot has been available for 0 s: see the fake"):
        run(here, some(2))


def test_slot_near_the_end_of_its_job_is_replaced_and_gets_nothing(here: Here, play: Any) -> None:
    play(lambda task: Outcome("observed", 0.0))
    here.life = -1.0
    with pytest.raises(HarnessError, match="No slot has been available"):
        run(here, some(2))
    assert sorted(here.replaced) == ["0", "1"]
