"""The inputs of NAME, the truth about them, and how an answer is held against it.

``prepare``, ``materialise`` and ``warm`` run in the box beside the student's code; ``oracle``
and ``compare`` run outside, where Dask is not even imported. Block ``b`` of a case is drawn
from ``[seed, b]`` alone, so a worker makes it without the others.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
from scipy.spatial.distance import cdist

if TYPE_CHECKING:
    from autograder.model import Comparison

Array = npt.NDArray[Any]

FEATURES = 16
TOLERANCE = 1e-9
"""Relative; far above the rounding of a sum of 16 squares, far below another point's distance."""


# ------------------------------------------------------------------------------- in the box


def prepare(case: str, parameters: Mapping[str, float], seed: int) -> tuple[tuple[Any, ...], int]:
    """Make the arguments of the student's function, spread over the workers and complete."""
    import dask.array as da
    from dask import persist
    from distributed import get_client, wait

    client = get_client()
    workers = sorted(client.scheduler_info(n_workers=-1)["workers"])
    blocks = [
        # pure=False: an answer that is there already would cost nothing.
        client.submit(_draw, seed, block, rows, workers=[workers[block % len(workers)]], pure=False)
        for block, rows in enumerate(_chunks(parameters), start=1)
    ]
    X = da.concatenate(
        [
            da.from_delayed(block, shape=(rows, FEATURES), dtype=np.float64)
            for block, rows in zip(blocks, _chunks(parameters), strict=True)
        ]
    )
    (X,) = persist(X)
    wait(X)
    return (X, _draw(seed, 0, int(parameters["points"]))), X.nbytes


def materialise(case: str, result: Any) -> dict[str, Array]:
    """Turn what the student's function returned into plain arrays, computing it if need be."""
    values = result.compute() if hasattr(result, "__dask_graph__") else result
    if not isinstance(values, np.ndarray) or values.dtype.kind not in "iuf":
        raise TypeError(
            "nearest must return a Dask array with one distance per row of X; it returned "
            f"{type(result).__name__}."
        )
    return {"distances": values}


def warm() -> None:
    """Do every operation once on a few rows, on every worker."""
    from distributed import get_client

    client = get_client()
    rows = _draw(0, 0, 4)
    for worker in client.scheduler_info(n_workers=-1)["workers"]:
        client.submit(_nearest, rows, rows, workers=[worker], pure=False).result()


# ------------------------------------------------------------------ on both sides, no Dask


def _draw(seed: int, block: int, rows: int) -> Array:
    return np.random.default_rng([seed, block]).normal(size=(rows, FEATURES))


def _chunks(parameters: Mapping[str, float]) -> tuple[int, ...]:
    if "rows" in parameters:
        blocks = int(parameters["blocks"])
        return (int(parameters["rows"]) // blocks,) * blocks
    names = sorted(name for name in parameters if name.startswith("chunk_"))
    return tuple(int(parameters[name]) for name in names)


def _nearest(X: Array, points: Array) -> Array:
    return np.asarray(cdist(X, points).min(axis=1))


# ------------------------------------------------------------------------------ outside


def oracle(case: str, parameters: Mapping[str, float], seed: int) -> dict[str, Array]:
    """Work out the right answer on one core, without Dask; and what a known mistake gives."""
    points = _draw(seed, 0, int(parameters["points"]))
    blocks = [_draw(seed, b, rows) for b, rows in enumerate(_chunks(parameters), start=1)]
    began = time.perf_counter()
    distances = np.concatenate([_nearest(block, points) for block in blocks])
    seconds = np.array(time.perf_counter() - began)
    return {"distances": distances, "mistake:squared": distances**2, "seconds": seconds}


def compare(case: str, truth: Mapping[str, Array], answer: Mapping[str, Array]) -> Comparison:
    """Hold an answer out of the box against the truth; whatever it is, nothing is raised."""
    # Here and not above: the box needs this file, but not the grader's package.
    from autograder.model import Comparison

    expected = f"{len(truth['distances']):,} distances, just those of SciPy on one core"
    got, right = _judge(truth["distances"], answer.get("distances"))
    squared = not right and _judge(truth["mistake:squared"], answer.get("distances"))[1]
    return Comparison(right, expected, got, "squared" if squared else None)


def _judge(truth: Array, distances: Any) -> tuple[str, bool]:
    if not isinstance(distances, np.ndarray) or distances.dtype.kind not in "iuf":
        return "no numbers", False
    if distances.shape != truth.shape:
        return f"an array of shape {distances.shape}, where it should be {truth.shape}", False
    # Not a number is close to nothing.
    wrong = np.flatnonzero(~np.isclose(distances, truth, rtol=TOLERANCE, atol=0.0))
    if not wrong.size:
        return f"{len(truth):,} distances, all right", True
    row = int(wrong[0])
    share = f"{wrong.size:,} of {len(truth):,} distances are wrong"
    return f"{share}, the first in row {row}: {distances[row]:.6g}, not {truth[row]:.6g}", False
