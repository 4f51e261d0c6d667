"""Replay: hand-made recordings with answers that can be worked out on paper."""

import heapq
import math
from collections.abc import Iterable, Sequence
from dataclasses import replace
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from recordings import GO, flat, run, task

from autograder.errors import HarnessError, InconsistentRecording, KitError
from autograder.model import Recording, TaskRecord
from autograder.replay import laws
from autograder.replay import makespan as replaying
from autograder.replay.makespan import CURVE, replay, study
from autograder.replay.plan import make_plan
from autograder.replay.scheduler import FREE, Costs, Placement, simulate

# A busy machine is no reason to fail.
unhurried = settings(deadline=None)


def listed(recording: Recording, done: float, workers: int, costs: Costs = FREE) -> float:
    """Replay by greedy list scheduling, on a cluster that costs nothing unless said."""
    return simulate(make_plan(recording, GO, done), workers, costs, Placement.GREEDY)


def makespan(tasks: Iterable[TaskRecord], workers: int, done: float | None = None) -> float:
    """Replay by list scheduling at no cost; done at the last stop unless said."""
    tasks = tuple(tasks)
    return listed(
        Recording(tasks), max(t.stop for t in tasks) if done is None else GO + done, workers
    )


def span(recording: Recording, done: float) -> float:
    return laws.span(make_plan(recording, GO, done))


def work(recording: Recording) -> float:
    return laws.work(make_plan(recording, GO, max_stop(recording)))


def max_stop(recording: Recording) -> float:
    return max(t.stop for t in recording.tasks)


def speedup(tasks: Sequence[TaskRecord], workers: int, done: float | None = None) -> float:
    return makespan(tasks, 1, done) / makespan(tasks, workers, done)


def chain(n: int, *, skew: float = 0.0) -> list[TaskRecord]:
    """Make a chain in one graph; every other worker's clock is ``skew`` seconds behind."""
    return [
        task(f"t{i}", i - skew * (i % 2) + skew, 1.0, *([f"t{i - 1}"] if i else []))
        for i in range(n)
    ]


def greedy(durations: Iterable[float], workers: int) -> float:
    """List scheduling of independent tasks, for comparison."""
    free = [0.0] * workers
    for seconds in durations:
        heapq.heapreplace(free, free[0] + seconds)
    return max(free)


# ------------------------------------------------------------------------------- shapes of graphs


def test_chain_gains_nothing():
    assert speedup(chain(10), 8) == 1.0
    assert makespan(chain(10), 8) == 10.0


@pytest.mark.parametrize("workers", [1, 2, 3, 4, 6, 12])
def test_independent_tasks_gain_as_many_times_as_there_are_workers(workers):
    assert speedup(flat(12), workers) == workers


def test_tasks_that_do_not_divide_leave_workers_idle():
    assert makespan(flat(10), 4) == 3.0


def test_one_giant_task_gains_nothing():
    tasks = [task("giant", 0, 100.0)]
    assert speedup(tasks, 64) == 1.0


def test_tree_is_bounded_by_its_height():
    leaves = [task(f"a{i}", i, 1.0) for i in range(8)]
    pairs = [task(f"b{i}", 8 + i, 1.0, f"a{2 * i}", f"a{2 * i + 1}") for i in range(4)]
    fours = [task(f"c{i}", 12 + i, 1.0, f"b{2 * i}", f"b{2 * i + 1}") for i in range(2)]
    root = [task("d", 14, 1.0, "c0", "c1")]
    tree = [*leaves, *pairs, *fours, *root]
    assert [makespan(tree, p) for p in (1, 2, 4, 8)] == [15.0, 8.0, 5.0, 4.0]
    assert span(Recording(tuple(tree)), GO + 15) == 4.0
    assert work(Recording(tuple(tree))) == 15.0


def test_long_task_that_starts_late_decides_the_makespan():
    tasks = [task("s0", 0, 1.0), task("s1", 0, 1.0, worker="w1"), task("long", 1, 4.0)]
    assert makespan(tasks, 2) == 5.0
    assert makespan(tasks, 3) == 4.0


def test_ready_tasks_run_in_order_of_submission():
    # "early" is recorded last. If it did not go first, "next" would have to wait for "late".
    tasks = [
        task("late", 0, 5.0, submitted=0.1),
        task("next", 7, 5.0, "early"),
        task("early", 5, 2.0),
    ]
    assert makespan(tasks, 2) == pytest.approx(7.0)


def test_every_one_of_many_tasks_is_simulated():
    n = 20_000
    tasks = [
        task(f"t{i}", i / 1024, 1 / 1024, *([f"t{i - 64}", f"t{i - 32}"] if i >= 64 else []))
        for i in range(n)
    ]
    assert makespan(tasks, 1) == n / 1024
    assert makespan(tasks, 64) >= n / 1024 / 64


def test_erred_tasks_count():
    tasks = [replace(t, erred=True) for t in flat(4)]
    assert makespan(tasks, 1) == 4.0


# ------------------------------------------------------------------------------------- the client


def test_submitting_and_waiting_in_a_loop_gains_nothing():
    tasks = [task(f"t{i}", 1.5 * i, 1.0, submitted=1.5 * i) for i in range(10)]
    assert speedup(tasks, 4) == 1.0
    assert makespan(tasks, 4) == pytest.approx(14.5)


def test_submitting_all_before_waiting_gains():
    tasks = [task(f"t{i}", i, 1.0, submitted=0.01 * i) for i in range(10)]
    assert makespan(tasks, 10) == pytest.approx(1.09)


@pytest.mark.parametrize("workers", [1, 2, 4, 64])
def test_run_without_tasks_takes_what_it_took(workers):
    assert replay(Recording(), GO, GO + 3.7, workers) == GO + 3.7 - GO


def test_thinking_before_the_first_task_and_after_the_last_is_never_shortened():
    tasks = [replace(t, submitted=t.submitted + 5) for t in flat(4)]
    tasks = [replace(t, start=t.start + 5, stop=t.stop + 5) for t in tasks]
    assert makespan(tasks, 1, done=17) == 5 + 4 + 10
    assert makespan(tasks, 4, done=17) == 5 + 1 + 10


def test_work_in_the_client_between_short_tasks_earns_almost_nothing():
    tasks = []
    for i in range(10):
        tasks += [task(f"a{i}", i, 0.01, submitted=i), task(f"b{i}", i, 0.01, submitted=i)]
    assert 1.0 < speedup(tasks, 2, done=10) < 1.02


@unhurried
@given(
    st.lists(st.lists(st.integers(1, 64), min_size=1, max_size=9), min_size=1, max_size=5),
    st.lists(st.integers(1, 64), min_size=6, max_size=6),
    st.integers(1, 9),
)
def test_rounds_wait_for_one_another_and_for_the_client(rounds, thinking, workers):
    # Eighths are exact in binary, so that equality is asked for and not nearness.
    tasks: list[TaskRecord] = []
    now = expected = 0.0
    for r, durations in enumerate(rounds):
        now += thinking[r] / 8
        free, this = [now, now], []
        for i, eighths in enumerate(durations):
            w = free.index(min(free))
            this.append(task(f"{r}-{i}", free[w], eighths / 8, submitted=now, worker=f"w{w}"))
            free[w] += eighths / 8
        now = max(free)
        tasks += this
        # Within a round the recorded order of starting stands for Dask's priorities.
        order = sorted(this, key=lambda t: (t.start, t.stop))
        expected += thinking[r] / 8 + greedy([t.compute_seconds for t in order], workers)
    assert makespan(tasks, workers, now + thinking[5] / 8) == expected + thinking[5] / 8


def test_tasks_fed_one_at_a_time_keep_as_many_in_flight_as_recorded():
    # Two workers; each task is handed out 1/16 s after another has finished, as joblib does.
    tasks, free = [], [(0.0, 0), (0.0, 1)]
    for i in range(20):
        now, w = heapq.heappop(free)
        submitted = now + 1 / 16 if i > 1 else 0.0
        seconds = 1.0 if i % 2 else 1.25
        tasks.append(task(f"t{i}", submitted, seconds, submitted=submitted, worker=f"w{w}"))
        heapq.heappush(free, (submitted + seconds, w))
    recorded = max(t.stop for t in tasks) - GO
    assert makespan(tasks, 2) == pytest.approx(recorded, rel=0.05)
    assert makespan(tasks, 64) == makespan(tasks, 2)
    assert 1.8 < speedup(tasks, 2) <= 2.0


# ---------------------------------------------------------------------------- keys, time and place


def test_repeated_key_is_resolved_to_its_latest_earlier_execution():
    tasks = [
        task("a", 0, 1.0),
        task("b", 1, 1.0, "a"),
        task("a", 2.5, 3.0, submitted=2.5),
        task("b", 5.5, 1.0, "a", submitted=2.5),
    ]
    assert makespan(tasks, 4) == 6.5


def test_data_from_before_go_is_not_waited_for():
    tasks = [task("b", 0, 1.0, "a", "unknown"), task("a", 2, 1.0)]
    assert makespan(tasks, 2) == 1.0


@pytest.mark.parametrize("skew", [0.0, 0.004, -0.004])
def test_clocks_that_disagree_do_not_cut_a_chain(skew):
    assert speedup(chain(6, skew=skew), 4) == 1.0


def test_tiny_dependency_that_seems_to_begin_late_is_still_waited_for():
    tasks = [
        task("load", 0, 1.0),
        task("slice", 1.004, 0.0, "load"),
        task("fit", 1.0, 1.0, "slice"),
    ]
    assert makespan(tasks, 2) == 2.0


def test_key_listed_twice_as_a_dependency_is_one_dependency():
    tasks = [task("a", 0, 1.0), task("b", 1, 1.0, "a", "a")]
    assert makespan(tasks, 2) == 2.0


MEGABYTE_A_SECOND = replace(FREE, bandwidth=1e6)


def test_task_goes_where_most_of_its_data_is():
    tasks = (
        task("small", 0, 1.0, nbytes=1_000_000),
        task("large", 0, 1.0, nbytes=8_000_000, worker="w1"),
        task("sum", 1, 1.0, "small", "large", worker="w1"),
    )
    assert listed(Recording(tasks), GO + 2, 2, MEGABYTE_A_SECOND) == 3.0
    assert listed(Recording(tasks), GO + 2, 1, MEGABYTE_A_SECOND) == 3.0
    slow = replace(MEGABYTE_A_SECOND, latency_seconds=0.5)
    assert listed(Recording(tasks), GO + 2, 2, slow) == 3.5


def test_copy_of_data_is_kept_where_it_was_sent():
    model = task("model", 0, 1.0, nbytes=2_000_000)
    parts = [task(f"p{i}", 1 + i // 2, 1.0, "model") for i in range(6)]
    # Worker 0 has the model and begins at once; worker 1 fetches it once, 2 s.
    assert listed(Recording((model, *parts)), GO + 4, 2, MEGABYTE_A_SECOND) == 5.0


def test_bandwidth_is_the_recorded_one_where_there_are_transfers():
    def fork(transfer: float, nbytes: int) -> Recording:
        return Recording(
            (
                task("a", 0, 1.0, nbytes=nbytes),
                task("b", 0, 1.0, nbytes=nbytes, worker="w1"),
                task("c", 1, 1.0, "a", "b", worker="w1", transfer=transfer),
            )
        )

    assert listed(fork(4.0, 2_000_000), GO + 2, 2, MEGABYTE_A_SECOND) == 6.0
    assert listed(fork(0.0, 2_000_000), GO + 2, 2, MEGABYTE_A_SECOND) == 4.0
    # A kilobyte in four seconds says nothing of how long two megabytes would take.
    assert listed(fork(4.0, 1_000), GO + 2, 2, MEGABYTE_A_SECOND) == 2.001


def test_many_tiny_tasks_are_bounded_by_the_scheduler():
    tasks = Recording(tuple(flat(1000, 1 / 1024)))
    costs = replace(FREE, scheduler_seconds=1 / 64)
    assert listed(tasks, GO + 1, 64, costs) >= 1000 / 64
    assert listed(tasks, GO + 1, 64, FREE) == 16 / 1024 + (GO + 1 - max_stop(tasks))


def test_overheads_and_messages_are_paid_per_task():
    tasks = Recording(tuple(chain(4)))
    costs = replace(FREE, task_seconds=0.25, message_seconds=0.5)
    # Submission is one message, each dependency two.
    assert listed(tasks, GO + 4, 3, costs) == 4 * 1.25 + 0.5 + 3 * 1.0


def test_reading_back_from_disk_keeps_the_worker_that_does_it():
    tasks = [replace(t, disk_seconds=0.5) for t in flat(4)]
    assert [makespan(tasks, p) for p in (1, 2)] == [6.0, 3.0]
    assert work(Recording(tuple(tasks))) == 6.0


# ------------------------------------------------------------------------------------- properties


@st.composite
def graphs(draw):
    """Draw a graph of one submission, recorded on more workers than tasks."""
    tasks: list[TaskRecord] = []
    for i in range(draw(st.integers(1, 25))):
        before = draw(st.sets(st.integers(0, i - 1), max_size=3)) if i else set()
        start = max((tasks[j].stop - GO for j in before), default=0.0)
        seconds = draw(st.integers(0, 40)) / 8
        tasks.append(task(f"t{i}", start, seconds, *(f"t{j}" for j in sorted(before))))
    return tasks


def longest_path(tasks: Iterable[TaskRecord]) -> float:
    finish: dict[str, float] = {}
    for t in tasks:
        finish[t.key] = t.compute_seconds + max((finish[d] for d in t.dependencies), default=0.0)
    return max(finish.values())


@unhurried
@given(graphs(), st.integers(1, 12))
def test_makespan_keeps_grahams_bounds(tasks, workers):
    total, path = sum(t.compute_seconds for t in tasks), longest_path(tasks)
    recording, end = Recording(tuple(tasks)), max(t.stop for t in tasks)
    assert work(recording) == total
    assert span(recording, end) == path
    assert max(total / workers, path) - 1e-9 <= makespan(tasks, workers)
    assert makespan(tasks, workers) <= (total - path) / workers + path + 1e-9


@unhurried
@given(graphs(), st.integers(1, 12))
def test_costs_never_shorten_one_worker_nor_the_span(tasks, workers):
    recording, end = Recording(tuple(tasks)), max(t.stop for t in tasks)
    assert replay(recording, GO, end, 1) >= makespan(tasks, 1)
    assert replay(recording, GO, end, workers) >= span(recording, end)


@unhurried
@given(graphs(), st.integers(1, 12), st.randoms(use_true_random=False))
def test_order_of_records_does_not_matter(tasks, workers, random: Random):
    repeated = [*tasks, replace(tasks[-1], worker="w9")]
    shuffled = random.sample(repeated, len(repeated))
    end = max(t.stop for t in tasks) + 1
    first = replay(Recording(tuple(repeated)), GO, end, workers)
    assert replay(Recording(tuple(shuffled)), GO, end, workers) == first


@unhurried
@given(graphs(), st.lists(st.floats(-0.02, 0.02), min_size=25, max_size=25))
def test_clocks_that_disagree_never_make_a_circle(tasks, skews):
    shifted = [
        replace(t, start=t.start + s, stop=t.stop + s) for t, s in zip(tasks, skews, strict=False)
    ]
    assert makespan(shifted, 1) >= sum(t.compute_seconds for t in tasks) - 1e-6
    assert makespan(shifted, 4) >= longest_path(tasks) - 1e-6


# ---------------------------------------------------------------------------- what is no recording


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf, -1.0, 1e300])
@pytest.mark.parametrize(
    "name", ["submitted", "start", "stop", "compute_seconds", "transfer_seconds", "nbytes"]
)
def test_impossible_numbers_are_refused_by_name(name, value):
    broken = replace(task("liar", 0, 1.0), **{name: value})
    with pytest.raises(InconsistentRecording, match="liar"):
        makespan([*flat(2), broken], 2, done=2)


def test_numbers_too_large_for_a_float_are_refused():
    with pytest.raises(InconsistentRecording, match="nbytes"):
        makespan([task("liar", 0, 1.0, nbytes=10**400)], 2)


def test_task_that_ends_before_it_began_is_refused():
    with pytest.raises(InconsistentRecording, match="stop - start"):
        makespan([replace(task("liar", 5, 1.0), stop=GO + 4)], 2)


@pytest.mark.parametrize(
    "circle",
    [
        [task("a", 0, 1.0, "b"), task("b", 0, 1.0, "a")],
        [task("a", 0, 1.0, "a")],
    ],
)
def test_tasks_that_wait_for_one_another_are_refused(circle):
    with pytest.raises(InconsistentRecording, match="circle"):
        makespan([*flat(2), *circle], 2)


def test_keys_that_swap_roles_in_time_are_no_circle():
    tasks = [
        task("a", 0, 1.0),
        task("b", 1, 1.0, "a"),
        task("b", 3, 1.0, submitted=3),
        task("a", 4, 1.0, "b", submitted=3),
    ]
    assert makespan(tasks, 2) == 5.0


def test_tasks_of_no_duration_are_fine():
    assert makespan([task("a", 0, 0.0), task("b", 0, 0.0, "a")], 2) == 0.0


def test_inconsistent_recording_is_neither_ours_nor_the_students_error():
    assert issubclass(InconsistentRecording, KitError)
    assert not issubclass(InconsistentRecording, HarnessError)


@pytest.mark.parametrize("done", [GO - 1, math.nan, math.inf])
def test_run_that_ends_before_it_began_is_our_fault(done):
    with pytest.raises(HarnessError, match="began at"):
        replay(Recording(), GO, done, 2)


def test_cluster_needs_a_worker():
    with pytest.raises(ValueError, match="at least 1 worker"):
        makespan(flat(2), 0)


# -------------------------------------------------------------------------------------- the study


def test_study_holds_the_curve_and_the_clusters_own_size():
    result = study(run(flat(12), 6.5), 3, 4.0)
    assert set(result.makespans) == {*CURVE, 3}
    assert result.speedup == result.makespans[1] / result.makespans[3]
    assert result.speedup == pytest.approx(12.5 / 4.5, rel=0.01)
    assert (result.work, result.span) == (12.0, 1.0 + 0.5)
    assert (result.workers, result.measured_seconds, result.serial_seconds) == (3, 6.5, 4.0)


def test_study_adds_up_clients_and_lists_workers_by_number():
    result = study(run(flat(2), 1.0), 2, None)
    assert result.client_cpu == 0.75
    assert result.worker_cpu == (0.2, 0.3)
    assert result.serial_seconds is None


@pytest.mark.parametrize("seconds", [0.0, 2.5])
def test_study_of_a_run_without_tasks_has_a_speedup_of_one(seconds):
    result = study(run([], seconds), 2, None)
    assert result.speedup == 1.0
    assert set(result.makespans.values()) == {seconds}
    assert (result.work, result.span) == (0.0, seconds)


def test_study_agrees_with_replay():
    case = run(flat(5), 4.0)
    result = study(case, 2, None)
    assert result.makespans[8] == replay(case.recording, case.go, case.done, 8)


def test_study_of_a_huge_recording_holds_fewer_points_and_the_clusters_own(monkeypatch):
    monkeypatch.setattr(replaying, "LONG", 3)
    assert set(study(run(flat(4), 2.0), 3, None).makespans) == {1, 3, 4, 16, 64, 256, 1024}
    assert set(study(run(flat(3), 2.0), 3, None).makespans) == {*CURVE, 3}


def test_what_the_clock_saw_done_on_two_workers_can_be_done_on_two():
    """Dask spread these itself, whatever the rules of placement make of the data's place."""
    root = task("root", 0.0, 0.01, nbytes=10**9)
    spread = [task(f"t{i}", 0.02 + i // 2, 1.0, "root", worker=f"w{i % 2}") for i in range(12)]
    result = study(run([root, *spread], 6.05), 2, None)
    assert result.speedup == pytest.approx(12.0 / 6.0, rel=0.02)
    assert result.speedup >= result.makespans[1] / result.makespans[2]


def test_a_cluster_that_was_quicker_than_the_model_earns_a_chain_nothing():
    links = [
        task(f"t{i}", 0.002 * i, 0.002, *([f"t{i - 1}"] if i else []), worker=f"w{i % 2}")
        for i in range(200)
    ]
    result = study(run(links, 0.405), 2, None)
    assert result.makespans[2] > 0.405  # by the model's messages
    assert result.speedup == pytest.approx(1.0, abs=0.02)


def test_a_client_that_waits_for_each_task_earns_nothing_however_quick_it_was():
    one_by_one = [
        task(f"t{i}", 0.003 * i + 0.001, 0.002, submitted=0.003 * i + 0.0005, worker=f"w{i % 2}")
        for i in range(200)
    ]
    result = study(run(one_by_one, 0.605), 2, None)
    assert result.speedup == pytest.approx(1.0, abs=0.05)


def test_task_that_waits_for_tasks_of_its_own_leaves_its_worker_to_them() -> None:
    inner = [
        replace(task(f"i{i}", 0.1 + i // 2, 1.0, submitted=0.1), worker=f"w{i % 2}")
        for i in range(6)
    ]
    outer = replace(task("outer", 0.0, 3.1), compute_seconds=0.1, away_seconds=3.0)
    after = task("after", 3.1, 0.5, "outer")
    whole = Recording(tasks=(outer, *inner, after), workers=("w0", "w1"))
    # What comes after the task comes after its own, too.
    assert replay(whole, GO, GO + 3.6, 1) == pytest.approx(6.7, abs=0.2)
    assert replay(whole, GO, GO + 3.6, 2) == pytest.approx(3.7, abs=0.2)
    # One that sat on its worker and computed would let nobody else work there.
    sat = replace(outer, compute_seconds=3.1, away_seconds=0.0)
    assert replay(replace(whole, tasks=(sat, *inner, after)), GO, GO + 3.6, 1) > 9.0
