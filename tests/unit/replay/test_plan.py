"""What a recording means: keys, clocks, the client's turns, and what is no recording."""

import heapq
import math
from dataclasses import replace
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st
from recordings import GO, flat, task
from replays import (
    MEGABYTE_A_SECOND,
    chain,
    graphs,
    greedy,
    listed,
    longest_path,
    makespan,
    speedup,
    unhurried,
)

from autograder.errors import HarnessError, InconsistentRecording, KitError
from autograder.model import Recording, TaskRecord
from autograder.replay.makespan import replay
from autograder.replay.plan import CLOCK_TOLERANCE, make_plan


def test_submitting_and_waiting_in_a_loop_gains_nothing():
    tasks = [task(f"t{i}", 1.5 * i, 1.0, submitted=1.5 * i) for i in range(10)]
    assert speedup(tasks, 4) == 1.0
    assert makespan(tasks, 4) == pytest.approx(14.5)


def test_submitting_all_before_waiting_gains():
    tasks = [task(f"t{i}", i, 1.0, submitted=0.01 * i) for i in range(10)]
    assert makespan(tasks, 10) == pytest.approx(1.09)


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


# ------------------------------------------------------------------------ the plan, to the number


def planned(tasks: list[TaskRecord], done: float = 100.0, **recording: object):
    return make_plan(Recording(tuple(tasks), **recording), GO, GO + done)  # type: ignore[arg-type]


def test_the_scheduler_expects_the_mean_of_a_task_s_layer():
    tasks = [replace(task(f"t{i}", i, s), layer="a") for i, s in enumerate((1.0, 2.0, 6.0))]
    plan = planned([*tasks, task("other", 20, 4.0)])
    assert plan.estimate == (3.0, 3.0, 3.0, 4.0)


@pytest.mark.parametrize(
    ("balance", "seconds"), [(None, 0.5), (GO + 2.25, 0.25), (GO - 0.75, 0.25), (GO, 0.0)]
)
def test_the_first_balance_is_at_the_recorded_moment_of_a_second(balance, seconds):
    assert planned(flat(2), balance=balance).balance == pytest.approx(seconds)


def test_the_first_balance_counts_from_go():
    recording = Recording(tuple(flat(2)), balance=GO + 2.25)
    assert make_plan(recording, GO - 0.5, GO + 9).balance == pytest.approx(0.75)


@pytest.mark.parametrize("balance", [math.nan, math.inf, -1e300])
def test_a_balance_that_is_no_time_is_refused(balance):
    with pytest.raises(InconsistentRecording, match="balance"):
        planned(flat(2), balance=balance)


def waiting(*own: TaskRecord, away: float = 4.0) -> TaskRecord:
    """A task from 1.0 to 6.0 that computed for a second and was away from its worker since."""
    return replace(task("outer", 1.0, 5.0), compute_seconds=1.0, away_seconds=away)


def needed(plan, name: str, tasks: list[TaskRecord]) -> set[str]:
    """What a task waits for in the plan, by name: tasks are planned in the order of finishing."""
    order = sorted(tasks, key=lambda each: each.stop)
    (at,) = (i for i, each in enumerate(order) if each.key == name)
    return {order[j].key for j in plan.dependencies[at]}


def test_a_task_waits_for_what_was_submitted_while_it_was_away_and_had_finished():
    tasks = [
        task("before", 1.0, 1.5, submitted=1.5),
        task("within", 2.0, 1.0, submitted=2.0, worker="w1"),
        task("late", 5.0, 2.0, submitted=4.0, worker="w1"),
        waiting(),
    ]
    assert needed(planned(tasks), "outer", tasks) == {"within"}


def test_a_clock_that_is_a_little_ahead_keeps_nothing_from_being_its_own():
    near = task("near", 2.1, 1.0, submitted=2.0 - 0.9 * CLOCK_TOLERANCE, worker="w1")
    far = task("far", 2.1, 1.2, submitted=2.0 - 1.1 * CLOCK_TOLERANCE, worker="w2")
    tasks = [near, far, waiting()]
    assert needed(planned(tasks), "outer", tasks) == {"near"}


def test_of_very_many_tasks_of_its_own_it_waits_for_the_last_hundred():
    own = [task(f"i{i:03}", 2.0 + i / 100, 0.01, submitted=2.0, worker="w1") for i in range(150)]
    tasks = [*own[::-1], waiting()]
    assert needed(planned(tasks), "outer", tasks) == {f"i{i:03}" for i in range(50, 150)}


def test_what_it_computed_comes_after_its_own():
    inner = task("inner", 2.0, 3.5, submitted=2.0, worker="w1")
    plan = planned([inner, waiting()], done=8.0)
    # The outer one computes for a second after the inner one, which ends at 5.5.
    assert plan.seconds == (3.5, 1.0)
    assert plan.tail == pytest.approx(1.5)  # from 6.5


def test_bandwidth_is_that_of_all_transfers_together():
    def to(key: str, nbytes: int, seconds: float) -> list[TaskRecord]:
        return [
            task(f"{key}-from", 0, 1.0, nbytes=nbytes),
            task(key, 1.0 + seconds, 1.0, f"{key}-from", worker="w1", transfer=seconds),
        ]

    assert planned([*to("a", 2_000_000, 1.0), *to("b", 6_000_000, 3.0)]).bandwidth == 2e6
    assert planned([*to("a", 2_000_000, 1.0), *to("b", 6_000_000, 1.0)]).bandwidth == 4e6


def test_think_time_is_since_what_had_finished_or_since_the_beginning():
    plan = planned([task("a", 1.0, 1.0, submitted=0.5), task("b", 3.0, 1.0, submitted=2.25)], 7.0)
    assert (plan.seen, plan.think, plan.tail) == ((0, 1), (0.5, 0.25), 3.0)
