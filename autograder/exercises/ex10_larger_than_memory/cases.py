"""The inputs of ex10, the right answers, and how a student's answer is judged.

A row is an hour, a column a weather station. A few patterns move many stations at once, each by its
own weight; the rest of a reading is chance. The seed decides the patterns, and block ``b`` of a
case is drawn from ``[seed, b]`` alone. In the cases of components, the columns have mean 0 exactly:
the second half of a block is the first with the sign changed.

In the case that is larger than the workers' memory, a block repeats the same few rows. So making it
takes only as long as copying, and the right answer follows from how often each row is shown: nobody
has to hold all of it, not even the grader.

When a block is made, the task tells the scheduler, whatever it was fused into.

`autograder.author.kit` says what each function has to do, and where it runs.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from contextlib import suppress
from typing import Any

import numpy as np
from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]

from autograder.author import kit
from autograder.author.kit import Array, Verdict

STATIONS = 32
STRENGTHS = (9.0, 7.0, 5.5, 4.2, 3.2, 2.5)
"""Standard deviations of the patterns, noise having 1. Neighbours differ by a fifth and more, so
that no two components can be mixed up."""
FINE = 16
"""Columns of ``components_fine``, and as many components."""
SPAN = 2e7
"""There, the largest singular value over the smallest. On 60 seeds, a variance had a relative error
of 3.6e-10 at most by da.linalg.svd, and of 4.9e-4 at least by Z.T @ Z: `TOLERANCE` lies between."""
TOLERANCE = 1e-6
"""Relative error of a variance, and absolute one of a component's entry, which is at most 1."""
CLEAR = 1e-3
"""Singular values of ``components_fine`` above this share of the largest keep within `TOLERANCE`
even if the others do not: the errors of Z.T @ Z grow with the square."""


# ------------------------------------------------------------------------------- in the box


def prepare(case: str, parameters: Mapping[str, float], seed: int) -> tuple[tuple[Any, ...], int]:
    """Make a lazy Dask array (rows, stations), each chunk of it a task that stands for a file.

    The parameters are the sizes of `kit.chunks`; ``keep``, the number of components; ``columns``,
    where there are fewer stations; ``readings``, how many readings are averaged to one, which makes
    a file take longer; and ``shown``, the different rows of a block that repeats them.
    """
    chunks = kit.chunks(parameters)
    columns = _columns(case, parameters)
    size = sum(chunks) * columns * np.dtype(float).itemsize
    X = _lazy(case, parameters, seed, chunks, columns)
    if case.startswith("scale"):
        return (X,), size
    if case.startswith("components"):
        return (X, int(parameters["keep"])), size
    return (X, _axes(seed, int(parameters["keep"]))), size


def materialise(case: str, result: Any) -> dict[str, Array]:
    """Turn what the student's function returned into plain arrays, computing it if necessary.

    Returns
    -------
    dict of str to numpy.ndarray
        ``values`` (rows, columns), with its `kit.form`, for ``scale`` and ``project``;
        ``variances`` (k,) and ``components`` (columns, k), with the form of each, otherwise.
    """
    if case.startswith("components"):
        return _read_components(result)
    function = "scale" if case.startswith("scale") else "project"
    contract = f"{function} must return a Dask array with a row for each row of its argument"
    form = kit.form("values", result)
    if case == "scale_files" and kit.is_lazy(result) and hasattr(result, "blocks"):
        # As one does when all of it together is too much.
        blocks = [result.blocks[block] for block in range(result.numblocks[0])]
        return {**form, "values": np.concatenate([_plain(block, contract) for block in blocks])}
    return {**form, "values": _plain(result, contract)}


def warm() -> None:
    """Do every operation once on a few rows, so that no case pays for imports."""
    import dask.array as da

    chunks = (2 * STATIONS,) * 4
    kit.on_each_worker(_try_all)
    Z = _lazy("components_odd", {}, 0, chunks, STATIONS)
    da.linalg.svd(Z)[1].compute()
    (Z.T @ Z).compute()
    Z.std(axis=0).compute()


def _try_all() -> None:
    block = _draw("components_odd", {"readings": 2}, 0, 1, 200, STATIONS)
    np.linalg.svd(np.linalg.qr(block)[1])
    np.linalg.eigh(block.T @ block)


def _lazy(
    case: str, parameters: Mapping[str, float], seed: int, chunks: tuple[int, ...], columns: int
) -> Any:
    """Describe the making of all blocks; a Dask array (rows, columns)."""
    import dask

    read = dask.delayed(_read, pure=False)
    sizes = dict(parameters)
    blocks = [read(case, sizes, seed, b, rows, columns) for b, rows in enumerate(chunks, start=1)]
    return kit.join(blocks, chunks, (columns,))


def _read(
    case: str, parameters: Mapping[str, float], seed: int, block: int, rows: int, columns: int
) -> Array:
    """Simulate reading a file."""
    from distributed import get_worker

    with suppress(ValueError):  # not in a worker: the notebook reads, which shows elsewhere
        get_worker().log_event("read", block)
    return _draw(case, parameters, seed, block, rows, columns)


def _read_components(result: Any) -> dict[str, Array]:
    contract = "components must return two NumPy arrays, the variances and the components"
    if not isinstance(result, tuple | list) or len(result) != 2:
        raise TypeError(f"{contract}; it returned {kit.kind_or_class(result)}.")
    answer: dict[str, Array] = {}
    for name, value in zip(("variances", "components"), result, strict=True):
        # A list of numbers is as good as an array of them.
        array = np.array(value) if _is_list(value) else value
        answer |= {**kit.form(name, array), name: _plain(array, contract)}
    return answer


def _is_list(value: Any) -> bool:
    return isinstance(value, list | tuple) and all(np.isscalar(entry) for entry in value)


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


def _columns(case: str, parameters: Mapping[str, float]) -> int:
    return int(parameters.get("columns", FINE if case == "components_fine" else STATIONS))


def _draw(
    case: str, parameters: Mapping[str, float], seed: int, block: int, rows: int, columns: int
) -> Array:
    """Make a block, (rows, columns)."""
    generator = np.random.default_rng([seed, block])
    if case == "components_fine":
        return _turned(generator.normal(size=(rows // 2, columns)) @ _fine(seed))
    if "shown" in parameters:
        shown = _shown(seed, int(parameters["shown"]), columns)
        half = shown[_picks(generator, parameters, rows)]
        return _turned(half)
    if case.startswith("scale"):
        return _raw(seed, _weather(generator, seed, block, rows, columns))
    half = _weather(generator, seed, block, rows // 2, columns)
    for _ in range(int(parameters.get("readings", 1)) - 1):
        half += generator.standard_normal(half.shape)
    return _turned(half)


def _turned(half: Array) -> Array:
    """Return rows whose mean is 0: the given ones, and the same with the sign changed."""
    rows = np.empty((2 * len(half), half.shape[1]))
    rows[: len(half)] = half
    np.negative(half, out=rows[len(half) :])
    return rows


def _weather(
    generator: np.random.Generator, seed: int, block: int, rows: int, columns: int
) -> Array:
    """Draw hours (rows, columns): patterns, whose strength changes from file to file, and noise.

    So no file represents the others.
    """
    drift = 1.0 + 0.3 * np.sin(block + np.arange(len(STRENGTHS)))
    moved = generator.standard_normal((rows, len(STRENGTHS))) * (np.array(STRENGTHS) * drift)
    hours: Array = generator.standard_normal((rows, columns))
    hours += moved @ _patterns(seed, columns)
    return hours


def _patterns(seed: int, columns: int) -> Array:
    """Patterns (patterns, columns), of length 1 and at right angles."""
    drawn = np.random.default_rng([seed, 0]).normal(size=(columns, len(STRENGTHS)))
    return np.linalg.qr(drawn)[0].T


def _fine(seed: int) -> Array:
    """Matrix (columns, columns) whose singular values are each a fixed share of the one before."""
    generator = np.random.default_rng([seed, 0, 1])
    left, right = (np.linalg.qr(generator.normal(size=(FINE, FINE)))[0] for _ in range(2))
    values = SPAN ** -np.linspace(0.0, 1.0, FINE)
    return np.asarray((left * values) @ right)


def _raw(seed: int, hours: Array) -> Array:
    """Write readings in the unit of their station: degrees, pascals or millimetres of rain."""
    generator = np.random.default_rng([seed, 0, 2])
    units = 10.0 ** generator.uniform(-2.0, 2.0, size=STATIONS)
    return (hours + generator.uniform(-40.0, 40.0, size=STATIONS)) * units


def _shown(seed: int, count: int, columns: int) -> Array:
    """Draw the rows that all blocks show, (count, columns)."""
    return _weather(np.random.default_rng([seed, 0, 3]), seed, 0, count, columns)


def _picks(generator: np.random.Generator, parameters: Mapping[str, float], rows: int) -> Array:
    """Draw which of the rows are in the first half of a block; some more often than others."""
    count = int(parameters["shown"])
    return (count * generator.random(rows // 2) ** generator.uniform(1.0, 1.5)).astype(np.intp)


def _axes(seed: int, keep: int) -> Array:
    """Components (stations, keep) that project gets: of length 1, at right angles."""
    drawn = np.random.default_rng([seed, 0, 4]).normal(size=(STATIONS, keep))
    return np.linalg.qr(drawn)[0]


# ------------------------------------------------------------------------------ outside


def oracle(case: str, parameters: Mapping[str, float], seed: int) -> dict[str, Array]:
    """Work out the right answer on one core, with NumPy alone.

    Returns
    -------
    dict of str to numpy.ndarray
        What `materialise` gives for a right result; ``rows``, the length of each block; under
        ``mistake:<name>`` what known mistakes give. For components also ``seconds``, the CPU time
        for reading the blocks and decomposing them one by one.
    """
    chunks = kit.chunks(parameters)
    columns = _columns(case, parameters)

    def blocks() -> Iterator[Array]:
        for block, rows in enumerate(chunks, start=1):
            yield _draw(case, parameters, seed, block, rows, columns)

    rows = {"rows": np.array(chunks)}
    if case.startswith("scale"):
        return rows | _scaled(list(blocks()))
    if case.startswith("project"):
        Z, keep = np.concatenate(list(blocks())), _keep(parameters)
        own = np.linalg.svd(_r_of(Z))[2][:keep]
        return rows | {"values": Z @ _axes(seed, keep), "mistake:own_components": np.abs(Z @ own.T)}
    repeats = "shown" in parameters
    # Threads of BLAS that wait for a core count as computing.
    with threadpool_limits(1):
        began = time.process_time()
        triangle = _of_shown(parameters, seed, chunks, columns) if repeats else _triangle(blocks())
        truth = _decomposed(triangle, sum(chunks), _keep(parameters))
        seconds = time.process_time() - began
    return rows | truth | {"seconds": np.array(seconds)}


def _keep(parameters: Mapping[str, float]) -> int:
    return int(parameters["keep"])


def _scaled(blocks: list[Array]) -> dict[str, Array]:
    """Standardise, rightly and wrongly."""
    rows = np.concatenate(blocks)
    mean, deviation = rows.mean(axis=0), rows.std(axis=0)
    each = np.mean([block.mean(axis=0) for block in blocks], axis=0)
    spread = np.mean([block.std(axis=0) for block in blocks], axis=0)
    with np.errstate(invalid="ignore", divide="ignore"):  # a chunk of one row has no deviation
        alone = [(block - block.mean(axis=0)) / block.std(axis=0) for block in blocks]
    return {
        "values": (rows - mean) / deviation,
        "mistake:one_less": (rows - mean) / rows.std(axis=0, ddof=1),
        "mistake:not_centred": rows / deviation,
        "mistake:not_divided": rows - mean,
        "mistake:variance": (rows - mean) / rows.var(axis=0),
        "mistake:chunk_by_chunk": np.concatenate(alone),
        "mistake:mean_of_chunks": (rows - each) / deviation,
        "mistake:spread_of_chunks": (rows - each) / spread,
        "mistake:one_for_all": (rows - rows.mean()) / rows.std(),
        "mistake:first_block": (rows - blocks[0].mean(axis=0)) / blocks[0].std(axis=0),
        "mistake:brackets": rows - mean / deviation,
        "mistake:to_an_interval": (rows - rows.min(axis=0)) / np.ptp(rows, axis=0),
    }


def _triangle(blocks: Iterator[Array]) -> Array:
    """Return R of the QR decomposition of all rows, block by block: it has their singular values.

    J. Demmel and others, Communication-optimal parallel and sequential QR and LU factorizations,
    SIAM J. Sci. Comput. 34, 2012.
    """
    triangle: Array = next(blocks)
    for block in blocks:
        triangle = _r_of(np.concatenate([triangle, block]))
    return _r_of(triangle)


def _r_of(rows: Array) -> Array:
    return np.asarray(np.linalg.qr(rows, mode="r"))


def _of_shown(
    parameters: Mapping[str, float], seed: int, chunks: tuple[int, ...], columns: int
) -> Array:
    """Return R of repeated rows: each is taken once, times the root of how often it is shown."""
    count = int(parameters["shown"])
    often = np.zeros(count)
    for block, rows in enumerate(chunks, start=1):
        picks = _picks(np.random.default_rng([seed, block]), parameters, rows)
        often += 2 * np.bincount(picks, minlength=count)
    return _r_of(_shown(seed, count, columns) * np.sqrt(often)[:, None])


def _decomposed(triangle: Array, rows: int, keep: int) -> dict[str, Array]:
    """Return variances (k,) and components (columns, k), and variances as mistakes give them."""
    _, singular, axes = np.linalg.svd(triangle)
    squared = singular**2
    return {
        "variances": squared[:keep] / rows,
        "components": axes[:keep].T,
        "singular": singular,
        "axes": axes,
        "mistake:singular_values": singular[:keep],
        "mistake:not_divided_by_rows": squared[:keep],
        "mistake:not_squared": singular[:keep] / rows,
        "mistake:deviations": singular[:keep] / np.sqrt(rows),
        "mistake:rows_less_one": squared[:keep] / (rows - 1),
        "mistake:shares": squared[:keep] / squared.sum(),
        "mistake:smallest": squared[::-1][:keep] / rows,
        "mistake:upwards": squared[:keep][::-1] / rows,
    }


def compare(case: str, truth: Mapping[str, Array], answer: Mapping[str, Array]) -> kit.Comparison:
    """Judge an answer by the truth."""
    if case.startswith("components"):
        return kit.comparison(*_judge_components(case, truth, answer))
    return kit.comparison(*_judge_values(case, truth, answer))


def _judge_values(case: str, truth: Mapping[str, Array], answer: Mapping[str, Array]) -> Verdict:
    right = truth["values"]
    of_scale = case.startswith("scale")
    what = (
        "every column with mean 0 and standard deviation 1 over all rows"
        if of_scale
        else "each row of Z times V"
    )
    blocks = truth["rows"].tolist()
    expected = (
        f"{right.shape[0]:,} rows of {right.shape[1]} numbers, {what}, in blocks of "
        f"{kit.in_short(blocks)} rows"
    )
    values = answer.get("values")
    if not kit.is_array(values):
        return False, expected, "no numbers", None
    if values.shape != right.shape:
        return False, expected, kit.wrong_shape(values, right), None
    if _close(values, right):
        broken = kit.broken_promise(
            answer, "values", shape=right.shape, kinds="f", rows=blocks, whole_rows=True
        )
        if broken is not None:
            return False, expected, f"the right numbers, but {broken}", None
        return True, expected, "the right numbers", None
    # Components may have either sign, so u * s is recognised by its absolute values.
    size = values if of_scale else np.abs(values)
    known = kit.known_mistake(truth, lambda wrong: _close(size, wrong))
    if not np.isfinite(values).all():
        missing = int((~np.isfinite(values)).sum())
        return False, expected, f"{missing:,} values that are not a number, or infinite", known
    if of_scale:
        return False, expected, _moments(values), known
    wrong = np.argwhere(np.abs(values - right) > TOLERANCE * (1 + np.abs(right)))
    at = tuple(int(i) for i in wrong[0])
    got = (
        f"{len(wrong):,} of {right.size:,} numbers are wrong, the first at [{at[0]}, {at[1]}]: "
        f"{values[at]:.6g}, not {right[at]:.6g}"
    )
    return False, expected, got, known


def _moments(values: Array) -> str:
    means, deviations = values.mean(axis=0), values.std(axis=0)
    column = int(np.abs(means).argmax())
    if np.abs(means[column]) <= TOLERANCE:
        column = int(np.abs(deviations - 1.0).argmax())
    if max(abs(means[column]), abs(deviations[column] - 1.0)) > TOLERANCE:
        return (
            f"column {column} has mean {means[column]:.4g} and standard deviation "
            f"{deviations[column]:.7g}"
        )
    return "means 0 and standard deviations 1, but other values: are the rows in the order of X?"


def _close(values: Array, right: Array) -> bool:
    with np.errstate(invalid="ignore"):
        near = np.abs(values - right) <= TOLERANCE * (1.0 + np.abs(right))
        return bool((near | (np.isnan(values) & np.isnan(right)) | (values == right)).all())


def _judge_components(
    case: str, truth: Mapping[str, Array], answer: Mapping[str, Array]
) -> Verdict:
    right, axes = truth["variances"], truth["components"]
    columns, keep = axes.shape
    expected = (
        f"variances of shape ({keep},), the largest first, {_in_short(right)}, and components of "
        f"shape ({columns}, {keep}), all right to a millionth"
    )
    variances, components = answer.get("variances"), answer.get("components")
    if not kit.is_array(variances) or not kit.is_array(components):
        return False, expected, "no numbers", None
    if any(kit.single(answer.get(f"{name}_lazy"), "b") for name in ("variances", "components")):
        return False, expected, "Dask arrays, which are not computed yet", "not_computed"
    if variances.shape == axes.shape and components.shape == right.shape:
        return False, expected, f"variances of shape {variances.shape}", "swapped"
    if variances.shape != right.shape:
        mistake = "not_cut" if variances.shape == (columns,) else None
        return False, expected, f"variances of shape {variances.shape}", mistake
    if components.shape == (keep, columns) != axes.shape:
        return False, expected, f"components of shape {components.shape}", "transposed"
    if components.shape != axes.shape:
        return False, expected, f"components of shape {components.shape}", None
    if not np.isfinite(components).all():
        return False, expected, "components that are infinite or not a number", None
    off = np.abs(variances - right) / right
    if not (off <= TOLERANCE).all():  # nan is wrong
        worst = int(np.where(np.isnan(off), np.inf, off).argmax())
        got = (
            f"variances {_in_short(variances)}; number {worst} of them is {variances[worst]:.7g}, "
            f"not {right[worst]:.7g}"
        )
        known = kit.known_mistake(truth, lambda wrong: _same_variances(variances, wrong))
        return False, expected, got, known or _inexact(case, variances, right)
    if _off_axes(components, axes) <= TOLERANCE:
        return True, expected, f"variances {_in_short(right)}, and their components", None
    if keep == columns and _off_axes(components.T, axes) <= TOLERANCE:
        return False, expected, "the components as rows", "transposed"
    whole = truth["axes"]
    if np.allclose(np.abs(components), np.abs(whole[:, :keep]), atol=TOLERANCE):
        return False, expected, "the right variances, but other components", "first_columns"
    lengths = np.linalg.norm(components, axis=0)
    worst = int(np.abs(lengths - 1.0).argmax())
    if abs(lengths[worst] - 1.0) > TOLERANCE:
        got = f"the right variances, but component {worst} has length {lengths[worst]:.7g}, not 1"
    else:
        off_axes = _off_axes(components, axes)
        got = f"the right variances, but components of which a number is {off_axes:.1g} off"
    return False, expected, got, None


def _inexact(case: str, variances: Array, right: Array) -> str | None:
    """Name the mistake if only small variances are wrong, or if all are a little too low."""
    off = np.abs(variances / right - 1.0)
    if case == "components_fine":
        large = right > CLEAR**2 * right[0]
        return "squared" if (off[large] <= TOLERANCE).all() else None
    # In a part of the space that all columns span, no variance is larger than the true one.
    below = (variances <= right * (1.0 + TOLERANCE)).all() and off.max() < 0.2
    return "approximate" if below else None


def _same_variances(variances: Array, wrong: Array) -> bool:
    return variances.shape == wrong.shape and bool(
        (np.abs(variances - wrong) <= TOLERANCE / 10 * np.abs(wrong)).all()
    )


def _off_axes(components: Array, axes: Array) -> float:
    """Return how far the worst entry is off, each component with the sign that fits best."""
    signs = np.where((components * axes).sum(axis=0) < 0.0, -1.0, 1.0)
    return float(np.abs(components * signs - axes).max())


def _in_short(variances: Array) -> str:
    shown = ", ".join(f"{value:.4g}" for value in variances[:3])
    return f"{shown}, …" if len(variances) > 3 else shown
