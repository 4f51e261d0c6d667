"""Numbers drawn from a seed; their sum of squares, and a hard grind of each block."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from autograder.model import Comparison

ROUNDS = 60


def prepare(case: str, parameters: Mapping[str, float], seed: int) -> tuple[tuple[Any, ...], int]:
    rows = int(parameters["rows"])
    if case == "total":
        numbers = _draw(seed, 0, rows)
        return (numbers,), numbers.nbytes
    import dask.array as da
    from dask import persist
    from distributed import get_client, wait

    client = get_client()
    workers = sorted(client.scheduler_info(n_workers=-1)["workers"])
    blocks = [
        da.from_delayed(
            client.submit(
                _draw, seed, block, rows, workers=[workers[block % len(workers)]], pure=False
            ),
            shape=(rows,),
            dtype=float,
        )
        for block in range(1, int(parameters["blocks"]) + 1)
    ]
    (X,) = persist(da.concatenate(blocks))
    wait(X)
    return (X,), X.nbytes


def materialise(case: str, result: Any) -> dict[str, Any]:
    values = result.compute() if hasattr(result, "compute") else result
    array = np.asarray(values)
    if array.dtype.kind not in "iuf":
        raise TypeError(f"{case} must return numbers; it returned a {type(values).__name__}.")
    return {"values": array}


def warm() -> None:
    import dask.array as da

    da.zeros(8, chunks=1).map_blocks(_grind, dtype=float).compute()


def _grind(block: Any) -> Any:
    ground = block
    for _ in range(ROUNDS):
        # Cosines alone would come to the same number whatever they begin with.
        ground = np.cos(ground) + block
    return np.array([ground.sum()])


def _draw(seed: int, block: int, rows: int) -> Any:
    return np.random.default_rng([seed, block]).normal(size=rows)


def oracle(case: str, parameters: Mapping[str, float], seed: int) -> dict[str, Any]:
    rows = int(parameters["rows"])
    if case == "total":
        return {"values": np.array(np.square(_draw(seed, 0, rows)).sum())}
    drawn = [_draw(seed, block, rows) for block in range(1, int(parameters["blocks"]) + 1)]
    began = time.perf_counter()
    values = np.concatenate([_grind(block) for block in drawn])
    return {"values": values, "seconds": np.array(time.perf_counter() - began)}


def compare(case: str, truth: Mapping[str, Any], answer: Mapping[str, Any]) -> Comparison:
    from autograder.model import Comparison

    wanted, got = truth["values"], answer.get("values")
    equal = (
        got is not None
        and got.dtype.kind in "iuf"
        and got.shape == wanted.shape
        and bool(np.allclose(got, wanted, rtol=1e-9, atol=0))
    )
    # As careless as an author may be: the numbers may be any, and as many as there are.
    said = "nothing" if got is None else str(got.tolist())
    return Comparison(equal, np.array2string(wanted, threshold=4), said)
