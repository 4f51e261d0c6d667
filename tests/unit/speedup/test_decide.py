"""The verdict as a whole: right programs, tries on a busy machine, and the same verdict again."""

from dataclasses import replace
from pathlib import Path

import nbformat
import pytest
from autograder.evidence.contention import is_contended
from checkout import SAMPLES
from kept_evidence import evidence, exercise_of, reference
from pydantic import TypeAdapter
from speedup_runs import (
    EVERY,
    EX01,
    EX02,
    TIMED,
    WORKERS,
    found,
    lasting,
    recorded,
    run,
    shortened,
    spread,
    spread_in,
    task,
    timed,
    using,
    verdict,
)  # fmt: skip

from autograder import pipeline, submissions
from autograder.author.samples import Sample, fill, read_samples, released
from autograder.evidence import rounds, store
from autograder.grading import grade
from autograder.model import Comparison, Evidence, Grade, Reference, Role, Run, Status
from autograder.replay import plan
from autograder.speedup import bounds
from autograder.speedup.decide import Verdict, decide, stalled


def test_work_that_is_spread_gets_full_credit() -> None:
    found = verdict(run())
    assert (found.status, found.credit) == (Status.PASSED, 1.0)
    assert 1.8 < found.speedup <= 2.0 and not found.reason and not found.note


def test_an_hour_in_which_the_machine_is_half_as_fast_costs_nothing() -> None:
    slow = run(spread(seconds=0.2), wall=1.75, client=0.06, workers=(1.6, 1.6))
    assert verdict(slow).status is Status.PASSED


def test_a_faster_program_than_the_reference_passes() -> None:
    fast = run(spread(8, 0.05), wall=0.28, client=0.03, workers=(0.2, 0.2))
    assert verdict(fast).status is Status.PASSED


def test_fewer_and_larger_tasks_pass() -> None:
    assert verdict(run(spread(2, 0.8))).status is Status.PASSED


def test_a_record_too_large_to_replay_earns_nothing_and_accuses_nobody(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(plan, "MOST_EDGES", 1)
    seen = timed(EX02, "hypatia")
    tasks = [replace(t, dependencies=("a", "b")) for t in seen.recording.tasks]
    said = found(recorded(seen, tasks=tuple(tasks)))
    assert (said.status, said.credit) == (Status.FAILED, 0.0)
    assert "no more than 1 can be replayed" in said.reason and said.reason == said.note


@pytest.mark.parametrize(("name", "student"), EVERY)
def test_a_real_run_gets_the_verdict_of_its_sample(name: str, student: str) -> None:
    sample = next(s for s in read_samples(exercise_of(name), SAMPLES) if s.student == student)
    graded = grade(exercise_of(name), evidence(name, student), reference(name, student))
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
    timed_ = ("wall_seconds", "setup_cpu", "client_cpu", "worker_cpu", "scheduler_cpu",
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
    usual = at_pace(reference(name, student), pace)
    assert_as_stated(grade(exercise_of(name), evidence(name, student), usual), sample)


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
        seen = self.decide(replace(timed(EX02, "hypatia"), contended=True))
        assert seen.status is Status.PASSED and not seen.note

    def test_none_are_none_and_the_instructor_is_told(self) -> None:
        seen = self.decide(replace(timed(EX02, "zeno"), contended=True))
        assert seen.status is Status.FAILED and "busy in every try" in seen.note

    def test_part_of_the_points_stands_for_now(self) -> None:
        seen = self.decide(*[self.partial(contended=True)] * 3)
        assert seen.status is Status.BUSY and 0.0 < seen.credit < 1.0
        assert "may give more" in seen.note
        assert self.decide(self.partial()).status is Status.PARTIAL

    def test_one_fair_try_is_enough(self) -> None:
        seen = self.decide(self.partial(contended=True), self.partial())
        assert seen.status is Status.PARTIAL and not seen.note

    def test_the_best_try_counts(self) -> None:
        right = timed(EX02, "hypatia")
        seen = self.decide(self.partial(contended=True), right)
        assert (seen.status, seen.credit) == (Status.PASSED, 1.0) and seen.run is right
        seen = self.decide(replace(right, contended=True), self.partial())
        assert (seen.status, seen.credit) == (Status.PASSED, 1.0)

    def test_a_try_with_a_wrong_answer_does_not_count(self) -> None:
        wrong = replace(
            timed(EX02, "hypatia"), contended=True, comparison=Comparison(False, "labels", "none")
        )
        assert self.decide(wrong, self.partial()).status is Status.PARTIAL

    def test_serial_work_is_serial_on_a_busy_machine_too(self) -> None:
        busy = replace(timed(EX02, "zeno"), contended=True)
        seen = self.decide(busy)
        assert (seen.status, seen.credit) == (Status.FAILED, 0.0)

    def test_a_forged_try_spoils_all(self) -> None:
        right = timed(EX02, "hypatia")
        assert self.decide(replace(shortened(right), contended=True), right).status is Status.FORGED

    def test_it_takes_neighbours_and_tasks_that_got_too_little(self) -> None:
        slow = lasting(timed(EX02, "hypatia"), 2 * 1.4)
        assert is_contended(replace(slow, background_load=0.4))
        assert not is_contended(replace(slow, background_load=0.03))
        assert not is_contended(replace(timed(EX02, "hypatia"), background_load=0.4))


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
        some = replace(self.slow(1.6), background_load=0.4)
        assert found(some).credit == 1.0 and not stalled(some, 2)
        # Not where the machine was quiet, where the tasks themselves got too little, or where the
        # clock shows what one worker would have taken.
        for other in (
            replace(some, background_load=0.0),
            replace(some, contended=True),
            replace(self.slow(1.9), background_load=0.4),
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


def as_json(graded: Grade) -> bytes:
    return TypeAdapter(Grade).dump_json(replace(graded, evidence=None))


@pytest.mark.parametrize(("name", "student"), EVERY)
def test_the_same_evidence_gives_the_same_grade(name: str, student: str) -> None:
    seen = evidence(name, student)
    adapter = TypeAdapter(Evidence)
    again = adapter.validate_json(adapter.dump_json(seen))
    graded = grade(exercise_of(name), seen, reference(name, student))
    assert as_json(grade(exercise_of(name), again, reference(name, student))) == as_json(graded)
    # The order of the records is no part of the evidence.
    shuffled = replace(
        seen, runs=tuple(recorded(r, tasks=r.recording.tasks[::-1]) for r in seen.runs)
    )
    points = [
        item.points for item in grade(exercise_of(name), shuffled, reference(name, student)).scored
    ]
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
        context = pipeline.GradingContext(exercise, same, reference(EX02))
        graded = pipeline.grade(nbformat.from_dict(notebook), context)
        return as_json(graded), rounds.seed(same, case, attempt=0)

    assert regrade() == regrade()
    (tmp_path / EX02 / "round").write_text("2")
    with pytest.raises(AssertionError, match="run again"):
        regrade()


@pytest.mark.parametrize(
    ("speedup", "status", "reason"),
    [
        (1.6, Status.PASSED, ""),
        (1.2, Status.PARTIAL, "for a reason"),
        (1.1, Status.FAILED, "for a reason"),
    ],
)
def test_a_reason_is_given_where_points_are_lost(
    speedup: float, status: Status, reason: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bounds, "smallest", lambda *seen: (speedup, "for a reason"))
    seen = verdict(run())
    assert (seen.status, seen.reason, seen.speedup) == (status, reason, speedup)
    assert seen.study is not None and seen.study.counted == speedup
