"""Placement as Dask does it, on hand-made recordings; beside each rule, what greedy would do."""

from collections.abc import Iterable, Sequence
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from autograder.errors import InconsistentRecording
from autograder.model import Recording, TaskRecord
from autograder.replay import laws
from autograder.replay.makespan import replay
from autograder.replay.plan import Plan, make_plan
from autograder.replay.scheduler import DEFAULT, FREE, Costs, Placement, simulate

GO = 1_000.0

unhurried = settings(deadline=None)


def task(
    key: str,
    start: float,
    seconds: float,
    *dependencies: str,
    layer: str | None = None,
    submitted: float = 0.0,
    nbytes: int = 0,
    priority: Sequence[float] = (),
) -> TaskRecord:
    """Record a task; times count from GO."""
    return TaskRecord(
        key=key,
        layer=layer or key,
        worker="w0",
        submitted=GO + submitted,
        start=GO + start,
        stop=GO + start + seconds,
        compute_seconds=seconds,
        transfer_seconds=0.0,
        nbytes=nbytes,
        dependencies=dependencies,
        priority=tuple(priority),
    )


def makespan(
    tasks: Iterable[TaskRecord],
    workers: int,
    *,
    costs: Costs = FREE,
    balance: float | None = None,
    placement: Placement = Placement.DASK,
) -> float:
    """Replay; done at the last stop, and the first balance so long after GO, if any."""
    tasks = tuple(tasks)
    recording = Recording(tasks, balance=None if balance is None else GO + balance)
    plan = make_plan(recording, GO, max(t.stop for t in tasks))
    return simulate(plan, workers, costs, placement)


def greedily(plan: Plan, workers: int) -> float:
    return simulate(plan, workers, FREE, Placement.GREEDY)


def roots(*seconds: float) -> list[TaskRecord]:
    return [task(f"('root-1', {i})", i, s, layer="root") for i, s in enumerate(seconds)]


# -------------------------------------------------------------------------------------- the rules


def test_roots_queue_and_a_worker_has_one_more_than_it_runs():
    # Of five, worker 0 gets the long one and the third; worker 1 the three others.
    tasks = roots(3.25, 1, 1, 1, 1)
    assert makespan(tasks, 2, placement=Placement.GREEDY) == 4.0
    assert makespan(tasks, 2, balance=0.9) == 4.25


def test_small_group_is_dealt_out_at_once():
    # Four are no more than twice the workers: the long first one does not keep the third away.
    tasks = roots(3.25, 1, 1, 1)
    assert makespan(tasks, 2, placement=Placement.GREEDY) == 3.25
    assert makespan(tasks, 2, balance=0.9) == 4.25


@pytest.mark.parametrize(("size", "end"), [(4, 0.5), (5, 0.6)])
def test_roots_are_dealt_out_by_number_and_others_by_what_is_expected(size: int, end: float):
    """Where a worker has a long task, four short ones avoid it, and of five one waits behind it."""
    long = task("long", 0, 0.5)
    group = [task(f"('t-1', {i})", 1 + i, 0.1, layer="t") for i in range(size)]
    assert makespan([long, *group], 2, balance=0.9) == pytest.approx(end)


def test_task_queues_for_the_holder_of_its_data_while_another_worker_idles():
    tasks = [task("a", 0, 0.25), *(task(f"b{i}", 1 + i, 0.25, "a") for i in range(2))]
    assert makespan(tasks, 2, placement=Placement.GREEDY) == 0.5
    assert makespan(tasks, 2, balance=0.9) == 0.75


def test_waiting_task_moves_to_an_idle_worker_at_the_next_balance():
    tasks = [task("a", 0, 1.0), *(task(f"b{i}", 1 + i, 1.0, "a") for i in range(2))]
    assert makespan(tasks, 2, balance=0.25) == 2.25
    assert makespan(tasks, 2, balance=0.75) == 2.75
    # Once a second: one that is recorded as later, or as before GO, says when the others are.
    assert makespan(tasks, 2, balance=3.25) == makespan(tasks, 2, balance=-0.75) == 2.25
    # If nothing was recorded, half a second after GO, as on average.
    assert makespan(tasks, 2) == 2.5
    assert makespan(tasks, 2, placement=Placement.GREEDY) == 2.0


def test_short_task_does_not_move():
    # Less than 0.2 s of waiting is not worth a balance to Dask.
    tasks = [task("a", 0, 0.125), *(task(f"b{i}", 1 + i, 0.0625, "a") for i in range(3))]
    assert makespan(tasks, 2, balance=0.15625) == 0.125 + 3 * 0.0625


def test_task_whose_data_is_dear_to_move_stays():
    def fork(nbytes: int) -> list[TaskRecord]:
        return [
            task("a", 0, 1.0, nbytes=nbytes),
            *(task(f"b{i}", 1 + i, 1.0, "a") for i in range(2)),
        ]

    assert makespan(fork(1_000), 2, balance=0.25) == 2.25
    # 100 MB take as long as the task itself, by what the scheduler reckons with.
    assert makespan(fork(100_000_000), 2, balance=0.25) == 3.0


def test_of_two_holders_the_less_busy_one_is_chosen():
    tasks = [
        *roots(1, 1),
        task("x", 1, 1.0, "('root-1', 0)"),
        task("y", 2, 0.25, "('root-1', 0)", "('root-1', 1)"),
    ]
    assert makespan(tasks, 2) == 2.0


def test_data_is_fetched_while_the_worker_computes():
    slow = replace(FREE, bandwidth=1e6)
    tasks = [
        *(replace(t, nbytes=500_000) for t in roots(1, 1)),
        task("long", 1, 1.0, "('root-1', 0)"),
        task("also", 1.5, 1.0, "('root-1', 1)"),
        task("both", 2, 0.5, "('root-1', 0)", "('root-1', 1)"),
    ]
    # Half a second of fetching ends before the second of computing does.
    assert makespan(tasks, 2, costs=slow) == 2.5


def test_ready_tasks_of_a_worker_run_by_priority_and_not_by_recorded_start():
    def branch(first: int, second: int) -> list[TaskRecord]:
        return [
            task("a", 0, 1.0, priority=(0, 1, 0)),
            task("x", 1, 1.0, "a", priority=(0, 1, first)),
            task("y", 2, 1.0, "a", priority=(0, 1, second)),
            task("z", 3, 4.0, "x", priority=(0, 1, 9)),
        ]

    assert makespan(branch(1, 2), 1) == 7.0
    # On two workers it matters which comes first: z waits for x.
    assert makespan(branch(1, 2), 2, balance=0.99, placement=Placement.GREEDY) == 6.0
    tasks = [*branch(2, 1), task("w", 4, 4.0, "y", priority=(0, 1, 10))]
    assert makespan(tasks, 2, placement=Placement.GREEDY) == 6.0


def test_later_generation_runs_after_an_earlier_one():
    # Of one submission time each: the second graph was submitted first in order of start.
    tasks = [
        task("late", 0, 2.0, priority=(0, 2, 0)),
        task("early", 2, 1.0, priority=(0, 1, 0)),
        task("next", 3, 2.0, "early", priority=(0, 1, 1)),
    ]
    assert makespan(tasks, 1) == 5.0
    plan = make_plan(Recording(tuple(tasks)), GO, GO + 5)
    assert sorted(range(3), key=plan.rank.__getitem__) == [1, 2, 0]


def test_one_record_without_a_priority_makes_submission_and_start_the_order():
    tasks = [task("a", 0, 1.0, priority=(0, 1, 1)), task("b", 1, 1.0)]
    plan = make_plan(Recording(tuple(tasks)), GO, GO + 2)
    assert plan.rank == (0, 1)


def test_group_that_depends_on_much_is_none_of_roots():
    few = [task("x", 0, 1.0), *(task(f"('t-1', {i})", 1, 1.0, "x") for i in range(9))]
    many = [
        *(task(f"x{i}", 0, 1.0) for i in range(5)),
        *(task(f"('t-1', {i})", 1, 1.0, f"x{i % 5}") for i in range(9)),
    ]
    four, five = (
        [
            *(task(f"('x-1', {i})", 0, 1.0, layer="x") for i in range(count)),
            *(task(f"('t-1', {i})", 1, 1.0, f"('x-1', {i % count})") for i in range(9)),
        ]
        for count in (4, 5)
    )
    inner = [task(f"('t-1', {i})", i, 1.0, *([f"('t-1', {i - 1})"] * bool(i))) for i in range(9)]
    for tasks, size in ((few, 9), (many, 0), (four, 9), (five, 0), (inner, 0)):
        plan = make_plan(Recording(tuple(tasks)), GO, GO + 20)
        assert plan.roots[-1] == size


def test_same_group_in_a_later_graph_is_another_group():
    tasks = [*roots(1, 1, 1), *(replace(t, submitted=GO + 9) for t in roots(1, 1))]
    plan = make_plan(Recording(tuple(tasks)), GO, GO + 20)
    assert sorted(plan.roots) == [2, 2, 3, 3, 3]


# ------------------------------------------------------------------------------------- properties


@st.composite
def recordings(draw: st.DrawFn) -> Recording:
    """Draw what a forger might write: records of the right form, with any numbers in them."""
    numbers = st.floats(0, 2e4) | st.sampled_from([0.0, 1e-9, 1e15, 1e308])
    keys = st.sampled_from(["a", "b-1", "('c-2', 0)", "('c-2', 1)", "(", "'", ""])
    made = []
    for _ in range(draw(st.integers(0, 9))):
        start, seconds = draw(numbers), draw(numbers)
        made.append(
            TaskRecord(
                key=draw(keys),
                layer=draw(keys),
                worker=draw(keys),
                submitted=draw(numbers),
                start=start,
                stop=start + seconds,
                compute_seconds=draw(numbers),
                transfer_seconds=draw(numbers),
                nbytes=draw(st.integers(0, 10**16)),
                dependencies=tuple(draw(st.lists(keys, max_size=4))),
                priority=tuple(draw(st.lists(st.floats() | st.integers(), max_size=3))),
            )
        )
    return Recording(tuple(made), balance=draw(st.none() | st.floats()))


@settings(deadline=None, max_examples=500)
@given(recordings(), st.integers(1, 1024), st.floats(0, 1e5), st.floats(0, 1e5))
def test_any_recording_has_a_finite_makespan_or_is_inconsistent(recording, workers, go, length):
    try:
        found = replay(recording, go, go + length, workers)
    except InconsistentRecording:
        return
    assert 0 <= found < 1e18


@st.composite
def programs(draw: st.DrawFn) -> list[TaskRecord]:
    """Draw tasks with dependencies and a client that waits and thinks in between."""
    made: list[TaskRecord] = []
    now = 0.0
    for i in range(draw(st.integers(1, 25))):
        if draw(st.booleans()) and draw(st.booleans()):
            now = max(t.stop - GO for t in made) + 0.25 if made else 0.25
        before = draw(st.sets(st.integers(0, i - 1), max_size=3)) if i else set()
        start = max([now, *(made[j].stop - GO for j in before)])
        seconds = draw(st.integers(0, 16)) / 8
        names = [made[j].key for j in sorted(before)]
        key = f"('{draw(st.sampled_from('xyz'))}-1', {i})"
        made.append(task(key, start, seconds, *names, layer=key[2], submitted=now, nbytes=10 * i))
    return made


@unhurried
@given(programs(), st.integers(1, 12), st.sampled_from([FREE, DEFAULT]))
def test_placement_keeps_work_law_and_span_law(tasks, workers, costs):
    plan = make_plan(Recording(tuple(tasks)), GO, max(t.stop for t in tasks))
    found = simulate(plan, workers, costs) + 1e-9
    assert found >= laws.work(plan) / workers
    assert found >= laws.span(plan)


@unhurried
@given(programs(), st.integers(1, 12))
def test_greedy_replay_that_costs_nothing_keeps_all_three_bounds(tasks, workers):
    plan = make_plan(Recording(tuple(tasks)), GO, max(t.stop for t in tasks))
    found = simulate(plan, workers, FREE, placement=Placement.GREEDY)
    work, span = laws.work(plan), laws.span(plan)
    assert found >= work / workers - 1e-9
    assert found >= span - 1e-9
    assert found <= work / workers + span + 1e-9


@unhurried
@given(programs())
def test_one_worker_wastes_nothing_where_nothing_costs(tasks):
    plan = make_plan(Recording(tuple(tasks)), GO, max(t.stop for t in tasks))
    assert simulate(plan, 1, FREE) == pytest.approx(
        simulate(plan, 1, FREE, placement=Placement.GREEDY)
    )


@unhurried
@given(programs(), st.integers(1, 12), st.randoms(use_true_random=False))
def test_same_records_in_any_order_give_the_same_makespan(tasks, workers, random):
    end = max(t.stop for t in tasks)
    shuffled = random.sample(tasks, len(tasks))
    first = replay(Recording(tuple(tasks)), GO, end, workers)
    assert replay(Recording(tuple(shuffled)), GO, end, workers) == first


@pytest.mark.parametrize("workers", [1, 2, 3, 64, 1024])
def test_every_one_of_many_tasks_is_run_wherever_it_is_placed(workers):
    n = 5_000
    tasks = [
        task(f"('t-{i // 64}', {i % 64})", i / 64, 1 / 64, layer="t", nbytes=i)
        if i < 64
        else task(
            f"('t-{i // 64}', {i % 64})",
            i / 64,
            1 / 64,
            f"('t-{i // 64 - 1}', {i % 64})",
            f"('t-{i // 64 - 1}', {i * 7 % 64})",
            layer="t",
            nbytes=i,
        )
        for i in range(n)
    ]
    assert makespan(tasks, workers) >= n / 64 / workers


# ----------------------------------------------------------------- what must never look parallel


def as_loop(n: int) -> list[TaskRecord]:
    """Submit and wait, over and over; the client takes 10 ms in between."""
    return [task(f"t{i}", 0.11 * i, 0.1, submitted=0.11 * i, layer="t") for i in range(n)]


def as_chain(n: int) -> list[TaskRecord]:
    return [task(f"t{i}", 0.1 * i, 0.1, *([f"t{i - 1}"] * bool(i)), layer="t") for i in range(n)]


def as_blocks(n: int) -> list[TaskRecord]:
    return [task(f"('t-1', {i})", 0.1 * (i // 2), 0.1, layer="t") for i in range(n)]


def as_reduction(n: int) -> list[TaskRecord]:
    blocks = as_blocks(n)
    return [*blocks, task("sum", 0.05 * n, 0.01, *(t.key for t in blocks))]


def speedup(tasks: list[TaskRecord], workers: int) -> float:
    return makespan(tasks, 1, costs=DEFAULT) / makespan(tasks, workers, costs=DEFAULT)


@pytest.mark.parametrize("workers", [2, 4, 64, 1024])
@pytest.mark.parametrize("serial", [as_loop(20), as_chain(20), [task("giant", 0, 2.0)]])
def test_serial_program_gains_nothing_from_dasks_placement(serial, workers):
    assert speedup(serial, workers) == pytest.approx(1.0, abs=0.001)


@pytest.mark.parametrize("parallel", [as_blocks(20), as_reduction(20), as_blocks(4)])
def test_parallel_program_gains_on_two_workers(parallel):
    assert 1.9 < speedup(parallel, 2) <= 2.0


def test_giant_task_beside_small_ones_gains_little():
    tasks = [task("giant", 0, 2.0), *(task(f"t{i}", 2, 0.01, layer="t") for i in range(8))]
    assert 1.0 <= speedup(tasks, 2) < 1.1


def test_recorded_placement_keeps_every_task_on_its_worker():
    pinned = as_blocks(10)
    assert makespan(pinned, 2, placement=Placement.RECORDED) == pytest.approx(1.0)
    spread = [replace(t, worker=f"w{i % 2}") for i, t in enumerate(pinned)]
    assert makespan(spread, 2, placement=Placement.RECORDED) == pytest.approx(0.5)


# -------------------------------------------------------------- where the rules of balancing begin


def forked(seconds: float, branches: int = 2, nbytes: int = 0) -> list[TaskRecord]:
    """A task of 0.45 s and short ones that need its data, which its worker has."""
    return [
        task("a", 0, 0.45, nbytes=nbytes),
        *(task(f"b{i}", 1 + i, seconds, "a") for i in range(branches)),
    ]


@pytest.mark.parametrize(
    ("seconds", "end"),
    [
        (0.09, 0.45 + 2 * 0.09),  # 0.18 s are expected of the worker: nothing moves
        (0.11, 0.5 + 0.11),  # 0.22 s
    ],
)
def test_a_fifth_of_a_second_is_worth_a_balance(seconds: float, end: float) -> None:
    assert makespan(forked(seconds), 2, balance=0.5) == pytest.approx(end)


@pytest.mark.parametrize(
    ("nbytes", "end"),
    [
        (9_000_000, 0.5 + 0.2),  # 0.09 s to fetch, by what the scheduler believes
        (11_000_000, 0.45 + 2 * 0.2),  # 0.11 s are more than the half of a task saved
    ],
)
def test_what_is_fetched_in_less_than_half_of_a_task_moves(nbytes: int, end: float) -> None:
    assert makespan(forked(0.2, nbytes=nbytes), 2, balance=0.5) == pytest.approx(end)


def test_three_messages_pass_before_a_task_has_moved() -> None:
    costs = replace(FREE, message_seconds=0.01)
    # To the worker, back, and to the worker again; then asked, agreed, and sent again.
    assert makespan(forked(0.11), 2, balance=0.5, costs=costs) == pytest.approx(0.53 + 0.11)
    assert makespan(forked(0.09), 2, balance=0.5, costs=costs) == pytest.approx(0.48 + 0.18)


def test_the_last_in_line_moves() -> None:
    tasks = [task("a", 0, 0.45)]
    for i, seconds in enumerate((0.2, 0.3, 0.7)):
        tasks.append(task(f"b{i}", 1 + i, seconds, "a"))
    # b2 is moved at 0.5, and the others stay: 0.45 + 0.2 + 0.3, and 0.5 + 0.7.
    assert makespan(tasks, 2, balance=0.5) == pytest.approx(1.2)


def test_a_worker_gets_no_more_than_half_of_the_average():
    """What it has then keeps it busy until the next balance: moving more would cost messages."""
    # Of 6 tasks the second brings it to 0.4 s, where 0.6 s are the average; 4 stay.
    assert makespan(forked(0.2, branches=6), 2, balance=0.5) == pytest.approx(0.45 + 4 * 0.2)


@pytest.mark.parametrize(
    ("branches", "end"),
    [
        (3, 0.45 + 3 * 0.3),  # 0.3 s are just half of the average: the other worker is not idle
        (4, 0.45 + 3 * 0.3),  # and less than half of it now: the fourth moves
    ],
)
def test_a_worker_with_less_than_half_of_the_average_is_idle(branches: int, end: float) -> None:
    other = [task("c", 0, 0.45), task("d", 1, 0.3, "c")]
    assert makespan([*forked(0.3, branches), *other], 2, balance=0.5) == pytest.approx(end)


def test_of_more_than_64_workers_64_are_weighed() -> None:
    """Of 164 tasks that are no roots, 100 find an idle worker, the others one of the first 64."""
    assert makespan(roots(*[1.0] * 164), 100) == 2.0
    assert makespan(roots(*[1.0] * 165), 100) > 2.0


def test_of_equally_busy_workers_the_one_that_holds_less_is_chosen() -> None:
    """What it holds counts once, however many tasks have needed it there."""
    tasks = [
        task("a", 0, 0.1, nbytes=3),
        task("b", 0.05, 0.1, nbytes=2),
        *(task(f"c{i}", 0.1 + 0.1 * i, 0.1, "b") for i in range(2)),
        # As much is expected of both: the second takes longer.
        task("p0", 0.35, 0.2, layer="p", submitted=0.35),
        task("p1", 0.36, 0.8, layer="p", submitted=0.35),
        task("z", 1.2, 0.1, submitted=0.35),
    ]
    assert makespan(tasks, 2, balance=0.3) == pytest.approx(0.35 + 0.8 + 0.1)
