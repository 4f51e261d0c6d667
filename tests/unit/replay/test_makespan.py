"""Makespans of recordings made by hand, with answers that can be worked out on paper."""

import math
from dataclasses import replace

import pytest
from recordings import GO, flat, run, task
from replays import MEGABYTE_A_SECOND, chain, listed, makespan, max_stop, speedup

from autograder.errors import HarnessError, OversizeRecording
from autograder.model import Recording
from autograder.replay import makespan as replaying
from autograder.replay.makespan import CURVE, replay, study
from autograder.replay.scheduler import FREE, Budget


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


def waiting(n: int) -> list:
    """Tasks that wait for one worker, which holds their data, and each releases another."""
    first = [task(f"root-{i}", 0, 1.0, nbytes=10**12) for i in range(6)]
    keys = [each.key for each in first]
    return [
        *first,
        *(task(f"star-{i}", i + 1, 1.0, *keys, nbytes=10**12) for i in range(n)),
        *(task(f"leaf-{i}", n + i + 2, 1.0, f"star-{i}") for i in range(n)),
    ]


def test_what_takes_too_many_steps_is_not_replayed_and_as_many_other_tasks_are(monkeypatch):
    monkeypatch.setattr(replaying, "Budget", lambda: Budget(2_000_000))
    tasks = [task(f"t{i}", i / 1024, 1 / 1024) for i in range(2_000)]
    assert study(run(tasks, 2.0), 2, None).speedup > 1.0
    assert study(run(waiting(50), 200.0), 2, None).speedup >= 1.0
    with pytest.raises(OversizeRecording, match="fewer and larger tasks"):
        study(run(waiting(1_000), 3_000.0), 2, None)


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


@pytest.mark.parametrize("workers", [1, 2, 4, 64])
def test_run_without_tasks_takes_what_it_took(workers):
    assert replay(Recording(), GO, GO + 3.7, workers) == GO + 3.7 - GO


@pytest.mark.parametrize(("small", "large"), [("a", "b"), ("b", "a")])
def test_task_goes_where_most_of_its_data_is(small, large):
    # Which of the two workers that is follows from the order of the names.
    tasks = (
        task(small, 0, 1.0, nbytes=1_000_000),
        task(large, 0, 1.0, nbytes=8_000_000, worker="w1"),
        task("sum", 1, 1.0, small, large, worker="w1"),
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


@pytest.mark.parametrize("done", [GO - 1, math.nan, math.inf])
def test_run_that_ends_before_it_began_is_our_fault(done):
    with pytest.raises(HarnessError, match="began at"):
        replay(Recording(), GO, done, 2)


def test_cluster_needs_a_worker():
    with pytest.raises(ValueError, match="at least 1 worker"):
        makespan(flat(2), 0)


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
