"""The inputs of ex00, the right answers, and how a student's answer is judged.

Block ``b`` of a case is drawn from ``[seed, b]`` alone, so a worker makes it without the others,
and the oracle makes the same numbers without Dask.

`autograder.author.kit` says what each function has to do, and where it runs.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from autograder.author import kit
from autograder.author.kit import Array
from autograder.formats import apart

TOLERANCE = 1e-9
"""Relative: far above the rounding of a sum in another order, far below any other error."""


_given: frozenset[str] = frozenset()
"""Keys of the blocks of the case that was prepared last: `materialise` is not given the input."""


# ------------------------------------------------------------------------------- in the box


def prepare(case: str, parameters: Mapping[str, float], seed: int) -> tuple[tuple[Any, ...], int]:
    """Make a Dask array of numbers, spread over the workers; sizes as for `kit.chunks`."""
    global _given
    from dask import persist
    from distributed import futures_of, wait

    chunks = kit.chunks(parameters)
    (x,) = persist(kit.join(kit.spread(_draw, seed, chunks), chunks))
    wait(x)
    _given = frozenset(str(future.key) for future in futures_of(x))
    return (x,), x.nbytes


def materialise(case: str, result: Any) -> dict[str, Array]:
    """Turn what the student's function returned into plain arrays, computing it if necessary.

    Returns
    -------
    dict of str to numpy.ndarray
        ``mean`` () and its form as `kit.form` records it; ``mean_described`` (), whether the
        input is still needed for it; never of object dtype.
    """
    contract = "mean_square must return a Dask array of one number"
    # Before it is computed: what was persisted, or put into an array as a number, needs no input.
    described = np.array(_needs_input(result))
    return {
        **kit.form("mean", result),
        "mean_described": described,
        "mean": kit.number(result, contract),
    }


def _needs_input(result: Any) -> bool:
    """Whether blocks of the input are in a result's graph, or are what its tasks wait for."""
    if not kit.is_lazy(result):
        return False
    graph = result.__dask_graph__()
    # If a graph was optimised, as for delayed functions, it has the blocks by name only.
    needed = {key for node in dict(graph).values() for key in getattr(node, "dependencies", ())}
    return bool(_given & {str(key) for key in (*graph, *needed)})


def warm() -> None:
    """Do every operation once, so that no case pays for imports."""
    import dask.array as da

    kit.on_each_worker(_draw, 0, 0, 4)
    (da.ones(4, chunks=2) ** 2).mean().compute()


# ------------------------------------------------------------------ on both sides, NumPy only


def _draw(seed: int, block: int, rows: int) -> Array:
    """Draw the numbers of one block, (rows,); their mean is not 0, and their spread is not 1."""
    return np.random.default_rng([seed, block]).normal(loc=3.0, scale=2.0, size=rows)


# ------------------------------------------------------------------------------ outside


def oracle(case: str, parameters: Mapping[str, float], seed: int) -> dict[str, Array]:
    """Work out the right answer with NumPy alone.

    Returns
    -------
    dict of str to numpy.ndarray
        ``mean`` (), and under ``mistake:<name>`` the value that a known mistake gives.
    """
    parts = [_draw(seed, block, rows) for block, rows in enumerate(kit.chunks(parameters), start=1)]
    x = np.concatenate(parts)
    found = {
        "mean": np.mean(x**2),
        "mistake:square_of_mean": np.mean(x) ** 2,
        "mistake:mean_of_chunks": np.mean([np.mean(part**2) for part in parts]),
        "mistake:sum_of_squares": np.sum(x**2),
        "mistake:root": np.sqrt(np.mean(x**2)),
        "mistake:variance": np.var(x),
        "mistake:not_squared": np.mean(x),
        "mistake:doubled": np.mean(2 * x),
        "mistake:first_chunk": np.mean(parts[0] ** 2),
        "mistake:one_less": np.sum(x**2) / (len(x) - 1),
    }
    return {name: np.array(value) for name, value in found.items()}


def compare(case: str, truth: Mapping[str, Array], answer: Mapping[str, Array]) -> kit.Comparison:
    """Judge an answer by the truth."""
    right, value = float(truth["mean"]), kit.single(answer.get("mean"))
    expected = f"a Dask array of one number, not computed yet, that gives {right:.4f}"
    if value is None:
        return kit.comparison(False, expected, "no number")
    if not _same(value, right):
        got, wanted = apart(value, right)
        expected = f"a Dask array of one number, not computed yet, that gives {wanted}"
        mistake = kit.known_mistake(truth, lambda told: _same(value, float(told)))
        return kit.comparison(False, expected, got, mistake)
    if not kit.single(answer.get("mean_lazy"), "b"):
        got = f"{value:.4f}, the right number, but computed already"
        return kit.comparison(False, expected, got, "computed_already")
    broken = kit.broken_promise(answer, "mean", shape=())
    if broken:
        return kit.comparison(False, expected, broken)
    if not kit.single(answer.get("mean_described"), "b"):
        got = f"an array that gives {value:.4f}, the right number, but it was computed already"
        return kit.comparison(False, expected, got, "computed_already")
    return kit.comparison(True, expected, f"a Dask array that gives {value:.4f}")


def _same(value: float, other: float) -> bool:
    return bool(abs(value - other) <= TOLERANCE * abs(other))
