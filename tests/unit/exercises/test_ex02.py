"""Scores that stay on the cluster, and times that hold the work: what ex02 asks beside labels."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import small_cases
from kept_evidence import EX02, evidence, exercise_of, reference
from sklearn.metrics import accuracy_score, make_scorer
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVC

from autograder.checks import CHECKS
from autograder.evidence import driver
from autograder.evidence.summary import worked_seconds
from autograder.exercise import catalogue
from autograder.model import (
    CellOutput,
    Comparison,
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
        (None, "not a number of seconds"),
    ],
)
def test_a_time_of_something_else_fails(seconds: float | None, said: str) -> None:
    found = timed(seconds)
    assert (found.status, found.credit) == (Status.FAILED, 0.0) and said in found.got


def test_a_time_of_the_recipe_is_named_and_one_too_long_is_not() -> None:
    assert [m.name for m in timed(0.002).mistakes] == ["timed_too_early"]
    assert not timed(1000 * CALLED).mistakes


@pytest.mark.parametrize(
    ("seconds", "advised"),
    [
        (-1.0, "Subtract the first reading of the clock from the second"),
        (900 * CALLED, "these may be milliseconds"),
        (9 * CALLED, "Read the clock, compute"),
        (0.4 * WORKED, "Read the clock, compute"),
    ],
)
def test_what_is_wrong_with_a_time_is_said_where_it_shows(seconds: float, advised: str) -> None:
    found = timed(seconds)
    assert advised in found.advice
    early = 0.0 <= seconds < 0.5 * WORKED
    assert [m.name for m in found.mistakes] == (["timed_too_early"] if early else [])


def test_a_time_without_any_task_is_no_time_of_the_cluster_s() -> None:
    found = timed(CALLED, recording=Recording())
    assert found.status is Status.FAILED and "no task ran" in found.got


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


def test_a_third_of_the_rows_that_came_over_fails_whatever_the_timed_case_brings() -> None:
    run = run_of("score")
    found = scored(gathered=run.input_bytes // 3, client=0.05)
    assert found.status is Status.FAILED and "came to the notebook" in found.got


# --------------------------------------------------------- what an answer gives away by its value

SMALL = small_cases.SMALL[EX02]
LIKE_A_DASK_ARRAY = {"labels_kind": np.array("a Dask array"), "labels_lazy": np.array(True)}


@pytest.fixture(scope="module")
def truths() -> dict[str, dict[str, np.ndarray]]:
    cases = catalogue.cases(EXERCISE)
    return {case: cases.oracle(case, sizes, 3) for case, sizes in SMALL.items()}


@pytest.mark.parametrize(
    ("case", "part", "name"),
    [
        ("fit", "labels", "no_scaler"),
        ("fit", "labels", "own_data"),
        ("fit", "labels", "scaled_outside"),
        ("predict_odd", "labels", "own_model"),
        ("predict_odd", "labels", "column_numbers"),
        ("score", "score", "r2_score"),
        ("score", "score", "mean_of_chunks"),
        ("score", "score", "error_rate"),
        ("score", "score", "number_right"),
        ("score", "score", "percent"),
        ("score", "score", "rounded"),
        ("score", "score", "first_chunk"),
        ("count", "counts", "last_chunk"),
        ("count", "counts", "by_frequency"),
        ("count", "counts", "shares"),
        ("count_odd", "counts", "last_chunk"),
    ],
)
def test_a_value_that_a_mistake_gives_is_called_by_it(
    case: str, part: str, name: str, truths: dict[str, dict[str, np.ndarray]]
) -> None:
    told = truths[case][f"mistake:{name}"]
    answer = {**truths[case], **LIKE_A_DASK_ARRAY, part: told[2:3] if name == "rounded" else told}
    compared = catalogue.cases(EXERCISE).compare(case, truths[case], answer)
    assert (compared.equal, compared.mistake) == (False, name)
    assert EXERCISE.mistakes[name].explanation
    other = {**answer, part: truths[case][part][::-1] if part != "score" else np.array(0.123)}
    assert catalogue.cases(EXERCISE).compare(case, truths[case], other).mistake is None


def test_a_score_is_shown_with_as_many_digits_as_tell_it_from_the_right_one() -> None:
    truth = {"score": np.array(0.85441)}
    compared = catalogue.cases(EXERCISE).compare("score", truth, {"score": np.array(0.85442)})
    assert not compared.equal and compared.got not in compared.expected


# ------------------------------------------------------- who labelled which rows, and beside whom


def called(case: str, function: Callable[..., object]) -> Comparison:
    """Call a function on a small case, on the cluster at hand, and compare."""
    cases = catalogue.cases(EXERCISE)
    arguments, _ = cases.prepare(case, SMALL[case], 3)
    answer = cases.materialise(case, function(*arguments))
    return cases.compare(case, cases.oracle(case, SMALL[case], 3), answer)


def counts_of(labels: np.ndarray) -> np.ndarray:
    return np.bincount(labels, minlength=4)


@pytest.mark.usefixtures("client")
@pytest.mark.parametrize(
    ("count", "mistake"),
    [
        (lambda m, X: counts_of(m.predict(X.compute())), None),
        (
            lambda m, X: sum(
                counts_of(m.predict(X.blocks[k]).compute()) for k in range(X.numblocks[0])
            ),
            "one_after_another",
        ),
        (
            lambda m, X: np.array([int((m.predict(X) == k).sum().compute()) for k in range(4)]),
            "predicted_again",
        ),
    ],
)
def test_counts_that_are_right_and_worked_out_wrongly_fail(
    count: Callable[..., object], mistake: str | None
) -> None:
    compared = called("count", count)
    assert (compared.equal, compared.mistake) == (False, mistake) and "right counts" in compared.got


@pytest.mark.usefixtures("client")
def test_a_row_that_is_predicted_twice_for_the_clock_is_noticed_and_a_warm_up_is_not() -> None:
    def twice(model: Any, X: Any) -> object:
        model.predict(X).compute()
        return model.predict(X).compute(), 0.1

    def warmed_up(model: Any, X: Any) -> object:
        model.predict(X.blocks[0]).compute()
        return model.predict(X).compute(), 0.1

    assert called("take_time", twice).mistake == "predicted_again"
    assert called("take_time", warmed_up).equal


@pytest.mark.usefixtures("client")
def test_a_wrapper_without_a_metric_is_noticed_by_what_its_score_fetches() -> None:
    from dask_ml.wrappers import ParallelPostFit

    def wrapped(**options: Any) -> Callable[..., object]:
        return lambda X, y: ParallelPostFit(make_pipeline(StandardScaler(), SVC()), **options).fit(
            X, y
        )

    assert called("fit", wrapped()).mistake == "no_scoring"
    assert called("fit", wrapped(scoring="accuracy")).equal


def scaled_outside(X: Any, y: Any) -> object:
    from dask_ml.wrappers import ParallelPostFit

    return ParallelPostFit(SVC(), scoring="accuracy").fit(StandardScaler().fit_transform(X), y)


def wrapping(fit: Callable[..., object]) -> Callable[..., object]:
    from dask_ml.wrappers import ParallelPostFit

    return lambda X, y: ParallelPostFit(fit(X, y), scoring="accuracy")


def named_steps() -> Pipeline:
    """The pipeline that is asked for, whose steps have names of their own."""
    return Pipeline([("scale", StandardScaler()), ("classify", SVC())])


def scaled_inside(scoring: object, *, inside: bool = False) -> Callable[..., object]:
    from dask_ml.wrappers import ParallelPostFit

    def fit(X: Any, y: Any) -> object:
        if inside:
            return make_pipeline(StandardScaler(), ParallelPostFit(SVC(), scoring=scoring)).fit(
                X, y
            )
        return ParallelPostFit(make_pipeline(StandardScaler(), SVC()), scoring=scoring).fit(X, y)

    return fit


def share_right(model: Any, X: Any, y: Any) -> float:
    """A scorer by hand."""
    return float((model.predict(X) == y).mean())


@pytest.mark.usefixtures("client")
@pytest.mark.parametrize(
    ("fit", "mistake"),
    [
        (scaled_outside, "scaled_outside"),
        (scaled_inside("accuracy", inside=True), "wrapped_inside"),
        (lambda X, y: make_pipeline(StandardScaler(), SVC()).fit(X, y), "not_wrapped"),
        (wrapping(lambda X, y: make_pipeline(StandardScaler(), SVC(C=3)).fit(X, y)), "other_model"),
        (wrapping(lambda X, y: make_pipeline(SVC()).fit(X[:90], y[:90])), "part_of_rows"),
        (wrapping(lambda X, y: named_steps().fit(-X, y)), None),
        (
            wrapping(lambda X, y: make_pipeline(StandardScaler(), SVC()).fit(X[:90], y[:90])),
            "part_of_rows",
        ),
        (wrapping(lambda X, y: make_pipeline(StandardScaler(), SVC()).fit(-X, y)), None),
        (scaled_inside(accuracy_score), "function_for_name"),
        (scaled_inside(make_scorer(accuracy_score)), "function_for_name"),
        (scaled_inside(share_right), "function_for_name"),
        (scaled_inside("r2"), "r2_score"),
        (scaled_inside("precision_macro"), None),
    ],
)
def test_a_model_that_is_put_together_wrongly_is_named(
    fit: Callable[..., object], mistake: str | None
) -> None:
    compared = called("fit", fit)
    assert (compared.equal, compared.mistake) == (False, mistake)
    assert mistake is None or EXERCISE.mistakes[mistake].explanation
    assert mistake != "part_of_rows" or "trained on 90 of 150 rows" in compared.got
    assert mistake != "other_model" or "the model is StandardScaler(), SVC(C=3)" in compared.got


@pytest.mark.usefixtures("client")
def test_a_metric_that_nobody_knows_is_told_by_what_its_score_says() -> None:
    compared = called("fit", scaled_inside("acc"))
    assert not compared.equal and "raised ValueError: acc is not a valid scoring" in compared.got


@pytest.mark.usefixtures("client")
def test_a_metric_may_be_named_or_be_dask_mls_own() -> None:
    import dask_ml.metrics

    assert called("fit", scaled_inside("accuracy")).equal
    assert called("fit", scaled_inside(dask_ml.metrics.accuracy_score)).equal


@pytest.mark.usefixtures("client")
def test_a_label_that_no_row_gets_is_counted_all_the_same() -> None:
    import dask.array as da

    short: tuple[Callable[..., object], ...] = (
        lambda m, X: da.bincount(m.predict(X)).compute(),
        lambda m, X: np.bincount(m.predict(X).compute()),
        lambda m, X: np.unique(m.predict(X).compute(), return_counts=True)[1],
        lambda m, X: np.sort(np.bincount(m.predict(X).compute()))[::-1],
    )
    for count in short:
        compared = called("count_odd", count)
        assert (compared.equal, compared.mistake) == (False, "label_without_rows")
    assert called("count_odd", lambda m, X: da.bincount(m.predict(X), minlength=4).compute()).equal
    assert called("count_odd", lambda m, X: counts_of(m.predict(X).compute())).equal


@pytest.mark.parametrize("seed", range(6))
def test_no_row_gets_the_absent_label_whatever_the_seed(seed: int) -> None:
    case = next(case for case in EXERCISE.cases if case.name == "count_odd")
    counts = catalogue.cases(EXERCISE).oracle("count_odd", case.parameters, seed)["counts"]
    assert counts.shape == (4,) and counts[3] == 0 and counts[:3].min() > 0


@pytest.mark.usefixtures("client")
def test_labels_have_to_be_a_dask_array_of_known_length_and_may_be_cut_anew() -> None:
    import dask
    import dask.array as da

    def delayed(model: Any, X: Any) -> object:
        parts = [dask.delayed(model.estimator.predict)(block) for block in X.to_delayed().ravel()]
        return dask.delayed(np.concatenate)(parts)

    def unknown(model: Any, X: Any) -> object:
        parts = [dask.delayed(model.estimator.predict)(block) for block in X.to_delayed().ravel()]
        kind = model.estimator.classes_.dtype
        return da.concatenate([da.from_delayed(part, (np.nan,), kind) for part in parts])

    assert "a Delayed" in called("predict_odd", delayed).got
    assert "does not know how many rows" in called("predict_odd", unknown).got
    assert called("predict_odd", lambda m, X: m.predict(X.rechunk((50, -1)))).equal
    with pytest.raises(TypeError, match="still has 20 columns"):
        called("predict_odd", lambda m, X: X.map_blocks(m.predict, dtype=int))


@pytest.mark.usefixtures("client")
def test_a_score_that_is_not_computed_is_no_number() -> None:
    with pytest.raises(TypeError, match="which is not computed yet"):
        called("score", lambda m, X, y: (m.predict(X) == y).mean())
    assert called("score", lambda m, X, y: (m.predict(X) == y).mean().compute()).equal


def test_counts_worked_out_side_by_side_pass() -> None:
    truth = catalogue.cases(EXERCISE).oracle("count", SMALL["count"], 3)
    for beside, right in ((1.0, True), (0.3, True), (0.0, False)):
        answer = {**truth, "predicted": np.array(120), "beside": np.array(beside)}
        assert catalogue.cases(EXERCISE).compare("count", truth, answer).equal is right
