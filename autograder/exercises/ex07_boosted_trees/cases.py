"""The inputs of ex07, the right answers, and how a student's answer is judged.

Rows are trains of a railway: 24 readings of each, whole numbers from 0 to 31, and whether it came
late. The seed decides how each reading and some pairs of readings affect that, and chance decides
the rest. Block ``b`` of a case is drawn from ``[seed, b]`` alone: a worker makes it without the
others, and the oracle makes the same rows without Dask.

With so few values, each gets an XGBoost bin of its own, the same on all workers. So two workers
grow the same trees as one process, to the last digit: probabilities were equal in all of 12 runs.

`autograder.author.kit` says what each function has to do, and where it runs.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import Any
from uuid import uuid4

import numpy as np

from autograder.author import kit
from autograder.author.kit import Array, Verdict

FEATURES, VALUES = 24, 32
STEPS = 4
"""Levels of the effect that one reading has on being late."""
PAIRS = 4
"""Pairs of readings that matter only together."""
SCALE = 0.2
"""Of the log odds: the readings explain only some of it, so late trees learn chance by heart."""
ROUNDS, PATIENCE = 200, 10
"""As in the contract of ``train``."""
MORE_PATIENCE = 14
"""Patience of the model that ``predict`` gets: so many trees come after the best one, which only
the model itself says. With `PATIENCE`, leaving out ten would give the same."""
VALIDATION, PROBE = 1_000, 2_000
"""Blocks of rows that no training sees; the second one is the same for all seeds."""
NEAR = 0.002
"""How far the probabilities may be off on average. Right ones are off by less than 1e-6. In the
timed case a tree more or less is off by 0.0025, one round of patience by 0.011 to 0.021 (three
seeds), all 200 trees by 0.04, half of the rows by 0.05; in the small one all are far more."""
EQUAL = 1e-4
"""The same for rows that a given model predicts: single precision is off by a thousandth of it."""


# ------------------------------------------------------------------------------- in the box


def prepare(case: str, parameters: Mapping[str, float], seed: int) -> tuple[tuple[Any, ...], int]:
    """Make a function that reads files, or rows that are on the workers already.

    The parameters are the sizes of `kit.chunks`; for ``train`` also ``depth``, ``rate`` and the
    ``validation`` rows, and for ``predict`` ``trained``, the rows that the model has seen.
    """
    from distributed import get_client

    client, chunks = get_client(), kit.chunks(parameters)
    if case.startswith("load"):
        size = sum(chunks) * (FEATURES + 1) * np.dtype(np.float32).itemsize
        return (client, _reader(seed, chunks), list(chunks)), size
    X, y = _spread(seed, chunks)
    if case.startswith("predict"):
        return (client, _trained(seed, int(parameters["trained"])), X), X.nbytes
    given = _spread(seed, _validation(parameters), VALIDATION)
    size = sum(each.nbytes for each in (X, y, *given))
    return (client, _settings(parameters), X, y, *given), size


def materialise(case: str, result: Any) -> dict[str, Array]:
    """Turn what the student's function returned into plain arrays, computing it if necessary.

    Returns
    -------
    dict of str to numpy.ndarray
        For files ``X`` (rows, 24) and ``y`` (rows,) with their form as `kit.form` records it,
        ``reads`` (), and ``share`` (), the largest of one worker; for a training ``rounds`` (),
        ``best`` (), -1 if nothing watched for it, and the ``probabilities`` (2000,) of our own
        rows; for a prediction ``probabilities`` (rows,) and their form.
    """
    if case.startswith("load"):
        return _read_back(result)
    if case.startswith("train"):
        return _try_model(result)
    contract = "predict must return a Dask array with one probability per row of X"
    return {**kit.form("probabilities", result), "probabilities": _plain(result, contract)}


def warm() -> None:
    """Do every operation once on a few rows, so that no case pays for imports."""
    from xgboost import dask as boosting

    sizes = {"rows": 400, "blocks": 4, "validation": 100, "depth": 2, "rate": 0.3}
    (client, settings, X, y, X_valid, y_valid), _ = prepare("train_odd", sizes, 0)
    few = boosting.DaskQuantileDMatrix(client, X, y)
    fewer = boosting.DaskQuantileDMatrix(client, X_valid, y_valid, ref=few)
    grown = boosting.train(client, settings, few, 3, evals=[(fewer, "few")], verbose_eval=False)
    boosting.predict(client, grown["booster"], X).compute()


def _reader(seed: int, chunks: tuple[int, ...]) -> Callable[[int], Array]:
    """Return a function that simulates reading a file, and logs the worker that calls it."""
    topic = f"read-{uuid4().hex}"  # the scheduler also keeps the logs of earlier cases
    _topics.append(topic)

    def read_file(number: int) -> Array:
        from distributed import get_worker

        if not 0 <= number < len(chunks):
            last = len(chunks) - 1
            raise FileNotFoundError(f"there is no file {number}: they are 0 to {last}")
        with suppress(ValueError):  # not in a worker: the file was read by the client
            worker = get_worker()
            worker.log_event(topic, worker.address)
        X, y = _draw(seed, number + 1, chunks[number])
        return np.column_stack([X, y])

    return read_file


_topics: list[str] = []


def _read_back(result: Any) -> dict[str, Array]:
    contract = "load must return two Dask arrays, X and y"
    if not isinstance(result, tuple | list) or len(result) != 2:
        raise TypeError(f"{contract}; it returned {kit.kind_or_class(result)}.")
    for each in result:
        if not kit.has_values(each) or not kit.is_lazy(each):
            raise TypeError(f"{contract}; one of them is {kit.kind_or_class(each)}.")
    # One after the other, as XGBoost asks for them.
    answer = kit.form("X", result[0]) | kit.form("y", result[1])
    answer |= {name: _plain(value, contract) for name, value in zip("Xy", result, strict=True)}
    return answer | _reads()


def _reads() -> dict[str, Array]:
    """Return what the workers have logged about the latest files."""
    from distributed import get_client

    readers = Counter(who for _, who in get_client().get_events(_topics[-1]) or ())
    reads = sum(readers.values())
    return {
        "reads": np.array(reads),
        "share": np.array(max(readers.values(), default=0) / max(reads, 1)),
    }


def _try_model(result: Any) -> dict[str, Array]:
    import xgboost

    contract = "train must return the trained model, an xgboost.Booster"
    if isinstance(result, Mapping) and "booster" in result:
        raise TypeError(
            f"{contract}; it returned the dict that xgboost.dask.train gives, which has the model "
            "under 'booster'."
        )
    model = result.get_booster() if kit.has_methods(result, "get_booster") else result
    if not isinstance(model, xgboost.Booster):
        raise TypeError(f"{contract}; it returned {kit.kind_or_class(result)}.")
    try:
        best = model.best_iteration
    except AttributeError:
        best = -1
    return {
        "rounds": np.array(model.num_boosted_rounds()),
        "best": np.array(best),
        "probabilities": _probabilities(model, _draw(0, PROBE, PROBE)[0], best),
    }


def _spread(seed: int, chunks: tuple[int, ...], first: int = 0) -> tuple[Any, Any]:
    """Make blocks on the workers in turn; Dask arrays (rows, features) and (rows,)."""
    from dask import persist
    from distributed import wait

    blocks = kit.spread(_block, seed, chunks, first)
    both = kit.join(blocks, chunks, (FEATURES + 1,), np.float32)
    X, y = persist(both[:, :-1], both[:, -1])
    wait([X, y])
    return X, y


def _block(seed: int, block: int, rows: int, first: int) -> Array:
    X, y = _draw(seed, first + block, rows)
    return np.column_stack([X, y])


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


# ------------------------------------------------------------------ on both sides, no Dask


def _draw(seed: int, block: int, rows: int) -> tuple[Array, Array]:
    """Draw one block: readings (rows, 24), and 1 for each that came late (rows,)."""
    generator = np.random.default_rng([seed, block])
    X = generator.integers(0, VALUES, size=(rows, FEATURES))
    world = np.random.default_rng([seed, 0])
    alone = np.repeat(world.normal(size=(FEATURES, STEPS)), VALUES // STEPS, axis=1)
    odds = SCALE * alone[np.arange(FEATURES), X].sum(axis=1)
    for _ in range(PAIRS):
        one, other = world.choice(FEATURES, size=2, replace=False)
        odds += 3 * SCALE * world.normal(size=(2, 2))[X[:, one] // 16, X[:, other] // 16]
    late = generator.random(rows) < 1.0 / (1.0 + np.exp(-odds))
    return X.astype(np.float32), late.astype(np.float32)


def _drawn(seed: int, chunks: tuple[int, ...], first: int = 0) -> tuple[Array, Array]:
    """Draw the blocks of `_spread` in one piece."""
    blocks = [_draw(seed, first + block, rows) for block, rows in enumerate(chunks, start=1)]
    return np.concatenate([X for X, _ in blocks]), np.concatenate([y for _, y in blocks])


def _validation(parameters: Mapping[str, float]) -> tuple[int, ...]:
    return (int(parameters["validation"]) // 2,) * 2


def _settings(parameters: Mapping[str, float]) -> dict[str, Any]:
    return {
        "objective": "binary:logistic",
        "eval_metric": "logloss",
        "max_depth": int(parameters["depth"]),
        "learning_rate": float(parameters["rate"]),
    }


def _fit(
    settings: Mapping[str, Any],
    rows: tuple[Array, Array],
    watched: tuple[Array, Array],
    patience: int = PATIENCE,
) -> Any:
    """Train in one process on one core, and stop early by the watched rows."""
    import xgboost

    known = xgboost.QuantileDMatrix(*rows, nthread=1)
    unknown = xgboost.QuantileDMatrix(*watched, nthread=1, ref=known)
    return xgboost.train(
        {**settings, "nthread": 1},
        known,
        ROUNDS,
        evals=[(unknown, "watched")],
        early_stopping_rounds=patience,
        verbose_eval=False,
    )


def _trained(seed: int, rows: int) -> Any:
    """Train a small model whose last trees do not help."""
    settings = _settings({"depth": 4, "rate": 0.5})
    learned, unseen = (_draw(seed, PROBE + place, rows) for place in (1, 2))
    model = _fit(settings, learned, unseen, MORE_PATIENCE)
    model.set_param({"nthread": 1})
    return model


def _probabilities(model: Any, X: Array, best: int, **options: Any) -> Array:
    """Predict with the trees up to the best round, or with all if that is -1."""
    import xgboost

    rows = xgboost.DMatrix(X, nthread=1)
    options = {"iteration_range": (0, best + 1), **options}
    found: Array = model.predict(rows, **options)
    return found


# ------------------------------------------------------------------------------ outside


def oracle(case: str, parameters: Mapping[str, float], seed: int) -> dict[str, Array]:
    """Work out the right answer on one core, with XGBoost and no Dask.

    Returns
    -------
    dict of str to numpy.ndarray
        What `materialise` gives for a right result, except for forms; under ``mistake:<name>`` what
        known mistakes give, for trainings only in small cases; ``seconds`` for a training.
    """
    chunks = kit.chunks(parameters)
    X, y = _drawn(seed, chunks)
    if case.startswith("load"):
        return {"X": X, "y": y, "reads": np.array(len(chunks)), "share": np.array(0.5)}
    if case.startswith("predict"):
        model = _trained(seed, int(parameters["trained"]))
        best = model.best_iteration
        right = _probabilities(model, X, best)
        alone = _probabilities(model, X, best, iteration_range=(best, best + 1))
        return {
            "probabilities": right,
            "mistake:all_trees": _probabilities(model, X, -1),
            "mistake:one_tree_short": _probabilities(model, X, best - 1),
            "mistake:ten_less": _probabilities(model, X, best + MORE_PATIENCE - PATIENCE),
            "mistake:best_tree_alone": alone,
            "mistake:labels": (right >= 0.5).astype(np.float32),
            "mistake:log_odds": _probabilities(model, X, best, output_margin=True),
        }
    settings, watched = _settings(parameters), _drawn(seed, _validation(parameters), VALIDATION)
    began = time.process_time()
    model = _fit(settings, (X, y), watched)
    seconds = time.process_time() - began
    truth = {**_try_model(model), "seconds": np.array(seconds)}
    return (
        truth | _wrong_trainings(settings, X, y, watched, chunks) if case == "train_odd" else truth
    )


def _wrong_trainings(
    settings: Mapping[str, Any],
    X: Array,
    y: Array,
    watched: tuple[Array, Array],
    chunks: tuple[int, ...],
) -> dict[str, Array]:
    """Return the probabilities that known mistakes give."""
    ends = np.cumsum(chunks)
    parts = [slice(end - rows, end) for end, rows in zip(ends, chunks, strict=True) if rows > 1]
    both = np.concatenate([X, watched[0]]), np.concatenate([y, watched[1]])
    wrong = {
        f"one_chunk_only {place}": _fit(settings, (X[part], y[part]), watched)
        for place, part in enumerate(parts)
    }
    wrong |= {
        "validation_learned": _fit(settings, both, watched),
        "roles_swapped": _fit(settings, watched, (X, y)),
    }
    return {f"mistake:{name}": _try_model(m)["probabilities"] for name, m in wrong.items()}


def compare(case: str, truth: Mapping[str, Array], answer: Mapping[str, Array]) -> kit.Comparison:
    """Judge an answer by the truth."""
    if case.startswith("load"):
        return kit.comparison(*_judge_files(truth, answer))
    if case.startswith("train"):
        return kit.comparison(*_judge_training(truth, answer))
    return kit.comparison(*_judge_probabilities(truth, answer))


def _judge_files(truth: Mapping[str, Array], answer: Mapping[str, Array]) -> Verdict:
    rows, files = len(truth["y"]), int(truth["reads"])
    expected = (
        f"X of shape {truth['X'].shape} and y of shape {truth['y'].shape}, in {files} chunks; each "
        f"of the {files} files read once, by the workers, not all of them by one"
    )
    for name in "Xy":
        right, value = truth[name], answer.get(name)
        if not kit.is_array(value, "biuf"):
            return False, expected, f"no numbers as {name}", None
        if (broken := kit.broken_promise(answer, name, shape=right.shape)) is not None:
            said = answer.get(f"{name}_shape")
            shape = tuple(said.tolist()) if kit.is_array(said, "iu") and said.ndim == 1 else ()
            mistake = _mistake_in_shape(name, shape, rows, files)
            return False, expected, f"{name}: {broken}", mistake
        if value.shape != right.shape:
            return False, expected, f"{name}: {kit.wrong_shape(value, right)}", None
        if not np.array_equal(value, right):
            wrong = int((value != right).reshape(rows, -1).any(axis=1).sum())
            got = f"{name} differs from the files in {wrong:,} rows"
            # The first column was taken for the label, or the last reading was.
            moved = value[:, :-1] if name == "X" else value
            columns = truth["X"][:, 1:] if name == "X" else truth["X"][:, -1]
            mistake = "other_column" if np.array_equal(moved, columns) else None
            return False, expected, got, mistake
    in_X, in_y = answer.get("X_rows"), answer.get("y_rows")
    if not kit.is_array(in_X) or not kit.is_array(in_y) or in_X.size != files:
        return False, expected, "the right numbers, but not one chunk for each file", None
    if not np.array_equal(in_X, in_y):
        return False, expected, "the right numbers, but X and y are cut at different rows", None
    if kit.single(answer.get("X_columns")) != 1:
        return False, expected, "the right numbers, but the columns of X are cut into chunks", None
    return _judge_reads(files, expected, answer)


def _mistake_in_shape(name: str, shape: tuple[int, ...], rows: int, files: int) -> str | None:
    """Name the mistake of an array that declares a wrong shape."""
    if name == "y":
        return "label_in_a_column" if shape == (rows, 1) else None
    if shape == (rows, FEATURES + 1):
        return "label_inside"
    if shape == (rows,):
        return "swapped"
    equal = len(shape) == 2 and shape[1] == FEATURES and shape[0] != rows and not shape[0] % files
    return "files_equally_long" if equal else None


def _judge_reads(files: int, expected: str, answer: Mapping[str, Array]) -> Verdict:
    reads, share = kit.single(answer.get("reads")), kit.single(answer.get("share"))
    if reads is None or share is None or not reads >= files:
        told = f"{reads:g}" if reads else "none"
        got = f"the right numbers, but the workers read {told} of the {files} files"
        return False, expected, got, "read_here"
    if reads > files:
        got = f"the right numbers, and {reads:g} reads of {files} files"
        return False, expected, got, "read_again"
    # A free worker takes the next file, so on a busy machine one may read nearly all of them; but
    # the first files go to all workers.
    if not share < 1:
        got = f"the right numbers, but one worker read all of the {files} files"
        return False, expected, got, "one_worker"
    return True, expected, f"the right numbers, and {reads:g} reads of {files} files", None


def _judge_training(truth: Mapping[str, Array], answer: Mapping[str, Array]) -> Verdict:
    right, best = truth["probabilities"], int(truth["best"])
    expected = (
        f"the model of plain XGBoost: {best + 1} trees and then {PATIENCE} that did not help; "
        f"probabilities that are off by {NEAR} or less on the average"
    )
    found = answer.get("probabilities")
    rounds, own = (kit.single(answer.get(name), "iu") for name in ("rounds", "best"))
    if not kit.is_array(found, "f") or found.shape != right.shape or rounds is None or own is None:
        return False, expected, "no model that could be tried", None
    off = float(np.abs(found - right).mean())
    watched = f"round {own + 1} of {rounds} the best" if own >= 0 else f"all {rounds} rounds used"
    got = f"{watched}; probabilities that are off by {off:.4f}"
    if off <= NEAR and own >= 0 and rounds - 1 - own > PATIENCE:
        return False, expected, f"{watched}, {rounds - 1 - own} rounds before the last", "too_long"
    if off <= NEAR:
        return True, expected, got, None
    return False, expected, got, _mistake_in_training(truth, found, rounds, own)


def _mistake_in_training(
    truth: Mapping[str, Array], found: Array, rounds: int, best: int
) -> str | None:
    known = kit.known_mistake(truth, lambda wrong: np.abs(found - wrong).mean() <= NEAR / 4)
    known = known and known.partition(" ")[0]
    if known is None and rounds >= ROUNDS:
        known = "watches_training" if best >= 0 else "no_early_stopping"
    if known is None and 0 < rounds - 1 - best < PATIENCE:
        known = "less_patience"
    if known is None and 0 < rounds == best + 1 <= truth["best"]:
        known = "ended_before"
    return known


def _judge_probabilities(truth: Mapping[str, Array], answer: Mapping[str, Array]) -> Verdict:
    right, found = truth["probabilities"], answer.get("probabilities")
    expected = f"{len(right):,} probabilities, each by the trees up to the best round"
    if not kit.is_array(found, "biuf"):
        return False, expected, "no numbers", None
    if found.shape != right.shape:
        return False, expected, kit.wrong_shape(found, right), None
    broken = kit.broken_promise(answer, "probabilities", shape=right.shape)
    if broken is not None:
        return False, expected, broken, None

    def off(other: Array) -> Array:
        distance: Array = np.abs(found.astype(float) - other)
        return distance

    # nan is not near to anything.
    wrong = np.flatnonzero(~(off(right) <= EQUAL))
    if not wrong.size:
        return True, expected, f"{len(right):,} probabilities, all right", None
    known = kit.known_mistake(truth, lambda other: bool((off(other) <= EQUAL).all()))
    got = kit.wrong_rows("probabilities", wrong, found, right, "{:.4f}".format)
    return False, expected, got, known
