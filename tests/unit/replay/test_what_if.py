"""What would help: each mistake taken back in a graph made by hand, and in kept runs."""

from dataclasses import replace

import pytest
from kept_evidence import kept, sample_class
from speedup_runs import REFERENCE, lasting, run, spread, task, verdict

from autograder.model import CpuSample, Run, Speedup
from autograder.replay import what_if
from autograder.replay.what_if import Prediction, would_help
from autograder.speedup.decide import decide

ONE = "tcp://one"


NEVER_WAITED = (CpuSample(seconds=0.0, name="client", ran=0.0, waited=0.0),)


def helped(seen: Run) -> Prediction | None:
    """On a machine with nothing else to do."""
    seen = replace(seen, cpu=NEVER_WAITED)
    return would_help(seen, verdict(seen).speedup)


def one_after_another(tasks: int = 16) -> Run:
    """Tasks on one worker after the other, each handed in when the last one had finished."""
    made = [
        task(i, 0.03 + 0.1 * i, 0.1, f"tcp://{('one', 'two')[i % 2]}", submitted=0.02 + 0.1 * i)
        for i in range(tasks)
    ]
    return run(made, wall=0.1 * tasks + 0.05)


def test_a_loop_is_told_to_hand_in_everything_at_once():
    found = helped(one_after_another())
    assert found is not None
    assert found.changes == ("all 16 tasks handed in at once",)
    assert found.speedup == pytest.approx(1.9, abs=0.1)


def test_one_giant_task_is_told_to_be_more():
    seen = run([task(0, 0.03, 1.6, ONE)], wall=1.65, workers=(1.6, 0.0))
    found = helped(seen)
    assert found is not None
    assert found.changes == ("the same work in 8 tasks instead of 1",)
    assert found.speedup == pytest.approx(1.95, abs=0.051)


def test_pinned_tasks_are_told_to_run_anywhere():
    tasks = [task(i, 0.03 + 0.1 * i, 0.1, ONE) for i in range(16)]
    found = helped(run(tasks, wall=1.65, workers=(1.6, 0.0)))
    assert found is not None
    assert found.changes == ("tasks that run on any free worker",)


def test_tasks_that_take_turns_on_both_workers_are_not_called_pinned():
    """As with a lock: the replay would spread them, and so did Dask."""
    workers = ("tcp://one", "tcp://two")
    tasks = [task(i, 0.03 + 0.1 * i, 0.1, workers[i % 2]) for i in range(16)]
    found = helped(run(tasks, wall=1.65))
    assert found is not None
    assert not any("any free worker" in change for change in found.changes)


def test_work_in_the_notebook_is_told_to_become_tasks():
    found = helped(run([], wall=1.65, client=1.6, workers=(0.0, 0.0)))
    assert found is not None
    assert found.changes == ("tasks for the 1.7 s your notebook computes by itself",)
    assert found.speedup == pytest.approx(1.9, abs=0.1)


def test_a_chain_is_told_not_to_wait():
    tasks = [task(0, 0.03, 0.1, ONE)]
    for i in range(1, 16):
        one = task(i, 0.03 + 0.1 * i, 0.1, f"tcp://{('one', 'two')[i % 2]}")
        tasks.append(replace(one, dependencies=(tasks[-1].key,)))
    found = helped(run(tasks, wall=1.65))
    assert found is not None
    assert found.changes == ("tasks that do not wait for one another",)


def test_work_that_the_answer_does_not_need_is_told():
    seen = run(spread(96), wall=5.0, workers=(4.8, 4.8))
    found = helped(seen)
    assert found is not None
    assert found.changes == (
        "only the work that the answer needs (9.7 s of CPU were used, 1.7 s count)",
    )


def test_a_program_that_shares_everything_is_told_nothing():
    assert helped(run()) is None
    seen = run(spread(160), wall=8.1, workers=(8.0, 8.0))
    plenty = replace(REFERENCE, cpu_seconds=20.0)
    assert would_help(seen, verdict(seen, plenty).speedup) is None


def test_sleeping_tasks_are_no_work_that_could_be_shared():
    """Tasks that last long and compute nothing promise nothing, however they are dealt out."""
    seen = run([task(0, 0.03, 1.6, ONE)], wall=1.65, workers=(0.01, 0.0))
    found = helped(seen)
    assert found is None or "the same work" not in found.changes[0]


def test_waiting_and_order_are_not_both_taken_away():
    """Without either, any program is parallel, and nothing is learnt from it."""
    for seen in (one_after_another(), lasting(run(), 3.0)):
        found = helped(seen)
        assert found is None or len({"at once", "do not wait"} & {*found.changes}) < 2


def test_a_long_recording_is_not_tried(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(what_if, "LONG", 15)
    assert helped(one_after_another(15)) is not None
    assert helped(one_after_another(16)) is None


def pieces(seen: Run) -> tuple[float, int]:
    """How much more work there is when tasks are cut, and how many they are then."""
    found: Speedup = verdict(seen).speedup
    case = what_if._Case(found, 0.0, what_if._plan(seen, found))
    finer = what_if._finer(case, case.plan)
    assert all(j < i for i, before in enumerate(finer.dependencies) for j in before)
    assert sorted(finer.rank) == list(range(len(finer.seconds)))
    return sum(finer.seconds) - sum(case.plan.seconds), len(finer.seconds)


def test_cutting_changes_no_work():
    """One block, then a small task for it, then a large one: the small one has as many blocks."""
    tasks = [task(0, 0.03, 0.8, ONE), task(1, 0.83, 0.001, ONE), task(2, 0.84, 0.8, ONE)]
    for i in (1, 2):
        tasks[i] = replace(tasks[i], dependencies=(tasks[i - 1].key,))
    more, count = pieces(run(tasks, wall=1.7, workers=(1.6, 0.0)))
    assert more == pytest.approx(0.0, abs=1e-9)
    assert count == 24


@pytest.mark.parametrize(("alone", "count"), [(0.1, 5), (1.6, 8), (0.01, 1)])
def test_work_of_the_notebook_becomes_tasks_that_are_worth_their_cost(alone: float, count: int):
    """Four for each of two workers, and none that is shorter than what is worth a task."""
    seen = run([task(0, 0.03, 0.4, ONE)], wall=0.5, workers=(0.4, 0.0))
    found: Speedup = verdict(seen).speedup
    case = what_if._Case(found, alone, what_if._plan(seen, found))
    more = what_if._on_workers(case, case.plan)
    assert more.seconds[1:] == pytest.approx(count * [alone / count])
    assert sorted(more.rank) == list(range(1 + count))
    assert more.seen[1:] == count * (0,)  # none waits for what the notebook did before
    assert more.tail == 0.0


def test_what_a_graph_costs_the_notebook_is_spared_where_all_is_handed_in_at_once():
    seen = one_after_another()
    found: Speedup = verdict(seen).speedup
    plan = what_if._plan(seen, found)
    at_once = what_if._at_once(what_if._Case(found, 0.5, plan), plan)
    graphs = len({*plan.seen})
    assert graphs > 10
    assert at_once.tail == pytest.approx(0.5 - graphs * what_if.PER_GRAPH)
    # Not more than there is.
    assert what_if._at_once(what_if._Case(found, 0.01, plan), plan).tail == 0.0


EXPECTED = {
    "ex01_distributed_training/archimedes": "your notebook computes by itself",
    "ex01_distributed_training/banach": "the same work in",
    "ex01_distributed_training/zeno": "tasks handed in at once",
    "ex02_parallel_prediction/atlas": "tasks that run on any free worker",
    "ex02_parallel_prediction/banach": "the same work in",
    "ex02_parallel_prediction/euler": "your notebook computes by itself",
    "ex02_parallel_prediction/fibonacci": "tasks that do not wait for one another",
    "ex02_parallel_prediction/zeno": "tasks handed in at once",
    "ex04_large_collections/zeno": "tasks handed in at once",
}
"""Samples of one mistake, and what takes it back."""


@pytest.mark.parametrize("name", EXPECTED)
def test_kept_runs_are_told_what_their_mistake_costs(name: str):
    exercise, sample = sample_class()[name]
    one = kept(exercise.name, sample.student)
    (case,) = exercise.timed
    found = decide(one.evidence, case, one.reference)
    predicted = would_help(found.run, found.speedup)
    assert predicted is not None
    (change,) = predicted.changes
    assert EXPECTED[name] in change
    assert found.speedup.full <= predicted.speedup <= found.speedup.workers
