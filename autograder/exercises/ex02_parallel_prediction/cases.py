"""The inputs of ex02, the truth about them, and how an answer is held against it.

Rows lie around four fixed centres, so that small and large data come from one world; the
seed only decides which rows are drawn. Block ``b`` of a case is drawn from ``[seed, b]``
alone, so a worker makes it without the others, and the oracle makes the same rows without
Dask. Block 0 is the training set.

`autograder.author.kit` says what each function has to do, and where it runs.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping
from operator import itemgetter
from typing import Any

import numpy as np
from sklearn.metrics import accuracy_score, r2_score
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVC

from autograder.author import kit
from autograder.author.kit import Array

FEATURES = 20
NAMES = np.array(["amber", "coral", "ivory", "slate"])
CENTRES = np.random.default_rng(2).normal(size=(len(NAMES), FEATURES))
SPREAD = 2.0
"""Standard deviation around a centre. At 2.0 the classes overlap: the model is right on
86 % of new rows, and two training sets disagree on 8 % of them, so neither the true classes
nor the labels of another seed pass for the answer."""
UNSEEN = (500, 1, 700)
"""Blocks of the new rows on which a returned model is tried."""
SCORE_TOLERANCE = 1e-6
"""Far above the rounding of a mean, far below one label more or less."""


# ------------------------------------------------------------------------------- in the box


def prepare(case: str, parameters: Mapping[str, float], seed: int) -> tuple[tuple[Any, ...], int]:
    """Make what each function gets, its rows spread over the workers.

    The parameters are ``train_rows``, and the sizes of `kit.chunks`.
    """
    if case == "fit":
        X, y = _draw(seed, 0, int(parameters["train_rows"]))
        return (X, y), X.nbytes + y.nbytes
    named = case == "predict_odd"
    model = _wrapped(*_train(parameters, seed, named))
    X_large, y_large = _spread(seed, kit.chunks(parameters))
    if case == "score":
        return (model, X_large, y_large), X_large.nbytes + y_large.nbytes
    return (model, X_large), X_large.nbytes


def materialise(case: str, result: Any) -> dict[str, Array]:
    """Turn what the student's function returned into plain arrays, computing it if need be.

    Returns
    -------
    dict of str to numpy.ndarray
        ``labels`` (rows,), ``score`` (), ``lazy`` () and ``took`` (), as far as the case has
        them; never of object dtype.
    """
    if case == "fit":
        return _try_model(result)
    if case == "score":
        return {"score": kit.number(result, "score_large must return the accuracy as a number")}
    if case == "take_time":
        return _labels_and_seconds(result)
    contract = "predict_large must return a Dask array with one label per row of X"
    return {"labels": _plain(result, contract)}


def warm() -> None:
    """Do every operation once on a few rows, so that no case pays for imports."""
    import dask.array as da

    X, y = _draw(0, 0, 80)
    model = _wrapped(X, y)
    kit.on_each_worker(model.predict, X[:4])
    X_lazy, y_lazy = da.from_array(X, chunks=(20, FEATURES)), da.from_array(y, chunks=20)
    model.predict(X_lazy).compute()
    model.score(X_lazy, y_lazy)


def _wrapped(X: Array, y: Array) -> Any:
    from dask_ml.wrappers import ParallelPostFit

    wrapper = ParallelPostFit(_untrained(), scoring="accuracy")
    return wrapper.fit(X, y)


def _spread(seed: int, chunks: tuple[int, ...]) -> tuple[Any, Any]:
    """Make blocks 1, 2, … on the workers in turn; Dask arrays (rows, features) and (rows,)."""
    from dask import persist
    from distributed import get_client, wait

    client = get_client()
    pairs = kit.spread(_draw, seed, chunks)

    def join(part: int, shape: tuple[int, ...], dtype: type) -> Any:
        futures = [client.submit(itemgetter(part), pair, pure=False) for pair in pairs]
        return kit.join(futures, chunks, shape, dtype)

    X, y = persist(join(0, (FEATURES,), np.float64), join(1, (), np.int64))
    wait([X, y])
    return X, y


def _try_model(model: Any) -> dict[str, Array]:
    """Labels, laziness and score of a returned model on new rows in a Dask array."""
    import dask.array as da
    from dask.base import is_dask_collection

    contract = "fit_small must return a fitted model with a predict method"
    if not callable(getattr(model, "predict", None)):
        raise TypeError(f"{contract}; it returned {kit.kind(model)}.")
    X, y = _unseen()
    predicted = model.predict(da.from_array(X, chunks=(UNSEEN, FEATURES)))
    answer = {
        "labels": _plain(predicted, "predict of the model must return one label per row"),
        "lazy": np.array(is_dask_collection(predicted)),
    }
    if callable(getattr(model, "score", None)):
        score = model.score(X, y)
        answer["score"] = kit.number(
            score, "score of the model must return the accuracy as a number"
        )
    return answer


def _labels_and_seconds(result: Any) -> dict[str, Array]:
    contract = "timed_predict must return two things, the labels and the seconds that they took"
    if not isinstance(result, tuple | list) or len(result) != 2:
        raise TypeError(f"{contract}; it returned {kit.kind(result)}.")
    labels, seconds = result
    return {
        "took": kit.number(seconds, f"{contract}, the second a number"),
        # Labels that are still lazy are a mistake of the clock's, not of the labels.
        "labels": _plain(labels, f"{contract}, the first an array with one label per row of X"),
    }


def _plain(labels: Any, contract: str) -> Array:
    """Labels as an array that can be stored without pickling."""
    if not kit.has_values(labels):
        raise TypeError(f"{contract}; it returned {kit.kind(labels)}.")
    values = kit.computed(labels)
    if not hasattr(values, "__array__"):
        raise TypeError(f"{contract}; once computed, it is {kit.kind(values)}.")
    values = np.asarray(values)
    # Words in a pandas column or an object array are still words.
    if values.dtype.kind in "OT" and all(isinstance(value, str) for value in values.flat):
        values = values.astype(str)
    if values.dtype.hasobject or values.dtype.kind == "T":
        raise TypeError(f"{contract}; it returned Python objects that are not labels.")
    return values


# ------------------------------------------------------------------ on both sides, NumPy only


def _draw(seed: int, block: int, rows: int) -> tuple[Array, Array]:
    """Draw one block: features (rows, 20) and classes 0 to 3 (rows,)."""
    generator = np.random.default_rng([seed, block])
    y = generator.integers(len(CENTRES), size=rows)
    return CENTRES[y] + generator.normal(scale=SPREAD, size=(rows, FEATURES)), y


def _unseen() -> tuple[Array, Array]:
    # The same rows in every round: their labels still hang on the training set's seed.
    return _draw(20, 26, sum(UNSEEN))


def _train(parameters: Mapping[str, float], seed: int, named: bool) -> tuple[Array, Array]:
    X, y = _draw(seed, 0, int(parameters["train_rows"]))
    return X, NAMES[y] if named else y


def _fitted(parameters: Mapping[str, float], seed: int, named: bool = False) -> Pipeline:
    return _untrained().fit(*_train(parameters, seed, named))


def _untrained() -> Pipeline:
    return make_pipeline(StandardScaler(), SVC())


# ------------------------------------------------------------------------------ outside


def oracle(case: str, parameters: Mapping[str, float], seed: int) -> dict[str, Array]:
    """Work out the right answer on one core, with scikit-learn alone.

    Returns
    -------
    dict of str to numpy.ndarray
        What `materialise` gives of a right result, under ``mistake:<name>`` the value that a
        known mistake gives, and under ``seconds`` how long the prediction took.
    """
    model = _fitted(parameters, seed, named=case == "predict_odd")
    if case == "fit":
        X, y = _unseen()
    else:
        blocks = enumerate(kit.chunks(parameters), start=1)
        parts = [_draw(seed, block, rows) for block, rows in blocks]
        X, y = (np.concatenate(part) for part in zip(*parts, strict=True))
    began = time.perf_counter()
    labels = model.predict(X)
    seconds = {"seconds": np.array(time.perf_counter() - began)}
    if case.startswith("predict") or case == "take_time":
        return {"labels": labels, **seconds}
    scores = {
        **seconds,
        "score": np.array(accuracy_score(y, labels)),
        "mistake:r2_score": np.array(r2_score(y, labels)),
    }
    if case == "score":
        alone = [accuracy_score(*part) for part in _by_chunk(kit.chunks(parameters), y, labels)]
        return {**scores, "mistake:mean_of_chunks": np.array(np.mean(alone))}
    return {"labels": labels, "lazy": np.array(True), **scores}


def _by_chunk(chunks: tuple[int, ...], *arrays: Array) -> Iterable[tuple[Array, ...]]:
    """Cut arrays (rows, …) into those of each chunk."""
    starts = np.cumsum(chunks)[:-1]
    return zip(*(np.split(array, starts) for array in arrays), strict=True)


def compare(case: str, truth: Mapping[str, Array], answer: Mapping[str, Array]) -> kit.Comparison:
    """Judge an answer by the truth."""
    expected, got = "", ""
    if "labels" in truth:
        expected = f"{len(truth['labels']):,} labels, just those of scikit-learn on one core"
        got, right = _judge_labels(truth["labels"], answer.get("labels"))
        if not right:
            return kit.comparison(False, expected, got)
    if "lazy" in truth and not kit.single(answer.get("lazy"), "b"):
        expected = "model.predict gives a Dask array when X is a Dask array"
        got = "it computed the labels at once, so ParallelPostFit is not at work"
        return kit.comparison(False, expected, got)
    # A model need not have a score method; score_large has nothing else to give.
    if "score" in truth and (case == "score" or "score" in answer):
        expected = f"the accuracy, {truth['score']:.4f}"
        got, right = _judge_score(truth["score"], answer.get("score"))
        if not right:
            score = answer.get("score")
            mistake = kit.known_mistake(truth, lambda value: _judge_score(value, score)[1])
            return kit.comparison(False, expected, got, mistake)
    took = kit.single(answer.get("took")) if case == "take_time" else None
    seconds = float(took) if took is not None and np.isfinite(took) else None
    return kit.comparison(True, expected, got, seconds=seconds)


def _judge_labels(truth: Array, labels: Any) -> tuple[str, bool]:
    if not isinstance(labels, np.ndarray):
        return "no labels", False
    words = truth.dtype.kind == "U"
    if labels.dtype.kind not in ("U" if words else "iuf"):
        wanted = "words, as in the training set" if words else "numbers, as in the training set"
        return f"labels of type {labels.dtype.name}, where they should be {wanted}", False
    if labels.shape != truth.shape:
        return kit.wrong_shape(labels, truth), False
    wrong = np.flatnonzero(labels != truth)
    if not wrong.size:
        return f"{len(truth):,} labels, all right", True
    return kit.wrong_rows("labels", wrong, labels, truth, _show), False


def _judge_score(truth: Array, score: Any) -> tuple[str, bool]:
    value = kit.single(score)
    if value is None:
        return "no number", False
    return f"{value:.4f}", bool(abs(value - float(truth)) < SCORE_TOLERANCE)


def _show(value: Any) -> str:
    return repr(value.item())[:40]
