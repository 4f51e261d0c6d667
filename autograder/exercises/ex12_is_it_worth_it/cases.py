"""The inputs of ex12, the right answers, and how a student's answer is judged.

Jobs for the cost model are drawn by the seed, so that each common slip gives another number. The
jobs to choose for were measured, in one thread, in two threads and on two workers
(``benchmarks/ex12_measured.py``); the seed draws one for each reason. The tables to
fit are drawn as well: many small ones, few heavy ones, and few that take long.

`autograder.author.kit` says what each function has to do, and where it runs.
"""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from math import ceil, isclose
from typing import Any

import numpy as np
from sklearn.base import clone
from sklearn.linear_model import Ridge, SGDRegressor
from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]

from autograder.author import kit
from autograder.author.kit import Array, Verdict

Job = dict[str, Any]

WAYS = ("serial", "threads", "cluster")
"""From the simplest on."""
CLOSE = 1.25
"""A simpler way may take up to so many times as long as the quickest."""
MOST = 64
"""Workers that are available in the cases of cost."""
TOLERANCE = 1e-6
"""Relative; far above rounding, far below what a table more or less changes in a model."""

DIGITS = (3, 4, 5)
"""A prediction may be rounded to so many digits: a card with four would show no difference."""

TO_BEAT: dict[str, tuple[tuple[float, ...], ...]] = {
    # Seconds of one thread; serial, work, pieces; megabytes of parts, shared; task, bandwidth.
    "cost_some": (
        (8.005, 1.29, 20.1, 57, 87.3, 36.6, 0.0037, 128),
        (11.065, 1.2, 34.7, 67, 36.9, 23.7, 0.007, 293),
        (4.653, 0.57, 16.1, 64, 86.6, 12.3, 0.0049, 224),
        (9.867, 1.34, 28.4, 76, 29.7, 36.9, 0.0087, 180),
        (13.576, 0.73, 37.8, 45, 71.6, 23.0, 0.0024, 161),
        (5.982, 1.42, 16.3, 74, 66.5, 13.6, 0.0045, 230),
        (6.226, 0.79, 17.4, 58, 46.6, 28.5, 0.0077, 145),
        (11.925, 1.23, 37.0, 62, 58.4, 13.1, 0.0059, 266),
    ),
    "cost_none": (
        (6.442, 1.29, 20.1, 57, 87.3, 36.6, 0.0037, 128),
        (3.759, 0.37, 36.1, 63, 56.3, 18.8, 0.007, 274),
        (4.688, 1.2, 34.7, 67, 36.9, 23.7, 0.007, 293),
        (2.84, 0.57, 16.1, 64, 86.6, 12.3, 0.0049, 224),
        (6.333, 1.34, 28.4, 76, 29.7, 36.9, 0.0087, 180),
        (3.458, 0.44, 18.8, 35, 40.3, 32.5, 0.0022, 251),
        (2.831, 0.79, 13.1, 44, 25.8, 12.2, 0.0033, 157),
        (3.047, 0.33, 17.4, 52, 51.6, 20.1, 0.0058, 221),
        (6.105, 0.73, 22.3, 84, 45.4, 36.9, 0.0027, 115),
        (3.627, 1.42, 16.3, 74, 66.5, 13.6, 0.0045, 230),
        (5.183, 0.61, 15.0, 83, 38.3, 30.4, 0.0084, 110),
        (4.791, 0.79, 17.4, 58, 46.6, 28.5, 0.0077, 145),
    ),
    "cost_narrow": (
        (8.083, 1.13, 36.1, 82, 50.2, 25.4, 0.0033, 105),
        (7.708, 1.07, 35.1, 70, 59.2, 30.8, 0.0062, 135),
        (3.764, 0.6, 14.6, 83, 72.1, 23.4, 0.0078, 277),
        (9.223, 0.9, 38.4, 53, 34.7, 36.8, 0.0036, 104),
        (6.458, 1.44, 32.2, 55, 34.8, 20.0, 0.0025, 131),
        (6.352, 1.29, 27.3, 36, 51.8, 32.4, 0.0029, 180),
        (4.734, 0.79, 24.7, 70, 22.4, 31.5, 0.0023, 248),
        (4.315, 1.15, 12.3, 43, 20.7, 30.9, 0.0079, 226),
        (3.965, 1.23, 13.4, 40, 62.1, 19.1, 0.0078, 244),
        (7.584, 0.83, 30.1, 42, 81.1, 25.1, 0.0076, 108),
        (6.904, 0.83, 30.3, 58, 69.7, 32.9, 0.0076, 164),
        (5.05, 1.13, 14.3, 65, 52.4, 29.7, 0.0039, 165),
    ),
}
"""Jobs with a COST from 4 to 6 that is not the quickest number of workers; with none; and with one
from 9 to 12, where no power of two up to 64 wins. No time is within a thousandth of the single
thread's. The seed takes one and multiplies all times by the same number."""

TIES: tuple[tuple[float, ...], ...] = (
    (5.875, 0.75, 32.0, 64, 48.0, 8.0, 0.00390625, 128),
    (6.9375, 1.75, 32.0, 64, 64.0, 8.0, 0.015625, 128),
    (4.4375, 0.75, 32.0, 64, 16.0, 8.0, 0.00390625, 128),
    (3.875, 0.5, 16.0, 32, 64.0, 8.0, 0.01171875, 128),
    (7.125, 2.0, 32.0, 64, 16.0, 8.0, 0.0078125, 128),
    (6.5625, 1.5, 32.0, 64, 80.0, 8.0, 0.01171875, 128),
    (4.8125, 1.0, 32.0, 64, 32.0, 8.0, 0.00390625, 128),
    (3.875, 1.0, 16.0, 32, 32.0, 8.0, 0.00390625, 128),
)
"""As above, for ``cost_tie``: a number of workers from 8 to 13 takes exactly as long as the single
thread, and the next one that wins is two or more above it. All are sums of few powers of two;
pieces and bandwidth are powers of two. So nothing is rounded when the seconds are worked out, in
whatever order, and the result is the very same."""
ENOUGH = (5, 4, 6, 5, 4, 5, 5, 4)
"""The COST of each row of ``cost_some``."""

GROUPS = ("lock free", "tiny", "python", "single", "heavy", "small", "shared memory")
"""What decides the choice in each of the seven cases: pieces that release the lock; pieces that
hold it and take less time than handing them out; Python code with little data; a single piece; data
that travel longer than the work takes; small pieces without the lock; and much data in memory that
threads share. Each case has its own seed, so its group must not depend on the seed."""
JOBS: dict[str, tuple[Any, ...]] = {
    # Group, about what; pieces; hold the lock; megabytes of parts, shared; seconds of one thread.
    "sentences": ("tiny", "the different words of 1,000 short texts", 1000, True, 0.2, 0, 0.055),
    "small_boards": ("tiny", "six queens on a board, 1,000 times", 1000, True, 0, 0, 0.033),
    "means": ("small", "the means of 1,500 arrays of 100 numbers", 1500, False, 1.2, 0, 0.003),
    "small_sorts": ("small", "1,500 arrays of 200 numbers, sorted", 1500, False, 4.8, 0, 0.002),
    "one_walk": ("single", "one random walk", 1, True, 0, 0, 0.26),
    "one_distance": (
        "single",
        "the edit distance of two strands of 1,400 bases",
        1,
        True,
        0,
        0,
        0.341,
    ),
    "classifiers": ("lock free", "20 linear classifiers", 20, False, 0, 0.7, 0.17),
    "squeezing": ("shared memory", "12 files of 5 MB, compressed quickly", 12, False, 100, 0, 0.66),
    "short_digests": (
        "shared memory",
        "the short fingerprints of 12 files of 10 MB",
        12,
        False,
        120,
        0,
        0.092,
    ),
    "digests": ("shared memory", "the fingerprints of 12 files of 10 MB", 12, False, 120, 0, 0.104),
    "compressing": ("lock free", "20 files of 1 MB, compressed", 20, False, 20, 0, 0.417),
    "archives": (
        "lock free",
        "16 files of half a megabyte, compressed thoroughly",
        16,
        False,
        8,
        0,
        0.418,
    ),
    "passwords": ("lock free", "20 passwords, hashed 60,000 times", 20, False, 0, 0, 0.221),
    "primes": ("python", "the primes in 10 ranges of 30,000 numbers", 10, True, 0, 0, 0.491),
    "distances": ("python", "12 edit distances of strands of 700 bases", 12, True, 0, 0, 0.904),
    "search": ("heavy", "one word, counted in 4 texts of 30 MB", 4, True, 120, 0, 0.059),
    "lines": ("heavy", "the lines of 4 texts of 30 MB", 4, True, 120, 0, 0.04),
}
"""By ``benchmarks/ex12_measured.py``, as `_took`."""


# ------------------------------------------------------------------------------- in the box


def prepare(case: str, parameters: Mapping[str, float], seed: int) -> tuple[tuple[Any, ...], int]:
    """Make a job with its prices, a job that was measured, or a model and its tables.

    The parameters are, for the tables, ``tables``, ``rows``, ``columns`` and ``passes``: 0 for a
    ridge regression.
    """
    if case.startswith("seconds"):
        job, workers, task, bandwidth = _to_predict(case, seed)
        return (job, workers, task, bandwidth), 0
    if case.startswith("cost"):
        job, task, bandwidth = _to_beat(case, seed)
        return (job, _most(case, seed), task, bandwidth), 0
    if case.startswith("choose"):
        return (_described(_drawn(case, seed)),), 0
    tables = _tables(case, parameters, seed)
    return (_model(parameters, seed), tables), sum(X.nbytes + y.nbytes for X, y in tables)


def materialise(case: str, result: Any) -> dict[str, Array]:
    """Turn what the student's function returned into plain arrays.

    Returns
    -------
    dict of str to numpy.ndarray
        ``predicted`` (), ``workers`` () with -1 for none, or ``way`` (); for fitted models ``coef``
        (tables, columns), ``intercept`` (tables,) and ``kinds`` (tables,).
    """
    if case.startswith("seconds"):
        return {"predicted": kit.number(result, "seconds must return a number")}
    if case.startswith("cost"):
        if result is None:
            return {"workers": np.array(-1.0), "none": np.array(True)}
        number = kit.number(result, "cost must return a whole number or None")
        return {"workers": number, "none": np.array(False)}
    if case.startswith("choose"):
        if not isinstance(result, str):
            raise TypeError(
                'choose must return "serial", "threads" or "cluster"; it returned '
                f"{kit.kind_or_class(result)}."
            )
        return {"way": np.array(result[:60])}
    return _read_models(result)


def warm() -> None:
    """Do every operation once on a few rows, so that no case pays for imports."""
    from distributed import get_client

    for passes in (0, 2):
        sizes = {"tables": 1, "rows": 20, "columns": 3, "passes": passes}
        model, table = _model(sizes, 0), _tables("fit_warm", sizes, 0)[0]
        _fit(table, model)
        kit.on_each_worker(_fit, table, model)
        client = get_client()
        client.gather(client.map(_fit, [table] * 4, model=model, pure=False))


def _fit(table: tuple[Array, Array], model: Any) -> Any:
    X, y = table
    return clone(model).fit(X, y)


def _read_models(result: Any) -> dict[str, Array]:
    contract = "fit_all must return a list of fitted models, one for each table"
    if not isinstance(result, list | tuple):
        raise TypeError(f"{contract}; it returned {kit.kind_or_class(result)}.")
    coefs, intercepts = [], []
    for model in result:
        try:
            coefs.append(np.asarray(model.coef_, dtype=np.float64).reshape(-1))
            intercepts.append(float(np.asarray(model.intercept_, dtype=np.float64).reshape(())))
        except (AttributeError, TypeError, ValueError) as error:
            raise TypeError(
                f"{contract}; among what it returned is {kit.kind_or_class(model)} that "
                f"{'has not been fitted' if hasattr(model, 'fit') else 'is no model'}."
            ) from error
    if len({len(coef) for coef in coefs}) > 1:
        raise TypeError(f"{contract}; the models have different numbers of weights.")
    return {
        "coef": np.array(coefs).reshape(len(coefs), len(coefs[0]) if coefs else 0),
        "intercept": np.array(intercepts),
        "kinds": np.array([type(model).__name__[:60] for model in result], str),
    }


# ------------------------------------------------------------------ on both sides, no Dask


def _draw(generator: np.random.Generator) -> tuple[Job, float, float]:
    """Draw a job, and the prices of a task and of travel."""
    work = round(float(generator.uniform(10, 40)), 1)
    job = {
        "about": "a search over some settings",
        "alone": round(work * float(generator.uniform(0.5, 0.9)), 2),
        "serial": round(float(generator.uniform(0.3, 1.5)), 2),
        "work": work,
        "pieces": int(generator.integers(30, 90)),
        "gil": bool(generator.integers(2)),
        "parts_mb": round(float(generator.uniform(20, 90)), 1),
        "shared_mb": round(float(generator.uniform(10, 40)), 1),
    }
    task = round(float(generator.uniform(0.002, 0.009)), 4)
    return job, task, round(float(generator.uniform(100, 300)))


def _to_predict(case: str, seed: int) -> tuple[Job, int, float, float]:
    """Draw a job and a number of workers.

    In ``seconds_idle`` there are more workers than pieces, in ``seconds_full`` the last round is
    full. In ``seconds_rounds`` the pieces hold the lock, which matters to no other process, and the
    last round is less than half full, so that rounding to the nearest number rounds down.
    """
    generator = np.random.default_rng([seed, 1, len(case)])
    while True:
        job, task, bandwidth = _draw(generator)
        workers = int(generator.integers(3, 20))
        if case == "seconds_idle":
            job["pieces"] = int(generator.integers(4, 12))
            workers += job["pieces"]
        if case == "seconds_full":
            job["pieces"] = workers * int(generator.integers(3, 9))
        job["gil"] = job["gil"] or case == "seconds_rounds"
        # If the last round is full, rounding up makes no difference.
        most = workers / 2 if case == "seconds_rounds" else workers
        if case == "seconds_full" or 0 < job["pieces"] % workers < most:
            return job, workers, task, bandwidth


def _to_beat(case: str, seed: int) -> tuple[Job, float, float]:
    """Draw a job with a COST above two, or with none, or only within a narrow range of workers.

    In ``cost_one``, the single thread is slower than a single worker.
    """
    generator, row = _row(case, seed)
    alone, serial, work, count, parts_mb, shared_mb, task, bandwidth = row
    pieces = int(count)
    if case == "cost_one":
        alone += serial + work + pieces * task + (parts_mb + shared_mb) / bandwidth
    tie = case == "cost_tie"  # which any other factor would round away
    times = float(2.0 ** generator.integers(3) if tie else generator.uniform(0.5, 2.0))
    job = {
        "about": "a search over some settings",
        "alone": round(times * alone, 6),
        "serial": round(times * serial, 6),
        "work": round(times * work, 6),
        "pieces": pieces,
        "gil": bool(generator.integers(2)),
        "parts_mb": parts_mb,
        "shared_mb": shared_mb,
    }
    return job, round(times * task, 8), round(bandwidth / times, 6)


def _row(case: str, seed: int) -> tuple[np.random.Generator, tuple[float, ...]]:
    """Draw a row of `TIES` or `TO_BEAT`; cases without their own rows take those with a COST."""
    generator = np.random.default_rng([seed, 2, len(case)])
    rows = TIES if case == "cost_tie" else TO_BEAT.get(case, TO_BEAT["cost_some"])
    return generator, rows[generator.integers(len(rows))]


def _most(case: str, seed: int) -> int:
    """Return how many workers there are: in ``cost_last`` just the COST, or one fewer."""
    if case not in ("cost_last", "cost_few"):
        return MOST
    return ENOUGH[TO_BEAT["cost_some"].index(_row(case, seed)[1])] - (case == "cost_few")


def _drawn(case: str, seed: int) -> str:
    """Draw the job of a case, from those of its group."""
    group = GROUPS[int(case.rpartition("_")[2]) - 1]
    names = [name for name, row in JOBS.items() if row[0] == group]
    return names[int(np.random.default_rng([seed, 3]).integers(len(names)))]


def _described(name: str) -> Job:
    """Describe a measured job as the notebook does."""
    _, about, pieces, gil, parts_mb, shared_mb, alone = JOBS[name]
    return {
        "about": about,
        "alone": alone,
        "serial": 0.0,
        "work": alone,
        "pieces": pieces,
        "gil": gil,
        "parts_mb": parts_mb,
        "shared_mb": shared_mb,
    }


def _tables(case: str, parameters: Mapping[str, float], seed: int) -> list[tuple[Array, Array]]:
    """Draw tables of stations, each with its own weights."""
    generator = np.random.default_rng([seed, 4])
    columns, found = int(parameters["columns"]), []
    for number in range(int(parameters["tables"])):
        # In the odd case, no two tables are equally long.
        rows = int(parameters["rows"]) + (7 * number if case == "fit_odd" else 0)
        X = generator.normal(size=(rows, columns))
        y = X @ generator.normal(size=columns) + generator.normal(size=rows) + number % 5
        found.append((X, y))
    return found


def _model(parameters: Mapping[str, float], seed: int) -> Any:
    passes = int(parameters["passes"])
    if not passes:
        return Ridge(alpha=1.0 + seed % 7)
    return SGDRegressor(max_iter=passes, tol=None, random_state=1 + seed % 1000)


# ------------------------------------------------------------------------------ outside


def _seconds(job: Job, workers: int, task: float, bandwidth: float) -> float:
    """Predict the seconds of a job on the cluster."""
    rounds = ceil(job["pieces"] / workers)
    travel = (job["parts_mb"] + workers * job["shared_mb"]) / bandwidth
    return float(
        job["serial"] + job["pieces"] * task + travel + rounds * job["work"] / job["pieces"]
    )


def _slips(job: Job, workers: int, task: float, bandwidth: float) -> dict[str, float]:
    """Work out what common slips predict, by the name of the mistake and a number."""
    right = _seconds(job, workers, task, bandwidth)
    tasks = job["pieces"] * task
    piece = job["work"] / job["pieces"]
    rounds = ceil(job["pieces"] / workers)
    shared, parts = job["shared_mb"] / bandwidth, job["parts_mb"] / bandwidth
    sent = workers * job["shared_mb"] + job["parts_mb"]
    four = (job["serial"], tasks, parts + workers * shared, rounds * piece)
    found = {
        "no_rounds": right + job["work"] / workers - rounds * piece,
        "no_rounds 2": right + (job["pieces"] // workers - rounds) * piece,
        "tasks_shared": right - tasks + tasks / workers,
        "copied_once": right - (workers - 1) * shared,
        "serial_shared": right - job["serial"] + job["serial"] / workers,
        "serial_shared 2": _seconds(job, 1, task, bandwidth) / workers,
        "left_out": right - job["serial"],
        "left_out 2": right - tasks,
        "left_out 3": right - parts,
        "left_out 4": right - workers * shared,
        "left_out 5": right - workers * shared - parts,
        "one_task": right - tasks + task,
        "one_round_more": right + (job["pieces"] // workers + 1 - rounds) * piece,
        "parts_copied": right + (workers - 1) * parts,
        "not_seconds": right - parts + job["parts_mb"],
        "not_seconds 2": right + workers * (job["shared_mb"] - shared),
        "not_seconds 3": right + sent * (bandwidth - 1 / bandwidth),
        "not_seconds 4": right + sent * (1 - 1 / bandwidth),
        "not_a_piece": right + rounds * (job["work"] - piece),
        "not_a_piece 2": right + rounds * (job["work"] / workers - piece),
        "alone_shared": right + rounds * (job["alone"] / job["pieces"] - piece),
        "alone_shared 2": right + job["alone"] / workers - rounds * piece,
        "side_by_side": max(four),
        "side_by_side 2": right - min(parts + workers * shared, rounds * piece),
        "seconds_rounded": right - rounds * piece + ceil(job["work"] / workers),
    }
    found |= {"lock_minded": right + job["work"] - rounds * piece} if job["gil"] else {}
    # In a single round, a task for each round is one task.
    found |= {"tasks_shared 2": right - tasks + rounds * task} if rounds > 1 else {}
    return {name: slip for name, slip in found.items() if not isclose(slip, right)}


def _took(name: str) -> tuple[float, float, float]:
    """Return the seconds of a job in each of the `WAYS`, as measured."""
    others = {
        # Seconds of two threads, and of two workers.
        "sentences": (0.063, 1.763),
        "small_boards": (0.121, 1.775),
        "means": (0.025, 3.02),
        "small_sorts": (0.01, 3.737),
        "one_walk": (0.248, 0.27),
        "one_distance": (0.339, 0.332),
        "classifiers": (0.098, 0.152),
        "squeezing": (0.364, 0.952),
        "short_digests": (0.047, 1.16),
        "digests": (0.052, 0.847),
        "compressing": (0.217, 0.333),
        "archives": (0.215, 0.287),
        "passwords": (0.115, 0.141),
        "primes": (0.506, 0.295),
        "distances": (0.927, 0.495),
        "search": (0.061, 1.455),
        "lines": (0.034, 0.944),
    }
    return (JOBS[name][-1], *others[name])


def _way(took: Sequence[float]) -> str:
    """Return the simplest way of those that are about as quick as the quickest."""
    ways = zip(WAYS, took, strict=True)
    return next(way for way, needed in ways if needed <= CLOSE * min(took))


def oracle(case: str, parameters: Mapping[str, float], seed: int) -> dict[str, Array]:
    """Work out the right answer in one thread.

    Returns
    -------
    dict of str to numpy.ndarray
        What `materialise` gives for a right result. For a prediction, under ``slip:<name>``, what
        common slips give; for a COST the ``curve`` (workers,), ``alone`` () and ``work`` (), and
        whether more workers than there are would win, ``beyond`` (); for a choice the measured
        seconds ``took`` (3,), ``about``, ``group`` and ``gil`` (). For tables ``seconds``, the CPU
        time of a loop over them.
    """
    if case.startswith("seconds"):
        question = _to_predict(case, seed)
        slips = {f"slip:{name}": np.array(value) for name, value in _slips(*question).items()}
        return {"predicted": np.array(_seconds(*question)), **slips}
    if case.startswith("cost"):
        job, task, bandwidth = _to_beat(case, seed)
        every = range(1, MOST + 1)
        curve = np.array([_seconds(job, w, task, bandwidth) for w in every])
        beyond = np.array(bool(curve.min() < job["alone"]))
        curve = curve[: _most(case, seed)]
        winners = np.flatnonzero(curve < job["alone"]) + 1
        return {
            "workers": np.array(float(winners[0]) if len(winners) else -1.0),
            "none": np.array(not len(winners)),
            "curve": curve,
            "beyond": beyond,
            "alone": np.array(job["alone"]),
            "work": np.array(job["work"]),
        }
    if case.startswith("choose"):
        name = _drawn(case, seed)
        took = _took(name)
        return {
            "way": np.array(_way(took)),
            "about": np.array(JOBS[name][1]),
            "took": np.array(took),
            "group": np.array(JOBS[name][0]),
            "gil": np.array(JOBS[name][3]),
        }
    model, tables = _model(parameters, seed), _tables(case, parameters, seed)
    # Threads of BLAS that wait for a core count as computing.
    with threadpool_limits(1):
        began = time.process_time()
        fitted = [_fit(table, model) for table in tables]
        spent = time.process_time() - began
    return {**_read_models(fitted), "seconds": np.array(spent)}


def compare(case: str, truth: Mapping[str, Array], answer: Mapping[str, Array]) -> kit.Comparison:
    """Judge an answer by the truth."""
    if case.startswith("seconds"):
        return kit.comparison(*_judge_seconds(truth, answer))
    if case.startswith("cost"):
        return kit.comparison(*_judge_cost(truth, answer))
    if case.startswith("choose"):
        return kit.comparison(*_judge_choice(truth, answer))
    return kit.comparison(*_judge_models(truth, answer))


def _judge_seconds(truth: Mapping[str, Array], answer: Mapping[str, Array]) -> Verdict:
    right = float(truth["predicted"])
    expected = f"{right:.4f} s"
    found = kit.single(answer.get("predicted"))
    if found is None:
        return False, expected, "no number that could be read", None
    rounded = any(isclose(found, round(right, digits), rel_tol=1e-12) for digits in DIGITS)
    if rounded or isclose(found, right, rel_tol=TOLERANCE):
        return True, expected, expected, None
    slips = (
        name.removeprefix("slip:").partition(" ")[0]
        for name in truth
        if name.startswith("slip:") and isclose(found, float(truth[name]), rel_tol=TOLERANCE)
    )
    return False, expected, f"{found:.4f} s", next(slips, None)


def _judge_cost(truth: Mapping[str, Array], answer: Mapping[str, Array]) -> Verdict:
    curve, alone = truth["curve"], float(truth["alone"])
    right = None if truth["none"] else int(truth["workers"])
    reason = (
        f"none of up to {len(curve)} workers takes less than the {alone:.2f} s of one thread"
        if right is None
        else f"{_on(curve, right)}, less than the {alone:.2f} s of one thread, and fewer do not"
    )
    expected = f"{right}: {reason}"
    none, found = kit.single(answer.get("none"), "b"), kit.single(answer.get("workers"))
    if none is None or found is None:
        return False, expected, "no number of workers that could be read", None
    if none:
        return right is None, expected, "None", _none_given(curve, alone, right)
    if found == right:
        return True, expected, f"{right}", None
    if not (found == found // 1 and 1 <= found <= len(curve)):
        mistake = "none_is_none" if right is None else None
        mistake = "counted_from_zero" if right == found + 1 else mistake
        if found > len(curve) and truth["beyond"]:
            mistake = "beyond_most"
        if np.isclose(curve, found, rtol=TOLERANCE).any():
            mistake = "time_returned"
        return False, expected, f"{found:g}", mistake
    got = f"{found:g}: {_on(curve, int(found))}"
    named = _number_given(curve, alone, float(truth["work"]), right, int(found))
    return False, expected, got, named


def _none_given(curve: Array, alone: float, right: int | None) -> str | None:
    """Name the mistake of an answer that no number of workers wins."""
    if right is None:
        return None
    if right == len(curve):
        return "most_left_out"
    doubled = 2 ** np.arange(len(curve).bit_length())
    return "gave_up" if (curve[doubled - 1] < alone).any() else "leapt_over"


def _number_given(
    curve: Array, alone: float, work: float, right: int | None, found: int
) -> str | None:
    """Name the mistake of a wrong number of workers, none above those available."""
    best = int(np.argmin(curve)) + 1
    if curve[found - 1] == alone:
        return "tie"
    if right is None:
        return "none_is_none"
    if right == found + 1:
        return "counted_from_zero"
    if right == 1:
        return "one_left_out" if found == 2 else "leapt_over"
    if found == best:
        return "quickest_number"
    # With the tasks and the travel of one worker, or without.
    if any(found in np.flatnonzero(curve < own)[:1] + 1 for own in (curve[0], work)):
        return "own_baseline"
    return "leapt_over" if curve[found - 1] < alone else None


def _on(curve: Array, workers: int) -> str:
    verb = "worker takes" if workers == 1 else "workers take"
    return f"{workers} {verb} {curve[workers - 1]:.2f} s"


def _judge_choice(truth: Mapping[str, Array], answer: Mapping[str, Array]) -> Verdict:
    right = str(truth["way"])
    took = dict(zip(WAYS, truth["took"].tolist(), strict=True))
    measured = ", ".join(f"{way} {_time(needed)}" for way, needed in took.items())
    expected = f"{right} for {truth['about']} (measured: {measured})"
    found = kit.single(answer.get("way"), "U")
    if found is None:
        return False, expected, "no text that could be read", None
    if found == right:
        return True, expected, found, None
    if found not in WAYS:
        return False, expected, f"{found!r}, which is none of the three", None
    return False, expected, found, _misjudged(str(truth["group"]), found, bool(truth["gil"]))


def _misjudged(group: str, found: str, gil: bool) -> str:
    """Name the mistake of a wrong choice."""
    if found == "serial":
        return "memory_shared" if group == "shared memory" else "cores_idle"
    if group == "single":
        return "one_piece"
    if found == "threads" and gil:
        return "lock_forgotten"
    if group in ("heavy", "shared memory"):
        return "travel_forgotten"
    return "simpler_will_do" if group == "lock free" else "tasks_forgotten"


def _judge_models(truth: Mapping[str, Array], answer: Mapping[str, Array]) -> Verdict:
    coef, intercept = truth["coef"], truth["intercept"]
    kind = str(truth["kinds"][0])
    expected = f"{len(coef)} models of class {kind}, each fitted to its own table"
    found, offset, kinds = (answer.get(part) for part in ("coef", "intercept", "kinds"))
    if not kit.is_array(found, "f") or not kit.is_array(offset, "f") or found.ndim != 2:
        return False, expected, "no models that could be read", None
    if len(found) != len(coef):
        return False, expected, f"{len(found)} models", _miscounted(found, coef)
    if found.shape != coef.shape or offset.shape != intercept.shape:
        return False, expected, f"models with {found.shape[1]} weights", None
    if not kit.is_array(kinds, "U") or kinds.shape != intercept.shape:
        return False, expected, "no models that could be read", None
    others = [str(each) for each in kinds if str(each) != kind]
    if others:
        return False, expected, f"a model of class {others[0]}", None
    got, right = np.column_stack([found, offset]), np.column_stack([coef, intercept])
    wrong = np.flatnonzero(~_same(got, right).all(axis=1))
    if not wrong.size:
        return True, expected, f"{len(coef)} models, all right", None
    mistake = None
    if len(coef) > 1 and _same(got, right[-1]).all():
        mistake = "one_model"
    elif _same(_sorted(got), _sorted(right)).all():
        mistake = "other_order"
    words = kit.wrong_rows("models", wrong, got[:, 0], right[:, 0], lambda w: f"{w:.4g}")
    return False, expected, f"{words} for its first weight", mistake


def _miscounted(found: Array, coef: Array) -> str | None:
    """Name the mistake of too few or too many models."""
    both = min(len(found), len(coef))
    if not both or found.shape[1] != coef.shape[1] or not _same(found[-both:], coef[-both:]).all():
        return None
    return "first_dropped" if len(found) < len(coef) else "first_twice"


def _same(got: Array, right: Array) -> Array:
    same: Array = np.isclose(got, right, rtol=TOLERANCE, atol=1e-9)
    return same


def _sorted(rows: Array) -> Array:
    found: Array = rows[np.argsort(rows[:, 0], kind="stable")]
    return found


def _time(needed: float) -> str:
    return f"{needed:.2f} s" if needed >= 0.1 else f"{needed * 1e3:.0f} ms"
