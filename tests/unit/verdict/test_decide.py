"""The rules of the speedup verdict, on evidence of real runs and on some made by hand.

Times are seconds. ``tests/support/recorded.py`` made the real evidence, and makes it anew.
"""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import nbformat
import pytest
from checkout import SAMPLES
from pydantic import TypeAdapter
from recorded import EX01, EX02, KEPT, evidence, exercise_of, reference
from recordings import UNSEEN

from autograder import pipeline, submissions
from autograder.author.samples import Sample, fill, read_samples, released
from autograder.evidence import rounds, store
from autograder.evidence.contention import is_contended
from autograder.grading import grade
from autograder.model import (
    Comparison,
    Evidence,
    Grade,
    ProcessUsage,
    Recording,
    Reference,
    Role,
    Run,
    Status,
    TaskRecord,
)
from autograder.replay import plan
from autograder.verdict.credit import credit_for, full_at
from autograder.verdict.decide import Verdict, decide, judge, stalled

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
            ProcessUsage(Role.CLIENT, "client", client, 0, 0),
            ProcessUsage(Role.SCHEDULER, "scheduler", 0.1, 0, 0),
            *(ProcessUsage(Role.WORKER, f"worker-{i}", s, 0, 0) for i, s in enumerate(workers)),
        ),
        recording=Recording(tasks=spread() if tasks is None else tuple(tasks), workers=WORKERS),
        answer={},
        comparison=None,
        failure=None,
        **UNSEEN,
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

    def test_a_worker_that_read_back_from_disk_for_longer_than_the_clock_ran(self) -> None:
        read = [replace(t, disk_seconds=0.1) for t in spread(seconds=0.1)]
        assert verdict(run(read, wall=0.9)).status is Status.FORGED
        assert verdict(run(read, wall=1.7, workers=(1.6, 1.6))).status is Status.PASSED

    def test_tasks_on_a_worker_that_is_none(self) -> None:
        stranger = [*spread(14), task(14, 0.8, 0.05, "tcp://three")]
        found = verdict(run(stranger))
        assert found.status is Status.FORGED and "tcp://three" in found.note

    def test_tasks_of_a_worker_that_died_and_was_replaced(self) -> None:
        seen = run([*spread(14), task(14, 0.8, 0.05, "tcp://dead")])
        after = tuple(replace(u, name=u.name.replace("-1", "-other")) for u in seen.usage)
        assert verdict(replace(seen, usage=after)).status is not Status.FORGED

    def test_work_that_was_not_recorded(self) -> None:
        short = [replace(t, stop=t.start + 0.001, compute_seconds=0.001) for t in spread()]
        assert verdict(run(short)).status is Status.FORGED

    def test_tasks_for_which_the_record_had_no_room(self) -> None:
        few = run(spread()[:2])
        assert verdict(few).status is Status.FORGED
        cut = replace(few, recording=replace(few.recording, unrecorded=14))
        assert verdict(cut).status is not Status.FORGED

    def test_a_recorder_that_was_switched_off(self) -> None:
        assert verdict(run(())).status is Status.FORGED

    def test_numbers_that_are_none(self) -> None:
        odd = [*spread(15), replace(task(15, 0.8, 0.1, WORKERS[1]), compute_seconds=float("nan"))]
        assert verdict(run(odd)).status is Status.FORGED

    def test_a_forged_record_earns_nothing(self) -> None:
        found = verdict(run(()))
        assert (found.credit, found.study) == (0.0, None) and found.note


# ---------------------------------------------------------------- rule by rule, on real evidence

TIMED = {EX01: "search_large", EX02: "predict_large"}
SPEEDUP = {EX01: "search_speedup", EX02: "predict_large_speedup"}
EVERY = [(name, student) for name, students in KEPT.items() for student in students]


def timed(name: str, student: str) -> Run:
    return next(r for r in reversed(evidence(name, student).runs) if r.case == TIMED[name])


def found(seen: Run, name: str = EX02) -> Verdict:
    return judge(seen, 2, reference(name))


def recorded(seen: Run, **changes: object) -> Run:
    return replace(seen, recording=replace(seen.recording, **changes))  # type: ignore[arg-type]


def cpu_needed(name: str = EX02) -> float:
    seconds = reference(name).cpu_seconds
    assert seconds is not None
    return seconds


def using(seen: Run, role: Role, *seconds: float) -> Run:
    """The same run, with other CPU times of the processes of a role."""
    kept = tuple(use for use in seen.usage if use.role is not role)
    new = (ProcessUsage(role, f"{role}-{i}", s, 0, 0) for i, s in enumerate(seconds))
    return replace(seen, usage=(*kept, *new))


def within(seen: Run, *, left: bool = True) -> Run:
    """The same run, sent by a task that waited for all the others on a worker."""
    first = min(seen.recording.tasks, key=lambda t: t.start)
    length = seen.done - seen.go - 0.02
    outer = replace(
        first, key="outer-1", layer="outer", dependencies=(), submitted=seen.go + 0.001,
        start=seen.go + 0.01, stop=seen.go + 0.01 + length,
        compute_seconds=0.01 if left else length, away_seconds=length - 0.01 if left else 0.0,
    )  # fmt: skip
    return recorded(seen, tasks=(outer, *seen.recording.tasks))


def two_tasks(seen: Run, seconds: float) -> Run:
    """A run of two tasks of one length, one on each worker."""
    dealt = spread(2, seconds)
    names = dict(zip(sorted({t.worker for t in dealt}), seen.recording.workers, strict=True))
    tasks = tuple(
        replace(
            t, worker=names[t.worker], submitted=seen.go, start=seen.go + 0.02,
            stop=seen.go + 0.02 + seconds,
        )
        for t in dealt
    )  # fmt: skip
    long = replace(recorded(seen, tasks=tasks), done=seen.go + seconds + 0.05)
    return using(using(long, Role.WORKER, seconds, seconds), Role.CLIENT, 0.02)


def lasting(seen: Run, seconds: float) -> Run:
    """The same run, with its tasks spread evenly over a run of another length."""
    factor = seconds / (seen.done - seen.go)

    def at(moment: float) -> float:
        return seen.go + (moment - seen.go) * factor

    tasks = tuple(
        replace(
            t,
            submitted=at(t.submitted),
            start=at(t.start),
            stop=at(t.stop),
            compute_seconds=t.compute_seconds * factor,
        )
        for t in seen.recording.tasks
    )
    return replace(recorded(seen, tasks=tasks), done=seen.go + seconds)


def alternating(seen: Run) -> Run:
    """The same tasks, said to have run on the workers in turn."""
    workers = seen.recording.workers
    tasks = (replace(t, worker=workers[i % 2]) for i, t in enumerate(seen.recording.tasks))
    return recorded(seen, tasks=tuple(tasks))


def shortened(seen: Run) -> Run:
    """What a replaced event class reports: a millisecond for each task."""
    tasks = (replace(t, start=t.stop - 0.001, compute_seconds=0.001) for t in seen.recording.tasks)
    return recorded(seen, tasks=tuple(tasks))


def invented(seen: Run, true: Run) -> Run:
    """The record of another, parallel run in place of the true one."""
    there = lasting(true, seen.done - seen.go)
    shift = seen.go - there.go
    tasks = tuple(
        replace(t, submitted=t.submitted + shift, start=t.start + shift, stop=t.stop + shift)
        for t in there.recording.tasks
    )
    return recorded(seen, tasks=tasks, workers=there.recording.workers)


@pytest.mark.parametrize(("name", "student"), EVERY)
def test_a_real_run_gets_the_verdict_of_its_sample(name: str, student: str) -> None:
    sample = next(s for s in read_samples(exercise_of(name), SAMPLES) if s.student == student)
    graded = grade(exercise_of(name), evidence(name, student), reference(name))
    assert {i.finding.grade_id: i.points for i in graded.scored} == dict(sample.verdict)
    assert_as_stated(graded, sample)
    assert graded.flags == ()


def assert_as_stated(graded: Grade, sample: Sample) -> None:
    assert {i.finding.grade_id: i.finding.status for i in graded.scored} == dict(sample.status)
    named = {i.finding.grade_id: [m.name for m in i.finding.mistakes] for i in graded.scored}
    assert {check: names[0] for check, names in named.items() if names} == dict(sample.mistakes)


def at_pace(usual: Reference, pace: float) -> Reference:
    """The reference solution's run on a machine that is slower by a factor, or faster."""
    summary, cpu = usual.summary, usual.cpu_seconds
    assert summary is not None and cpu is not None
    timed_ = ("wall_seconds", "early_cpu", "client_cpu", "worker_cpu", "scheduler_cpu",
              "work_seconds", "longest_seconds", "typical_seconds")  # fmt: skip
    slower = {name: getattr(summary, name) * pace for name in timed_}
    layers = {layer: seconds * pace for layer, seconds in summary.seconds.items()}
    return replace(
        usual,
        cpu_seconds=cpu * pace,
        work_seconds=(usual.work_seconds or 0.0) * pace,
        serial_seconds=(usual.serial_seconds or 0.0) * pace,
        summary=replace(summary, **slower, seconds=layers),
    )


@pytest.mark.parametrize("pace", [0.7, 0.85, 1.15, 1.4])
@pytest.mark.parametrize(("name", "student"), EVERY)
def test_no_verdict_hangs_on_the_moment_that_the_reference_ran_in(
    name: str, student: str, pace: float
) -> None:
    """CPU seconds of the same work differ by as much as that, from moment to moment."""
    sample = next(s for s in read_samples(exercise_of(name), SAMPLES) if s.student == student)
    usual = at_pace(reference(name), pace)
    assert_as_stated(grade(exercise_of(name), evidence(name, student), usual), sample)


class TestForgedRecordOfARealRun:
    """Records tampered with in the ways that a program in the box can, and the untouched ones."""

    def test_shortened_tasks(self) -> None:
        for student in ("hypatia", "atlas"):
            seen = found(shortened(timed(EX02, student)))
            assert (seen.status, seen.credit) == (Status.FORGED, 0.0)
            assert "the recorded tasks come to 0.0" in seen.note

    def test_invented_tasks_beside_work_in_the_client(self) -> None:
        forged = invented(timed(EX02, "euler"), timed(EX02, "hypatia"))
        seen = found(forged)
        assert seen.study is not None and seen.study.speedup > 1.8
        # Tasks that sleep leave the same facts: no proof, so nobody is accused, and no point.
        assert (seen.status, seen.credit) == (Status.FAILED, 0.0)
        assert "They slept, or never ran." in seen.note

    def test_tasks_moved_to_the_other_worker(self) -> None:
        honest = timed(EX02, "atlas")
        assert found(honest).status is Status.FAILED and not found(honest).note
        seen = found(alternating(honest))
        assert (seen.status, seen.credit) == (Status.FORGED, 0.0)
        assert "each worker is said" in seen.note

    def test_a_true_record_of_tasks_in_turn_is_not_doubted(self) -> None:
        assert found(alternating(timed(EX02, "hypatia"))).status is Status.PASSED

    def test_a_recorder_that_was_switched_off_is_not_taken_for_no_tasks(self) -> None:
        for student in ("hypatia", "atlas"):
            seen = found(recorded(timed(EX02, student), tasks=()))
            assert (seen.status, seen.credit) == (Status.FORGED, 0.0)
            assert "but no task is recorded" in seen.note

    def test_no_tasks_is_not_taken_for_a_recorder_that_was_switched_off(self) -> None:
        seen = found(timed(EX01, "euler"), EX01)
        assert (seen.status, seen.credit, seen.note) == (Status.FAILED, 0.0, "")

    def test_a_recorder_that_gives_no_answer(self) -> None:
        silent = replace(timed(EX02, "hypatia"), recording=Recording())
        assert found(silent).status is Status.FORGED
        assert "but the recorder gave no answer" in found(silent).note

    def test_silence_about_idle_workers_is_flagged_and_accuses_nobody(self) -> None:
        silent = replace(timed(EX01, "euler"), recording=Recording())
        assert found(silent, EX01).status is Status.FAILED
        assert "the recorder gave no answer" in found(silent, EX01).note

    def test_a_scheduler_killed_and_replaced(self) -> None:
        forged = invented(timed(EX02, "euler"), timed(EX02, "hypatia"))
        seen = found(using(forged, Role.WORKER))
        assert (seen.status, seen.credit) == (Status.FORGED, 0.0)
        assert "no worker of the cluster was left" in seen.note

    def test_sham_tasks_beside_work_in_the_client(self) -> None:
        serial = timed(EX02, "euler")
        sham = recorded(serial, tasks=spread_in(serial, 16, 0.01))
        assert (found(sham).status, found(sham).credit) == (Status.FAILED, 0.0)

    def test_busy_work_in_the_workers_beside_work_in_the_client(self) -> None:
        serial = timed(EX02, "euler")
        length = serial.done - serial.go
        busy = recorded(serial, tasks=spread_in(serial, 16, length / 9))
        seen = found(using(busy, Role.WORKER, length * 0.9, length * 0.9))
        assert seen.study is not None and seen.study.speedup > 1.8
        assert (seen.status, seen.credit) == (Status.FAILED, 0.0)

    def test_a_record_too_large_to_replay_earns_nothing_and_accuses_nobody(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(plan, "MOST_EDGES", 1)
        seen = timed(EX02, "hypatia")
        tasks = [replace(t, dependencies=("a", "b")) for t in seen.recording.tasks]
        said = found(recorded(seen, tasks=tuple(tasks)))
        assert (said.status, said.credit) == (Status.FAILED, 0.0)
        assert "no more than 1 can be replayed" in said.reason and said.reason == said.note

    def test_a_task_that_waits_for_its_own_is_doubted_by_nobody(self) -> None:
        seen = found(within(timed(EX02, "hypatia")))
        assert (seen.status, seen.note) == (Status.PASSED, "")
        # Without knowing that it had left its thread, it would have worked longer than there was.
        whole = within(timed(EX02, "hypatia"), left=False)
        assert found(whole).status is Status.FORGED

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
        early = replace(timed(EX02, "hypatia"), early_cpu=2 * usual.early_cpu + more)
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
        room = min(usual.early_cpu + usual.scheduler_cpu, 0.2 * needed) + 0.3
        aside = replace(right, early_cpu=usual.early_cpu + room / 2)
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


def spread_in(seen: Run, tasks: int, seconds: float) -> tuple[TaskRecord, ...]:
    """Independent tasks from the beginning of a run on, dealt to its workers in turn."""
    dealt = spread(tasks, seconds)
    return tuple(
        replace(
            t,
            worker=seen.recording.workers[i % 2],
            submitted=t.submitted - GO + seen.go,
            start=t.start - GO + seen.go,
            stop=t.stop - GO + seen.go,
        )
        for i, t in enumerate(dealt)
    )


class TestUnusualAndRight:
    """Programs unlike the reference solution's, which must not lose a point by that."""

    def test_three_times_as_fast(self) -> None:
        right = timed(EX02, "hypatia")
        fast = lasting(right, (right.done - right.go) / 3)
        cpu = [use.cpu_seconds / 3 for use in right.usage if use.role is Role.WORKER]
        assert found(using(fast, Role.WORKER, *cpu)).status is Status.PASSED

    def test_fewer_and_larger_tasks(self) -> None:
        right = timed(EX02, "hypatia")
        length = right.done - right.go - 0.1
        four = recorded(right, tasks=spread_in(right, 4, length / 2))
        assert found(four).status is Status.PASSED

    def test_two_graphs_where_the_reference_needs_one(self) -> None:
        right = timed(EX02, "hypatia")
        half = right.go + 0.02
        late = {t.key for t in right.recording.tasks if t.start > right.go + 0.3}
        tasks = tuple(
            replace(t, submitted=half) if t.key in late else t for t in right.recording.tasks
        )
        two = recorded(right, tasks=tasks, graphs=right.recording.graphs * 2)
        assert found(two).status is Status.PASSED

    def test_one_graph_where_the_reference_sends_twelve(self) -> None:
        right = timed(EX01, "hypatia")
        first = min(t.submitted for t in right.recording.tasks)
        tasks = tuple(replace(t, submitted=first) for t in right.recording.tasks)
        one = recorded(right, tasks=tasks, graphs=right.recording.graphs[:1])
        assert found(one, EX01).status is Status.PASSED

    def test_results_fetched_one_by_one_as_they_come(self) -> None:
        right = timed(EX01, "hypatia")
        seen = using(right, Role.CLIENT, 0.2)
        assert found(seen, EX01).status is Status.PASSED


class TestWaiting:
    """Tasks that wait inside, for a lock or a clock, beside those that get no CPU."""

    def waiting(self, others: float) -> Run:
        # Sixteen tasks that take turns under one lock: all are there from beginning to end.
        right = timed(EX02, "hypatia")
        twice = lasting(right, 2 * (right.done - right.go))
        return replace(twice, others=others)

    def test_on_a_quiet_machine_it_shows(self) -> None:
        seen = found(self.waiting(others=0.02))
        assert seen.study is not None and seen.study.speedup > 1.8
        assert seen.credit < 0.1 and "waited for the rest" in seen.reason

    def test_nor_does_a_record_help_that_lays_it_to_the_disk(self) -> None:
        seen = self.waiting(others=0.02)
        half = tuple(
            replace(t, compute_seconds=t.compute_seconds / 2, disk_seconds=t.compute_seconds / 2)
            for t in seen.recording.tasks
        )
        assert found(recorded(seen, tasks=half)).credit < 0.1

    def test_on_a_busy_machine_nobody_can_tell_and_nothing_is_taken(self) -> None:
        busy = self.waiting(others=0.45)
        assert is_contended(busy) and not is_contended(self.waiting(others=0.02))
        assert found(replace(busy, busy=True)).status is Status.PASSED

    def test_tasks_that_compute_do_not_wait(self) -> None:
        assert found(replace(timed(EX02, "hypatia"), others=0.02)).credit == 1.0


class TestBusyMachine:
    def evidence(self, *runs: Run) -> Evidence:
        return replace(evidence(EX02, "hypatia"), runs=runs)

    def partial(self, **changes: object) -> Run:
        """Half of the points: the client works a while before it hands over the tasks."""
        right = timed(EX02, "hypatia")
        head = right.done - right.go
        tasks = tuple(
            replace(t, submitted=t.submitted + head, start=t.start + head, stop=t.stop + head)
            for t in right.recording.tasks
        )
        late = replace(recorded(right, tasks=tasks), done=right.done + head)
        return replace(late, **changes)  # type: ignore[arg-type]

    def decide(self, *runs: Run) -> Verdict:
        return decide(self.evidence(*runs), TIMED[EX02], reference(EX02))

    def test_full_points_are_full_points(self) -> None:
        seen = self.decide(replace(timed(EX02, "hypatia"), busy=True))
        assert seen.status is Status.PASSED and not seen.note

    def test_none_are_none_and_the_instructor_is_told(self) -> None:
        seen = self.decide(replace(timed(EX02, "zeno"), busy=True))
        assert seen.status is Status.FAILED and "busy in every try" in seen.note

    def test_part_of_the_points_stands_for_now(self) -> None:
        seen = self.decide(*[self.partial(busy=True)] * 3)
        assert seen.status is Status.BUSY and 0.0 < seen.credit < 1.0
        assert "may give more" in seen.note
        assert self.decide(self.partial()).status is Status.PARTIAL

    def test_one_fair_try_is_enough(self) -> None:
        seen = self.decide(self.partial(busy=True), self.partial())
        assert seen.status is Status.PARTIAL and not seen.note

    def test_the_best_try_counts(self) -> None:
        right = timed(EX02, "hypatia")
        seen = self.decide(self.partial(busy=True), right)
        assert (seen.status, seen.credit) == (Status.PASSED, 1.0) and seen.run is right
        seen = self.decide(replace(right, busy=True), self.partial())
        assert (seen.status, seen.credit) == (Status.PASSED, 1.0)

    def test_a_try_with_a_wrong_answer_does_not_count(self) -> None:
        wrong = replace(
            timed(EX02, "hypatia"), busy=True, comparison=Comparison(False, "labels", "none")
        )
        assert self.decide(wrong, self.partial()).status is Status.PARTIAL

    def test_serial_work_is_serial_on_a_busy_machine_too(self) -> None:
        busy = replace(timed(EX02, "zeno"), busy=True)
        seen = self.decide(busy)
        assert (seen.status, seen.credit) == (Status.FAILED, 0.0)

    def test_a_forged_try_spoils_all(self) -> None:
        right = timed(EX02, "hypatia")
        assert self.decide(replace(shortened(right), busy=True), right).status is Status.FORGED

    def test_it_takes_neighbours_and_tasks_that_got_too_little(self) -> None:
        slow = lasting(timed(EX02, "hypatia"), 2 * 1.4)
        assert is_contended(replace(slow, others=0.4))
        assert not is_contended(replace(slow, others=0.03))
        assert not is_contended(replace(timed(EX02, "hypatia"), others=0.4))


class TestHeldUp:
    """What takes far longer than its tasks explain is tried again, and the best try counts."""

    def slow(self, times: float = 1.8) -> Run:
        """Tasks as long as they were, with time in between that nothing explains."""
        right = timed(EX02, "hypatia")
        twice = lasting(right, times * (right.done - right.go))
        gaps = tuple(
            replace(late, stop=late.start + t.compute_seconds, compute_seconds=t.compute_seconds)
            for late, t in zip(twice.recording.tasks, right.recording.tasks, strict=True)
        )
        return recorded(twice, tasks=gaps)

    def test_it_is_told_from_a_run_in_order_and_from_a_serial_one(self) -> None:
        assert stalled(self.slow(), 2)
        assert not stalled(timed(EX02, "hypatia"), 2)
        assert not stalled(timed(EX02, "zeno"), 2)

    def test_beside_other_work_time_is_lost_between_tasks_too(self) -> None:
        some = replace(self.slow(1.6), others=0.4)
        assert found(some).credit == 1.0 and not stalled(some, 2)
        # Not where the machine was quiet, where the tasks themselves got too little, or where the
        # clock shows what one worker would have taken.
        for other in (
            replace(some, others=0.0),
            replace(some, busy=True),
            replace(self.slow(1.9), others=0.4),
        ):
            assert found(other).credit < 1.0 and stalled(other, 2)

    def test_a_wrong_answer_or_a_record_that_is_none_is_not_tried_again(self) -> None:
        wrong = replace(self.slow(), comparison=Comparison(False, "labels", "none"))
        assert not stalled(wrong, 2)
        odd = recorded(self.slow(), tasks=(task(0, 1.0, -1.0, WORKERS[0]),))
        assert not stalled(odd, 2)

    def test_the_try_in_order_counts(self) -> None:
        tries = replace(evidence(EX02, "hypatia"), runs=(self.slow(), timed(EX02, "hypatia")))
        seen = decide(tries, TIMED[EX02], reference(EX02))
        assert (seen.status, seen.credit) == (Status.PASSED, 1.0)
        alone = decide(replace(tries, runs=(self.slow(),)), TIMED[EX02], reference(EX02))
        assert alone.status is not Status.PASSED


# ------------------------------------------------------------------- credit, to the last digit


@pytest.mark.parametrize(
    ("speedup", "credit"), [(1.0, 0.0), (1.1, 0.0), (1.31, 0.5), (1.52, 1.0), (2.0, 1.0)]
)
def test_the_formula_of_the_credit(speedup: float, credit: float) -> None:
    full = full_at(REFERENCE, run(client=0.06), 2)
    assert full == pytest.approx(1.52)
    assert credit_for(speedup, full) == pytest.approx(credit)


def test_a_reference_that_is_hardly_parallel_still_leaves_a_ramp() -> None:
    assert full_at(replace(REFERENCE, speedup=1.0), run(client=0.06), 2) == pytest.approx(1.2)


class TestLessWork:
    """The same seconds for starting and fetching are more beside less work."""

    # 1 / (1 / 2 + (1 / 1.52 - 1 / 2) * 1.65 / 1.1) = 1.357; half the way from 1.1 is 1.31.
    @pytest.mark.parametrize(
        ("cpu", "full"), [(1.66, 1.52), (3.0, 1.52), (1.1, 1.357), (0.5, 1.31), (0.0, 1.52)]
    )
    def test_less_is_asked_of_it_but_never_little(self, cpu: float, full: float) -> None:
        seen = run(client=cpu / 5, workers=(cpu * 0.4, cpu * 0.4))
        assert full_at(REFERENCE, seen, 2) == pytest.approx(full, abs=0.001)

    def test_what_is_not_known_changes_nothing(self) -> None:
        unknown = replace(REFERENCE, cpu_seconds=None)
        assert full_at(unknown, run(client=0.1, workers=(0.2, 0.2)), 2) == pytest.approx(1.52)

    def test_the_points_for_a_fast_program_and_none_for_a_fast_serial_one(self) -> None:
        # Two fifths of a second before four tasks of a tenth on each worker.
        late = [task(i, 0.38 + i // 2 * 0.1, 0.1, WORKERS[i % 2], 0.37) for i in range(8)]
        late_run = run(late, wall=0.83, client=0.4, workers=(0.4, 0.4))
        fast = verdict(late_run)
        assert 1.31 < fast.speedup < 1.52 and fast.status is Status.PASSED
        assert verdict(late_run, replace(REFERENCE, cpu_seconds=1.0)).credit < 1.0
        serial = verdict(run((), wall=0.6, client=0.6, workers=(0.01, 0.01)))
        assert (serial.status, serial.credit) == (Status.FAILED, 0.0)


def as_json(graded: Grade) -> bytes:
    return TypeAdapter(Grade).dump_json(replace(graded, evidence=None))


@pytest.mark.parametrize(("name", "student"), EVERY)
def test_the_same_evidence_gives_the_same_grade(name: str, student: str) -> None:
    seen = evidence(name, student)
    adapter = TypeAdapter(Evidence)
    again = adapter.validate_json(adapter.dump_json(seen))
    graded = grade(exercise_of(name), seen, reference(name))
    assert as_json(grade(exercise_of(name), again, reference(name))) == as_json(graded)
    # The order of the records is no part of the evidence.
    shuffled = replace(
        seen, runs=tuple(recorded(r, tasks=r.recording.tasks[::-1]) for r in seen.runs)
    )
    points = [item.points for item in grade(exercise_of(name), shuffled, reference(name)).scored]
    assert points == [item.points for item in graded.scored]


def test_regrading_a_round_with_its_seed_gives_the_same_verdict(
    source: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    exercise = exercise_of(EX02)
    sample = next(s for s in read_samples(exercise, SAMPLES) if s.student == "hypatia")
    notebook = fill(sample, released(exercise, source))
    round_ = rounds.current(tmp_path, exercise)
    key = store.key(exercise, submissions.parse(notebook, exercise), round_, boxed=True)
    store.save(round_, replace(evidence(EX02, "hypatia"), key=key))

    def refuse(*args: object, **kwargs: object) -> None:
        raise AssertionError("it was run again")

    monkeypatch.setattr(pipeline, "observe", refuse)
    case = next(case for case in exercise.cases if case.timed)

    def regrade() -> tuple[bytes, int]:
        # As another process does, which knows nothing but the folder.
        same = rounds.current(tmp_path, exercise)
        bench = pipeline.Bench(exercise, same, reference(EX02))
        graded = pipeline.grade(nbformat.from_dict(notebook), bench)
        return as_json(graded), rounds.seed(same, case, attempt=0)

    assert regrade() == regrade()
    (tmp_path / EX02 / "round").write_text("2")
    with pytest.raises(AssertionError, match="run again"):
        regrade()
