"""Records that cannot be true, and beside each the true one that must not be doubted."""

from dataclasses import replace

import pytest
from speedup_runs import (
    EX01,
    EX02,
    WORKERS,
    alternating,
    found,
    invented,
    recorded,
    run,
    shortened,
    spread,
    spread_in,
    task,
    timed,
    using,
    verdict,
    within,
)  # fmt: skip

from autograder.model import Recording, Role, Run, Status
from autograder.speedup.tampering import contradiction, doubts


class TestForged:
    """A record that cannot be true, and beside it the true one that must not be doubted."""

    def test_a_worker_that_worked_longer_than_the_clock_ran(self) -> None:
        assert verdict(run(spread(seconds=0.2), wall=0.9)).contradiction
        assert not verdict(run(spread(seconds=0.2), wall=1.7, workers=(1.6, 1.6))).contradiction

    def test_a_worker_that_read_back_from_disk_for_longer_than_the_clock_ran(self) -> None:
        read = [replace(t, disk_seconds=0.1) for t in spread(seconds=0.1)]
        assert verdict(run(read, wall=0.9)).contradiction
        assert not verdict(run(read, wall=1.7, workers=(1.6, 1.6))).contradiction

    def test_tasks_on_a_worker_that_is_none(self) -> None:
        stranger = [*spread(14), task(14, 0.8, 0.05, "tcp://three")]
        found = verdict(run(stranger))
        assert "tcp://three" in found.contradiction and "tcp://three" in found.note

    def test_tasks_of_a_worker_that_died_and_was_replaced(self) -> None:
        seen = run([*spread(14), task(14, 0.8, 0.05, "tcp://dead")])
        after = tuple(replace(u, name=u.name.replace("-1", "-other")) for u in seen.usage)
        assert not verdict(replace(seen, usage=after)).contradiction

    def test_work_that_was_not_recorded(self) -> None:
        short = [replace(t, stop=t.start + 0.001, compute_seconds=0.001) for t in spread()]
        assert verdict(run(short)).contradiction

    def test_tasks_for_which_the_record_had_no_room(self) -> None:
        few = run(spread()[:2])
        assert verdict(few).contradiction
        cut = replace(few, recording=replace(few.recording, unrecorded=14))
        assert not verdict(cut).contradiction

    def test_a_recorder_that_was_switched_off(self) -> None:
        assert verdict(run(())).contradiction

    def test_numbers_that_are_none(self) -> None:
        odd = [*spread(15), replace(task(15, 0.8, 0.1, WORKERS[1]), compute_seconds=float("nan"))]
        assert verdict(run(odd)).contradiction

    def test_one_contradiction_takes_no_point_and_is_told(self) -> None:
        found = verdict(shortened(run(workers=(0.8, 0.8))))
        assert found.credit == 1.0 and found.note == (
            f"The recording does not fit what was measured: {found.contradiction}"
        )


class TestForgedRecordOfARealRun:
    """Records tampered with in the ways that a program in the box can, and the untouched ones."""

    def test_shortened_tasks(self) -> None:
        for student in ("hypatia", "atlas"):
            seen = found(shortened(timed(EX02, student)))
            assert "the recorded tasks come to 0.0" in seen.contradiction

    def test_invented_tasks_beside_work_in_the_client(self) -> None:
        forged = invented(timed(EX02, "euler"), timed(EX02, "hypatia"))
        seen = found(forged)
        # As recorded, it would earn all points.
        assert seen.study is not None and seen.study.speedup > 1.4
        # Tasks that sleep leave the same facts: no proof, so nobody is accused, and no point.
        assert (seen.status, seen.credit) == (Status.FAILED, 0.0)
        assert "They slept, or never ran." in seen.note

    def test_tasks_moved_to_the_other_worker(self) -> None:
        honest = timed(EX02, "atlas")
        assert found(honest).status is Status.FAILED and not found(honest).note
        seen = found(alternating(honest))
        assert (seen.status, seen.credit) == (Status.FAILED, 0.0)
        assert "each worker is recorded as" in seen.contradiction

    def test_a_true_record_of_tasks_in_turn_is_not_doubted(self) -> None:
        assert found(alternating(timed(EX02, "hypatia"))).status is Status.PASSED

    def test_a_recorder_that_was_switched_off_is_not_taken_for_no_tasks(self) -> None:
        for student in ("hypatia", "atlas"):
            seen = found(recorded(timed(EX02, student), tasks=()))
            assert "but no task is recorded" in seen.contradiction

    def test_no_tasks_is_not_taken_for_a_recorder_that_was_switched_off(self) -> None:
        seen = found(timed(EX01, "euler"), EX01)
        assert (seen.status, seen.credit, seen.note) == (Status.FAILED, 0.0, "")

    def test_a_recorder_that_gives_no_answer(self) -> None:
        silent = replace(timed(EX02, "hypatia"), recording=Recording())
        assert found(silent).contradiction
        assert "but the recorder gave no answer" in found(silent).note

    def test_silence_about_idle_workers_is_flagged_and_accuses_nobody(self) -> None:
        silent = replace(timed(EX01, "euler"), recording=Recording())
        assert found(silent, EX01).status is Status.FAILED
        assert "the recorder gave no answer" in found(silent, EX01).note

    def test_a_scheduler_killed_and_replaced(self) -> None:
        forged = invented(timed(EX02, "euler"), timed(EX02, "hypatia"))
        seen = found(using(forged, Role.WORKER))
        assert (seen.status, seen.credit) == (Status.FAILED, 0.0)
        assert "no worker of the cluster was left" in seen.contradiction

    def test_sham_tasks_beside_work_in_the_client(self) -> None:
        serial = timed(EX02, "euler")
        sham = recorded(serial, tasks=spread_in(serial, 16, 0.01))
        assert (found(sham).status, found(sham).credit) == (Status.FAILED, 0.0)

    def test_a_task_that_waits_for_its_own_is_doubted_by_nobody(self) -> None:
        seen = found(within(timed(EX02, "hypatia")))
        assert (seen.status, seen.note) == (Status.PASSED, "")
        # Without knowing that it had left its thread, it would have worked longer than there was.
        whole = within(timed(EX02, "hypatia"), left=False)
        assert found(whole).contradiction


class TestToTheHundredth:
    """Where each rule begins, on numbers that can be worked out on paper."""

    def seen(
        self, durations: tuple[float, float], workers: tuple[float, ...], wall: float = 9.0
    ) -> Run:
        tasks = [task(i, 0.03, each, WORKERS[i]) for i, each in enumerate(durations) if each]
        return run(tasks, wall=wall, workers=workers)

    def test_no_worker_works_longer_than_the_clock_and_its_error(self) -> None:
        assert not contradiction(self.seen((1.09, 0.5), (1.0, 0.5), wall=1.0))
        said = contradiction(self.seen((1.11, 0.5), (1.0, 0.5), wall=1.0))
        assert said == f"{WORKERS[0]} is recorded as working 1.11 s in a run of 1.00 s."

    def test_workers_compute_three_times_what_is_recorded_and_half_a_second(self) -> None:
        # Two workers that idle for 2.5 s may have half a second of their own.
        assert not contradiction(self.seen((0.25, 0.25), (1.25, 1.24), wall=2.5))
        assert "come to 0.50 s" in contradiction(self.seen((0.25, 0.25), (1.25, 1.26), wall=2.5))

    def test_workers_that_idle_beside_long_work_in_the_notebook_hide_nothing(self) -> None:
        """0.02 s per second and worker was measured."""
        for wall in (12.0, 60.0, 600.0):
            assert not contradiction(run((), wall=wall, client=wall, workers=(0.02 * wall,) * 2))

    @pytest.mark.parametrize(("lost", "most"), [(2, 3.5), (-9, 2.0)])
    def test_what_had_no_room_is_like_the_rest(self, lost: int, most: float) -> None:
        for more, forged in ((-0.02, False), (0.02, True)):
            each = (most + more) / 2
            seen = self.seen((0.25, 0.25), (each + 0.1, each + 0.1), wall=1.0)
            cut = replace(seen, recording=replace(seen.recording, unrecorded=lost))
            assert bool(contradiction(cut)) is forged

    def test_what_a_task_did_while_it_had_left_its_thread_is_in_no_record(self) -> None:
        seen = self.seen((0.25, 0.25), (1.2, 1.2), wall=1.0)
        away = tuple(replace(each, away_seconds=0.1) for each in seen.recording.tasks)
        assert contradiction(seen)
        assert not contradiction(replace(seen, recording=replace(seen.recording, tasks=away)))

    @pytest.mark.parametrize(
        ("durations", "workers", "forged"),
        [
            ((1.0, 0.51), (0.09, 1.0), True),
            ((1.0, 0.49), (0.09, 1.0), False),
            ((1.0, 1.0), (0.11, 1.0), False),
            ((1.0, 1.0), (0.01, 0.31), True),
            ((1.0, 1.0), (0.01, 0.29), False),
            ((1.0, 0.0), (0.01, 1.0), False),
            ((1.0, 0.51), (1.0, 0.09), True),
            ((1.0, 1.0), (0.1, 0.5), False),
            ((1.0, 1.0), (1.0,), False),
            ((1.0, 1.0), (0.0, 0.5, 1.0), False),
        ],
    )
    def test_half_of_the_work_on_record_is_more_than_a_tenth_in_fact(
        self, durations: tuple[float, float], workers: tuple[float, ...], forged: bool
    ) -> None:
        assert (
            "each worker is recorded as" in contradiction(self.seen(durations, workers))
        ) is forged

    @pytest.mark.parametrize(
        ("durations", "forged"), [((0.6, 0.7, 1.0), True), ((0.4, 0.5, 1.0), False)]
    )
    def test_of_many_workers_the_idlest_and_the_busiest_are_compared(
        self, durations: tuple[float, ...], forged: bool
    ) -> None:
        names = ("tcp://a", "tcp://b", "tcp://c")
        tasks = [task(i, 0.1, durations[i], name) for i, name in enumerate(names)]
        seen = recorded(run(tasks, wall=1.2, workers=(0.1, 1.0, 0.01)), workers=names)
        said = contradiction(seen)
        assert ("each worker is recorded as working" in said) is forged
        assert not forged or "one used 1.00 s of CPU and another 0.01 s" in said

    def test_workers_that_are_not_said_to_have_worked_at_all(self) -> None:
        assert not contradiction(run((), workers=(0.35, 0.01)))

    def test_tasks_without_a_worker(self) -> None:
        assert "no worker of the cluster was left" in contradiction(self.seen((0.1, 0.1), ()))
        assert not contradiction(self.seen((0.0, 0.0), ()))

    @pytest.mark.parametrize(
        ("seconds", "spent", "told"),
        [(0.5, 0.09, True), (0.5, 0.11, False), (0.16, 0.0, True), (0.14, 0.0, False)],
    )
    def test_a_tenth_of_what_is_recorded_is_computed(
        self, seconds: float, spent: float, told: bool
    ) -> None:
        said = doubts(self.seen((seconds, seconds), (spent / 2, spent / 2)))
        assert ("They slept, or never ran." in said) is told
