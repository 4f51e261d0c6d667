"""The recorder: on transitions made by hand, and in the scheduler of a real cluster."""

import asyncio
import json
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict
from types import SimpleNamespace
from typing import Any

import dask
import pytest
from dask import delayed
from distributed import Client, LocalCluster, Worker, wait, worker_client
from pydantic import TypeAdapter

from autograder.evidence import recorder as module
from autograder.evidence.recorder import Recorder, install
from autograder.model import LayerUsage, Recording
from autograder.replay.makespan import replay

GO = 1_000.0


# ------------------------------------------------------------------------------ made by hand


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> SimpleNamespace:
    """A clock that stands until it is set."""
    clock = SimpleNamespace(now=GO)
    monkeypatch.setattr(module, "time", lambda: clock.now)
    return clock


@pytest.fixture
def recorder(clock: SimpleNamespace) -> Recorder:
    async def nothing(**kwargs: object) -> None: ...

    made = Recorder()
    made.attach(
        SimpleNamespace(
            handlers={"gather": nothing, "scatter": nothing},
            stream_handlers={"update-graph": nothing, "long-running": nothing},
            tasks={},
            workers={"tcp://one": None},
            cumulative_worker_metrics={},
        )
    )
    return made


def step(start: float, stop: float, action: str = "compute") -> dict[str, Any]:
    return {"action": action, "start": GO + start, "stop": GO + stop}


def finish(recorder: Recorder, key: Any, *steps: dict[str, Any], to: str = "memory") -> None:
    recorder.transition(
        key, "processing", to, startstops=list(steps), worker="tcp://one", nbytes=28
    )


def run(recorder: Recorder, key: Any, *steps: dict[str, Any], to: str = "memory") -> None:
    recorder.transition(key, "released", "waiting", stimulus_id="graph-1")
    recorder.transition(key, "waiting", "processing")
    finish(recorder, key, *steps, to=to)


def recording(recorder: Recorder, since: float = 0.0, until: float = 100.0) -> Recording:
    return recorder.recording(GO + since, GO + until)


def test_execution_is_recorded_with_all_that_the_scheduler_knows(recorder, clock):
    needed = SimpleNamespace(key=("load-1", 0))
    recorder.scheduler.tasks["sum-2"] = SimpleNamespace(dependencies=[needed], priority=(0, 1, 7))
    run(recorder, "sum-2", step(1, 1.5, "transfer"), step(1.5, 3), step(3, 3.25))
    (task,) = recording(recorder).tasks
    assert (task.key, task.layer, task.worker) == ("sum-2", "sum", "tcp://one")
    assert (task.submitted, task.start, task.stop) == (GO, GO + 1.5, GO + 3.25)
    assert (task.compute_seconds, task.transfer_seconds, task.transfers) == (1.75, 0.5, 1)
    assert (task.nbytes, task.dependencies, task.priority) == (28, ("('load-1', 0)",), (0, 1, 7))
    assert (task.erred, task.run, task.disk_seconds) == (False, 1, 0.0)


def test_reading_back_from_disk_keeps_a_worker_but_is_no_computing(recorder):
    run(recorder, "fit", step(1, 1.25, "disk-read"), step(1.5, 3))
    (task,) = recording(recorder).tasks
    assert (task.start, task.disk_seconds, task.compute_seconds) == (GO + 1.5, 0.25, 1.5)
    assert task.busy_seconds == 1.75


def test_tasks_of_a_graph_are_submitted_at_one_time_and_a_later_one_at_its_own(recorder, clock):
    recorder.update_graph(None, keys=["a"], tasks=["a", "b"], stimulus_id="graph-1")
    clock.now = GO + 0.5
    run(recorder, "a", step(1, 2))
    recorder.transition("b", "released", "waiting", stimulus_id="lost-worker")
    finish(recorder, "b", step(2, 3))
    assert [t.submitted for t in recording(recorder).tasks] == [GO, GO + 0.5]


def test_key_that_runs_again_is_counted_and_submitted_again(recorder, clock):
    for turn in range(3):
        clock.now = GO + turn
        run(recorder, "a", step(turn, turn + 0.5))
        recorder.transition("a", "memory", "released")
        recorder.transition("a", "released", "forgotten")
    tasks = recording(recorder).tasks
    assert [(t.run, t.submitted) for t in tasks] == [(1, GO), (2, GO + 1), (3, GO + 2)]
    assert not recording(recorder).missing


def test_erred_task_is_recorded_and_those_that_waited_for_it_are_counted(recorder):
    recorder.transition("b", "released", "waiting")
    run(recorder, "a", step(0, 1), to="erred")
    # As the scheduler does it: by way of released.
    recorder.transition("b", "waiting", "released")
    recorder.transition("b", "released", "erred")
    seen = recording(recorder)
    assert [t.erred for t in seen.tasks] == [True]
    assert seen.missing == {module.SPARED: 1} and seen.unrecorded == 0


@pytest.mark.parametrize(
    ("start", "kind"),
    [
        ("waiting", module.CANCELLED),
        ("queued", module.CANCELLED),
        ("no-worker", module.CANCELLED),
        ("processing", module.INTERRUPTED),
    ],
)
def test_task_that_is_given_up_is_counted(recorder, start, kind):
    recorder.transition("a", "released", "waiting")
    recorder.transition("a", start, "released")
    assert recording(recorder).missing == {kind: 1}


def test_task_that_still_runs_is_counted_and_no_longer_when_it_is_done(recorder):
    recorder.transition("a", "released", "waiting")
    recorder.transition("a", "waiting", "processing")
    assert recording(recorder).missing == {module.UNFINISHED: 1}
    finish(recorder, "a", step(0, 1))
    assert recording(recorder).missing == {}


def test_execution_without_times_is_counted_as_unrecorded(recorder):
    run(recorder, "a")
    run(recorder, "b", step(0, 1, "transfer"))
    seen = recording(recorder)
    assert (seen.tasks, seen.unrecorded) == ((), 2)
    assert seen.missing == {module.TIMELESS: 2}


@pytest.mark.parametrize("odd", [{"action": "compute", "start": GO}, {"action": "compute"}, 7])
def test_what_cannot_be_read_is_counted_and_never_raised(recorder, odd):
    run(recorder, "odd", odd)
    run(recorder, "even", step(0, 1))
    seen = recording(recorder)
    assert [t.key for t in seen.tasks] == ["even"]
    assert (seen.unrecorded, seen.missing) == (1, {module.UNREADABLE: 1})


def test_executions_beyond_the_limit_are_counted(recorder, monkeypatch):
    monkeypatch.setattr(module, "_MAX_TASKS", 2)
    for key in "abc":
        run(recorder, key, step(0, 1))
    seen = recording(recorder)
    assert (len(seen.tasks), seen.unrecorded) == (2, 1)
    assert seen.missing == {module.TOO_MANY: 1}


def test_restart_and_lost_worker_are_counted_in_the_run_where_they_happened(recorder, clock):
    recorder.restart(None)
    recorder.remove_worker(None, "tcp://one", stimulus_id="gone")
    assert recording(recorder).missing == {module.LOST_WORKERS: 1, module.RESTARTS: 1}
    assert recording(recorder, since=1.0).missing == {}


def test_only_what_happened_between_since_and_until_is_told(recorder):
    for start in (0, 10, 20):
        run(recorder, f"t-{start}", step(start, start + 5))
    assert [t.key for t in recording(recorder, 7, 18).tasks] == ["t-10"]
    # What had begun before is no part of it, even where it ended later.
    assert [t.key for t in recording(recorder, 3, 12).tasks] == ["t-10"]


def test_a_recording_is_cut_to_what_is_read_and_what_is_left_out_is_counted(recorder):
    for number in range(100):
        run(recorder, f"t-{number}", step(number, number + 0.5))
    whole = recording(recorder)
    assert len(json.loads(module._line(whole, 1 << 20))["tasks"]) == 100
    line = module._line(whole, 10_000)
    assert len(line) <= 10_000
    cut = json.loads(line)
    assert 0 < len(cut["tasks"]) < 100
    assert cut["unrecorded"] == cut["missing"][module.TOO_MANY] == 100 - len(cut["tasks"])


def test_handler_that_is_not_there_is_said_in_every_recording():
    made = Recorder()
    made.attach(SimpleNamespace(handlers={}, stream_handlers={}, tasks={}, workers={}))
    seen = made.recording(time.time() + 10, time.time() + 20)
    assert (seen.unrecorded, seen.missing) == (4, {module.UNTAPPED: 4})


def test_handler_answers_though_the_recorder_cannot_read_the_message(recorder):
    async def gather(**kwargs: object) -> str:
        return "data"

    handlers = {"gather": gather}
    recorder._tap(handlers, "gather", recorder._on_gather)
    assert asyncio.run(handlers["gather"](odd=True)) == "data"
    assert recording(recorder).missing == {module.UNREADABLE: 1}


def test_cpu_of_a_layer_is_what_was_told_since_the_first_graph(recorder, clock):
    def tell(cpu: float, other: float) -> None:
        told = recorder.scheduler.cumulative_worker_metrics
        told["execute", "span", "sum", "thread-cpu", "seconds"] = cpu
        told["execute", "span", "sum", "thread-noncpu", "seconds"] = other
        told["execute", "span", "sum", "disk-read", "bytes"] = 1e9
        told["latency"] = 0.1

    tell(1.0, 0.5)
    recorder.update_graph(None, keys=["a"], tasks=["a"], stimulus_id="graph-1")
    assert recording(recorder).layers == ()
    clock.now = GO + 1
    tell(3.0, 1.0)
    # A second graph of the same run is no new beginning.
    recorder.update_graph(None, keys=["b"], tasks=["b"], stimulus_id="graph-2")
    assert recording(recorder).layers == (LayerUsage("sum", 2.0, 2.5),)


def test_recording_goes_out_of_the_box_as_json_and_comes_back_the_same(recorder, clock):
    recorder.scheduler.tasks["a"] = SimpleNamespace(dependencies=[], priority=(0, 1, 7))
    recorder.scheduler.cumulative_worker_metrics = {
        ("execute", "span", "a", "thread-cpu", "seconds"): 0.5
    }
    recorder.update_graph(None, keys=["a"], tasks=["a"], stimulus_id="graph-1")
    recorder.scheduler.cumulative_worker_metrics = {
        ("execute", "span", "a", "thread-cpu", "seconds"): 1.5
    }
    run(recorder, "a", step(0, 1))
    recorder.restart(None)
    seen = recording(recorder)
    assert seen.tasks and seen.layers and seen.missing and seen.graphs
    assert TypeAdapter(Recording).validate_json(json.dumps(asdict(seen))) == seen


# ------------------------------------------------------------------------------ in a real cluster


def load(number: int) -> int:
    time.sleep(0.01)
    return number


def nap(number: int) -> int:
    time.sleep(0.25)
    return number


def outer(numbers: int) -> int:
    with worker_client() as client:
        return sum(client.gather(client.map(nap, range(numbers), pure=False)))


def careful(number: int) -> int:
    with worker_client() as client:
        client.submit(load, number, pure=False).result()
    return nap(number)


def fail(number: int) -> int:
    raise ValueError(number)


@pytest.fixture(scope="module")
def cluster() -> Iterator[tuple[Client, Recorder]]:
    with (
        # As in the box: on one machine there is one clock.
        dask.config.set({"distributed.worker.preload": ["autograder.evidence.one_clock"]}),
        LocalCluster(
            n_workers=2, threads_per_worker=1, processes=False, dashboard_address=None
        ) as cluster,
        Client(cluster) as client,
    ):
        yield client, install(cluster.scheduler)
    del Worker.scheduler_delay


def record(
    cluster: tuple[Client, Recorder],
    work: Callable[[Client], None],
    enough: Callable[[Recording], bool],
) -> tuple[Recording, float, float]:
    """Do something and record it; the scheduler hears of it a little after the client."""
    client, recorder = cluster
    go = time.time()
    work(client)
    done = time.time()
    until = time.monotonic() + 30
    while not enough(seen := recorder.recording(go, done)) and time.monotonic() < until:
        time.sleep(0.02)
    return seen, go, done


@pytest.mark.slow
def test_real_graph_is_recorded_whole_and_replays(cluster):
    parts = [delayed(load)(i) for i in range(12)]
    total = delayed(sum)(parts)

    seen, go, done = record(
        cluster,
        lambda client: client.compute(total, optimize_graph=False).result(),
        lambda seen: len(seen.tasks) >= 13 and bool(seen.layers),
    )
    (graph,) = seen.graphs
    by_key = {t.key: t for t in seen.tasks}
    assert {t.submitted for t in seen.tasks} == {graph.submitted}
    assert len({t.priority for t in seen.tasks}) == len(seen.tasks) == graph.tasks
    last = by_key[total.key]
    assert set(last.dependencies) == {part.key for part in parts}
    assert all(by_key[part.key].stop <= last.start for part in parts)
    assert {t.worker for t in seen.tasks} == set(seen.workers) and seen.missing == {}
    assert seen.gathered_bytes > 0 and graph.nbytes > 0 and graph.wanted == 1
    assert seen.balance is not None
    assert {"load", "sum"} >= {usage.layer for usage in seen.layers}
    assert all(0 <= usage.cpu_seconds <= usage.wall_seconds for usage in seen.layers)
    assert replay(seen, go, done, 1) >= 12 * 0.01


@pytest.mark.slow
def test_real_failure_and_what_waited_for_it_are_told(cluster):
    def work(client: Client) -> None:
        wait(client.compute(delayed(load)(delayed(load)(delayed(fail)(1))), optimize_graph=False))

    seen, _, _ = record(cluster, work, lambda seen: bool(seen.missing) and bool(seen.tasks))
    assert [(t.layer, t.erred) for t in seen.tasks] == [("fail", True)]
    assert seen.missing == {module.SPARED: 2}


@pytest.mark.slow
def test_real_key_that_is_forgotten_and_computed_again_has_a_second_run(cluster):
    _, recorder = cluster
    collection = delayed(load)(99)

    def work(client: Client) -> None:
        for _ in range(2):
            client.compute(collection).result()
            until = time.monotonic() + 30
            while recorder.scheduler.tasks.get(collection.key) and time.monotonic() < until:
                time.sleep(0.01)

    seen, _, _ = record(cluster, work, lambda seen: len(seen.tasks) >= 2)
    assert [t.run for t in seen.tasks] == [1, 2]


@pytest.mark.slow
def test_real_task_that_waits_for_its_own_does_not_keep_its_worker(cluster):
    seen, go, done = record(
        cluster,
        lambda client: client.submit(outer, 8, pure=False).result(),
        lambda seen: len(seen.tasks) >= 9,
    )
    (whole,) = [t for t in seen.tasks if t.layer == "outer"]
    naps = [t for t in seen.tasks if t.layer == "nap"]
    assert len(naps) == 8 and not any(t.away_seconds for t in naps)
    # It was there all the time; on its worker, others ran meanwhile.
    meanwhile = sum(t.compute_seconds for t in naps if t.worker == whole.worker)
    assert whole.away_seconds >= meanwhile >= 0.25
    assert whole.away_seconds == pytest.approx(whole.stop - whole.start - whole.compute_seconds)
    # Sitting on its worker it would leave one of the two for all the naps.
    assert replay(seen, go, done, 1) >= 8 * 0.25
    assert replay(seen, go, done, 1) > 1.3 * replay(seen, go, done, 2)


@pytest.mark.slow
def test_real_task_that_goes_on_when_its_own_are_back_has_computed_since(cluster):
    def work(client: Client) -> None:
        client.gather(client.map(careful, range(4), pure=False))

    seen, go, done = record(cluster, work, lambda seen: len(seen.tasks) >= 8)
    whole = [t for t in seen.tasks if t.layer == "careful"]
    assert len(whole) == 4 and all(t.compute_seconds >= 0.2 for t in whole)
    assert replay(seen, go, done, 1) >= 4 * 0.2
    assert replay(seen, go, done, 1) > 1.2 * replay(seen, go, done, 2)
