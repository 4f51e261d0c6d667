"""Facts that bound the replayed speedup: clock, CPU seconds, and where the work was done."""

from dataclasses import replace

import pytest
from autograder.evidence.contention import is_contended
from kept_evidence import reference
from speedup_runs import (
    EX02,
    REFERENCE,
    WORKERS,
    cpu_needed,
    found,
    lasting,
    recorded,
    run,
    spread,
    spread_in,
    task,
    timed,
    two_tasks,
    using,
    verdict,
    within,
)  # fmt: skip

from autograder.model import Role, Run, Status
from autograder.speedup.decide import judge


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


def test_what_was_read_again_and_again_costs_the_points_of_its_own_check() -> None:
    wasteful = run(spread(160, 0.05), wall=4.1, client=0.1, workers=(4.0, 4.0))
    files = replace(REFERENCE, reads=6)
    often = replace(wasteful, recording=replace(wasteful.recording, reads=198))
    twice = replace(wasteful, recording=replace(wasteful.recording, reads=12))
    assert verdict(often, files).credit == 1.0
    assert verdict(twice, files).credit < 0.1
    assert verdict(often).credit < 0.1, "where nothing is read, what is logged says nothing"
    client = replace(often, usage=run(client=1.6, workers=(3.2, 3.2)).usage)
    assert verdict(client, files).credit == 0.0, "the work in the client is not forgiven"


def test_tasks_that_take_turns_behind_the_recorder_s_back_get_little() -> None:
    turns = [task(i, 0.03 + 0.1 * i, 0.1, WORKERS[i % 2]) for i in range(16)]
    found = verdict(run(turns, wall=1.7))
    assert found.study is not None and found.study.speedup > 1.8
    assert found.credit < 0.4 and "clock showed 1.70 s" in found.reason


def test_the_bounds_by_the_reference_need_one_of_the_same_round() -> None:
    typical = replace(REFERENCE, cpu_seconds=None, same_round=False)
    busy = run(spread(seconds=0.2), wall=1.75, client=0.06, workers=(1.6, 1.6))
    assert verdict(busy, typical).status is Status.PASSED


class TestWorkElsewhere:
    """Work in the client, the scheduler, in advance or in one task, beside work that is shared."""

    def test_busy_work_in_the_workers_beside_work_in_the_client(self) -> None:
        serial = timed(EX02, "euler")
        length = serial.done - serial.go
        busy = recorded(serial, tasks=spread_in(serial, 16, length / 9))
        seen = found(using(busy, Role.WORKER, length * 0.9, length * 0.9))
        assert seen.study is not None and seen.study.speedup > 1.8
        assert (seen.status, seen.credit) == (Status.FAILED, 0.0)

    def test_work_in_a_task_that_has_left_its_thread_counts_as_the_client_s(self) -> None:
        right, needed = timed(EX02, "hypatia"), cpu_needed()
        own = [use.cpu_seconds for use in right.usage if use.role is Role.WORKER]
        beside = using(within(right), Role.WORKER, own[0] + needed, own[1])
        assert (found(beside).status, found(beside).credit) == (Status.FAILED, 0.0)

    @pytest.mark.parametrize("seconds", [0.63, 0.78, 0.9, 1.1])
    def test_busy_work_is_not_saved_by_a_slow_run_of_the_reference(self, seconds: float) -> None:
        """CPU seconds of the same work differ: here the client's are fewer than were needed."""
        right, needed = timed(EX02, "hypatia"), cpu_needed()
        beside = using(using(right, Role.CLIENT, seconds * needed), Role.WORKER, needed, needed)
        seen = found(beside)
        assert seen.study is not None and seen.study.speedup > 1.8
        assert (seen.status, seen.credit) == (Status.FAILED, 0.0)

    @pytest.mark.parametrize(("seconds", "least"), [(0.25, 1.0), (0.35, 0.65), (0.5, 0.3)])
    def test_what_is_shared_earns_credit_whatever_else_is_in_the_client(
        self, seconds: float, least: float
    ) -> None:
        right, needed = timed(EX02, "hypatia"), cpu_needed()
        # On a machine a tenth slower than for the reference solution.
        each = (1.1 - seconds) * needed / 2
        part = using(using(right, Role.CLIENT, seconds * needed), Role.WORKER, each, each)
        assert least <= found(part).credit <= min(least + 0.25, 1.0)

    @pytest.mark.parametrize("seconds", [0.8, 1.0, 1.3])
    def test_busy_work_beside_one_task_that_does_it_all(self, seconds: float) -> None:
        seen, needed = timed(EX02, "hypatia"), cpu_needed()
        sham = found(two_tasks(seen, seconds * needed))
        assert sham.study is not None and sham.study.speedup > 1.8
        assert (sham.status, sham.credit) == (Status.FAILED, 0.0)

    @pytest.mark.parametrize(("pace", "credit"), [(0.9, 0.55), (1.0, 0.55), (1.1, 0.3)])
    def test_one_task_of_three_quarters_keeps_part_of_the_credit(
        self, pace: float, credit: float
    ) -> None:
        """It is not taken for all of the work, on a machine a tenth slower or faster neither."""
        seen, needed = timed(EX02, "hypatia"), cpu_needed()
        long, short = 0.75 * pace * needed, 0.25 * pace * needed
        run = two_tasks(seen, long)
        first, second = run.recording.tasks
        second = replace(second, stop=second.start + short, compute_seconds=short)
        uneven = recorded(using(run, Role.WORKER, long, short), tasks=(first, second))
        assert found(uneven).credit == pytest.approx(credit, abs=0.1)
        sham = replace(second, stop=second.start + 0.4 * needed, compute_seconds=0.4 * needed)
        whole = two_tasks(seen, needed)
        all_of_it = using(whole, Role.WORKER, needed, 0.4 * needed)
        all_of_it = recorded(all_of_it, tasks=(whole.recording.tasks[0], sham))
        assert found(all_of_it).credit == 0.0

    @pytest.mark.parametrize("seconds", [0.4, 0.5, 0.6])
    def test_two_tasks_that_share_the_work_keep_their_credit(self, seconds: float) -> None:
        seen, needed = timed(EX02, "hypatia"), cpu_needed()
        assert found(two_tasks(seen, seconds * needed)).credit == 1.0

    @pytest.mark.parametrize(("tasks", "pace"), [(3, 1.6), (4, 1.9), (4, 2.2)])
    def test_a_few_tasks_on_a_slow_machine_keep_their_credit(self, tasks: int, pace: float) -> None:
        """A third of the work is not all of it, however long it took."""
        right, needed = timed(EX02, "hypatia"), cpu_needed()
        each = pace * needed / tasks
        dealt = spread_in(right, tasks, each)
        first = -(-tasks // 2) * each
        long = replace(recorded(right, tasks=dealt), done=right.go + first + 0.1)
        seen = using(using(long, Role.WORKER, first, pace * needed - first), Role.CLIENT, 0.02)
        share = 1.0 if tasks % 2 == 0 else 0.85  # three tasks on two workers have 1.5
        assert found(seen).credit >= share

    @pytest.mark.parametrize("seconds", [0.7, 1.0, 1.5])
    def test_a_run_on_a_slow_machine_keeps_its_credit(self, seconds: float) -> None:
        right, needed = timed(EX02, "hypatia"), cpu_needed()
        each = seconds * needed / 2
        slow = using(using(right, Role.CLIENT, 0.05 * seconds), Role.WORKER, each, each)
        assert found(slow).credit == 1.0

    @pytest.mark.parametrize(
        ("more", "least", "most"), [(0.3, 1.0, 1.0), (0.75, 0.1, 0.9), (2.0, 0.0, 0.0)]
    )
    def test_work_in_advance_counts_as_the_client_s(
        self, more: float, least: float, most: float
    ) -> None:
        """What goes beyond twice the reference solution's seconds, and a little."""
        usual = reference(EX02).summary
        assert usual is not None
        early = replace(timed(EX02, "hypatia"), setup_cpu=2 * usual.setup_cpu + more)
        assert least <= found(early).credit <= most

    @pytest.mark.parametrize(
        ("usually", "fewer", "seconds", "credit"),
        [
            *[(0.15, 1, 0.5, 1.0), (0.15, 1, 2.2, 0.0)],  # twice as much at any rate
            *[(0.15, 9, 0.7, 1.0), (0.15, 9, 2.4, 0.0)],  # three times with many more tasks
            *[(1.0, 9, 1.5, 1.0), (1.0, 9, 3.2, 0.0)],  # but no more than a fifth of the work
        ],
    )
    def test_the_scheduler_may_use_more_for_more_tasks(
        self, usually: float, fewer: int, seconds: float, credit: float
    ) -> None:
        right, usual = timed(EX02, "hypatia"), reference(EX02)
        assert usual.summary is not None
        tasks = len(right.recording.tasks) // fewer
        summary = replace(usual.summary, scheduler_cpu=usually, tasks=tasks)
        seen = judge(using(right, Role.SCHEDULER, seconds), 2, replace(usual, summary=summary))
        assert seen.credit == pytest.approx(credit, abs=0.02)

    @pytest.mark.parametrize("sham", [0.25, 0.4, 0.8])
    def test_what_is_hidden_aside_buys_nothing_for_the_rest_in_the_client(
        self, sham: float
    ) -> None:
        """As much before GO and in the scheduler as costs nothing, and the rest at home."""
        right, needed, usual = timed(EX02, "hypatia"), cpu_needed(), reference(EX02).summary
        assert usual is not None
        room = min(usual.setup_cpu + usual.scheduler_cpu, 0.2 * needed) + 0.3
        aside = replace(right, setup_cpu=usual.setup_cpu + room / 2)
        aside = using(aside, Role.SCHEDULER, usual.scheduler_cpu + room / 2)
        each = sham * needed / 2
        hidden = using(using(aside, Role.CLIENT, needed - room), Role.WORKER, each, each)
        assert found(hidden).credit == 0.0
        # The same seconds aside cost nothing where the work is shared.
        assert found(aside).credit == 1.0

    def test_work_in_the_scheduler_counts_as_the_client_s(self) -> None:
        right = timed(EX02, "hypatia")
        # Of messages and graphs it has some anyway, and more of them on a slow machine.
        assert found(using(right, Role.SCHEDULER, 0.3)).credit == 1.0
        beside = using(right, Role.SCHEDULER, 2.1)
        seen = found(beside)
        assert seen.study is not None and seen.study.speedup > 1.8
        assert (seen.status, seen.credit) == (Status.FAILED, 0.0)
        assert "in the scheduler" in seen.reason

    def test_an_answer_that_took_no_work(self) -> None:
        quick = lasting(timed(EX02, "hypatia"), 0.06)
        seen = found(using(quick, Role.WORKER, 0.04, 0.04))
        assert seen.study is not None and seen.study.speedup > 1.3
        assert seen.credit < 0.2


class TestWaiting:
    """Tasks that wait inside, for a lock or a clock, beside those that get no CPU."""

    def waiting(self, background_load: float) -> Run:
        # Sixteen tasks that take turns under one lock: all are there from beginning to end.
        right = timed(EX02, "hypatia")
        twice = lasting(right, 2 * (right.done - right.go))
        return replace(twice, background_load=background_load)

    def test_on_a_quiet_machine_it_shows(self) -> None:
        seen = found(self.waiting(background_load=0.02))
        assert seen.study is not None and seen.study.speedup > 1.8
        assert seen.credit < 0.1 and "waited for the rest" in seen.reason

    def test_nor_does_a_record_help_that_lays_it_to_the_disk(self) -> None:
        seen = self.waiting(background_load=0.02)
        half = tuple(
            replace(t, compute_seconds=t.compute_seconds / 2, disk_seconds=t.compute_seconds / 2)
            for t in seen.recording.tasks
        )
        assert found(recorded(seen, tasks=half)).credit < 0.1

    def test_on_a_busy_machine_nobody_can_tell_and_nothing_is_taken(self) -> None:
        busy = self.waiting(background_load=0.45)
        assert is_contended(busy) and not is_contended(self.waiting(background_load=0.02))
        assert found(replace(busy, contended=True)).status is Status.PASSED

    def test_tasks_that_compute_do_not_wait(self) -> None:
        assert found(replace(timed(EX02, "hypatia"), background_load=0.02)).credit == 1.0
