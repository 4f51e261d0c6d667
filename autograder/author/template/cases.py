"""The inputs of NAME, the truth about them, and the comparison of an answer with it.

`autograder.author.kit` says what each function has to do, and where it runs.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any

import numpy as np
from scipy.spatial.distance import cdist

from autograder.author import kit
from autograder.author.kit import Array

FEATURES = 16
TOLERANCE = 1e-9
"""Relative; far above the rounding of a sum of 16 squares, far below another point's distance."""


# ------------------------------------------------------------------------------- in the box


def prepare(case: str, parameters: Mapping[str, float], seed: int) -> tuple[tuple[Any, ...], int]:
    """Make the arguments of the student's function, spread over the workers and complete."""
    from distributed import wait

    chunks = kit.chunks(parameters)
    X = kit.join(kit.spread(_draw, seed, chunks), chunks, (FEATURES,)).persist()
    wait(X)
    return (X, _draw(seed, 0, int(parameters["points"]))), X.nbytes


def materialise(case: str, result: Any) -> dict[str, Array]:
    """Turn what the student's function returned into plain arrays, computing it if need be."""
    values = kit.computed(result)
    if not kit.is_array(values):
        raise TypeError(
            "nearest must return a Dask array with one distance per row of X; it returned "
            f"{kit.kind(result)}."
        )
    return {"distances": values}


def warm() -> None:
    """Do every operation once on a few rows, on every worker."""
    rows = _draw(0, 0, 4)
    kit.on_each_worker(_nearest, rows, rows)


# ------------------------------------------------------------------ on both sides, no Dask


def _draw(seed: int, block: int, rows: int) -> Array:
    return np.random.default_rng([seed, block]).normal(size=(rows, FEATURES))


def _nearest(X: Array, points: Array) -> Array:
    return np.asarray(cdist(X, points).min(axis=1))


# ------------------------------------------------------------------------------ outside


def oracle(case: str, parameters: Mapping[str, float], seed: int) -> dict[str, Array]:
    """Work out the right answer on one core, without Dask; and what a known mistake gives."""
    points = _draw(seed, 0, int(parameters["points"]))
    blocks = [_draw(seed, b, rows) for b, rows in enumerate(kit.chunks(parameters), start=1)]
    began = time.process_time()
    distances = np.concatenate([_nearest(block, points) for block in blocks])
    seconds = np.array(time.process_time() - began)
    return {"distances": distances, "mistake:squared": distances**2, "seconds": seconds}


def compare(case: str, truth: Mapping[str, Array], answer: Mapping[str, Array]) -> kit.Comparison:
    """Hold an answer out of the box against the truth; whatever it is, nothing is raised."""
    expected = f"{len(truth['distances']):,} distances, just those of SciPy on one core"
    got, right = _judge(truth["distances"], answer.get("distances"))
    squared = not right and _judge(truth["mistake:squared"], answer.get("distances"))[1]
    return kit.comparison(right, expected, got, "squared" if squared else None)


def _judge(truth: Array, distances: Any) -> tuple[str, bool]:
    if not kit.is_array(distances):
        return "no numbers", False
    if distances.shape != truth.shape:
        return kit.wrong_shape(distances, truth), False
    # Not a number is close to nothing.
    wrong = np.flatnonzero(~np.isclose(distances, truth, rtol=TOLERANCE, atol=0.0))
    if not wrong.size:
        return f"{len(truth):,} distances, all right", True
    return kit.wrong_rows("distances", wrong, distances, truth, "{:.6g}".format), False
