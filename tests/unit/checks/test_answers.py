"""What to do about a wrong value depends on what was returned and on what is wrong with it."""

from dataclasses import replace

import pytest
from kept_evidence import EX02, evidence, exercise_of, reference

from autograder.checks import CHECKS
from autograder.model import Comparison, Finding

EXERCISE = exercise_of(EX02)
SPEC = next(spec for spec in EXERCISE.checks if spec.grade_id == "score_large_values")


def judged(kind: str, got: str) -> Finding:
    found = evidence(EX02, "hypatia")
    runs = tuple(
        replace(
            run, answer={"type": kind}, comparison=Comparison(False, "another", got), failure=None
        )
        for run in found.runs
    )
    return CHECKS["values"](EXERCISE, SPEC, replace(found, runs=runs), reference(EX02))


@pytest.mark.parametrize(
    ("kind", "got", "says"),
    [
        ("builtins.float", "0.8", "Work the number out"),
        ("numpy.float64", "0.8", "Work the number out"),
        ("sklearn.pipeline.Pipeline", "other steps", "every step"),
        ("sklearn.model_selection._search.GridSearchCV", "6 candidates", "cv_results_"),
        ("dask_ml.wrappers.ParallelPostFit", "other labels", "Fit the same model"),
        ("dask.array.core.Array", "12 of 100 labels are wrong", "without Dask"),
        ("dask.array.core.Array", "an array of shape (3,)", "Print the shape"),
        ("dask.array.core.Array", "3 chunks", "Print the chunks"),
        ("dask.delayed.Delayed", "a Delayed, where it should be a Dask array", "map_blocks"),
        ("builtins.tuple", "other labels", "each of the things"),
        ("builtins.NoneType", "nothing", "return"),
        ("__main__.Own", "other labels", "small data"),
        ("", "other labels", "small data"),
    ],
)
def test_the_advice_fits_the_kind_of_value(kind: str, got: str, says: str) -> None:
    assert says in judged(kind, got).advice


def test_the_advice_names_the_function() -> None:
    assert "score_large" in judged("builtins.float", "0.8").advice
