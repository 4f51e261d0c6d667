"""The inputs of ex03, the right answers, and how a student's answer is judged.

A survey's archive has one text file per night, and a star per line: its kind and the counts of 100
channels. In the first season only the blue half of the channels sees the stars, in the second
only the red half; the other half holds noise. So nights of the second season repeat nothing that
a model learnt in the first. Night ``n`` of a case is drawn from ``[seed, n]`` alone, the signs of
the signal and the unseen stars from the same seed.

In ``train_odd`` each night also has rare stars, in channels that no other star uses. A model that
leaves out nights, or a part of the rows of each, cannot know them, however good its accuracy on
common stars, for which a quarter of the rows is enough.

The nights of the timed case are packed. Reading them then takes the same CPU time in every run,
while that of the memory-bound rest changes by half, and they fit in the workers' memory: right
solutions do the same work. Memory is judged on another case, whose nights do not fit.

`autograder.author.kit` says what each function has to do, and where it runs.
"""

from __future__ import annotations

import bz2
import math
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from sklearn.linear_model import SGDClassifier

from autograder.author import kit
from autograder.author.kit import Array, Verdict

CHANNELS = 100
NOISE = 12.0
SIGNAL = 2.9
"""Counts by which a kind of star differs from the mean; for each channel, the seed decides whether
up or down. With `NOISE` the best model of a season is right on 95 of 100 stars, so the true kinds
do not pass as its answer."""
SHARES = (0.35, 0.65, 0.5)
"""Shares of the stars that are of kind 1, night after night."""
DISTINCT = 4_000
"""Stars that are drawn for a night; a longer night repeats them in random order. So 400 MB of text
take only as long as drawing 30 MB."""
PIECE = 250
"""Stars that are packed together. Unpacking a million of them takes 5.0 to 5.2 s."""
PIECES = 4
"""Pieces that are packed for a night, which repeats them: packing a star takes twice as long as
unpacking it."""
PACKED = b"BZh"
"""How a packed night begins; one that is not packed begins with the kind of a star."""
UNSEEN = 24_000
"""With so many stars, chance moves the difference of two accuracies by 0.001 to 0.002."""

BEFORE, ASKED, SIGNS = 1_000, 2_000, 3_000
"""Stand in place of a night's number where something else is drawn: the first night that the model
of update knows, the unseen stars of the first season, the signs of the signal."""

ORDERS = 8
"""Random orders in which the oracle learns the nights of ``train_odd``. The worst one counts."""
MARGIN = 0.015
"""How far the accuracy on unseen stars may be below the serial model's (in ``train_odd``, below
the worst of `ORDERS`). The lowest of 2,400 runs of ``train_odd`` (200 seeds, 12 orders each:
``benchmarks/ex03_margins.py``) was 0.0048 below, 99 % of them less than 0.0024; of 48
runs of ``train_packed`` it was 0.0015. A model that learnt from one night of twelve is off by 0.02,
a diverged one by 0.4."""
MARGINS_UPDATED = (0.03, 0.05)
"""The same after the update, on stars of the first and of the second season: the lowest of 400
runs (40 seeds, 10 orders) were 0.009 and 0.017 below. A model that forgot is off by 0.4, one that
was not updated by 0.3."""
TOO_GOOD = 0.01
"""How far the accuracy may be above that of the true signal, which a trained model reaches only by
chance: the best of all these runs was 0.0004 below. The true kinds are 0.05 above it."""
RARE = 5
"""Channels of a night's own, in ``train_odd``, if the night has both kinds. In each, two rare stars
differ from the mean, one of each kind, in lines that are both odd or both even."""
RARE_COUNT = 49
"""How far its channel is above or below the mean: as far as two digits allow."""
LEAST_RARE = 0.72
"""Share of the rare stars that a model has to know: 36 of 50. Right models knew 47 or more in 2,400
runs, and those of other losses and steps 40 or more. Models that learnt from half of the nights or
from every other row knew 30 at most (12 seeds, 6 orders each, six estimators)."""
NIGHT = "night"
"""Topic of the event that a task logs when it reads a night."""
CHANCE = 0.6
"""Accuracy up to which a model of two kinds knows nothing."""
WELL = 0.8
"""Accuracy on common stars that shows that a model has learnt from some of the data."""
DIVERGED = 1e6
"""Largest weight that shows that a model has diverged: right models stay below 10."""


# ----------------------------------------------------------------------------- in the box


def prepare(case: str, parameters: Mapping[str, float], seed: int) -> tuple[tuple[Any, ...], int]:
    """Write nights as files, to be read by the workers; Dask arrays are lazy: nothing is read.

    The parameters are ``rows`` and ``nights``, or ``night_1``, ``night_2`` … for uneven ones.
    """
    global _asked
    if case != "load":
        _asked = np.concatenate([X for X, _ in _unseen(case, seed, parameters)])
    nights = _nights(case, parameters)
    shards = [(path, night.rows) for path, night in zip(_write(seed, nights), nights, strict=True)]
    size = sum(night.rows for night in nights) * (CHANNELS + 1) * 8
    if case == "load":
        return (shards,), size
    X, y = _lazy(shards)
    if case == "update":
        return (_known(parameters, seed), X, y), size
    return (X, y, [0, 1]), size


def materialise(case: str, result: Any) -> dict[str, Array]:
    """Turn what the student's function returned into plain arrays, computing it if necessary.

    Returns
    -------
    dict of str to numpy.ndarray
        For ``load``: ``X`` and ``y`` and the `kit.form` of each. For a model: ``labels`` of unseen
        stars, ``largest``, the largest of its weights, ``learnt``, the number of stars that it has
        learnt from, if it counts them, and ``nights``, the number of nights that were read for it.
        Never of object dtype.
    """
    if case == "load":
        return _read_arrays(result)
    function = "update" if case == "update" else "train"
    contract = f"{function} must return a fitted model with a predict method"
    if not kit.has_methods(result, "predict"):
        raise TypeError(f"{contract}; it returned {kit.kind_or_class(result)}.")
    answer = {
        # First of all: up to here, only the function's tasks have read nights.
        "nights": np.array(len(_nights_read())),
        "labels": _plain(result.predict(_asked), f"predict of {function}'s model"),
    }
    estimator = getattr(result, "estimator_", result)
    weights, counter = getattr(estimator, "coef_", None), getattr(estimator, "t_", None)
    if isinstance(counter, float):  # SGD begins to count with 1
        answer["learnt"] = np.array(counter - 1.0)
    if isinstance(weights, np.ndarray) and weights.dtype.kind == "f" and weights.size:
        answer["largest"] = np.array(np.abs(weights).max())
    return answer


def warm() -> None:
    """Do every operation once on a few stars, so that no case pays for imports."""
    nights = [Night(40, 0, 0.5), Night(40, 0, 0.5, packed=True)] * 2
    shards = [(path, 40) for path in _write(0, nights)]
    kit.on_each_worker(_try_all, shards[1][0])
    _wrapped().fit(*_lazy(shards), classes=[0, 1]).predict(_spectra(shards[0][0]))


def _try_all(path: str) -> None:
    _estimator().partial_fit(_spectra(path), _kinds(path), classes=[0, 1])


_folder: tempfile.TemporaryDirectory[str] | None = None

_asked: Array | None = None
"""The unseen stars of the case that was prepared last: `materialise` is not given the seed."""


def _write(seed: int, nights: Sequence[Night]) -> list[str]:
    """Write nights into a new folder, in place of that of the last case."""
    global _folder
    import dask

    if _folder is not None:
        _folder.cleanup()
    # If the workers are on other machines, Dask's folder must be one that they share.
    _folder = tempfile.TemporaryDirectory(
        prefix="nights-", dir=dask.config.get("temporary-directory", None)
    )
    paths = [Path(_folder.name, f"night-{n:03d}.txt") for n in range(len(nights))]
    for n, path in enumerate(paths):
        text, kinds = _night(seed, n, nights[n])
        path.write_bytes(text)
        _beside(path).write_bytes((kinds + ord("0")).astype(np.uint8).tobytes())
    return [str(path) for path in paths]


def _beside(path: Path) -> Path:
    """Return the file that has only the kinds of the stars of a night."""
    return path.with_suffix(".kinds")


def _lazy(shards: Sequence[tuple[str, int]]) -> tuple[Any, Any]:
    """Describe the reading of nights; Dask arrays (rows, 100) and (rows,), a block per night.

    The kinds have their own reader. Dask optimises X and y separately if they are not computed
    together, as in ``X.to_delayed()``, and would read a night twice that both share.
    """
    from dask import delayed

    rows = [rows for _, rows in shards]
    X = [delayed(_spectra)(path) for path, _ in shards]
    y = [delayed(_kinds)(path) for path, _ in shards]
    return kit.join(X, rows, (CHANNELS,)), kit.join(y, rows, dtype=int)


def _spectra(path: str) -> Array:
    _note(path)
    return _read(Path(path).read_bytes())[0]


def _note(path: str) -> None:
    """Tell the scheduler that a night is read, whatever task this was fused into."""
    from distributed import Client, get_worker

    with suppress(ValueError):  # no scheduler to tell
        try:
            get_worker().log_event(NIGHT, path)
        except ValueError:  # not in a worker: the notebook reads, which shows elsewhere
            Client.current().log_event(NIGHT, path)


def _nights_read() -> set[str]:
    """Return the nights of this case that have been read so far."""
    from distributed import get_client

    try:
        events = get_client().get_events(NIGHT)
    except ValueError:
        return set()
    here = _folder.name if _folder is not None else ""
    return {path for _, path in events if isinstance(path, str) and path.startswith(here)}


def _kinds(path: str) -> Array:
    digits = np.frombuffer(_beside(Path(path)).read_bytes(), dtype=np.uint8)
    return (digits - ord("0")).astype(np.int64)


def _wrapped() -> Any:
    from dask_ml.wrappers import Incremental

    return Incremental(_estimator(), scoring="accuracy", random_state=0)


def _known(parameters: Mapping[str, float], seed: int) -> Any:
    """Make the model that update gets: it knows the first nights, and was saved and loaded."""
    model = _wrapped()
    model.estimator_ = _learn_before(parameters, seed)
    model.classes_ = model.estimator_.classes_
    return model


def _read_arrays(result: Any) -> dict[str, Array]:
    contract = "load must return X and y, two Dask arrays or what can be computed like them"
    if not isinstance(result, (tuple, list)) or len(result) != 2:
        raise TypeError(f"{contract}; it returned {kit.kind_or_class(result)}.")
    answer: dict[str, Array] = {}
    for name, array in zip("Xy", result, strict=True):
        if not kit.has_values(array):
            raise TypeError(f"{contract}; {name} is {kit.kind_or_class(array)}.")
        answer |= kit.form(name, array)
        answer[name] = _plain(array, f"{name} of load")
    return answer


def _plain(values: Any, what: str) -> Array:
    """Numbers as an array that can be stored without pickling."""
    plain = np.asarray(kit.computed(values))
    if plain.dtype.hasobject or plain.dtype.kind not in "biuf":
        raise TypeError(f"{what} must be an array of numbers; it is {kit.kind_or_class(values)}.")
    return plain


# ------------------------------------------------------------------ on both sides, no Dask


class Night(NamedTuple):
    """What a night is like."""

    rows: int
    season: int
    """0 or 1: the blue or the red half of the channels."""
    share: float
    """Share of the stars that are of kind 1."""
    packed: bool = False
    """Whether by bzip2, in pieces of `PIECE` stars."""
    rare: int | None = None
    """Which group of channels its rare stars have; None if no night of the case has any, -1 if
    this one has none."""


def _nights(case: str, parameters: Mapping[str, float]) -> list[Night]:
    """List the nights of a case; the kinds of stars are mixed differently in each."""
    if case == "update":
        return _alike(parameters, "nights", season=1)
    if "nights" in parameters:
        nights = _alike(parameters, "nights", season=0)
        return [night._replace(packed=case == "train_packed") for night in nights]
    lengths = [int(parameters[name]) for name in sorted(parameters) if name.startswith("night_")]
    nights = [Night(rows, 0, SHARES[n % len(SHARES)]) for n, rows in enumerate(lengths)]
    if case == "train_odd":
        # Nights with stars of one kind only: they do not show which kinds there are.
        nights[0], nights[-1] = nights[0]._replace(share=0.0), nights[-1]._replace(share=1.0)
        # A model that has seen only one kind learns nothing from another star of that kind.
        last = len(nights) - 1
        nights = [
            night._replace(rare=-1 if n in (0, last) else n - 1) for n, night in enumerate(nights)
        ]
    return nights


def _alike(parameters: Mapping[str, float], count: str, season: int) -> list[Night]:
    rows = int(parameters["rows"])
    return [Night(rows, season, SHARES[n % len(SHARES)]) for n in range(int(parameters[count]))]


def _signal(seed: int) -> Array:
    """Return by how much a star of kind 1 differs from the mean, channel by channel."""
    return SIGNAL * np.sign(np.random.default_rng([seed, SIGNS]).normal(size=CHANNELS))


def _draw(generator: np.random.Generator, night: Night, signal: Array) -> tuple[Array, Array]:
    """Draw stars: counts from 0 to 99 (rows, 100), and kinds 0 or 1 (rows,)."""
    kinds = (generator.random(night.rows) < night.share).astype(np.int64)
    seen = np.arange(CHANNELS) * 2 // CHANNELS == night.season
    counts = generator.standard_normal((night.rows, CHANNELS), dtype=np.float32) * NOISE
    counts += 50.0 + np.outer(2 * kinds - 1, signal * seen)
    return np.clip(np.rint(counts), 0, 99).astype(np.uint8), kinds


def _night(seed: int, number: int, night: Night) -> tuple[bytes, Array]:
    """Return the content of a night's file, and the kinds of its stars.

    A star is a line: its kind and two digits for each channel.
    """
    generator = np.random.default_rng([seed, number])
    distinct = PIECE * PIECES if night.packed else min(night.rows, DISTINCT)
    counts, kinds = _draw(generator, night._replace(rows=distinct), _signal(seed))
    if night.rare is not None:
        _add_rare(generator, seed, night, counts, kinds)
    lines = np.empty((distinct, 2 * CHANNELS + 2), dtype=np.uint8)
    lines[:, 0], lines[:, -1] = kinds + ord("0"), ord("\n")
    lines[:, 1:-1:2], lines[:, 2:-1:2] = counts // 10 + ord("0"), counts % 10 + ord("0")
    if night.packed:
        return _pack(generator, night.rows, lines, kinds)
    if night.rows > distinct:
        shown = generator.integers(distinct, size=night.rows)
        lines, kinds = lines[shown], kinds[shown]
    return lines.tobytes(), kinds


def _add_rare(
    generator: np.random.Generator, seed: int, night: Night, counts: Array, kinds: Array
) -> None:
    """Clear the channels of the other half, and replace some stars by the rare ones of a night."""
    counts[:, CHANNELS // 2 :] = 50
    if night.rare is None or night.rare < 0:
        return
    lines = np.arange(night.rows)
    for j, (channel, sign) in enumerate(_rare_channels(seed, night.rare)):
        # Of each two channels, one is in odd lines and one in even ones; of each two such pairs,
        # one is in the first half of the night.
        mine = (
            (lines % 2 == j % 2) & (lines % 10 // 2 == j) & (lines < night.rows - night.rows // 20)
        )
        mine &= (lines < night.rows // 2) == (j // 2 % 2 == 0)
        for kind, line in enumerate(generator.permutation(lines[mine])[:2]):
            counts[line], kinds[line] = 50, kind
            counts[line, channel] = 50 + sign * RARE_COUNT * (2 * kind - 1)


def _rare_channels(seed: int, group: int) -> list[tuple[int, int]]:
    """Return the channels of the rare stars of a night, and in which direction kind 1 differs."""
    generator = np.random.default_rng([seed, SIGNS, 1])
    half = CHANNELS // 2
    channels, signs = half + generator.permutation(half), generator.choice([-1, 1], size=half)
    mine = slice(group * RARE, (group + 1) * RARE)
    return list(zip(channels[mine].tolist(), signs[mine].tolist(), strict=True))


def _rare_stars(seed: int, nights: Sequence[Night]) -> tuple[Array, Array]:
    """Return a star of each kind for each channel of rare stars; features and kinds."""
    counts, kinds = [], []
    for group in (night.rare for night in nights if night.rare is not None and night.rare >= 0):
        for channel, sign in _rare_channels(seed, group):
            for kind in (0, 1):
                star = np.full(CHANNELS, 50, dtype=np.uint8)
                star[channel] = 50 + sign * RARE_COUNT * (2 * kind - 1)
                counts.append(star)
                kinds.append(kind)
    return _features(np.array(counts)), np.array(kinds)


def _pack(
    generator: np.random.Generator, rows: int, lines: Array, kinds: Array
) -> tuple[bytes, Array]:
    """Pack that many lines as whole pieces in random order, the last one cut to fit."""
    stars = [range(at, at + PIECE) for at in range(0, PIECE * PIECES, PIECE)]
    shown = [stars[piece] for piece in generator.integers(PIECES, size=rows // PIECE)]
    if rows % PIECE:
        shown.append(range(rows % PIECE))
    packed = {
        piece: bz2.compress(lines[piece.start : piece.stop].tobytes(), compresslevel=1)
        for piece in set(shown)
    }
    text = b"".join(packed[piece] for piece in shown)
    return text, np.concatenate([kinds[piece.start : piece.stop] for piece in shown])


def _read(text: bytes) -> tuple[Array, Array]:
    """Read a night: features (rows, 100) and kinds (rows,), as the notebook does."""
    if text.startswith(PACKED):
        text = bz2.decompress(text)
    digits = np.frombuffer(text, dtype=np.uint8).reshape(-1, 2 * CHANNELS + 2) - ord("0")
    counts = 10 * digits[:, 1:-1:2] + digits[:, 2:-1:2]
    return _features(counts), digits[:, 0].astype(np.int64)


def _features(counts: Array) -> Array:
    return counts - np.median(counts, axis=1, keepdims=True)


def _estimator() -> SGDClassifier:
    settings = {"loss": "log_loss", "average": True, "alpha": 1e-3, "shuffle": False}
    return SGDClassifier(**settings)


def _learn(
    nights: Sequence[Night], seed: int, model: SGDClassifier | None = None, first: int = 0
) -> SGDClassifier:
    model = model or _estimator()
    for X, y in map(_read, _texts(seed, nights, first)):
        model.partial_fit(X, y, classes=[0, 1])
    return model


def _learn_before(parameters: Mapping[str, float], seed: int) -> SGDClassifier:
    """Return a model that already knows the first nights, which are not those of the case."""
    return _learn(_alike(parameters, "nights_before", season=0), seed, first=BEFORE)


def _texts(seed: int, nights: Sequence[Night], first: int = 0) -> Iterator[bytes]:
    return (_night(seed, n, night)[0] for n, night in enumerate(nights, start=first))


def _unseen(case: str, seed: int, parameters: Mapping[str, float]) -> list[tuple[Array, Array]]:
    """Draw unseen stars, also those of the second season if a model is updated.

    If there are rare stars, a pair for each of their channels follows.
    """
    signal = _signal(seed)
    unseen = []
    for season in range(2 if case == "update" else 1):
        generator = np.random.default_rng([seed, ASKED + season])
        counts, kinds = _draw(generator, Night(UNSEEN, season, 0.5), signal)
        if case == "train_odd":
            counts[:, CHANNELS // 2 :] = 50
        unseen.append((_features(counts), kinds))
    if case == "train_odd":
        unseen.append(_rare_stars(seed, _nights(case, parameters)))
    return unseen


# ------------------------------------------------------------------------------ outside


def oracle(case: str, parameters: Mapping[str, float], seed: int) -> dict[str, Array]:
    """Work out the right answer on one core: night after night, by ``partial_fit``.

    Returns
    -------
    dict of str to numpy.ndarray
        What `materialise` gives for a right result, with the ``rows`` of each night for ``load``.
        For a model also the true ``kinds`` of the unseen stars; ``least`` and ``most``, the lowest
        accuracy in any order that was tried and that of the true signal, season by season; for a
        new model the number of ``stars``; for an update ``before``, the labels without the update;
        and under ``seconds`` how long reading and learning took.
    """
    nights = _nights(case, parameters)
    if case == "load":
        parts = [_read(text) for text in _texts(seed, nights)]
        X, y = (np.concatenate(part) for part in zip(*parts, strict=True))
        return {"X": X, "y": y, "rows": np.array([night.rows for night in nights])}
    unseen = _unseen(case, seed, parameters)
    X = np.concatenate([X for X, _ in unseen])
    kinds = np.concatenate([kinds for _, kinds in unseen])
    truth = {"kinds": kinds, "nights": np.array(len(nights))}
    if case != "update":
        truth["stars"] = np.array(sum(night.rows for night in nights))
    model = None
    if case == "update":
        model = _learn_before(parameters, seed)
        truth["before"] = model.predict(X)
    seconds = 0.0
    for text in _texts(seed, nights):
        began = time.perf_counter()
        model = model or _estimator()
        model.partial_fit(*_read(text), classes=[0, 1])
        seconds += time.perf_counter() - began
    assert model is not None
    labels = model.predict(X)
    reached = [_accuracies(labels, kinds)]
    if case == "train_odd":
        reached += [_accuracies(other, kinds) for other in _in_other_orders(nights, seed, X)]
    return {
        **truth,
        "labels": labels,
        "least": np.min(reached, axis=0),
        "most": np.array(_accuracies(_by_the_signal(seed, X), kinds)),
        "seconds": np.array(seconds),
    }


def _in_other_orders(nights: Sequence[Night], seed: int, X: Array) -> Iterator[Array]:
    """Yield labels of models that learnt the nights in random orders."""
    parts = [_read(text) for text in _texts(seed, nights)]
    generator = np.random.default_rng([seed, SIGNS, 2])
    for _ in range(ORDERS):
        model = _estimator()
        for n in generator.permutation(len(parts)):
            model.partial_fit(*parts[n], classes=[0, 1])
        yield model.predict(X)


def _by_the_signal(seed: int, X: Array) -> Array:
    """Label stars by the signal that they were made with, each by the half where it shows."""
    signal, half = _signal(seed), CHANNELS // 2
    blue, red = X[:, :half] @ signal[:half], X[:, half:] @ signal[half:]
    first = np.arange(len(X)) < UNSEEN
    return (np.where(first, blue, red) > 0).astype(np.int64)


def compare(case: str, truth: Mapping[str, Array], answer: Mapping[str, Array]) -> kit.Comparison:
    """Judge an answer by the truth."""
    if case == "load":
        return kit.comparison(*_judge_arrays(truth, answer))
    return kit.comparison(*_judge_model(case, truth, answer))


def _judge_arrays(truth: Mapping[str, Array], answer: Mapping[str, Array]) -> Verdict:
    rows = truth["rows"].tolist()
    expected = (
        f"X of shape {truth['X'].shape} and y of shape {truth['y'].shape}, both in blocks of "
        f"{kit.in_short(rows)} rows, a block for each file"
    )
    for name, kinds in (("X", "f"), ("y", "iu")):
        blocks = _whole(answer.get(f"{name}_rows"))
        if blocks is None:
            said = _text_of(answer.get(f"{name}_kind"))
            return False, expected, f"{name} is {said}, which has no blocks", None
        if -1 in blocks:
            said = f"{name} in blocks of unknown length"
            return False, expected, said, "unknown_chunks"
        if blocks == blocks[:1] * len(rows) and sum(blocks) != sum(rows):
            said = f"{name} in blocks of {kit.in_short(blocks)} rows"
            return False, expected, said, "one_length"
        broken = kit.broken_promise(
            answer, name, shape=truth[name].shape, kinds=kinds, rows=rows, whole_rows=True
        )
        if broken is not None:
            other = _whole(answer.get("y_rows")) if name == "X" else rows
            apart = blocks not in (rows, other)
            return False, expected, f"{name} is {broken}", "different_chunks" if apart else None
    for name in "Xy":
        values = answer.get(name)
        if not kit.is_array(values):
            return False, expected, f"no numbers in {name}", None
        if values.shape != truth[name].shape:
            return False, expected, f"{name} of shape {values.shape}", None
        wrong = np.argwhere(values != truth[name])  # nan is wrong
        if len(wrong):
            at = tuple(int(i) for i in wrong[0])
            place = f"{name}[{', '.join(map(str, at))}]"
            said = f"{len(wrong):,} of {values.size:,} numbers in {name} are wrong"
            return (
                False, expected,
                f"{said}, the first at {place}: {values[at]:g}, not {truth[name][at]:g}", None,
            )  # fmt: skip
    return (
        True,
        expected,
        f"X and y in blocks of {kit.in_short(rows)} rows, all numbers right",
        None,
    )


def _judge_model(case: str, truth: Mapping[str, Array], answer: Mapping[str, Array]) -> Verdict:
    kinds = truth["kinds"]
    margins = MARGINS_UPDATED if case == "update" else (MARGIN,)
    least = [float(value) - margin for value, margin in zip(truth["least"], margins, strict=True)]
    rare = kinds[UNSEEN * len(least) :]
    wanted = math.ceil(LEAST_RARE * rare.size / 2)
    expected = f"{_in_words(least, 'an accuracy of at least')}, as by partial_fit on every block"
    if rare.size:
        expected += (
            f", and {wanted} or more of the {rare.size // 2} rare stars that each night adds"
        )
    labels = answer.get("labels")
    if not kit.is_array(labels):
        return False, expected, "no labels", None
    if labels.shape != kinds.shape:
        return False, expected, f"labels of shape {labels.shape} for {len(kinds):,} stars", None
    reached = _accuracies(labels, kinds)
    known = _pairs_known(labels[UNSEEN * len(least) :], rare)
    got = _in_words(reached, "an accuracy of") + (f", {known} rare stars" if rare.size else "")
    read, nights = kit.single(answer.get("nights"), "iu") or 0, int(truth["nights"])
    if read < nights:
        got += f", after reading {read or 'none'} of the {nights} nights"
    if any(own < low for own, low in zip(reached, least, strict=True)):
        mistake = _known_mistake(case, truth, answer, labels, reached)
        if mistake == "learnt_before":
            learnt = kit.single(answer.get("learnt"), "f")
            got += f", after learning from {learnt:,.0f} stars of {truth['stars']:,}"
        left_out = read < nights or (known < wanted and reached[0] > WELL)
        return False, expected, got, mistake or ("part_only" if left_out else None)
    if any(own > high + TOO_GOOD for own, high in zip(reached, truth["most"], strict=True)):
        return False, expected, f"{got}: better than the best model can be", None
    if known < wanted or read < nights:
        return False, expected, got, "part_only"
    return True, expected, got, None


def _pairs_known(labels: Array, kinds: Array) -> int:
    """Count the rare stars of which a model knows both kinds."""
    return int((labels == kinds).reshape(-1, 2).all(axis=1).sum())


def _known_mistake(
    case: str,
    truth: Mapping[str, Array],
    answer: Mapping[str, Array],
    labels: Array,
    reached: Sequence[float],
) -> str | None:
    largest = kit.single(answer.get("largest"), "f")
    if largest is not None and not largest < DIVERGED:
        return "diverged"
    learnt, stars = kit.single(answer.get("learnt"), "f"), kit.single(truth.get("stars"))
    if learnt is not None and stars is not None and learnt > stars:
        return "learnt_before"
    if case == "update":
        if np.array_equal(labels, truth["before"]):
            return "not_updated"
        if reached[0] < CHANCE and reached[1] > WELL:
            return "forgotten"
    return None


def _accuracies(labels: Array, kinds: Array) -> list[float]:
    """Return the share of right labels, season by season; rare stars do not count."""
    right = labels == kinds
    seasons = len(kinds) // UNSEEN
    return [float(part.mean()) for part in right[: seasons * UNSEEN].reshape(seasons, -1)]


def _in_words(accuracies: Sequence[float], what: str) -> str:
    if len(accuracies) == 1:
        return f"{what} {accuracies[0]:.3f} on unseen stars"
    first, second = accuracies
    return f"{what} {first:.3f} on unseen stars of season 1, {second:.3f} on season 2"


def _text_of(value: Any) -> str:
    return str(kit.single(value, "U") or "nothing")[:60]


def _whole(values: Any) -> list[int] | None:
    """Return the numbers of an array; None if it is not a row of whole numbers."""
    if not kit.is_array(values, "iu") or values.ndim != 1:
        return None
    return [int(value) for value in values]
