"""When a submission is observed again, whole: right work never fails for what was left out."""

from collections.abc import Callable
from contextlib import nullcontext
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from kept_evidence import EX02, evidence, exercise_of, reference
from nbformat import NotebookNode

from autograder import pipeline, submissions
from autograder.author.samples import fill, read_samples, released
from autograder.errors import HarnessError
from autograder.evidence import rounds
from autograder.model import CellOutput, Evidence, Exercise, Failure, Submission
from autograder.speedup.decide import COVERED

SAMPLES = Path(__file__).parents[2] / "samples"
RIGHT, WRONG = "hypatia", "abel"
STATE = "\n\nseen = {}\n\ndef note(x):\n    seen[1] = x\n    return x\n"
MISSED = CellOutput(0, (), 0.1, Failure("NameError", "name 'plain' is not defined", ""))


@pytest.fixture(scope="module")
def exercise(source: Path) -> Exercise:
    return pipeline.marked(exercise_of(EX02), source / EX02 / f"{EX02}.ipynb")


@pytest.fixture(scope="module")
def handed_in(source: Path, exercise: Exercise) -> NotebookNode:
    (sample,) = (one for one in read_samples(exercise, SAMPLES) if one.student == RIGHT)
    return fill(sample, released(exercise, source))


@pytest.fixture
def observe(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, exercise: Exercise
) -> Callable[..., list[int]]:
    """Observe a submission in a made-up box; return how many cells were left out each time."""

    def observed(parsed: Submission, *found: Evidence) -> list[int]:
        left_out: list[int] = []

        def observe(exercise: Exercise, submission: Submission, **others: Any) -> Evidence:
            left_out.append(sum(cell.left_out for cell in submission.cells))
            return found[len(left_out) - 1]

        monkeypatch.setattr(pipeline, "observe", observe)
        round_ = rounds.Round(tmp_path, b"key")
        assert pipeline.observed(exercise, parsed, round_) is found[len(left_out) - 1]
        return left_out

    return observed


def with_state(notebook: NotebookNode) -> NotebookNode:
    """Return a notebook with a function that remembers its calls."""
    changed = notebook.copy()
    changed.cells = [cell.copy() for cell in notebook.cells]
    blank = next(c for c in changed.cells if c.metadata.get("nbgrader", {}).get("solution"))
    blank["source"] = blank["source"] + STATE
    return changed


def test_right_work_is_observed_once(
    observe: Callable[..., list[int]], handed_in: NotebookNode, exercise: Exercise
) -> None:
    parsed = submissions.parse(handed_in, exercise)
    assert observe(parsed, evidence(EX02, RIGHT)) == [7]
    stateful = submissions.parse(with_state(handed_in), exercise)
    assert not stateful.stateless
    assert observe(stateful, evidence(EX02, RIGHT)) == [7]


def test_wrong_work_that_remembers_nothing_is_observed_once(
    observe: Callable[..., list[int]], handed_in: NotebookNode, exercise: Exercise
) -> None:
    parsed = submissions.parse(handed_in, exercise)
    assert parsed.stateless
    assert observe(parsed, evidence(EX02, WRONG)) == [7]


def test_what_may_be_wrong_for_want_of_an_experiment_is_observed_again_with_it(
    observe: Callable[..., list[int]], handed_in: NotebookNode, exercise: Exercise
) -> None:
    parsed = submissions.parse(with_state(handed_in), exercise)
    assert observe(parsed, evidence(EX02, WRONG), evidence(EX02, RIGHT)) == [7, 0]


@pytest.mark.parametrize("kind", ["NameError", "UndefinedVariableError"])
def test_a_name_that_was_missed_has_everything_run(
    kind: str, observe: Callable[..., list[int]], handed_in: NotebookNode, exercise: Exercise
) -> None:
    parsed = submissions.parse(handed_in, exercise)
    assert MISSED.failure is not None
    missed = replace(MISSED, failure=replace(MISSED.failure, kind=kind))
    right = evidence(EX02, RIGHT)
    assert observe(parsed, replace(right, cells=(missed,)), right) == [7, 0]


def test_where_nothing_was_left_out_nothing_is_observed_again(
    observe: Callable[..., list[int]], handed_in: NotebookNode, exercise: Exercise
) -> None:
    parsed = submissions.parse(with_state(handed_in), replace(exercise, experiments=frozenset()))
    assert observe(parsed, evidence(EX02, WRONG)) == [0]


@pytest.mark.parametrize("load", [0.5, 0.95])
def test_points_lost_on_a_crowded_machine_are_nobodys_and_nothing_is_kept(
    load: float,
    exercise: Exercise,
    handed_in: NotebookNode,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
) -> None:
    slow = evidence(EX02, "euler")
    runs = tuple(replace(run, background_load=load) for run in slow.runs)
    round_ = rounds.current(tmp_path, exercise)

    def observed(*_: Any, key: str, **__: Any) -> Evidence:
        return replace(slow, runs=runs, key=key)

    monkeypatch.setattr(pipeline, "observed", observed)
    context = pipeline.GradingContext(exercise, round_, reference(EX02))
    crowded = load > COVERED
    with pytest.raises(HarnessError, match="95% of the") if crowded else nullcontext():
        pipeline.grade(handed_in, context)
    kept = list(round_.folder.glob("*.json"))
    assert bool(kept) is not crowded


@pytest.mark.parametrize(
    ("student", "load", "refused"),
    [("croesus", 0.95, True), ("croesus", 0.5, False), ("hypatia", 0.95, False)],
)
def test_work_that_costs_points_beside_more_than_was_tried_is_unknown(
    student: str, load: float, refused: bool
) -> None:
    name = "ex08_halving_search"
    seen = evidence(name, student)
    busy = replace(seen, runs=tuple(replace(run, background_load=load) for run in seen.runs))
    judged = replace(
        exercise_of(name), cases=tuple(c for c in exercise_of(name).cases if not c.timed)
    )
    context = pipeline.GradingContext(
        judged, rounds.Round(Path(), b"key"), reference(name, student)
    )
    told = pytest.raises(HarnessError, match="95% of the machine's CPU")
    with told if refused else nullcontext():
        pipeline.refuse_crowded(context, busy)


class TestReferenceBesideASubmission:
    """Where its CPU seconds of another moment cost points, it runs again."""

    CASE = "predict_large"

    @pytest.fixture
    def measured(
        self, monkeypatch: pytest.MonkeyPatch, exercise: Exercise, source: Path, tmp_path: Path
    ) -> Callable[..., tuple[Evidence, list[Exercise]]]:
        """Measure in made-up boxes: the submission first, then the reference solution."""

        def measured(
            student: str, pace: float, *, solution: bool = True, right: bool = True
        ) -> tuple[Evidence, list[Exercise]]:
            usual = reference(EX02)
            assert usual.cpu_seconds is not None
            quick = replace(usual, cpu_seconds=usual.cpu_seconds / pace)
            path = source / EX02 / f"{EX02}.ipynb" if solution else None
            round_ = rounds.Round(tmp_path, b"key")
            context = pipeline.GradingContext(exercise, round_, quick, solution=path)
            asked: list[Exercise] = []

            def observed(exercise: Exercise, *_: Any, **__: Any) -> Evidence:
                asked.append(exercise)
                if len(asked) == 1:
                    return evidence(EX02, student)
                own = evidence(EX02, "reference")
                runs = [run for run in own.runs if run.case == exercise.cases[0].name]
                if not right:
                    runs = [replace(run, comparison=None) for run in runs]
                return replace(own, runs=tuple(runs))

            monkeypatch.setattr(pipeline, "observed", observed)
            code = Submission(EX02, (), frozenset(), "digest")
            return pipeline.measured(context, code, key="key"), asked

        return measured

    def test_it_runs_the_case_that_lost_points(
        self, measured: Callable[..., tuple[Evidence, list[Exercise]]]
    ) -> None:
        seen, asked = measured(RIGHT, 1.5)
        assert [case.name for case in asked[-1].cases] == [self.CASE] and len(asked) == 2
        assert asked[-1].experiments
        told = [run.case for run in seen.runs if run.reference]
        assert told == [self.CASE]

    @pytest.mark.parametrize(
        ("student", "pace", "solution"),
        [(RIGHT, 1.0, True), (RIGHT, 1.5, False), ("euler", 1.5, True), ("zeno", 1.0, True)],
    )
    def test_otherwise_it_does_not(
        self,
        student: str,
        pace: float,
        solution: bool,
        measured: Callable[..., tuple[Evidence, list[Exercise]]],
    ) -> None:
        seen, asked = measured(student, pace, solution=solution)
        assert len(asked) == 1 and seen == evidence(EX02, student)

    def test_where_it_fails_nothing_is_graded(
        self, measured: Callable[..., tuple[Evidence, list[Exercise]]]
    ) -> None:
        with pytest.raises(HarnessError, match="ran again beside a submission"):
            measured(RIGHT, 1.5, right=False)
