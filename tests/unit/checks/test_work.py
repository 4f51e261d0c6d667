"""How much was computed: the best right run counts, whoever else used the machine."""

from dataclasses import replace
from pathlib import Path

import pytest
from kept_evidence import evidence, exercise_of, reference

from autograder import pipeline
from autograder.checks import work
from autograder.evidence import rounds
from autograder.model import Evidence, Reference, Run, Status

EX08 = "ex08_halving_search"
EXERCISE = exercise_of(EX08)
SPEC = next(spec for spec in EXERCISE.checks if spec.grade_id == "search_forest_work")
RIGHT = evidence(EX08, "hypatia")
USUAL = replace(reference(EX08), same_round=True)


def beside_others(run: Run, times: float) -> Run:
    """Return a run whose processes took more CPU seconds for the same work."""
    usage = tuple(replace(use, cpu_seconds=times * use.cpu_seconds) for use in run.usage)
    return replace(run, usage=usage)


def tried(*times: float) -> Evidence:
    """Return evidence in which the last case of the check was run several times."""
    of = {run.case: run for run in RIGHT.runs}
    others = [run for run in RIGHT.runs if run.case != SPEC.cases[-1]]
    again = [beside_others(of[SPEC.cases[-1]], each) for each in times]
    return replace(RIGHT, runs=(*others, *again))


def judged(seen: Evidence, usual: Reference = USUAL) -> Status:
    return work(EXERCISE, SPEC, seen, usual).status


@pytest.mark.parametrize("times", [(1.0,), (3.0, 1.0), (1.0, 3.0), (3.0, 3.0, 1.0)])
def test_the_best_of_several_runs_counts(times: tuple[float, ...]) -> None:
    assert judged(tried(*times)) is Status.PASSED


@pytest.mark.parametrize("times", [(3.0,), (3.0, 2.5, 3.0)])
def test_work_that_is_done_in_every_run_costs_points(times: tuple[float, ...]) -> None:
    assert judged(tried(*times)) is Status.FAILED


def test_a_wrong_answer_is_no_cheap_one() -> None:
    seen = tried(1.0, 3.0)
    wrong = replace(seen.runs[-2], comparison=replace(seen.runs[-2].comparison, equal=False))
    assert judged(replace(seen, runs=(*seen.runs[:-2], wrong, seen.runs[-1]))) is Status.FAILED


def test_a_run_is_repeated_where_it_would_lose_points_and_is_right() -> None:
    context = pipeline.GradingContext(EXERCISE, rounds.Round(Path(), b"key"), USUAL)
    dear, cheap = tried(3.0).runs[-1], tried(1.0).runs[-1]
    assert context.is_tried_again(dear) and not context.is_tried_again(cheap)
    assert not context.is_tried_again(replace(dear, comparison=None))
    free = next(run for run in RIGHT.runs if run.case not in EXERCISE.measured)
    assert not context.is_tried_again(beside_others(free, 9.0))
