"""The verdict as a whole: right programs, contradictions, and the same verdict again."""

from dataclasses import replace
from pathlib import Path

import nbformat
import pytest
from checkout import SAMPLES
from kept_evidence import evidence, exercise_of, reference
from pydantic import TypeAdapter
from speedup_runs import (
    EVERY,
    EX01,
    EX02,
    REFERENCE,
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
from autograder.evidence.reference_again import at_the_moment, taken
from autograder.grading import grade
from autograder.model import Comparison, CpuSample, Evidence, Grade, Reference, Role, Run, Status
from autograder.replay import plan
from autograder.speedup.decide import (
    COVERED,
    Verdict,
    decide,
    is_crowded,
    is_doubtful,
    is_limited,
    is_unlucky,
    judge,
)


def test_work_that_is_spread_gets_full_credit() -> None:
    found = verdict(run())
    assert (found.status, found.credit) == (Status.PASSED, 1.0)
    assert 1.7 < found.speedup.speedup <= 2.0 and not found.reason and not found.note


def test_an_hour_in_which_the_machine_is_a_quarter_slower_costs_nothing() -> None:
    slow = run(spread(seconds=0.125), wall=1.1, client=0.03, workers=(1.0, 1.0))
    assert verdict(slow).status is Status.PASSED


def test_a_faster_program_than_the_reference_passes() -> None:
    fast = run(spread(8, 0.05), wall=0.28, client=0.03, workers=(0.2, 0.2))
    assert verdict(fast).status is Status.PASSED


def test_fewer_and_larger_tasks_pass() -> None:
    assert verdict(run(spread(2, 0.8))).status is Status.PASSED


def test_a_record_too_large_to_replay_costs_and_accuses_nobody(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(plan, "MOST_EDGES", 1)
    seen = timed(EX02, "hypatia")
    tasks = [replace(t, dependencies=("a", "b")) for t in seen.recording.tasks]
    large = recorded(seen, tasks=tuple(tasks))
    said = found(large)
    assert not is_doubtful(large)
    assert (said.status, said.study) == (Status.PASSED, None)
    assert "no more than 1 can be replayed" in said.note


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


@pytest.mark.parametrize("pace", [0.88, 0.95, 1.1, 1.18])
@pytest.mark.parametrize(("name", "student"), EVERY)
def test_no_verdict_hangs_on_the_moment_that_the_reference_ran_in(
    name: str, student: str, pace: float
) -> None:
    """Right runs used 0.85 to 1.33 times the work of a reference solution that ran beside less."""
    sample = next(s for s in read_samples(exercise_of(name), SAMPLES) if s.student == student)
    usual = at_pace(reference(name, student), pace)
    assert_as_stated(grade(exercise_of(name), evidence(name, student), usual), sample)


@pytest.mark.parametrize("pace", [1.3, 1.5, 1.7])
@pytest.mark.parametrize(("name", "student"), EVERY)
def test_who_loses_points_by_a_slower_moment_is_tried_again(
    name: str, student: str, pace: float
) -> None:
    usual, quicker = reference(name, student), at_pace(reference(name, student), 1 / pace)
    seen = evidence(name, student)
    for case in exercise_of(name).timed:
        for run_ in (one for one in seen.runs if one.case == case and one.right):
            if judge(run_, seen.cluster.workers, usual).credit == 1.0:
                now = judge(run_, seen.cluster.workers, quicker)
                assert now.credit == 1.0 or is_unlucky(run_, seen.cluster.workers, quicker)


def slower(seen: Evidence, times: float) -> Evidence:
    """A submission at a moment at which every processor takes longer for the same work."""
    runs = []
    for run_ in seen.runs:
        usage = tuple(replace(u, cpu_seconds=times * u.cpu_seconds) for u in run_.usage)
        cpu = tuple(
            replace(s, seconds=times * s.seconds, ran=times * s.ran, waited=times * s.waited)
            for s in run_.cpu
        )
        done = run_.go + times * (run_.done - run_.go)
        changed = replace(run_, usage=usage, cpu=cpu, done=done, setup_cpu=times * run_.setup_cpu)
        runs.append(changed)
    return replace(seen, runs=tuple(runs))


@pytest.mark.parametrize("times", [1.4, 2.0])
@pytest.mark.parametrize("name", sorted(TIMED))
def test_a_reference_of_the_same_moment_gives_right_work_its_points(
    name: str, times: float
) -> None:
    case, usual = TIMED[name], reference(name)
    seen = slower(evidence(name, "hypatia"), times)
    *others, last = [run_ for run_ in seen.runs if run_.case == case]
    assert not others and is_limited(last, 2, usual)
    assert decide(seen, case, usual).credit < 1.0
    its_own = slower(evidence(name, "reference"), times)
    # The kept runs had different other work beside them, a moment that is made up has none.
    again = replace(taken([run_ for run_ in its_own.runs if run_.case == case][-1]), crowd=None)
    now = at_the_moment(usual, exercise_of(name).timed, [replace(last, reference=(again,))])
    assert decide(seen, case, now).credit == 1.0 and not is_limited(last, 2, now)


@pytest.mark.parametrize(("name", "student"), EVERY)
def test_it_gives_serial_work_none(name: str, student: str) -> None:
    """Nor is it asked for, where more useful work would earn no more."""
    case, usual = TIMED[name], reference(name)
    seen = slower(evidence(name, student), 2.0)
    points = decide(evidence(name, student), case, usual).credit
    limited = [is_limited(run_, 2, usual) for run_ in seen.runs if run_.case == case]
    assert any(limited) is (points > 0.0)
    twice = at_pace(usual, 2.0)
    assert decide(seen, case, twice).credit == pytest.approx(points, abs=0.02)


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


class TestTries:
    """One try is the rule; nobody is accused on one."""

    def decide(self, *runs: Run) -> Verdict:
        return decide(replace(evidence(EX02, "hypatia"), runs=runs), TIMED[EX02], reference(EX02))

    def test_one_true_try(self) -> None:
        right = timed(EX02, "hypatia")
        assert not is_doubtful(right)
        assert self.decide(right).status is Status.PASSED

    def test_one_contradiction_accuses_nobody_and_is_tried_again(self) -> None:
        odd = shortened(timed(EX02, "hypatia"))
        assert is_doubtful(odd)
        seen = self.decide(odd)
        assert (seen.status, seen.credit) == (Status.PASSED, 1.0)
        assert "does not fit" in seen.note

    def test_two_contradictions_are_not_accepted(self) -> None:
        odd = shortened(timed(EX02, "hypatia"))
        seen = self.decide(odd, odd)
        assert (seen.status, seen.credit, seen.study) == (Status.FORGED, 0.0, None)
        assert "the recorded tasks come to 0.0" in seen.note

    def test_a_true_try_stands_in_place_of_a_contradictory_one(self) -> None:
        right = timed(EX02, "hypatia")
        seen = self.decide(shortened(right), right)
        assert (seen.status, seen.note) == (Status.PASSED, "") and seen.run is right

    @pytest.mark.parametrize("student", ["euler", "zeno", "atlas"])
    def test_who_comes_out_serial_is_never_accused(self, student: str) -> None:
        odd = recorded(timed(EX02, student), tasks=())
        seen = self.decide(odd, odd, odd)
        assert (seen.status, seen.credit) == (Status.FAILED, 0.0)

    def test_a_record_that_is_none_is_tried_again(self) -> None:
        odd = recorded(timed(EX02, "hypatia"), tasks=(task(0, 1.0, -1.0, WORKERS[0]),))
        assert is_doubtful(odd) and self.decide(odd, odd).status is Status.FORGED

    def test_a_try_with_a_wrong_answer_does_not_count(self) -> None:
        right = timed(EX02, "hypatia")
        wrong = replace(right, comparison=Comparison(False, "labels", "none"))
        assert self.decide(wrong, timed(EX02, "zeno")).status is Status.FAILED


class TestUnseen:
    """A right answer takes some work; one that took none comes from elsewhere."""

    def test_hardly_any_work_earns_nothing(self) -> None:
        little = run(spread(16, 0.005), wall=0.06, client=0.01, workers=(0.04, 0.04))
        seen = verdict(replace(little, usage=little.usage[:1] + little.usage[2:]))
        assert (seen.status, seen.credit) == (Status.FAILED, 0.0)
        assert "computed at another time or place" in seen.reason

    def test_a_much_faster_program_earns_all(self) -> None:
        fast = run(spread(16, 0.03), wall=0.25, client=0.01, workers=(0.22, 0.22))
        quick = replace(fast, usage=fast.usage[:1] + fast.usage[2:])
        assert verdict(quick).status is Status.PASSED

    def test_nobody_knows_in_a_self_check(self) -> None:
        little = run(spread(16, 0.005), wall=0.06, client=0.0, workers=(0.05, 0.05))
        quick = replace(little, usage=little.usage[:1] + little.usage[2:])
        assert verdict(quick, replace(REFERENCE, cpu_seconds=None)).status is Status.PASSED


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


class TestOneWorkerDidItAll:
    """Beside other work that may be chance; who does it in every try gains nothing."""

    UNEVEN = run(workers=(1.25, 0.5), wall=1.3)

    def test_it_gains_nothing_and_accuses_nobody(self) -> None:
        found = verdict(self.UNEVEN)
        assert found.credit == 0.0 and found.status is Status.FAILED and not found.contradiction
        assert "one worker alone computed for 1.25 s" in found.reason

    def test_a_bit_less_is_judged_by_its_speedup(self) -> None:
        found = verdict(run(workers=(1.1, 0.65), wall=1.15))
        assert found.credit > 0.0 and not found.reason

    def test_it_is_tried_again(self) -> None:
        assert is_unlucky(self.UNEVEN, 2, REFERENCE)
        assert not is_unlucky(run(), 2, REFERENCE)

    def test_so_is_one_that_earns_a_part(self) -> None:
        """The best of several tries counts, as for the reference solution."""
        right = timed(EX02, "hypatia").comparison
        slow, quick = (
            replace(seen, comparison=right) for seen in (run(workers=(1.1, 0.35), wall=1.5), run())
        )
        assert 0.0 < verdict(slow).credit < 1.0 and is_unlucky(slow, 2, REFERENCE)
        tried = replace(evidence(EX02, "hypatia"), runs=(slow, quick, slow))
        assert decide(tried, slow.case, REFERENCE).credit == verdict(quick).credit == 1.0

    def test_a_serial_run_needs_no_further_try(self) -> None:
        """Its speedup says all that there is to say."""
        serial = run(workers=(1.6, 0.0), wall=1.7)
        assert not is_unlucky(serial, 2, REFERENCE)
        assert verdict(serial).credit == 0.0 and not verdict(serial).reason
        # Nor at a moment at which the machine is slow.
        assert REFERENCE.cpu_seconds is not None
        quicker = replace(REFERENCE, cpu_seconds=REFERENCE.cpu_seconds / 1.6)
        assert not is_unlucky(serial, 2, quicker)

    def test_without_a_task_nothing_is_earned_and_nobody_accused(self) -> None:
        found = verdict(run((), workers=(0.8, 0.8)))
        assert found.credit == 0.0 and found.status is Status.FAILED
        assert "no task ran on the cluster" in found.reason

    def test_on_more_workers_the_share_of_one_is_small(self) -> None:
        shared = run(workers=16 * (0.12,), wall=0.25)
        never_waited = (CpuSample(seconds=0.0, name="client", ran=0.0, waited=0.0),)
        usual = replace(REFERENCE, speedup=14.0, alone=0.13)
        found = judge(replace(shared, cpu=never_waited), 16, usual)
        assert not found.reason and found.credit == 1.0


class TestBesideMoreThanItWasTriedBeside:
    """What nobody knows costs no points; what is known is judged on any machine."""

    def crowded(self, student: str, load: float | None) -> bool:
        seen = evidence(EX02, student)
        runs = tuple(replace(each, background_load=load) for each in seen.runs)
        return is_crowded(replace(seen, runs=runs), TIMED[EX02], reference(EX02))

    def test_lost_points_are_not_believed(self) -> None:
        assert self.crowded("euler", COVERED + 0.01)

    def test_they_are_beside_no_more_than_that(self) -> None:
        assert not self.crowded("euler", COVERED)
        assert not self.crowded("euler", None)

    def test_full_points_are_full_points(self) -> None:
        assert not self.crowded("hypatia", 0.99)

    def test_a_wrong_answer_is_wrong_beside_anything(self) -> None:
        seen = evidence(EX02, "euler")
        wrong = tuple(replace(r, comparison=None, background_load=0.99) for r in seen.runs)
        assert not is_crowded(replace(seen, runs=wrong), TIMED[EX02], reference(EX02))
