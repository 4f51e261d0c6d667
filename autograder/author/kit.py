"""Shared by all ``cases.py``: the contract of their five functions, and helpers for it.

``warm()``
    In the box, untimed. Runs a little of every operation, on each worker, so that no case pays
    for imports or compilation.
``prepare(case, parameters, seed)``
    In the box, untimed, with a current Dask client. Makes the arguments of the student's function
    from the parameters of the case in ``exercise.toml`` and a seed, 0 or more. Returns them as a
    tuple, and the size in bytes of the data that the function works on. Dask arrays among them
    are computed already and spread over the workers, unless the contract of the function says
    that they are lazy.
``materialise(case, result)``
    In the box, timed. Turns whatever the student's function returned into plain arrays by name,
    never of object dtype, and computes it if necessary. If the result breaks the function's
    contract, raises a ``TypeError`` whose message tells the student so.
``oracle(case, parameters, seed)``
    Outside, without Dask. Works out what `materialise` gives for a right result, under the same
    names. It may add what else `compare` needs; under ``mistake:<name>`` what a known mistake
    gives; and under ``seconds`` how long the student's part of the work took.
``compare(case, truth, answer)``
    Outside. Compares an untrusted answer from the box with the oracle's truth, and never raises.
    Returns a `comparison`, whose ``got`` names the first thing that is wrong, in words for the
    student.

A worker makes block ``b`` of a case from ``[seed, b]`` alone, so that the oracle can make the same
rows without Dask. Boxes hold this module, so it contains no answers. The digest of every exercise
covers it. It imports only NumPy, because a self-check waits for this import.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, TypeGuard

import numpy as np
import numpy.typing as npt

if TYPE_CHECKING:
    from autograder.model import Comparison as Comparison

__all__ = [
    "DASK_ARRAY", "Array", "Verdict", "broken_promise", "chunks", "comparison", "computed",
    "form", "has_methods", "has_values", "in_short", "is_array", "is_lazy", "join", "kind",
    "kind_or_class", "known_mistake", "number", "on_each_worker", "single", "spread", "workers",
    "wrong_rows", "wrong_shape",
]  # fmt: skip

Array = npt.NDArray[Any]

DASK_ARRAY = "a Dask array"

Verdict = tuple[bool, str, str, str | None]
"""Equal, expected, got and the known mistake: the arguments of `comparison`."""


# ------------------------------------------------------------------------- inputs, in the box


def chunks(parameters: Mapping[str, float]) -> tuple[int, ...]:
    """Return the rows of each block of a case.

    Parameters
    ----------
    parameters : mapping of str to float
        ``rows`` and ``blocks``, or ``chunk_1``, ``chunk_2`` … for uneven blocks.
    """
    if "rows" in parameters:
        blocks = int(parameters["blocks"])
        return (int(parameters["rows"]) // blocks,) * blocks
    names = sorted(name for name in parameters if name.startswith("chunk_"))
    return tuple(int(parameters[name]) for name in names)


def workers(client: Any) -> list[str]:
    """Return the addresses of the workers, in order."""
    return sorted(client.scheduler_info(n_workers=-1)["workers"])


def spread(
    make: Callable[..., Any], seed: int, chunks: Sequence[int], *arguments: Any
) -> list[Any]:
    """Make blocks 1, 2, … on the workers in turn, so that no worker holds most of the input.

    Parameters
    ----------
    make : callable
        Called as ``make(seed, block, rows, *arguments)`` on a worker.
    seed : int
    chunks : sequence of int
        Rows of each block.

    Returns
    -------
    list of distributed.Future
    """
    from distributed import get_client

    client = get_client()
    places = workers(client)
    return [
        # pure=False: a result that is there already would cost nothing.
        client.submit(
            make, seed, block, rows, *arguments, workers=[places[block % len(places)]], pure=False
        )
        for block, rows in enumerate(chunks, start=1)
    ]


def join(
    blocks: Iterable[Any], chunks: Sequence[int], shape: tuple[int, ...] = (), dtype: type = float
) -> Any:
    """Join futures or delayed objects into a Dask array of shape (rows, …), a chunk for each."""
    import dask.array as da

    return da.concatenate(
        [
            da.from_delayed(block, shape=(rows, *shape), dtype=dtype)
            for block, rows in zip(blocks, chunks, strict=True)
        ]
    )


def on_each_worker(function: Callable[..., Any], *arguments: Any) -> None:
    """Call a function once on every worker, and wait.

    The scheduler is free to put all of a small computation on one worker; `warm` has to reach
    each of them.
    """
    from distributed import get_client

    client = get_client()
    client.gather(
        [
            client.submit(function, *arguments, workers=[worker], pure=False)
            for worker in workers(client)
        ]
    )


# ------------------------------------------------------------------------ results, in the box


def computed(value: Any) -> Any:
    """Return a value, computed if it is lazy."""
    return value.compute() if is_lazy(value) else value


def is_lazy(value: Any) -> bool:
    """Whether a value has a graph that is not computed yet, or says so."""
    return hasattr(value, "__dask_graph__") and not isinstance(value, type)


def has_values(value: Any) -> bool:
    """Whether a value is an array, or gives one once computed."""
    array = hasattr(value, "__array__") or hasattr(value, "__dask_graph__")
    return array and not isinstance(value, type)


def has_methods(value: Any, *names: str) -> bool:
    """Whether a value is an object, not a class, that has all of these methods.

    A Delayed has none, though it seems to have every attribute.
    """
    if isinstance(value, type) or is_lazy(value):
        return False
    return all(callable(getattr(value, name, None)) for name in names)


def form(name: str, value: Any) -> dict[str, Array]:
    """Record what a returned value is before it is computed; see `broken_promise`.

    Parameters
    ----------
    name : str
        Name of the value in the answer, such as ``labels``.

    Returns
    -------
    dict of str to numpy.ndarray
        ``<name>_kind`` () in words, ``<name>_lazy`` () and ``<name>_dtype`` (), the dtype's name,
        empty if there is none; for a value with chunks also ``<name>_shape`` (dimensions,),
        ``<name>_rows`` (blocks,), the length of each block, and ``<name>_columns`` (), the number
        of blocks that the columns are cut into. An unknown length is -1.
    """
    dtype = getattr(value, "dtype", None)
    found = {
        "kind": np.array(kind_or_class(value)),
        "lazy": np.array(is_lazy(value)),
        "dtype": np.array(dtype.name if isinstance(dtype, np.dtype) else ""),
    }
    chunks = getattr(value, "chunks", None)
    if isinstance(chunks, tuple) and chunks and all(isinstance(axis, tuple) for axis in chunks):
        found["shape"] = _lengths(getattr(value, "shape", ()))
        found["rows"] = _lengths(chunks[0])
        found["columns"] = np.array(len(chunks[1]) if len(chunks) > 1 else 1)
    return {f"{name}_{part}": array for part, array in found.items()}


def _lengths(lengths: Iterable[Any]) -> Array:
    # Dask writes nan for a length that it does not know.
    return np.array([int(length) if length == length else -1 for length in lengths], np.int64)


def number(value: Any, contract: str, *, lazy: bool = True) -> Array:
    """Return one real number as an array of shape ().

    Parameters
    ----------
    value : object
    contract : str
        How the message begins if it is not one.
    lazy : bool
        Whether a number that is not computed yet is accepted.

    Raises
    ------
    TypeError
        If it is not one; the message begins with ``contract``.
    """
    if not lazy and is_lazy(value):
        raise TypeError(f"{contract}; it returned {kind(value)}, which is not computed yet.")
    plain = computed(value)
    try:
        found = np.asarray(plain)
    except Exception as error:
        raise TypeError(f"{contract}; it returned {kind(value)}.") from error
    if found.size != 1 or found.dtype.kind not in "iuf":
        raise TypeError(f"{contract}; it returned {kind(value)}.")
    return found.reshape(()).astype(np.float64)


_KNOWN_KINDS = {"numpy.ndarray": "a NumPy array", "dask.Array": DASK_ARRAY}


def kind(value: Any) -> str:
    """Say what a value is, as in "a list"."""
    if value is None:
        return "None (is there a return statement?)"
    name = type(value).__name__
    known = _KNOWN_KINDS.get(f"{type(value).__module__.partition('.')[0]}.{name}")
    if known is not None:
        return known
    # Imported here, because a self-check waits for the import of this module.
    from autograder.formats import a_or_an

    return a_or_an(name)


def kind_or_class(value: Any) -> str:
    """Say what a value is, even if a class was returned in place of an object."""
    return f"the class {value.__name__} itself" if isinstance(value, type) else kind(value)


# ---------------------------------------------------------------------------- judging, outside


def comparison(
    equal: bool,
    expected: str,
    got: str,
    mistake: str | None = None,
    *,
    seconds: float | None = None,
) -> Comparison:
    """Return the result of `compare`.

    Parameters
    ----------
    equal : bool
        Whether the answer is right.
    expected, got : str
        In words for the student.
    mistake : str, optional
        A name in ``[mistakes]`` of ``exercise.toml``.
    seconds : float, optional
        The time that the student's function reports.
    """
    # Imported here, because a box needs this module, but not the grader's data types.
    from autograder.model import Comparison

    return Comparison(equal, expected, got, mistake, seconds=seconds)


def is_array(value: Any, kinds: str = "iuf") -> TypeGuard[Array]:
    """Whether an answer is an array whose dtype is of one of the kinds; real numbers by default."""
    return isinstance(value, np.ndarray) and value.dtype.kind in kinds


def single(value: Any, kinds: str = "iuf") -> Any:
    """Return the only entry of an answer; None if it is not an array of one such entry."""
    return value.reshape(()).item() if is_array(value, kinds) and value.size == 1 else None


def known_mistake(truth: Mapping[str, Array], same: Callable[[Array], bool]) -> str | None:
    """Return the name of the first known mistake whose value is the same as the answer."""
    names = (name for name in truth if name.startswith("mistake:") and same(truth[name]))
    return next(names, "").removeprefix("mistake:") or None


def broken_promise(
    answer: Mapping[str, Array],
    name: str,
    *,
    shape: Sequence[int],
    kinds: str = "",
    rows: Sequence[int] | None = None,
    whole_rows: bool = False,
) -> str | None:
    """Say which promise a returned Dask array breaks, judging by its form.

    Numbers that are computed already, not a Dask array, break none here: the check "lazy" judges
    whether a function computes, and right values stay right.

    Parameters
    ----------
    answer : mapping of str to numpy.ndarray
        With what `form` has recorded; untrusted.
    name : str
        As for `form`.
    shape : sequence of int
        Required shape, each length known.
    kinds : str
        Allowed kinds of dtype, as in "iu"; any if empty.
    rows : sequence of int, optional
        Required lengths of its blocks; any if left out.
    whole_rows : bool
        Whether each block must have all columns.

    Returns
    -------
    str or None
        In words for the student; None if nothing is broken.
    """
    if not single(answer.get(f"{name}_lazy"), "b"):
        return None
    found = _text(answer.get(f"{name}_kind"))
    if found != DASK_ARRAY:
        return f"{found or 'nothing'}, where it should be {DASK_ARRAY}"
    here = _listed(answer.get(f"{name}_shape"))
    blocks = _listed(answer.get(f"{name}_rows"))
    if -1 in here or -1 in blocks:
        return f"{DASK_ARRAY} that does not know how many rows its blocks have"
    if here != list(shape):
        return f"{DASK_ARRAY} of shape {tuple(here)}, where it should be {tuple(shape)}"
    if whole_rows and single(answer.get(f"{name}_columns")) != 1:
        return f"{DASK_ARRAY} whose columns are cut into blocks"
    if rows is not None and blocks != list(rows):
        return f"{DASK_ARRAY} in blocks of {in_short(blocks)} rows, not {in_short(rows)}"
    dtype = _text(answer.get(f"{name}_dtype"))
    computed = answer.get(name)
    if kinds and not _of_kinds(dtype, kinds):
        return f"{DASK_ARRAY} that says its numbers are {dtype or 'nothing'}"
    if kinds and isinstance(computed, np.ndarray) and computed.dtype.kind not in kinds:
        return f"{DASK_ARRAY} that says {dtype}, and gives {computed.dtype.name} once computed"
    return None


def in_short(lengths: Sequence[int]) -> str:
    """List the lengths of blocks; only the first four if there are more."""
    shown = ", ".join(f"{length:,}" for length in lengths[:4])
    return f"{shown} and so on ({len(lengths)} blocks)" if len(lengths) > 4 else shown


def _listed(values: Any) -> list[int]:
    if not is_array(values, "iu") or values.ndim != 1:
        return []
    return [int(value) for value in values]


def _text(value: Any) -> str:
    return str(single(value, "U") or "")[:60]


def _of_kinds(name: str, kinds: str) -> bool:
    try:
        return np.dtype(name).kind in kinds
    except TypeError:
        return False


def wrong_shape(got: Array, right: Array) -> str:
    """Say that an array has the wrong shape."""
    return f"an array of shape {got.shape}, where it should be {right.shape}"


def wrong_rows(
    what: str, wrong: Array, got: Array, right: Array, show: Callable[[Any], str] = str
) -> str:
    """Say how many rows are wrong, and show the first of them.

    Parameters
    ----------
    what : str
        What the rows are, as in "labels".
    wrong : numpy.ndarray
        Indices of the wrong rows, at least one.
    got, right : numpy.ndarray
        Of the same length.
    show : callable
        Formats one entry.
    """
    row = int(wrong[0])
    return (
        f"{wrong.size:,} of {len(right):,} {what} are wrong, the first in row {row}: "
        f"{show(got[row])}, not {show(right[row])}"
    )
