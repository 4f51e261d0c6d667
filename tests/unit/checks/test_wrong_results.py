"""What kind of thing is wrong with a result, as kit and exercises say it, and what to do then."""

from dataclasses import replace

import dask.array as da
import numpy as np
import pytest
from kept_evidence import DATA, EX02, evidence, kept

from autograder.author import kit
from autograder.checks.wrong_results import Refused, Wrong, kind_of, refused, to_find_out, to_return
from autograder.diagnose import explain
from autograder.model import Failure, Run

RUN = evidence(EX02, "hypatia").runs[-1]
LABELS = np.arange(6)


def of_type(name: str, **changes: object) -> Run:
    return replace(RUN, answer={"type": name}, **changes)  # type: ignore[arg-type]


def broken(array: da.Array, **promised: object) -> str:
    answer = {**kit.form("labels", array), "labels": array.compute()}
    said = kit.broken_promise(answer, "labels", **{"shape": (6,), **promised})  # type: ignore[arg-type]
    assert said is not None
    return said


SELECTED = da.from_array(LABELS, chunks=3)
SELECTED = SELECTED[SELECTED > 2]


@pytest.mark.parametrize(
    ("said", "kind"),
    [
        (kit.wrong_shape(LABELS[:4], LABELS), Wrong.SHAPE),
        (broken(da.zeros(4)), Wrong.SHAPE),
        (broken(da.zeros(6, chunks=2), rows=(3, 3)), Wrong.BLOCKS),
        (broken(da.zeros((6, 2), chunks=(6, 1)), shape=(6, 2), whole_rows=True), Wrong.BLOCKS),
        (broken(SELECTED, shape=(3,)), Wrong.BLOCKS),
        (kit.wrong_rows("labels", np.array([2]), LABELS, LABELS[::-1]), Wrong.VALUE),
        (broken(da.zeros(6), kinds="iu"), Wrong.VALUE),
    ],
)
def test_what_the_kit_says_of_a_result_has_a_kind(said: str, kind: Wrong) -> None:
    assert kind_of(of_type("dask.array.core.Array"), said) is kind


def refusal(value: object) -> Run:
    """A run whose result `kit.number` refused."""
    with pytest.raises(TypeError) as caught:
        kit.number(value, f"{RUN.function} must return a number", lazy=False)
    name = f"{type(value).__module__}.{type(value).__qualname__}"
    return of_type(name, failure=Failure("TypeError", str(caught.value), ""))


@pytest.mark.parametrize(
    ("value", "got", "kind"),
    [
        (None, "it returned None (is there a return statement?)", Wrong.NOTHING),
        (
            da.zeros(()),
            "it returned a Dask array, which is not computed yet",
            Wrong.UNCOMPUTED,
        ),
        ("three", "it returned a str", Wrong.VALUE),
    ],
)
def test_a_refused_result_is_read_from_the_kit_s_words(
    value: object, got: str, kind: Wrong
) -> None:
    assert refused(refusal(value)) == Refused("a number", got, kind)


def test_an_exception_is_no_refusal() -> None:
    run = refusal(None)
    assert run.failure is not None
    assert refused(replace(run, failure=None)) is None
    assert refused(replace(run, failure=replace(run.failure, kind="ValueError"))) is None
    assert refused(replace(run, failure=replace(run.failure, line=3))) is None
    assert refused(replace(run, failure=replace(run.failure, message="not like this"))) is None


def test_every_result_that_an_exercise_refused_is_known_as_refused() -> None:
    runs = [
        run
        for path in DATA.glob("*/*")
        for run in kept(path.parent.name, path.name.removesuffix(".json.xz")).evidence.runs
        if run.failure
        and run.failure.kind == "TypeError"
        and run.failure.line is None
        # What a library raises when it uses the result is known by its words.
        and not explain(run.failure)
    ]
    assert len({run.function for run in runs}) > 5
    for run in runs:
        result = refused(run)
        assert result is not None, run.failure
        assert (result.wrong is Wrong.NOTHING) is result.got.startswith("it returned None")


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("sklearn.model_selection._search.GridSearchCV", Wrong.UNFITTED),
        ("dask_ml.model_selection._search.GridSearchCV", Wrong.UNFITTED),
        # What comes of a search that was fitted.
        ("builtins.dict", Wrong.VALUE),
        ("sklearn.pipeline.Pipeline", Wrong.VALUE),
    ],
)
def test_only_a_search_is_told_to_be_fitted(name: str, kind: Wrong) -> None:
    said = "it returned a thing without the results of one (no 'cv_results_')"
    assert kind_of(of_type(name), said) is kind


def test_each_kind_has_its_advice() -> None:
    said = {kind: to_return("score_large", kind) for kind in Wrong}
    assert said[Wrong.NOTHING] == "End score_large with return and the result."
    assert said[Wrong.UNFITTED].startswith("Call fit on it")
    assert said[Wrong.UNCOMPUTED].startswith("Call compute() on it")
    assert said[Wrong.UNCOMPUTED_PARTS].startswith("Compute all of them at once, with dask.compute")
    for kind in (Wrong.SHAPE, Wrong.BLOCKS, Wrong.VALUE):
        assert said[kind].startswith("Compare what score_large returns with")


def test_a_wrong_value_is_looked_into_by_its_kind_and_then_by_its_type() -> None:
    for name in ("", "builtins.float", "dask.array.core.Array"):
        assert "shape of what score_large" in to_find_out("score_large", Wrong.SHAPE, name)
        assert "chunks of what score_large" in to_find_out("score_large", Wrong.BLOCKS, name)
    assert "a few rows" in to_find_out("score_large", Wrong.VALUE, "builtins.float")
    assert "same model" in to_find_out("score_large", Wrong.VALUE, "dask_ml.wrappers.Incremental")
