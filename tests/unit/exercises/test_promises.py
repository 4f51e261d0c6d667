"""What the docstrings of ex00, ex01, ex02 and ex09 promise, phrase by phrase, and what judges each.

The phrases of a function, put together, are its whole "Returns" section: a promise that is added
there has no judge until it stands here.
"""

import ast
import inspect
from pathlib import Path

import numpy as np
import pytest

from autograder.exercise import catalogue

SOLUTIONS = Path(__file__).parents[3] / "solutions"
EX00, EX01, EX02 = "ex00_first_steps", "ex01_distributed_training", "ex02_parallel_prediction"
EX09 = "ex09_tables_to_features"
SEED = 5
SMALL = {
    "uneven": {"chunk_1": 7, "chunk_2": 1, "chunk_3": 13},
    "pipeline": {},
    "search_words": {"messages": 90, "topics": 3, "alphas": 2},
    "fit": {"train_rows": 120},
    "predict_odd": {"train_rows": 120, "chunk_1": 30, "chunk_2": 1, "chunk_3": 40},
    "score": {"train_rows": 120, "chunk_1": 30, "chunk_2": 1, "chunk_3": 40},
    "count_odd": {"train_rows": 120, "chunk_1": 30, "chunk_2": 1, "chunk_3": 20},
    "count": {"train_rows": 120, "rows": 60, "blocks": 3},
    "take_time": {"train_rows": 120, "rows": 60, "blocks": 3},
    "features_odd": {"chunk_1": 700, "chunk_2": 1, "chunk_3": 300, "chunk_4": 90, "bikes": 40},
    "join_odd": {"chunk_1": 90, "chunk_2": 1, "chunk_3": 200, "bikes": 1_000},
    "train_all": {"bikes": 900, "rows": 900, "blocks": 4},
    "train_some": {"bikes": 900, "rows": 900, "blocks": 4},
}


def instead(name, value):
    """Put a value in place of part of the answer."""
    return lambda answer: {**answer, name: np.asarray(value)}


def changed(name, change):
    """Change part of the answer."""
    return lambda answer: {**answer, name: change(answer[name])}


def setting(old, new):
    """Have a pipeline with another setting."""
    return changed("settings", lambda all_: np.array([new if s == old else s for s in all_]))


def step(place, part, name):
    """Have a pipeline with another step."""
    return changed(part, lambda all_: np.array([*all_[:place], name, *all_[place + 1 :]]))


def known(name, *parts):
    """Have the value that a known mistake gives, in the columns of an answer or in one array."""

    def broken(answer):
        wrong = answer[f"mistake:{name}"]
        if len(parts) == 1:
            return {**answer, parts[0]: wrong[0] if wrong.ndim == 3 else wrong}
        columns = ("rides", "minutes", "night", "km")
        return {**answer, **{part: wrong[:, columns.index(part)] for part in parts}}

    return broken


NOTHING = "none"
"""Judged by a check that looks at the run, not at the answer; there is nothing to break here."""

PROMISES = [
    # exercise, function, words of the docstring, what judges them, an answer that breaks them
    (EX00, "mean_square", "dask.array.Array, shape ()", "uneven", instead("mean_shape", [3])),
    (EX00, "mean_square", "Not computed yet.", "uneven", instead("mean_described", False)),
    (EX01, "build_pipeline", "sklearn.pipeline.Pipeline", "pipeline", object()),
    (EX01, "build_pipeline", "Of three steps:", "pipeline", changed("names", lambda n: n[:2])),
    (
        EX01,
        "build_pipeline",
        '- "vect": a HashingVectorizer with n_features=2**16,',
        "pipeline",
        setting("vect__n_features=65536", "vect__n_features=262144"),
    ),
    (
        EX01,
        "build_pipeline",
        '- "tfidf": a TfidfTransformer,',
        "pipeline",
        step(1, "kinds", "Normalizer"),
    ),
    (
        EX01,
        "build_pipeline",
        '- "clf": an SGDClassifier with max_iter=5, tol=None and random_state=0.',
        "pipeline",
        setting("clf__tol=None", "clf__tol=0.001"),
    ),
    (
        EX01,
        "build_pipeline",
        "All other settings are scikit-learn's own.",
        "pipeline",
        setting("vect__lowercase=True", "vect__lowercase=False"),
    ),
    (EX01, "search", "sklearn.model_selection.GridSearchCV", "search_words", object()),
    (
        EX01,
        "search",
        "Fitted over the pipeline as it is,",
        "search_words",
        lambda answer: {**answer, "scores": answer["mistake:own_pipeline"]},
    ),
    (EX01, "search", "with cv=3", "search_words", instead("folds", 5)),
    (
        EX01,
        "search",
        "and refit=False: no training beyond those of the candidates on the folds.",
        "search_words",
        instead("refitted", True),
    ),
    (
        EX01,
        "search",
        "Another class will do if it has the same results, in cv_results_ and n_splits_.",
        "search_words",
        object(),
    ),
    (EX02, "fit_small", "dask_ml.wrappers.ParallelPostFit", "fit", object()),
    (
        EX02,
        "fit_small",
        "Around make_pipeline(StandardScaler(), SVC()),",
        "fit",
        lambda answer: {**answer, "labels": answer["mistake:no_scaler"]},
    ),
    (
        EX02,
        "fit_small",
        "fitted on X and y.",
        "fit",
        lambda answer: {**answer, "labels": answer["mistake:own_data"]},
    ),
    (
        EX02,
        "fit_small",
        "Given Dask arrays, its predict returns a Dask array",
        "fit",
        instead("labels_kind", "a Delayed"),
    ),
    (EX02, "fit_small", "in the chunks of X,", "fit", instead("labels_rows", [1201])),
    (EX02, "fit_small", "not computed yet,", "fit", instead("labels_lazy", False)),
    (
        EX02,
        "fit_small",
        "and its score returns the accuracy,",
        "fit",
        instead("score", 0.5),
    ),
    (
        EX02,
        "fit_small",
        "worked out over the chunks: X is not turned into one array.",
        "fit",
        instead("fetched", True),
    ),
    (
        EX02,
        "predict_large",
        "dask.array.Array,",
        "predict_odd",
        instead("labels_kind", "a Delayed"),
    ),
    (EX02, "predict_large", "shape (rows,)", "predict_odd", instead("labels_shape", [-1])),
    (
        EX02,
        "predict_large",
        "In the order of X.",
        "predict_odd",
        changed("labels", lambda labels: labels[::-1]),
    ),
    (
        EX02,
        "predict_large",
        "Lazy: this function starts no task, waits for no chunk of X and brings none of it here.",
        "lazy",
        NOTHING,
    ),
    (EX02, "score_large", "float", "score", object()),
    (
        EX02,
        "score_large",
        "Share of the rows that get their true class, from 0 to 1: a number, computed.",
        "score",
        lambda answer: {**answer, "score": answer["mistake:percent"]},
    ),
    (
        EX02,
        "score_large",
        "It is worked out on the workers: X stays there, labels and classes may come here.",
        "stays_distributed",
        NOTHING,
    ),
    (EX02, "count_labels", "numpy.ndarray,", "count", object()),
    (
        EX02,
        "count_labels",
        "shape (4,)",
        "count_odd",
        changed("counts", lambda counts: counts[:3]),
    ),
    (
        EX02,
        "count_labels",
        "The number of rows with the labels 0, 1, 2 and 3, in that order, computed.",
        "count",
        lambda answer: {**answer, "counts": answer["mistake:last_chunk"]},
    ),
    (EX02, "count_labels", "The workers predict side by side,", "count", instead("beside", 0.0)),
    (EX02, "count_labels", "and each row once.", "count", instead("predicted", 240)),
    (
        EX02,
        "timed_predict",
        "labels : numpy.ndarray, shape (rows,)",
        "take_time",
        changed("labels", lambda labels: labels[:-1]),
    ),
    (EX02, "timed_predict", "Computed on the cluster,", "timing", NOTHING),
    (
        EX02,
        "timed_predict",
        "in the order of X,",
        "take_time",
        changed("labels", lambda labels: labels[::-1]),
    ),
    (EX02, "timed_predict", "each row once.", "take_time", instead("predicted", 120)),
    (EX02, "timed_predict", "seconds : float", "take_time", object()),
    (
        EX02,
        "timed_predict",
        "From before the cluster is asked until the last label is here, on a clock on the wall.",
        "timing",
        NOTHING,
    ),
    (EX09, "features", "dask.dataframe.DataFrame", "features_odd", instead("kind", "a Delayed")),
    (
        EX09,
        "features",
        "A row for each bike, in any order, with the bike as its index.",
        "features_odd",
        changed("bike", lambda bikes: bikes[::-1]),
    ),
    (EX09, "features", "Its columns, in any order:", "features_odd", object()),
    (
        EX09,
        "features",
        "- rides: how many of its rides count.",
        "features_odd",
        changed("rides", lambda rides: rides + 1),
    ),
    (
        EX09,
        "features",
        "A ride counts if it took a minute or more.",
        "features_odd",
        known("false_starts_kept", "rides", "minutes"),
    ),
    (
        EX09,
        "features",
        "- minutes: the mean length of those rides.",
        "features_odd",
        known("mean_of_means", "minutes", "night"),
    ),
    (
        EX09,
        "features",
        "- night: the share of them that began from 22:00 to 5:59.",
        "features_odd",
        changed("night", lambda night: 1 - night),
    ),
    (
        EX09,
        "features",
        "- km: their mean ``distance``,",
        "features_odd",
        changed("km", lambda km: 1_000 * km),
    ),
    (
        EX09,
        "features",
        "where a ride without coordinates counts as the mean distance of all rides that count,",
        "features_odd",
        known("filled_before_cleaning", "rides", "km"),
    ),
    (
        EX09,
        "features",
        "of all bikes and days.",
        "features_odd",
        known("filled_by_one_file", "rides", "km"),
    ),
    (
        EX09,
        "features",
        "Not computed yet: before it is returned, one graph at most is sent to the cluster, to "
        "learn the columns of a file.",
        "lazy",
        NOTHING,
    ),
    (
        EX09,
        "features",
        "Once it is computed, each file is read once, by ``read``,",
        "reads_once",
        NOTHING,
    ),
    (
        EX09,
        "features",
        "and all processes together use at most twice the CPU time of the reference solution.",
        "work",
        NOTHING,
    ),
    (EX09, "join", "dask.dataframe.DataFrame", "join_odd", instead("kind", "a Delayed")),
    (EX09, "join", "Every ride once, in any order,", "join_odd", known("inner_join", "ride")),
    (
        EX09,
        "join",
        "with all its columns,",
        "join_odd",
        changed("station", lambda station: station[::-1]),
    ),
    (
        EX09,
        "join",
        "zone and height.",
        "join_odd",
        changed("height", lambda height: height + 1),
    ),
    (
        EX09,
        "join",
        "The two are missing where the station is not in ``stations``.",
        "join_odd",
        changed("zone", lambda zone: np.nan_to_num(zone, nan=0.0)),
    ),
    (EX09, "join", "The rides are not computed yet.", "lazy", NOTHING),
    (
        EX09,
        "join",
        "Once they are, they stay in their partitions: before the result is fetched, at most a "
        "quarter of their bytes is shuffled, put together in one place, or sent from here or to "
        "here.",
        "moved",
        NOTHING,
    ),
    (EX09, "train", "sklearn classifier", "train_all", object()),
    (
        EX09,
        "train",
        "The model, fitted on the columns of ``table``, in their order,",
        "train_all",
        changed("probabilities", lambda both: both[:, ::-1]),
    ),
    (
        EX09,
        "train",
        "of all bikes in ``broken``,",
        "train_some",
        known("one_partition", "probabilities"),
    ),
    (
        EX09,
        "train",
        "each with its own label.",
        "train_all",
        known("by_position", "probabilities"),
    ),
]
FORMS = {
    # What `kit.form` writes of a right answer, which the oracle does not know.
    "uneven": {
        "mean_kind": "a Dask array",
        "mean_lazy": True,
        "mean_described": True,
        "mean_shape": [],
        "mean_rows": [],
    },
    "fit": {
        "labels_kind": "a Dask array",
        "labels_lazy": True,
        "labels_shape": [1201],
        "labels_rows": [500, 1, 700],
        "fetched": False,
    },
    "predict_odd": {
        "labels_kind": "a Dask array",
        "labels_lazy": True,
        "labels_shape": [71],
        "labels_rows": [30, 1, 40],
    },
    "count_odd": {"predicted": 51},
    "count": {"predicted": 60, "beside": 1.0},
    "features_odd": {"kind": "a Dask DataFrame", "lazy": True},
    "join_odd": {"kind": "a Dask DataFrame", "lazy": True},
    "take_time": {"predicted": 60, "took": 0.5},
}


def returns(exercise: str, function: str) -> str:
    """The section of a docstring that says what is returned, in one line."""
    text = (SOLUTIONS / f"{exercise}.py").read_text(encoding="utf-8")
    found = next(
        node
        for node in ast.parse(text).body
        if isinstance(node, ast.FunctionDef) and node.name == function
    )
    section = inspect.cleandoc(ast.get_docstring(found)).split("Returns\n-------\n")[1]
    return " ".join(section.split())


@pytest.fixture(scope="module")
def truths():
    found = {}

    def truth(cases, case):
        if case not in found:
            found[case] = cases.oracle(case, SMALL[case], SEED)
        return found[case]

    return truth


@pytest.mark.parametrize(
    ("exercise", "function"), list(dict.fromkeys(row[:2] for row in PROMISES)), ids=str
)
def test_every_word_of_what_is_returned_is_a_promise_with_a_judge(exercise, function):
    phrases = [row[2] for row in PROMISES if row[:2] == (exercise, function)]
    assert " ".join(phrases) == returns(exercise, function)


def test_no_function_is_left_out():
    listed = {row[:2] for row in PROMISES}
    names = (EX00, EX01, EX02, EX09)
    assert listed == {(name, each) for name in names for each in catalogue.find(name).functions}


@pytest.mark.parametrize(
    ("exercise", "function", "words", "judge", "broken"),
    PROMISES,
    ids=[f"{row[1]}: {row[2][:40]}" for row in PROMISES],
)
def test_a_promise_that_is_broken_is_noticed(exercise, function, words, judge, broken, truths):
    found = catalogue.find(exercise)
    if broken is NOTHING:
        # tests/unit/checks and test_ex02 hold these checks; here, that the function has them.
        assert any(c.function == function and c.check == judge for c in found.checks)
        return
    cases = catalogue.cases(found)
    assert next(case for case in found.cases if case.name == judge).function == function
    if not callable(broken):
        with pytest.raises(TypeError, match=function):
            cases.materialise(judge, broken)
        return
    truth = truths(cases, judge)
    right = {**truth, **{k: np.asarray(v) for k, v in FORMS.get(judge, {}).items()}}
    assert cases.compare(judge, truth, right).equal
    assert not cases.compare(judge, truth, broken(right)).equal
