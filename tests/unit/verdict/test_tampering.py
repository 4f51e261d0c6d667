"""Records that cannot be true, and beside each the true one that must not be doubted."""

from dataclasses import replace

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

from autograder.model import Recording, Role, Status


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

    def test_a_task_that_waits_for_its_own_is_doubted_by_nobody(self) -> None:
        seen = found(within(timed(EX02, "hypatia")))
        assert (seen.status, seen.note) == (Status.PASSED, "")
        # Without knowing that it had left its thread, it would have worked longer than there was.
        whole = within(timed(EX02, "hypatia"), left=False)
        assert found(whole).status is Status.FORGED
