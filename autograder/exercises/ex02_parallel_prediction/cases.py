"""The inputs of ex02, the right answers, and how a student's answer is judged.

Rows lie around four fixed centres, so that small and large data are of the same kind; the
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
from uuid import uuid4

import numpy as np
from sklearn.metrics import accuracy_score, r2_score
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVC

from autograder.author import kit
from autograder.author.kit import Array, Verdict
from autograder.formats import apart

FEATURES = 20
NAMES = np.array(["amber", "coral", "ivory", "slate"])
CENTRES = np.random.default_rng(2).normal(size=(len(NAMES), FEATURES))
SPREAD = 2.0
"""Standard deviation around a centre. At 2.0 the classes overlap: the model is right on
86 % of new rows, and two training sets disagree on 8 % of them, so neither the true classes
nor the labels of another seed pass as the answer."""
UNITS = np.geomspace(0.1, 10.0, FEATURES)
"""Factors of the features that `fit_small` gets: without a scaler, only the last few count."""
UNSEEN = (500, 1, 700)
"""Blocks of the new rows on which a returned model is tried."""
SCORE_TOLERANCE = 1e-6
"""Far above the rounding of a mean, far below one label more or less."""
OFTEN = 1.5
"""How many times rows may be labelled where the contract says once: a block that is sent ahead to
warm up does not count as a second prediction."""
ABSENT = len(NAMES) - 1
"""A label that no row of ``count_odd`` gets. It is the last one, so counting only the labels that
occur gives one number fewer."""
NARROW = 0.2
"""`SPREAD` of the rows of ``count_odd``: the model is right on all of them."""
SIDE_BY_SIDE = 0.25
"""Share of the blocks that must be predicted while another one is. A loop that waits for each block
has 0, however busy the machine; one graph with all blocks has nearly 1."""


# ------------------------------------------------------------------------------- in the box


def prepare(case: str, parameters: Mapping[str, float], seed: int) -> tuple[tuple[Any, ...], int]:
    """Make what each function gets, its rows spread over the workers.

    The parameters are ``train_rows``, and the sizes of `kit.chunks`.
    """
    if case == "fit":
        X, y = _in_units(*_draw(seed, 0, int(parameters["train_rows"])))
        return (X, y), X.nbytes + y.nbytes
    named = case == "predict_odd"
    model = _wrapped(*_train(parameters, seed, named), logged=case in LOGGED)
    X_large, y_large = _spread(seed, kit.chunks(parameters), *_kind_of_rows(case))
    if case == "score":
        return (model, X_large, y_large), X_large.nbytes + y_large.nbytes
    return (model, X_large), X_large.nbytes


def materialise(case: str, result: Any) -> dict[str, Array]:
    """Turn what the student's function returned into plain arrays, computing it if necessary.

    Returns
    -------
    dict of str to numpy.ndarray
        ``labels`` (rows,) with their form as `kit.form` records it, ``score`` (), ``fetched``
        (), ``took`` (), ``counts`` (classes,), ``predicted`` () and ``beside`` (), as far as the
        case has them; never of object dtype.
    """
    if case == "fit":
        return _try_model(result)
    if case == "score":
        contract = "score_large must return the accuracy as a number"
        return {"score": kit.number(result, contract, lazy=False)}
    if case == "take_time":
        return {**_labels_and_seconds(result), **_predictions()}
    if case.startswith("count"):
        contract = "count_labels must return an array with the number of rows of each label"
        if kit.is_lazy(result):
            raise TypeError(f"{contract}; it returned {kit.kind(result)}, not computed yet.")
        return {"counts": _plain(result, contract), **_predictions()}
    contract = "predict_large must return a Dask array with one label per row of X"
    form = kit.form("labels", result)
    if form.get("labels_shape", np.empty(0))[1:].tolist() == [FEATURES]:
        # Computing it would raise an IndexError of Dask's that names nothing of the student's.
        still = f"it returned {kit.kind(result)} that still has {FEATURES} columns"
        raise TypeError(f"{contract}; {still}.")
    return {**form, "labels": _plain(result, contract)}


def warm() -> None:
    """Do every operation once on a few rows, so that no case pays for imports."""
    import dask.array as da

    X, y = _draw(0, 0, 80)
    model = _wrapped(X, y)
    kit.on_each_worker(model.predict, X[:4])
    X_lazy, y_lazy = da.from_array(X, chunks=(20, FEATURES)), da.from_array(y, chunks=20)
    model.predict(X_lazy).compute()
    model.score(X_lazy, y_lazy)


def _wrapped(X: Array, y: Array, *, logged: bool = False) -> Any:
    from dask_ml.wrappers import ParallelPostFit

    pipeline = _untrained()
    if logged:
        pipeline = make_pipeline(StandardScaler(), _LoggedSVC())
        pipeline[-1].topic = _topic()
    wrapper = ParallelPostFit(pipeline, scoring="accuracy")
    return wrapper.fit(X, y)


class _LoggedSVC(SVC):  # type: ignore[misc]  # scikit-learn has no types
    """An SVC that logs, on a worker, how many rows it labelled, and when."""

    topic = ""

    def predict(self, X: Array) -> Array:
        from distributed import get_worker

        began = time.time()
        labels: Array = super().predict(X)
        try:
            worker = get_worker()
        except ValueError:  # in the notebook's process, where Dask also tries it on zero rows
            return labels
        seen = {"worker": worker.address, "rows": len(labels), "from": began, "to": time.time()}
        worker.log_event(self.topic, seen)
        return labels


_topics: list[str] = []


def _topic() -> str:
    """Name the log of this call: the scheduler also keeps those of earlier calls."""
    _topics.append(f"predicted-{uuid4().hex}")
    return _topics[-1]


def _predictions() -> dict[str, Array]:
    """Return what the workers have logged about the latest model.

    Returns
    -------
    dict of str to numpy.ndarray
        ``predicted`` (), rows that were labelled, and ``beside`` (), the share of the blocks that
        were predicted while another was.
    """
    from distributed import get_client

    seen = [event for _, event in get_client().get_events(_topics[-1])] if _topics else []
    beside = [
        any(
            other["worker"] != one["worker"]
            and other["from"] < one["to"]
            and one["from"] < other["to"]
            for other in seen
        )
        for one in seen
    ]
    return {
        "predicted": np.array(sum(event["rows"] for event in seen)),
        "beside": np.array(np.mean(beside) if seen else 0.0),
    }


def _spread(seed: int, chunks: tuple[int, ...], *kind: float) -> tuple[Any, Any]:
    """Make blocks 1, 2, … on the workers in turn; Dask arrays (rows, features) and (rows,)."""
    from dask import persist
    from distributed import get_client, wait

    client = get_client()
    pairs = kit.spread(_draw, seed, chunks, *kind)

    def join(part: int, shape: tuple[int, ...], dtype: type) -> Any:
        futures = [client.submit(itemgetter(part), pair, pure=False) for pair in pairs]
        return kit.join(futures, chunks, shape, dtype)

    X, y = persist(join(0, (FEATURES,), np.float64), join(1, (), np.int64))
    wait([X, y])
    return X, y


def _try_model(model: Any) -> dict[str, Array]:
    """Labels, laziness and score of a returned model on new rows in Dask arrays."""
    import dask.array as da

    contract = "fit_small must return a fitted model with predict and score methods"
    if not kit.has_methods(model, "predict", "score"):
        raise TypeError(f"{contract}; it returned {kit.kind_or_class(model)}.")
    X, y = _unseen()
    X_lazy = da.from_array(X, chunks=(UNSEEN, FEATURES))
    predicted = model.predict(X_lazy)
    labels = _plain(predicted, "predict of the model must return one label per row")
    return {
        **kit.form("labels", predicted),
        "labels": labels,
        "function": np.array(callable(getattr(model, "scoring", None))),
        **_what_is_wrapped(model),
        **_scored_by_chunk(model, X_lazy, da.from_array(y, chunks=(UNSEEN,))),
        "score_at_once": _score(model, X, y)[0],
    }


def _what_is_wrapped(model: Any) -> dict[str, Array]:
    """Describe the model in a wrapper.

    Returns
    -------
    dict of str to numpy.ndarray
        ``model`` (), as scikit-learn shows it; ``bare`` (), whether it is a pipeline without a
        wrapper, and ``inside`` (), whether it has one as a step; ``trained_rows`` (), if its SVC
        counts them.
    """
    inner = getattr(model, "estimator", model)
    if not hasattr(inner, "get_params"):
        return {}
    shown = _shown(inner)
    steps = inner.steps if isinstance(inner, Pipeline) else [("", inner)]
    shape = getattr(steps[-1][-1], "shape_fit_", None)
    return {
        "model": np.array(shown),
        "bare": np.array(isinstance(model, Pipeline)),
        "inside": np.array(isinstance(model, Pipeline) and "ParallelPostFit" in shown),
        **({"trained_rows": np.array(int(shape[0]))} if isinstance(shape, tuple) else {}),
    }


def _score(model: Any, X: Any, y: Any) -> tuple[Array, str]:
    """Score a model; if that raises an exception, return nan and the message.

    What a wrapper can score depends on its metric: Dask-ML's own r² and some functions raise an
    exception for Dask arrays, other functions for NumPy arrays.
    """
    try:
        return kit.number(model.score(X, y), "score must return a number"), ""
    except Exception as error:
        said = " ".join(str(error).split())
        return np.array(np.nan), f"{type(error).__name__}: {said}"[:100]


def _scored_by_chunk(model: Any, X: Any, y: Any) -> dict[str, Array]:
    """Score a model on Dask arrays, and see whether it turns all of X into one array for that.

    Returns
    -------
    dict of str to numpy.ndarray
        ``score`` (), ``raised`` (), what an exception says, and ``fetched`` ().
    """
    import dask.array as da

    asked: list[int] = []
    turned = da.Array.__array__

    def watched(self: Any, *args: Any, **options: Any) -> Any:
        asked.append(self.ndim)
        return turned(self, *args, **options)

    da.Array.__array__ = watched
    try:
        score, raised = _score(model, X, y)
    finally:
        da.Array.__array__ = turned
    fetched = np.array(X.ndim in asked)
    return {"score": score, "raised": np.array(raised), "fetched": fetched}


def _labels_and_seconds(result: Any) -> dict[str, Array]:
    contract = "timed_predict must return two things, the labels and the seconds that they took"
    if not isinstance(result, tuple | list) or len(result) != 2:
        raise TypeError(f"{contract}; it returned {kit.kind(result)}.")
    labels, seconds = result
    return {
        "took": kit.number(seconds, f"{contract}, the second a number"),
        # Labels that are still lazy are a mistake in the timing, not in the labels.
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


LOGGED = ("take_time", "count_odd", "count")
"""Cases in which the workers log which rows they label."""


def _draw(
    seed: int, block: int, rows: int, classes: int = len(NAMES), spread: float = SPREAD
) -> tuple[Array, Array]:
    """Draw one block: features (rows, 20) and classes from 0 on (rows,)."""
    generator = np.random.default_rng([seed, block])
    y = generator.integers(classes, size=rows)
    return CENTRES[y] + generator.normal(scale=spread, size=(rows, FEATURES)), y


def _kind_of_rows(case: str) -> tuple[int, float]:
    """Return the number of classes of the new rows of a case, and their spread."""
    return (ABSENT, NARROW) if case == "count_odd" else (len(NAMES), SPREAD)


def _unseen() -> tuple[Array, Array]:
    # The same rows in every round: their labels still depend on the training set's seed.
    return _in_units(*_draw(20, 26, sum(UNSEEN)))


def _in_units(X: Array, y: Array) -> tuple[Array, Array]:
    return X * UNITS, y


def _train(parameters: Mapping[str, float], seed: int, named: bool) -> tuple[Array, Array]:
    X, y = _draw(seed, 0, int(parameters["train_rows"]))
    return X, NAMES[y] if named else y


def _fitted(parameters: Mapping[str, float], seed: int, named: bool = False) -> Pipeline:
    return _untrained().fit(*_train(parameters, seed, named))


def _untrained() -> Pipeline:
    return make_pipeline(StandardScaler(), SVC())


def _shown(model: Any) -> str:
    """Show the steps of a model in one line, with the settings that were chosen.

    The names of the steps do not matter.
    """
    steps = [step for _, step in model.steps] if isinstance(model, Pipeline) else [model]
    return ", ".join(" ".join(repr(step).split()) for step in steps)[:200]


# ------------------------------------------------------------------------------ outside


def oracle(case: str, parameters: Mapping[str, float], seed: int) -> dict[str, Array]:
    """Work out the right answer on one core, with scikit-learn alone.

    Returns
    -------
    dict of str to numpy.ndarray
        What `materialise` gives for a right result, under ``mistake:<name>`` the value that a
        known mistake gives, and for a prediction under ``seconds`` how long it took.
    """
    if case == "fit":
        return _truth_of_fit(*_in_units(*_train(parameters, seed, named=False)))
    model = _fitted(parameters, seed, named=case == "predict_odd")
    blocks = enumerate(kit.chunks(parameters), start=1)
    parts = [_draw(seed, block, rows, *_kind_of_rows(case)) for block, rows in blocks]
    X, y = (np.concatenate(part) for part in zip(*parts, strict=True))
    began = time.perf_counter()
    labels = model.predict(X)
    seconds = {"seconds": np.array(time.perf_counter() - began)}
    if case == "score":
        return {**_scores(y, labels), **_scores_by_chunk(kit.chunks(parameters), y, labels)}
    if case.startswith("count"):
        return {**_counts(labels, kit.chunks(parameters)), **seconds}
    telling = _other_labels(X, labels) if case == "predict_odd" else {}
    return {"labels": labels, **telling, **seconds}


def _counts(labels: Array, chunks: tuple[int, ...]) -> dict[str, Array]:
    counts, last = (
        np.bincount(part, minlength=len(NAMES)) for part in (labels, labels[-chunks[-1] :])
    )
    return {
        "counts": counts,
        "mistake:last_chunk": last,
        "mistake:by_frequency": np.sort(counts)[::-1],
        "mistake:shares": counts / counts.sum(),
    }


def _truth_of_fit(X_train: Array, y_train: Array) -> dict[str, Array]:
    X, y = _unseen()
    labels = _untrained().fit(X_train, y_train).predict(X)
    return {
        "labels": labels,
        "rows": np.array(len(X_train)),
        "mistake:no_scaler": SVC().fit(X_train, y_train).predict(X),
        "mistake:scaled_outside": SVC().fit(_alone(X_train), y_train).predict(X),
        "mistake:own_data": _untrained().fit(*_of_the_notebook()).predict(X),
        **_scores(y, labels),
    }


def _alone(X: Array) -> Array:
    scaled: Array = StandardScaler().fit(X).transform(X)
    return scaled


def _scores(y: Array, labels: Array) -> dict[str, Array]:
    return {
        "score": np.array(accuracy_score(y, labels)),
        "mistake:r2_score": np.array(r2_score(y, labels)),
    }


def _scores_by_chunk(chunks: tuple[int, ...], y: Array, labels: Array) -> dict[str, Array]:
    """Work out the scores that known mistakes give on uneven chunks."""
    alone = [accuracy_score(*part) for part in _by_chunk(chunks, y, labels)]
    return {
        "mistake:mean_of_chunks": np.array(np.mean(alone)),
        "mistake:error_rate": np.array(np.mean(y != labels)),
        "mistake:number_right": np.array(np.sum(y == labels), dtype=float),
        "mistake:percent": np.array(100 * np.mean(y == labels)),
        "mistake:first_chunk": np.array(alone[0]),
        "mistake:rounded": np.array([round(float(np.mean(y == labels)), n) for n in range(1, 6)]),
    }


def _other_labels(X: Array, labels: Array) -> dict[str, Array]:
    """Label the rows as known mistakes do, if the right labels are names."""
    return {
        "mistake:column_numbers": np.searchsorted(NAMES, labels),
        "mistake:own_model": _untrained().fit(*_of_the_notebook()).predict(X),
    }


def _of_the_notebook() -> tuple[Array, Array]:
    """Draw X_small and y_small of the notebook, which no case uses."""
    generator = np.random.default_rng(0)
    y = generator.integers(len(CENTRES), size=1_500)
    return CENTRES[y] + generator.normal(scale=SPREAD, size=(1_500, FEATURES)), y


def _by_chunk(chunks: tuple[int, ...], *arrays: Array) -> Iterable[tuple[Array, ...]]:
    """Cut arrays (rows, …) into one for each chunk."""
    starts = np.cumsum(chunks)[:-1]
    return zip(*(np.split(array, starts) for array in arrays), strict=True)


def compare(case: str, truth: Mapping[str, Array], answer: Mapping[str, Array]) -> kit.Comparison:
    """Judge an answer by the truth."""
    if case.startswith("count"):
        return kit.comparison(*_judge_counts(case, truth, answer))
    expected, got = "", ""
    if "labels" in truth:
        expected = f"{len(truth['labels']):,} labels, just those of scikit-learn on one core"
        labels = answer.get("labels")
        got, right = _judge_labels(truth["labels"], labels)
        if not right:
            mistake = kit.known_mistake(truth, lambda told: _same_labels(told, labels))
            if case == "fit" and mistake is None:
                got, mistake = _other_model(got, int(truth["rows"]), answer)
            return kit.comparison(False, expected, got, mistake)
    if case in ("fit", *PREDICTS):
        rows = UNSEEN if case == "fit" else None
        broken = kit.broken_promise(answer, "labels", shape=truth["labels"].shape, rows=rows)
        if broken:
            what = "model.predict gives" if case == "fit" else "predict_large gives"
            wanted = f"{what} a Dask array of shape {truth['labels'].shape}"
            return kit.comparison(False, wanted, broken)
    if case == "fit" and not kit.single(answer.get("labels_lazy"), "b"):
        expected = "model.predict gives a Dask array when X is a Dask array"
        got = "it computed the labels at once, so ParallelPostFit is not at work"
        bare, inside = (kit.single(answer.get(name), "b") for name in ("bare", "inside"))
        mistake = "wrapped_inside" if inside else "not_wrapped" if bare else None
        return kit.comparison(False, expected, got, mistake)
    if "score" in truth:
        score = answer.get("score")
        expected, got, right = _judge_score(truth["score"], score)
        if not right:
            if case == "fit" and np.isnan(kit.single(score) or 0.0):
                score = answer.get("score_at_once")
                expected, got, _ = _judge_score(truth["score"], score)
                got = f"no accuracy of Dask arrays; that of NumPy arrays is {got}"
                raised = (kit.single(answer.get("raised"), "U") or "")[:100]
                if raised and np.isnan(kit.single(score) or 0.0):
                    got = f"no accuracy: score of the model raised {raised}"
            mistake = kit.known_mistake(truth, lambda told: _same_score(told, score))
            if kit.single(answer.get("function"), "b"):
                mistake = mistake or "function_for_name"
            return kit.comparison(False, expected, got, mistake)
    if case == "fit" and kit.single(answer.get("fetched"), "b") is not False:
        expected = "model.score works the accuracy out over the chunks of X"
        got = "the accuracy, but all of X was turned into one array for it"
        return kit.comparison(False, expected, got, "no_scoring")
    if case == "take_time" and (often := _often(truth["labels"], answer)) > OFTEN:
        expected = f"{len(truth['labels']):,} rows, each labelled once"
        got = f"the right labels, but the rows were labelled {often:.1f} times over"
        return kit.comparison(False, expected, got, "predicted_again")
    took = kit.single(answer.get("took")) if case == "take_time" else None
    seconds = float(took) if took is not None and np.isfinite(took) else None
    return kit.comparison(True, expected, got, seconds=seconds)


def _other_model(got: str, rows: int, answer: Mapping[str, Array]) -> tuple[str, str | None]:
    """Say how a model with the wrong labels differs from what the contract asks for."""
    trained = kit.single(answer.get("trained_rows"), "i")
    if trained is not None and trained < rows:
        return f"{got}; it was trained on {trained:,} of {rows:,} rows", "part_of_rows"
    shown = (kit.single(answer.get("model"), "U") or "")[:200]
    if shown and shown != _shown(_untrained()):
        return f"{got}; the model is {shown}", "other_model"
    return got, None


PREDICTS = ("predict_odd", "predict_large")


def _judge_counts(case: str, truth: Mapping[str, Array], answer: Mapping[str, Array]) -> Verdict:
    right, counts = truth["counts"], answer.get("counts")
    numbers = ", ".join(f"{count:,}" for count in right)
    expected = f"the counts {numbers}, worked out side by side, each row once"
    if not kit.is_array(counts):
        return False, expected, "no counts", None
    mistake = kit.known_mistake(truth, lambda told: np.array_equal(told, counts))
    if counts.shape != right.shape:
        if np.array_equal(np.sort(counts, axis=None), np.sort(right[right > 0])):
            mistake = "label_without_rows"  # in any order
        return False, expected, kit.wrong_shape(counts, right), mistake
    if not np.array_equal(counts, right):
        got = ", ".join(_show_count(count) for count in counts.tolist())
        return False, expected, f"the counts {got}"[:120], mistake
    often = _often(np.empty(int(right.sum())), answer)
    if often > OFTEN:
        got = f"the right counts, but the rows were labelled {often:.1f} times over"
        return False, expected, got, "predicted_again"
    if often < 1 / OFTEN:
        got = "the right counts, but most rows were not labelled on the workers"
        return False, expected, got, None
    if case == "count_odd":  # a few rows, which are labelled in no time
        return True, expected, f"the counts {numbers}", None
    beside = kit.single(answer.get("beside"))
    if beside is None or not beside >= SIDE_BY_SIDE:
        got = "the right counts, but hardly any two chunks were labelled at the same time"
        return False, expected, got, "one_after_another"
    return True, expected, f"the counts {numbers}, worked out side by side", None


def _show_count(count: float) -> str:
    return f"{count:,}" if isinstance(count, int) else f"{count:,.5g}"


def _often(labels: Array, answer: Mapping[str, Array]) -> float:
    """How many times over the workers labelled the rows."""
    predicted = kit.single(answer.get("predicted"))
    return 0.0 if predicted is None else float(predicted) / len(labels)


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


def _same_labels(told: Array, labels: Any) -> bool:
    """Whether all labels are those that a mistake gives."""
    return isinstance(labels, np.ndarray) and told.ndim == 1 and np.array_equal(told, labels)


def _judge_score(truth: Array, score: Any) -> tuple[str, str, bool]:
    value, right = kit.single(score), float(truth)
    if value is None:
        return f"the accuracy, {right:.4f}", "no number", False
    got, wanted = apart(float(value), right)
    return f"the accuracy, {wanted}", got, _same_score(truth, score)


def _same_score(told: Array, score: Any) -> bool:
    value = kit.single(score)
    if value is None or told.dtype.kind != "f":  # labels, which a mistake may give, too
        return False
    return bool(np.min(np.abs(told - value)) < SCORE_TOLERANCE)


def _show(value: Any) -> str:
    return repr(value.item())[:40]
