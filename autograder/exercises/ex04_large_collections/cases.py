"""The inputs of ex04, the right answers, and how a student's answer is judged.

Rows are readings of a wind turbine's sensors, second by second, while the turbine is in one
of a few states of operation: one cloud of rows around a centre for each state. The seed
decides where the centres are. The sensors drift from file to file and the states are not
equally frequent in each, so no file represents the others. Block ``b`` of a case is drawn
from ``[seed, b]`` alone: a worker makes it without the others, and the oracle makes the same
rows without Dask.

`autograder.author.kit` says what each function has to do, and where it runs.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from contextlib import suppress
from itertools import pairwise
from typing import Any

import numpy as np
from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]

from autograder.author import kit
from autograder.author.kit import Array, Verdict
from autograder.formats import counted

FEATURES = 32
"""This many clusters can be equally far from one another. With so many, most of the work of a step
is to compute the distances, which all solutions do in much the same way."""
APART = 4.0
"""Distance of any two centres, in standard deviations of the noise. They are so close that k-means
still moves its centres in its last step: a solution that leaves ``tol`` at its default does not
stop sooner (the last step moves them by a sum of squares of 1.6 to 4.5, and k-means stops below
0.0001), and one that takes another number of steps ends elsewhere."""
ROUGH = 0.5
"""Standard deviation of a starting centre's error, per feature, on the scale of the noise."""
DRIFT = 0.3
"""Standard deviation of a centre's shift in one file, per feature. The centres of one file alone
are off by more than 1, fifty times the tolerance."""
NEAR = 0.01
"""How far, in standard deviations of the features, a centre may be from its place. Measured on
four seeds: centres are off by 0.0003 with single precision, by 0.05 and more with half of the rows,
and by 0.16 and more with one step more or less."""
FEW = 100_000
"""Up to so many rows the oracle also works out where k-means ends, after thirty steps and more, and
where it is after each of the first `COUNTED`."""
COUNTED = 12
SAME = 0.002
"""How close centres must be to those after some steps to be recognised as such. KMeans of dask_ml
ends before a step that would move no centre by `NEAR` (its tolerance is the square of that): places
that are followed by such a step count as the end."""
SCALED = 0.005
"""How far a standardised value ``v`` may be off, per ``1 + |v|``: enough for the sample variance in
place of the population variance, and for single precision."""
HELD = 200_000_000
"""Bytes of the timed case's rows that each of the two workers on a laptop holds."""
CLEAR = 1e-3
"""A row may get either label if its two smallest squared distances differ by no more than this."""


# ------------------------------------------------------------------------------- in the box


def prepare(case: str, parameters: Mapping[str, float], seed: int) -> tuple[tuple[Any, ...], int]:
    """Make a lazy Dask array, each chunk of it a task that stands for reading a file.

    For ``assign`` the array is computed already, spread evenly over the workers. The parameters
    are ``clusters``, the sizes of `kit.chunks` and, for k-means, ``steps``.
    """
    clusters, chunks = int(parameters["clusters"]), kit.chunks(parameters)
    size = sum(chunks) * FEATURES * np.dtype(float).itemsize
    if case.startswith("standardise"):
        return (_lazy(_read_raw, seed, chunks, clusters),), size
    if case.startswith("cluster"):
        start = _start(seed, clusters)
        return (_lazy(_read, seed, chunks, clusters), start, int(parameters["steps"])), size
    return (_fitted(seed, clusters), _spread(seed, chunks, clusters)), size


def materialise(case: str, result: Any) -> dict[str, Array]:
    """Turn what the student's function returned into plain arrays, computing it if necessary.

    Returns
    -------
    dict of str to numpy.ndarray
        ``values`` (rows, features); or ``centres`` (clusters, features), for the small case also
        ``numbers`` (clusters,), the label that the model's predict gives each centre, and for a
        fitted KMeans ``own_start`` (), whether it chose its own starting points; or ``labels``
        (rows,). With each the `kit.form` of what was returned.
    """
    if case.startswith("standardise"):
        contract = "standardise must return a Dask array of the shape of X"
        return {**kit.form("values", result), "values": _plain(result, contract)}
    if case.startswith("cluster"):
        contract = "cluster_points must return a fitted KMeans, with cluster_centers_ and predict"
        if not hasattr(result, "cluster_centers_") or not kit.has_methods(result, "predict"):
            fresh = " that is not fitted" if hasattr(result, "fit") else ""
            raise TypeError(f"{contract}; it returned {kit.kind_or_class(result)}{fresh}.")
        centres = _plain(result.cluster_centers_, contract)
        answer = {**kit.form("centres", result.cluster_centers_), "centres": centres}
        if hasattr(result, "labels_") and hasattr(result, "inertia_"):
            # Set by fit, and not if only the centres were filled in.
            answer["own_start"] = np.array(isinstance(getattr(result, "init", None), str))
        if case == "cluster_odd":
            answer["numbers"] = _predicted(result, centres)
        return answer
    contract = "assign must return a Dask array with one label per row of X"
    form = kit.form("labels", result)
    if form.get("labels_shape", np.empty(0))[1:].tolist() == [FEATURES]:
        # Computing it would raise an IndexError of Dask's that names nothing of the student's.
        still = f"it returned {kit.kind(result)} that still has {FEATURES} columns"
        raise TypeError(f"{contract}; {still}.")
    return {**form, "labels": _plain(result, contract)}


def _predicted(model: Any, centres: Array) -> Array:
    """Ask a model for the labels of its own centres, in a Dask array of two chunks."""
    import dask.array as da

    rows = da.from_array(centres, chunks=(-(-len(centres) // 2), -1))
    return _plain(model.predict(rows), "predict of the model must return one label per row")


def warm() -> None:
    """Do every operation once on a few rows, so that no case pays for imports or compilation.

    Nor for memory. Memory that no process has used for a while costs many times as much, above all
    in a virtual machine: of three runs in a box the first took 1.3 times the CPU of the others.
    `prepare` is too late for it, since CPU time used there counts as serial (`EARLY` in
    `autograder.evidence.summary`): for one and the same program it was 0.1 to 0.8 s.
    """
    import dask.array as da
    from dask_ml.preprocessing import StandardScaler

    kit.on_each_worker(_touch, HELD)
    kit.on_each_worker(_cluster_here)  # KMeans compiles a loop in each process
    X = da.from_array(_draw(0, 1, 80, 2), chunks=(20, FEATURES))
    scaled = StandardScaler().fit_transform(X).persist()
    _once().fit(scaled).predict(scaled).compute()


def _cluster_here() -> None:
    import dask
    import dask.array as da
    from dask.utils import SerializableLock

    X = da.from_array(_draw(0, 1, 80, 2), chunks=(40, FEATURES))
    # The setting is for the whole process. If workers are threads of one process, two overlapping
    # calls would each restore the other's setting, and all later work would miss the cluster.
    with SerializableLock("ex04 warm"), dask.config.set(scheduler="synchronous"):
        _once().fit(X).predict(X).compute()


def _once() -> Any:
    """Return a KMeans that takes only one step, since every step waits for the cluster."""
    from dask_ml.cluster import KMeans

    return KMeans(2, init=_start(0, 2), max_iter=1)


def _touch(size: int) -> None:
    """Use that much memory; the worker keeps it, as ``cluster/environment.py`` sets malloc up."""
    held = [np.ones(2**20) for _ in range(size // 2**23 + 1)]
    held.clear()


def _lazy(read: Any, seed: int, chunks: tuple[int, ...], clusters: int) -> Any:
    """Make a lazy Dask array (rows, features) of one file per chunk."""
    import dask

    load = dask.delayed(read, pure=False)
    blocks = [load(seed, block, rows, clusters) for block, rows in enumerate(chunks, start=1)]
    return kit.join(blocks, chunks, (FEATURES,))


def _read_raw(seed: int, block: int, rows: int, clusters: int) -> Array:
    """Simulate reading a file as the sensors wrote it, each in its own unit."""
    _note(block)
    return _raw(seed, _draw(seed, block, rows, clusters))


def _read(seed: int, block: int, rows: int, clusters: int) -> Array:
    """Simulate reading a file that is standardised."""
    _note(block)
    return _scaled(seed, _draw(seed, block, rows, clusters), clusters)


def _note(block: int) -> None:
    """Tell the recorder that a file is read, whatever task this was fused into."""
    from distributed import get_worker

    with suppress(ValueError):  # not in a worker: the data came to the client, which shows
        get_worker().log_event("read", block)


def _fitted(seed: int, clusters: int) -> Any:
    """Make a fitted KMeans that has the true centres, without fitting anything."""
    from dask_ml.cluster import KMeans

    model = KMeans(n_clusters=clusters)
    model.cluster_centers_ = _model_centres(seed, clusters)
    model.n_features_in_ = FEATURES
    return model


def _spread(seed: int, chunks: tuple[int, ...], clusters: int) -> Any:
    """Make standardised blocks on the workers in turn; a Dask array (rows, features)."""
    from distributed import wait

    X = kit.join(kit.spread(_read, seed, chunks, clusters), chunks, (FEATURES,)).persist()
    wait(X)
    return X


def _plain(values: Any, contract: str) -> Array:
    """Numbers as an array that can be stored without pickling."""
    if not kit.has_values(values):
        raise TypeError(f"{contract}; it returned {kit.kind_or_class(values)}.")
    array = np.asarray(kit.computed(values))
    if array.dtype.kind not in "biuf":
        raise TypeError(
            f"{contract}; it returned {kit.kind_or_class(values)} of something else than numbers."
        )
    return array


# ------------------------------------------------------------------ on both sides, NumPy only


def _draw(seed: int, block: int, rows: int, clusters: int) -> Array:
    """Draw one block, features (rows, 32), in standard deviations of the noise."""
    generator = np.random.default_rng([seed, block])
    centres = _centres(seed, clusters) + generator.normal(scale=DRIFT, size=(clusters, FEATURES))
    shares = np.roll(np.linspace(1.0, 3.0, clusters), block)
    state = generator.choice(clusters, size=rows, p=shares / shares.sum())
    drawn: Array = generator.normal(size=(rows, FEATURES))
    drawn += centres[state]  # in place, here and below: a worker reads several blocks at a time
    return drawn


def _centres(seed: int, clusters: int) -> Array:
    """Centres (clusters, 32), any two of them equally far apart, rotated by the seed."""
    turned, _ = np.linalg.qr(np.random.default_rng([seed, 0]).normal(size=(FEATURES, FEATURES)))
    centres: Array = turned[:clusters] * (APART / np.sqrt(2.0))
    return centres


def _scaled(seed: int, rows: Array, clusters: int) -> Array:
    """Standardise rows by the mean and variance that are the average of all seeds and files."""
    centres = _centres(seed, clusters)
    scaled: Array = rows - centres.mean(axis=0)
    scaled /= np.sqrt(1.0 + DRIFT**2 + centres.var(axis=0))
    return scaled


def _raw(seed: int, rows: Array) -> Array:
    """Write rows in the units of the sensors, which range from millionths to millions."""
    generator = np.random.default_rng([seed, 0, 1])
    units = 10.0 ** generator.uniform(-4.0, 4.0, size=FEATURES)
    return (rows + generator.uniform(-50.0, 50.0, size=FEATURES)) * units


def _start(seed: int, clusters: int) -> Array:
    """Draw starting centres (clusters, 32), standardised: each some way from a true centre."""
    generator = np.random.default_rng([seed, 0, 3])
    off = generator.normal(scale=ROUGH, size=(clusters, FEATURES))
    return _scaled(seed, _centres(seed, clusters) + off, clusters)


def _model_centres(seed: int, clusters: int) -> Array:
    """Centres of the model that assign gets, in an order that cannot be guessed."""
    order = np.random.default_rng([seed, 0, 2]).permutation(clusters)
    return _scaled(seed, _centres(seed, clusters), clusters)[order]


# ------------------------------------------------------------------------------ outside


def oracle(case: str, parameters: Mapping[str, float], seed: int) -> dict[str, Array]:
    """Work out the right answer on one core, with NumPy and scikit-learn alone.

    Returns
    -------
    dict of str to numpy.ndarray
        What `materialise` gives for a right result, what else `compare` needs, and under
        ``mistake:<name>`` the value that a known mistake gives. For ``cluster`` also
        ``seconds``, the CPU time of scikit-learn's own KMeans for the same steps.
    """
    clusters, chunks = int(parameters["clusters"]), kit.chunks(parameters)
    blocks = [_draw(seed, block, rows, clusters) for block, rows in enumerate(chunks, start=1)]
    if case.startswith("standardise"):
        return _standardised([_raw(seed, block) for block in blocks])
    blocks = [_scaled(seed, block, clusters) for block in blocks]
    if case.startswith("cluster"):
        truth = _clustered(blocks, _start(seed, clusters), int(parameters["steps"]))
        return truth | {"numbers": np.arange(clusters)} if case == "cluster_odd" else truth
    return _assigned(np.concatenate(blocks), _model_centres(seed, clusters))


def _standardised(blocks: list[Array]) -> dict[str, Array]:
    rows = np.concatenate(blocks)
    low, high = rows.min(axis=0), rows.max(axis=0)
    with np.errstate(invalid="ignore"):  # a chunk of one row has no variance
        alone = [(block - block.mean(axis=0)) / block.std(axis=0) for block in blocks]
    values = {
        "values": (rows - rows.mean(axis=0)) / rows.std(axis=0),
        "mistake:chunk_by_chunk": np.concatenate(alone),
        "mistake:range": (rows - low) / (high - low),
        "mistake:variance": (rows - rows.mean(axis=0)) / rows.var(axis=0),
        "mistake:not_centred": rows / rows.std(axis=0),
        "mistake:only_centred": rows - rows.mean(axis=0),
        "mistake:one_scale": (rows - rows.mean()) / rows.std(),
        "mistake:row_by_row": _across(rows),
        "mistake:first_file": (rows - blocks[0].mean(axis=0)) / blocks[0].std(axis=0),
    }
    return {name: value.astype(np.float32) for name, value in values.items()}


def _across(rows: Array) -> Array:
    mean, deviation = (of(axis=1, keepdims=True) for of in (rows.mean, rows.std))
    scaled: Array = (rows - mean) / deviation
    return scaled


def _clustered(blocks: list[Array], start: Array, steps: int) -> dict[str, Array]:
    from sklearn.cluster import KMeans

    def centres(rows: Array, **settings: Any) -> Array:
        model = KMeans(len(start), n_init=1, **settings).fit(rows)
        return np.asarray(model.cluster_centers_)

    rows = np.concatenate(blocks)
    # Threads that wait for one another count as computing.
    with threadpool_limits(1):
        began = time.process_time()
        right = centres(rows, init=start, max_iter=steps, tol=0.0)
        seconds = time.process_time() - began
    truth = {
        "centres": right,
        "seconds": np.array(seconds),
        "mistake:one_file": centres(blocks[0], init=start, max_iter=steps, tol=0.0),
    }
    if len(rows) <= FEW:
        truth["mistake:to_the_end"] = centres(rows, init=start, max_iter=1000, tol=0.0)
        again = (rows - rows.mean(axis=0)) / rows.std(axis=0)
        truth["mistake:standardised_again"] = centres(again, init=start, max_iter=steps, tol=0.0)
        after = [start]
        while len(after) <= COUNTED:
            after.append(centres(rows, init=after[-1], max_iter=1, tol=0.0))
        truth["after"] = np.stack(after)
    return truth


def _assigned(rows: Array, centres: Array) -> dict[str, Array]:
    squared = _squared(rows, centres)
    two = np.partition(squared, 1, axis=1)
    labels = squared.argmin(axis=1)
    return {
        "labels": labels,
        "clear": two[:, 1] - two[:, 0] > CLEAR,
        "mistake:farthest": squared.argmax(axis=1),
        "mistake:from_one": labels + 1,
        "mistake:largest_product": (rows @ centres.T).argmax(axis=1),
    }


def _squared(rows: Array, centres: Array) -> Array:
    """Squared distances, (rows, centres)."""
    return np.stack([((rows - centre) ** 2).sum(axis=1) for centre in centres], axis=1)


def compare(case: str, truth: Mapping[str, Array], answer: Mapping[str, Array]) -> kit.Comparison:
    """Judge an answer by the truth."""
    if case.startswith("standardise"):
        return kit.comparison(*_judge_values(truth, answer))
    if case.startswith("cluster"):
        return kit.comparison(*_judge_centres(truth, answer))
    return kit.comparison(*_judge_labels(truth, answer))


def _judge_values(truth: Mapping[str, Array], answer: Mapping[str, Array]) -> Verdict:
    right = truth["values"]
    expected = (
        f"{right.shape[0]:,} rows of {right.shape[1]} features, each feature with mean 0 and "
        "variance 1 over all rows, in chunks of whole rows"
    )
    values = _numbers(answer.get("values"))
    if values is None:
        return False, expected, "no numbers", None
    if values.shape != right.shape:
        return False, expected, kit.wrong_shape(values, right), None
    if (broken := _broken(answer, "values", right.shape)) is not None:
        return False, expected, broken, None
    if not np.isfinite(values).all():
        missing = int((~np.isfinite(values)).sum())
        known = _known(truth, values, SCALED)
        return False, expected, f"{missing:,} values that are not a number, or infinite", known
    if not _close(values, right, SCALED):
        known = _known(truth, values, SCALED)
        if known is None and _on_other_scale(right, values):
            known = "other_scale"
        return False, expected, _moments(values), known
    columns = kit.single(answer.get("values_columns"))
    if columns is not None and columns > 1:
        got = f"the right values, but the features are cut into {columns:.0f} chunks"
        return False, expected, got, "cut_features"
    return True, expected, "the right values", None


def _moments(values: Array) -> str:
    means, variances = np.abs(values.mean(axis=0)), values.var(axis=0)
    off = int(max(means.argmax(), 0)) if means.max() > SCALED else int(abs(variances - 1).argmax())
    if means.max() > SCALED or np.abs(variances - 1).max() > SCALED:
        mean, variance = float(values[:, off].mean()), float(variances[off])
        return f"feature {off} has mean {mean:.3g} and variance {variance:.3g}"
    return "means 0 and variances 1, but other values: are the rows in the order of X?"


def _on_other_scale(right: Array, values: Array) -> bool:
    """Whether each feature is right except for a factor and an offset.

    Every scaler that goes feature by feature gives that. Which one it was cannot be told: the
    median that dask_ml's RobustScaler takes was 0.3 to 0.7 standard deviations off in the worst
    feature (12 seeds), since Dask's percentiles over chunks are rough.
    """
    deviations = values.std(axis=0)
    return bool((deviations > 0).all()) and _close(
        (values - values.mean(axis=0)) / deviations, right, SCALED
    )


def _judge_centres(truth: Mapping[str, Array], answer: Mapping[str, Array]) -> Verdict:
    right = truth["centres"]
    expected = (
        f"{len(right)} centres, none more than {NEAR} from where Lloyd's method takes start in "
        "that many steps on all rows"
    )
    centres = _numbers(answer.get("centres"))
    if centres is None or centres.ndim != 2:
        return False, expected, "no centres", None
    if centres.shape != right.shape:
        got = f"centres of shape {centres.shape}, where it should be {right.shape}"
        return False, expected, got, None
    if kit.single(answer.get("centres_lazy"), "b"):
        return False, expected, "centres that are not computed yet", None
    if not np.isfinite(centres).all() or np.abs(centres).max() > 1e6:
        return False, expected, "centres that are not numbers, or far from all data", None
    # The centres are in the order of the start, but sorting them does no harm.
    off = _farthest(centres, right)
    got = f"{len(centres)} centres, the worst of them {off:.3f} from its place"
    if off <= NEAR:
        if "numbers" in truth and not np.array_equal(truth["numbers"], _numbers_of(answer)):
            got += ", but the model's predict does not give each of them its own number"
            return False, expected, got, None
        return True, expected, got, None
    if kit.single(answer.get("own_start"), "b"):
        return False, expected, got, "own_start"
    if (taken := _steps_taken(truth, centres)) is not None:
        return False, expected, f"{got}: they are those after {taken}", "other_steps"
    nearer = max(off / 4, NEAR)
    known = kit.known_mistake(truth, lambda value: _farthest(centres, value) <= nearer)
    return False, expected, got, known


def _steps_taken(truth: Mapping[str, Array], centres: Array) -> str | None:
    """Say how many steps from the start lead to these centres, if any number does."""
    places = truth.get("after", ())
    for taken, (place, following) in enumerate(pairwise(places)):
        if _farthest(place, following) <= NEAR:
            return None
        if _farthest(centres, place) <= SAME:
            return counted(taken, "step")
    return None


def _farthest(centres: Array, places: Array) -> float:
    """Distance of the centre that is farthest from its place, in the best matching."""
    from scipy.optimize import linear_sum_assignment

    squared = _squared(centres, places)
    return float(np.sqrt(squared[linear_sum_assignment(squared)].max()))


def _judge_labels(truth: Mapping[str, Array], answer: Mapping[str, Array]) -> Verdict:
    right, clear = truth["labels"], truth["clear"]
    expected = f"{len(right):,} labels, each the number of the nearest centre"
    labels = _numbers(answer.get("labels"))
    if labels is None:
        return False, expected, "no labels that are numbers", None
    if labels.shape != right.shape:
        return False, expected, kit.wrong_shape(labels, right), None
    if (broken := _broken(answer, "labels", right.shape)) is not None:
        return False, expected, broken, None
    wrong = np.flatnonzero((labels != right) & clear)
    if not wrong.size:
        return True, expected, f"{len(right):,} labels, all right", None
    got = kit.wrong_rows("labels", wrong, labels, right, "{:g}".format)
    # Of two centres that are equally far, as of two that are equally near, either may be given.
    known = kit.known_mistake(truth, lambda told: np.sum(told != labels) <= wrong.size / 4)
    return False, expected, got, known


def _broken(answer: Mapping[str, Array], name: str, shape: tuple[int, ...]) -> str | None:
    return kit.broken_promise(answer, name, shape=shape)


def _numbers_of(answer: Mapping[str, Array]) -> Array:
    found = _numbers(answer.get("numbers"))
    return np.empty(0) if found is None else found


def _numbers(value: Any) -> Array | None:
    """Return a value as an array of real numbers, if it is one."""
    return value.astype(float) if kit.is_array(value) else None


def _close(values: Array, right: Array, tolerance: float) -> bool:
    """Whether values agree wherever the right ones are numbers."""
    known = np.isfinite(right)
    off = np.abs(values - right)[known] / (1.0 + np.abs(right[known]))
    return bool(known.any()) and bool((off <= tolerance).all())


def _known(truth: Mapping[str, Array], values: Array, tolerance: float) -> str | None:
    return kit.known_mistake(truth, lambda value: _close(values, value, tolerance))
