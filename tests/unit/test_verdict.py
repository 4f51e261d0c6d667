"""The rules of the speedup verdict, on evidence made by hand; times in seconds."""

from collections.abc import Sequence
from dataclasses import replace

import pytest

from autograder.measure.verdict import Verdict, judge
from autograder.model import (
    ProcessUsage,
    Recording,
    Reference,
    Role,
    Run,
    Status,
    TaskRecord,
)

GO = 1_000.0
WORKERS = ("tcp://one", "tcp://two")
REFERENCE = Reference(
    speedup=1.9,
    work_seconds=1.6,
    tasks=16,
    graphs=1,
    gathered_bytes=400_000,
    graph_bytes=160_000,
    serial_seconds=1.6,
    same_round=True,
    cpu_seconds=1.65,
)


def task(
    number: int, start: float, seconds: float, worker: str, submitted: float = 0.02
) -> TaskRecord:
    return TaskRecord(
        key=f"predict-{number}",
        layer="predict",
        worker=worker,
        submitted=GO + submitted,
        start=GO + start,
        stop=GO + start + seconds,
        compute_seconds=seconds,
        transfer_seconds=0.0,
        nbytes=28_000,
        dependencies=(),
    )


def spread(tasks: int = 16, seconds: float = 0.1) -> tuple[TaskRecord, ...]:
    """Independent tasks, dealt to two workers in turn."""
    return tuple(task(i, 0.03 + i // 2 * seconds, seconds, WORKERS[i % 2]) for i in range(tasks))


def run(
    tasks: Sequence[TaskRecord] | None = None,
    *,
    wall: float = 0.9,
    client: float = 0.03,
    workers: Sequence[float] = (0.8, 0.8),
) -> Run:
    return Run(
        case="predict_large",
        function="predict_large",
        go=GO,
        returned=GO + 0.01,
        done=GO + wall,
        usage=(
            ProcessUsage(Role.CLIENT, "client", client, 0),
            ProcessUsage(Role.SCHEDULER, "scheduler", 0.1, 0),
            *(ProcessUsage(Role.WORKER, f"worker-{i}", s, 0) for i, s in enumerate(workers)),
        ),
        recording=Recording(tasks=spread() if tasks is None else tuple(tasks), workers=WORKERS),
        answer={},
        comparison=None,
        failure=None,
    )


def verdict(seen: Run, reference: Reference = REFERENCE) -> Verdict:
    return judge(seen, 2, reference)


def test_work_that_is_spread_gets_full_credit() -> None:
    found = verdict(run())
    assert (found.status, found.credit) == (Status.PASSED, 1.0)
    assert 1.8 < found.speedup <= 2.0 and not found.reason and not found.note


def test_work_in_the_client_alone_gets_none() -> None:
    found = verdict(run((), wall=1.7, client=1.65, workers=(0.01, 0.01)))
    assert (found.status, found.credit, found.speedup) == (Status.FAILED, 0.0, 1.0)


def test_one_task_for_all_gets_none() -> None:
    found = verdict(run([task(0, 0.03, 1.6, WORKERS[0])], wall=1.7, workers=(1.6, 0.02)))
    assert (found.status, found.speedup) == (Status.FAILED, pytest.approx(1.0, abs=0.05))


def test_tasks_on_one_worker_get_none_though_the_replay_would_spread_them() -> None:
    pinned = [task(i, 0.03 + 0.1 * i, 0.1, WORKERS[0]) for i in range(16)]
    found = verdict(run(pinned, wall=1.7, workers=(1.6, 0.02)))
    assert found.study is not None and found.study.speedup > 1.8
    assert (found.status, found.credit) == (Status.FAILED, 0.0)
    assert "1.60 s and 0.02 s" in found.reason


def test_a_busy_facade_beside_work_in_the_client_gets_none() -> None:
    # The same tasks and workers as in the right run; the real work was done elsewhere.
    found = verdict(run(spread(seconds=0.2), wall=1.7, client=1.6, workers=(1.6, 1.6)))
    assert found.study is not None and found.study.speedup > 1.8
    assert (found.status, found.credit) == (Status.FAILED, 0.0)


def test_many_times_the_reference_s_work_gets_none() -> None:
    found = verdict(run(spread(400, 0.02), wall=4.3, client=0.5, workers=(3.9, 3.9)))
    assert found.study is not None and found.study.speedup > 1.5
    assert found.credit < 0.1


def test_an_hour_in_which_the_machine_is_half_as_fast_costs_nothing() -> None:
    slow = run(spread(seconds=0.2), wall=1.75, client=0.06, workers=(1.6, 1.6))
    assert verdict(slow).status is Status.PASSED


def test_a_faster_program_than_the_reference_passes() -> None:
    fast = run(spread(8, 0.05), wall=0.28, client=0.03, workers=(0.2, 0.2))
    assert verdict(fast).status is Status.PASSED


def test_fewer_and_larger_tasks_pass() -> None:
    assert verdict(run(spread(2, 0.8))).status is Status.PASSED


def test_tasks_that_take_turns_behind_the_recorder_s_back_get_little() -> None:
    turns = [task(i, 0.03 + 0.1 * i, 0.1, WORKERS[i % 2]) for i in range(16)]
    found = verdict(run(turns, wall=1.7))
    assert found.study is not None and found.study.speedup > 1.8
    assert found.credit < 0.4 and "clock showed 1.70 s" in found.reason


def test_the_bounds_by_the_reference_need_one_of_the_same_round() -> None:
    typical = replace(REFERENCE, cpu_seconds=None, same_round=False)
    busy = run(spread(seconds=0.2), wall=1.75, client=0.06, workers=(1.6, 1.6))
    assert verdict(busy, typical).status is Status.PASSED


@pytest.mark.parametrize(
    ("speedup", "credit"), [(1.0, 0.0), (1.1, 0.0), (1.31, 0.5), (1.52, 1.0), (1.9, 1.0)]
)
def test_credit_rises_without_a_step(speedup: float, credit: float) -> None:
    # A head of client time H and work that is spread: S = (H + 1.6) / (H + 0.8).
    head = (1.6 - 0.8 * speedup) / (speedup - 1) if speedup > 1 else 1e3
    tasks = [
        replace(t, submitted=t.submitted + head, start=t.start + head, stop=t.stop + head)
        for t in spread()
    ]
    found = verdict(run(tasks, wall=0.85 + head, client=0.03))
    assert found.credit == pytest.approx(credit, abs=0.12)


class TestForged:
    """A record that cannot be true, and beside it the true one that must not be doubted."""

    def test_a_worker_that_worked_longer_than_the_clock_ran(self) -> None:
        assert verdict(run(spread(seconds=0.2), wall=0.9)).status is Status.FORGED
        assert (
            verdict(run(spread(seconds=0.2), wall=1.7, workers=(1.6, 1.6))).status is Status.PASSED
        )

    def test_tasks_on_a_worker_that_is_none(self) -> None:
        stranger = [*spread(14), task(14, 0.8, 0.05, "tcp://three")]
        found = verdict(run(stranger))
        assert found.status is Status.FORGED and "tcp://three" in found.note

    def test_work_that_was_not_recorded(self) -> None:
        short = [replace(t, stop=t.start + 0.001, compute_seconds=0.001) for t in spread()]
        assert verdict(run(short)).status is Status.FORGED

    def test_a_recorder_that_was_switched_off(self) -> None:
        assert verdict(run(())).status is Status.FORGED

    def test_numbers_that_are_none(self) -> None:
        odd = [*spread(15), replace(task(15, 0.8, 0.1, WORKERS[1]), compute_seconds=float("nan"))]
        assert verdict(run(odd)).status is Status.FORGED

    def test_a_forged_record_earns_nothing(self) -> None:
        found = verdict(run(()))
        assert (found.credit, found.study) == (0.0, None) and found.note


def test_a_busy_machine_is_noted_and_costs_nothing() -> None:
    found = verdict(replace(run(), busy=True))
    assert found.status is Status.PASSED and "busy" in found.note
