"""Scores that stay on the cluster, and times that hold the work: what ex02 asks beside labels."""

from dataclasses import replace

import numpy as np
import pytest
from kept_evidence import EX02, evidence, exercise_of, reference

from autograder.checks import CHECKS
from autograder.evidence import driver
from autograder.evidence.summary import worked_seconds
from autograder.exercise import catalogue
from autograder.model import (
    CellOutput,
    Failure,
    Finding,
    ProcessUsage,
    Recording,
    Role,
    Run,
    Status,
)

EXERCISE = exercise_of(EX02)


def run_of(case: str) -> Run:
    """The right submission's run of a case, as it was recorded."""
    return next(run for run in evidence(EX02, "hypatia").runs if run.case == case)


def judged(run: Run) -> Finding:
    """Judge a run by the check that is about its case alone: timing, or staying distributed."""
    spec = next(spec for spec in reversed(EXERCISE.checks) if run.case in spec.cases)
    seen = replace(evidence(EX02, "hypatia"), runs=(run,))
    return CHECKS[spec.check](EXERCISE, spec, seen, reference(EX02))


# ----------------------------------------------------------------------------------- the time


def timed(seconds: float | None, **changes: object) -> Finding:
    run = run_of("take_time")
    assert run.comparison is not None
    return judged(replace(run, comparison=replace(run.comparison, seconds=seconds), **changes))


WORKED = worked_seconds(run_of("take_time").recording)
CALLED = run_of("take_time").returned - run_of("take_time").go


@pytest.mark.parametrize("seconds", [0.6 * WORKED, WORKED, CALLED, 1.04 * CALLED])
def test_a_time_that_holds_the_work_passes(seconds: float) -> None:
    assert timed(seconds).status is Status.PASSED


@pytest.mark.parametrize(
    ("seconds", "said"),
    [
        (0.4 * WORKED, "less than the work took"),
        (0.0, "less than the work took"),
        (-1.0, "less than the work took"),
        (1000 * CALLED, "more than the whole call took"),  # milliseconds
        (None, "no number of seconds"),
    ],
)
def test_a_time_of_something_else_fails(seconds: float | None, said: str) -> None:
    found = timed(seconds)
    assert (found.status, found.credit) == (Status.FAILED, 0.0) and said in found.got


def test_a_time_of_the_recipe_is_named_and_one_too_long_is_not() -> None:
    assert [m.name for m in timed(0.002).mistakes] == ["timed_too_early"]
    assert not timed(1000 * CALLED).mistakes


def test_a_time_without_any_task_is_no_time_of_the_cluster_s() -> None:
    found = timed(CALLED, recording=Recording())
    assert found.status is Status.FAILED and "not one task" in found.got


def test_the_time_of_a_wrong_answer_does_not_count() -> None:
    run = run_of("take_time")
    assert run.comparison is not None
    wrong = replace(run.comparison, equal=False, got="1 of 9,600 labels is wrong")
    found = judged(replace(run, comparison=wrong))
    assert found.status is Status.FAILED and "not right" in found.got


LABELS = np.arange(4)


@pytest.mark.parametrize(
    ("took", "seconds"),
    [
        (np.array(0.25), 0.25),
        (np.array([3]), 3.0),
        (np.array(np.nan), None),
        (np.array(np.inf), None),
        (np.array([1.0, 2.0]), None),
        (np.array("1.0"), None),
        (np.array(1j), None),
        (None, None),
    ],
)
def test_whatever_the_box_calls_seconds_is_a_number_or_nothing(
    took: object, seconds: float | None
) -> None:
    cases = catalogue.cases(EXERCISE)
    compared = cases.compare("take_time", {"labels": LABELS}, {"labels": LABELS, "took": took})
    assert compared.equal and compared.seconds == seconds


@pytest.mark.parametrize("result", [None, 1.0, (LABELS,), (LABELS, None), (LABELS, "1"), "ab"])
def test_what_is_no_pair_of_labels_and_seconds_is_said_so(result: object) -> None:
    with pytest.raises(TypeError, match="timed_predict must return two things"):
        catalogue.cases(EXERCISE).materialise("take_time", result)


# ---------------------------------------------------------------------------------- the score


def scored(gathered: int = 0, client: float = 0.05, tasks: bool = True) -> Finding:
    run = run_of("score")
    usage = tuple(
        replace(use, cpu_seconds=client) if use.role is Role.CLIENT else use for use in run.usage
    )
    recording = run.recording if tasks else replace(run.recording, tasks=())
    return judged(replace(run, usage=usage, recording=replace(recording, gathered_bytes=gathered)))


def test_a_score_of_labels_that_came_over_passes() -> None:
    run = run_of("score")
    assert judged(run).status is Status.PASSED
    rows = run.input_bytes // 168
    assert scored(gathered=16 * rows).status is Status.PASSED  # labels and classes


def test_a_score_of_rows_that_came_over_fails_and_is_named() -> None:
    found = scored(gathered=run_of("score").input_bytes, client=0.4)
    assert found.status is Status.FAILED
    assert [m.name for m in found.mistakes] == ["scored_at_home"]


def test_rows_that_came_another_way_are_seen_by_the_client_s_cpu_time() -> None:
    found = scored(client=1.0, tasks=False)
    assert found.status is Status.FAILED and "1.00 s" in found.got


def test_a_slow_notebook_beside_tasks_that_do_the_work_passes() -> None:
    run = run_of("score")
    done = sum(task.compute_seconds for task in run.recording.tasks)
    busy = ProcessUsage(Role.WORKER, "worker-0", 0.02, 0.0, 0, 0)
    assert scored(client=0.9 * done).status is Status.PASSED
    assert judged(replace(run, usage=(*run.usage, busy))).status is Status.PASSED


# ------------------------------------------------------------------------- what cannot be called


def test_a_function_that_is_not_there_is_traced_to_the_cell_that_ended() -> None:
    told, arrays, raised = driver.call_student(None, "score", "score_large", None, ())
    assert (told, arrays) == ({}, {}) and raised is not None
    # Not one line of the kit's own.
    assert raised["traceback"] == f"NameError: {raised['message']}\n"
    run = replace(run_of("score"), failure=Failure(**raised), comparison=None)
    spec = next(spec for spec in EXERCISE.checks if spec.grade_id == "score_large_values")
    seen = replace(evidence(EX02, "hypatia"), runs=(run,), cells=())
    found = CHECKS["values"](EXERCISE, spec, seen, reference(EX02))
    assert "Keep the name that the blank has" in found.advice
    wrong = CellOutput(11, (), 0.1, Failure("SyntaxError", "invalid syntax (line 3)", ""))
    found = CHECKS["values"](
        EXERCISE, spec, replace(seen, cells=(CellOutput(4, (), 0.1), wrong)), reference(EX02)
    )
    assert found.advice.startswith("Cell 12 of the notebook ended with SyntaxError: invalid syntax")


def test_a_result_of_the_wrong_type_is_told_without_lines_of_the_exercise_s() -> None:
    with pytest.raises(TypeError) as raised:
        catalogue.cases(EXERCISE).materialise("score", object())
    told = driver._failure(raised.value)["traceback"]
    assert told.startswith('  File "') and "test_ex02.py" in told.split("\n")[0]
    assert "cases.py" not in told and "TypeError: score_large must return" in told


def test_an_error_of_the_student_s_keeps_its_lines() -> None:
    def score_large(model: object, X: object, y: object) -> object:
        return model + 1  # type: ignore[operator]

    cases = catalogue.cases(EXERCISE)
    _, _, raised = driver.call_student(cases, "score", "score_large", score_large, ("", 2, 3))
    assert raised is not None and raised["traceback"].count("File ") == 1
    assert "return model + 1" in raised["traceback"]
