"""The inputs of ex08, the right answers, and how a student's answer is judged.

The fields of the search follow one rule: their yield is a sum of twenty measurements with fixed
weights, and noise. The forest's fields have four measurements and come from two regions. In one,
the yield follows one measurement and is very noisy, so that a forest of large leaves is best; in
the other it goes in waves and is nearly free of noise, so that large leaves blur it. The seed
decides which fields are drawn. With few rows, no forest can make large leaves: a search that begins
with few rows drops the best candidate of the first region.

`autograder.author.kit` says what each function has to do, and where it runs.
"""

from __future__ import annotations

import json
import time
from collections.abc import Mapping, Sequence
from math import ceil, floor, log
from typing import Any

import numpy as np
from sklearn.ensemble import RandomForestRegressor
from sklearn.linear_model import SGDRegressor
from sklearn.model_selection import GridSearchCV

from autograder.author import kit
from autograder.author.kit import Array, Verdict

FACTOR = 3
FOLDS = 2
"""Folds of the search."""
FOREST_FOLDS = 3
MEASUREMENTS = 20
WEIGHTS = np.random.default_rng(8).normal(size=MEASUREMENTS)
NOISE = 1.0
"""Standard deviation; the yield without noise has 1, so the best candidates explain half."""
STEPS = (0.0003, 0.001, 0.003)
"""Step sizes of the linear model. All candidates take the same time."""
LEAVES = (1, 2, 3, 4, 5, 6, 7, 8)
"""Sizes of leaves, besides one large one, `_large_leaf`."""
FOREST_MEASUREMENTS = 4
FOREST_NOISE = {"forest_noisy": 1.6, "forest_clear": 0.3}
TOLERANCE = 1e-6
"""Far above the rounding of a mean, far below another candidate's score."""
CLOSE = 0.01
"""How far the winner's score may be below the best one: candidates that differ by less are equally
good. Over 8 seeds the large leaf was ahead of all others by 0.035 to 0.062 where the yield
is noisy, and 0.27 to 0.33 behind where it is not."""


# ------------------------------------------------------------------------------- in the box


def prepare(case: str, parameters: Mapping[str, float], seed: int) -> tuple[tuple[Any, ...], int]:
    """Make the four numbers of a budget, or a model, its settings to try, and the fields.

    The parameters are ``rows``, for the search ``passes``, ``alphas``, ``steps`` and ``rungs``
    (rows over those of the first rung), for the forest ``trees``.
    """
    if case.startswith("budget"):
        return _question(case, seed), 0
    rows = int(parameters["rows"])
    if case.startswith("forest"):
        X, y = _forest_fields(case, seed, rows)
        model, settings = _forest(seed, parameters), _leaves(seed)
        return (model, settings, X, y), X.nbytes + y.nbytes
    X, y = _fields(seed, rows)
    smallest = _smallest(parameters)
    return (_linear(seed, parameters), _grid(parameters), X, y, smallest), X.nbytes + y.nbytes


def materialise(case: str, result: Any) -> dict[str, Array]:
    """Turn what the student's function returned into plain arrays.

    Returns
    -------
    dict of str to numpy.ndarray
        For a budget ``rungs`` (rungs, 2) and ``total`` (); for a search ``candidates`` (trials,) as
        JSON, ``scores`` (trials,), ``rung`` and ``resources`` (trials,) if it has them, ``best``
        () as JSON, ``folds`` (), ``random_state`` () as text, ``refitted`` (), and ``function``
        (), whether its scoring= is a function; for a forest ``best`` ().
    """
    if case.startswith("budget"):
        return _read_budget(result)
    if case.startswith("forest"):
        contract = "search_forest must return the settings of the best candidate, a dict"
        if not isinstance(result, Mapping):
            raise TypeError(f"{contract}; it returned {kit.kind_or_class(result)}.")
        return {"best": np.array(_as_json(result))}
    return _read_search(result)


def warm() -> None:
    """Do every operation once on a few rows, so that no case pays for imports."""
    import joblib
    from sklearn.experimental import enable_halving_search_cv  # noqa: F401
    from sklearn.model_selection import HalvingGridSearchCV

    sizes = {"rows": 72, "passes": 2, "alphas": 3, "steps": 1, "rungs": 3, "trees": 2}
    (model, grid, X, y, smallest), _ = prepare("search_odd", sizes, 0)
    kit.on_each_worker(_fit, model, X, y)
    kit.on_each_worker(_fit, _forest(0, sizes), X, y)
    search = HalvingGridSearchCV(model, grid, cv=2, min_resources=smallest, refit=False)
    with joblib.parallel_config("dask"):
        search.fit(X, y)


def _fit(model: Any, X: Array, y: Array) -> None:
    model.fit(X, y).score(X, y)


def _read_budget(result: Any) -> dict[str, Array]:
    contract = (
        "budget must return two things: a list of rungs, each (candidates, resources), and the "
        "total of resources"
    )
    if not isinstance(result, tuple | list) or len(result) != 2:
        raise TypeError(f"{contract}; it returned {kit.kind_or_class(result)}.")
    rungs, total = result
    try:
        numbers = np.asarray([[float(number) for number in rung] for rung in rungs])
    except (TypeError, ValueError) as error:
        raise TypeError(f"{contract}; its first is {kit.kind(rungs)} of something else.") from error
    if numbers.ndim != 2 or numbers.shape[1] != 2:
        raise TypeError(f"{contract}; its first is an array of shape {numbers.shape}.")
    return {"rungs": numbers, "total": kit.number(total, f"{contract}, the second a number")}


def _read_search(result: Any) -> dict[str, Array]:
    contract = "search must return a fitted HalvingGridSearchCV"
    if result is None or isinstance(result, type):
        raise TypeError(f"{contract}; it returned {kit.kind_or_class(result)}.")
    try:
        table = result.cv_results_
        answer = {
            "candidates": np.array([_as_json(candidate) for candidate in table["params"]], str),
            "scores": np.asarray(table["mean_test_score"], dtype=np.float64),
            "best": np.array(_as_json(result.best_params_)),
            "folds": np.array(int(result.n_splits_)),
            "random_state": np.array(str(getattr(result, "random_state", None))),
            "refitted": np.array(hasattr(result, "best_estimator_")),
            "function": np.array(callable(getattr(result, "scoring", None))),
        }
        for name, column in (("rung", "iter"), ("resources", "n_resources")):
            if column in table:
                answer[name] = np.asarray(table[column], dtype=np.int64)
    except (AttributeError, KeyError, TypeError, ValueError, IndexError) as error:
        raise TypeError(
            f"{contract}; it returned {kit.kind_or_class(result)} without the results of one "
            f"({error})."
        ) from error
    return answer


def _as_json(candidate: Mapping[Any, Any]) -> str:
    """Write a candidate as text, the same whatever the order and the number types."""

    def plain(value: Any) -> Any:
        return value.item() if hasattr(value, "item") else repr(value)

    named = {str(name): value for name, value in candidate.items()}
    return json.dumps(named, sort_keys=True, default=plain)


# ------------------------------------------------------------------ on both sides, no Dask


def _question(case: str, seed: int) -> tuple[int, int, int, int]:
    """Draw candidates, factor, the resources of the first rung, and the most that the last gets."""
    generator = np.random.default_rng([seed, sum(map(ord, case))])
    while True:
        factor = int(generator.integers(2, 5))
        smallest = int(generator.integers(11, 90))
        if case == "budget_candidates":
            candidates = int(generator.integers(20, 90))
            largest = int(generator.integers(50_000, 90_000))
        elif case == "budget_exact":
            power, smallest = int(generator.integers(3, 5)), int(generator.integers(90, 9_000))
            candidates, largest = factor**power, smallest * factor**power
        else:
            candidates = int(generator.integers(120, 400))
            largest = int(smallest * generator.uniform(factor + 0.5, factor**2 + factor))
        # No numbers for which rounding the logarithm, as scikit-learn does, changes the rungs.
        clear = all(floor(log(n, factor)) == _powers(n, factor)
                    for n in (candidates, largest // smallest))  # fmt: skip
        if clear and (candidates % factor or case == "budget_exact"):
            return candidates, factor, smallest, largest


def _powers(number: int, factor: int) -> int:
    """Return the largest k with factor**k ≤ number."""
    k = 0
    while factor ** (k + 1) <= number:
        k += 1
    return k


def _fields(seed: int, rows: int) -> tuple[Array, Array]:
    """Draw fields: measurements (rows, 20), and yields (rows,)."""
    generator = np.random.default_rng([seed, 1])
    X = generator.normal(size=(rows, MEASUREMENTS))
    signal = X @ WEIGHTS / np.linalg.norm(WEIGHTS)
    return X, signal + generator.normal(scale=NOISE, size=rows)


def _forest_fields(case: str, seed: int, rows: int) -> tuple[Array, Array]:
    """Draw fields of one of two regions: measurements (rows, 4), and yields (rows,)."""
    generator = np.random.default_rng([seed, 2])
    X = generator.uniform(-1.0, 1.0, size=(rows, FOREST_MEASUREMENTS))
    noisy = case == "forest_noisy"
    signal = X[:, 0] if noisy else np.sin(6 * X[:, 0]) + np.sin(6 * X[:, 1])
    noise = FOREST_NOISE[case] * generator.normal(size=rows)
    return X, signal / signal.std() + noise


def _linear(seed: int, parameters: Mapping[str, float]) -> SGDRegressor:
    return SGDRegressor(
        learning_rate="constant",
        max_iter=int(parameters["passes"]),
        tol=None,
        random_state=1 + seed % 1000,
    )


def _forest(seed: int, parameters: Mapping[str, float]) -> RandomForestRegressor:
    trees = int(parameters["trees"])
    return RandomForestRegressor(n_estimators=trees, random_state=1 + seed % 1000)


def _grid(parameters: Mapping[str, float]) -> dict[str, list[float]]:
    alphas = np.logspace(-5, 0, int(parameters["alphas"])).tolist()
    return {"alpha": alphas, "eta0": list(STEPS[: int(parameters["steps"])])}


def _leaves(seed: int) -> dict[str, list[int]]:
    return {"min_samples_leaf": [*LEAVES, _large_leaf(seed)]}


def _large_leaf(seed: int) -> int:
    # From 2/3 · 1200 / 9 rows, no tree can make two such leaves.
    return 60 + seed % 40


def _smallest(parameters: Mapping[str, float]) -> int:
    return int(parameters["rows"]) // int(parameters["rungs"])


# ------------------------------------------------------------------------------ outside


def oracle(case: str, parameters: Mapping[str, float], seed: int) -> dict[str, Array]:
    """Work out the right answer on one core, with scikit-learn alone.

    Returns
    -------
    dict of str to numpy.ndarray
        What `materialise` gives for a right result; under ``mistake:<name>`` what known mistakes
        give; for a forest ``candidates`` and ``scores`` (candidates,) of the full grid. Under
        ``seconds`` the CPU time of a search that drops candidates early.
    """
    if case.startswith("budget"):
        return _budgets(*_question(case, seed))
    from sklearn.experimental import enable_halving_search_cv  # noqa: F401
    from sklearn.model_selection import HalvingGridSearchCV

    began = time.process_time()
    (model, settings, X, y, *smallest), _ = prepare(case, parameters, seed)
    if smallest:
        search = HalvingGridSearchCV(
            model,
            settings,
            factor=FACTOR,
            cv=FOLDS,
            min_resources=smallest[0],
            random_state=0,
            refit=False,
        ).fit(X, y)
        return {**_read_search(search), "seconds": np.array(time.process_time() - began)}
    HalvingGridSearchCV(
        model,
        settings,
        factor=FACTOR,
        cv=FOREST_FOLDS,
        resource="n_estimators",
        max_resources=model.n_estimators,
        refit=False,
    ).fit(X, y)
    seconds = np.array(time.process_time() - began)
    full = GridSearchCV(model, settings, cv=FOREST_FOLDS, refit=False).fit(X, y)
    return {
        "candidates": np.array([_as_json(each) for each in full.cv_results_["params"]], str),
        "scores": full.cv_results_["mean_test_score"],
        "best": np.array(_as_json(full.best_params_)),
        "seconds": seconds,
    }


def _budgets(candidates: int, factor: int, smallest: int, largest: int) -> dict[str, Array]:
    """Work out a budget, and those that known mistakes give."""
    by_candidates = 1 + _powers(candidates, factor)
    by_data = 1 + _powers(largest // smallest, factor)
    count = min(by_candidates, by_data)

    def rungs(count: int, keep: Any = ceil) -> Array:
        found, left = [], candidates
        for rung in range(count):
            found.append((left, smallest * factor**rung))
            left = max(int(keep(left / factor)), 1)
        return np.array(found, dtype=np.float64)

    right = rungs(count)
    return {
        "rungs": right,
        "total": np.array(right.prod(axis=1).sum()),
        "mistake:last_rung_missing": right[:-1],
        "mistake:rounded_down": rungs(count, floor),
        "mistake:beyond_the_data": rungs(by_candidates),
        "mistake:one_candidate_left": rungs(by_data),
        "full": np.array(float(candidates * largest)),
    }


def compare(case: str, truth: Mapping[str, Array], answer: Mapping[str, Array]) -> kit.Comparison:
    """Judge an answer by the truth."""
    if case.startswith("budget"):
        return kit.comparison(*_judge_budget(truth, answer))
    if case.startswith("forest"):
        return kit.comparison(*_judge_forest(case, truth, answer))
    return kit.comparison(*_judge_search(truth, answer))


def _judge_budget(truth: Mapping[str, Array], answer: Mapping[str, Array]) -> Verdict:
    expected = f"the rungs {_ladder(truth['rungs'])}, {float(truth['total']):,.0f} in all"
    rungs, total = answer.get("rungs"), kit.single(answer.get("total"))
    if not kit.is_array(rungs) or rungs.ndim != 2 or rungs.shape[1] != 2 or total is None:
        return False, expected, "no rungs and total that could be read", None
    if not np.array_equal(rungs, truth["rungs"]):
        mistake = kit.known_mistake(truth, lambda wrong: np.array_equal(wrong, rungs))
        return False, expected, f"the rungs {_ladder(rungs)}", mistake
    if total != float(truth["total"]):
        mistake = "full_grid_total" if total == float(truth["full"]) else None
        return False, expected, f"the right rungs, but {total:,.0f} in all", mistake
    return True, expected, "just these rungs, and the right total", None


def _judge_forest(case: str, truth: Mapping[str, Array], answer: Mapping[str, Array]) -> Verdict:
    scores = dict(zip(truth["candidates"].tolist(), truth["scores"].tolist(), strict=True))
    best = str(truth["best"])
    expected = (
        f"{_readable(best)}, which scores {scores[best]:.3f} with all rows and trees, or another "
        f"candidate that is at most {CLOSE} below it"
    )
    told = _words_of(answer.get("best")) or [""]
    settings = _settings(told[0]) if len(told) == 1 else None
    if settings is None:
        return False, expected, "no settings that could be read", None
    # A search over a resource adds it to the settings.
    names = (_settings(best) or {}).keys()
    chosen = json.dumps({n: settings[n] for n in names if n in settings}, sort_keys=True)
    score = scores.get(chosen)
    if score is None:
        return False, expected, f"{_readable(told[0])}, which is no candidate", None
    got = f"{_readable(chosen)}, which scores {score:.3f} there"
    if scores[best] - score > CLOSE:
        return False, expected, got, "misled" if case == "forest_noisy" else None
    return True, expected, got, None


def _judge_search(truth: Mapping[str, Array], answer: Mapping[str, Array]) -> Verdict:
    right = _rungs_of(truth)
    count = len(truth["scores"])
    expected = (
        f"the rungs {_ladder(right)} over {truth['folds']} folds, and the {count} scores of a "
        f"search on one core; best {_readable(str(truth['best']))}"
    )
    candidates, scores = _words_of(answer.get("candidates")), answer.get("scores")
    best, folds = _words_of(answer.get("best")), kit.single(answer.get("folds"), "iu")
    if (
        candidates is None
        or best is None
        or len(best) != 1
        or folds is None
        or not kit.is_array(scores, "f")
        or scores.shape != (len(candidates),)
    ):
        return False, expected, "no mean test scores that could be read", None
    if "rung" not in answer or "resources" not in answer:
        got = f"{len(candidates)} candidates, each with the whole budget at once"
        return False, expected, got, "full_grid"
    if not all(_fits(answer[part], scores) for part in ("rung", "resources")):
        return False, expected, "no rungs that could be read", None
    if folds != truth["folds"]:
        return False, expected, f"scores over {int(folds)} folds", "other_folds"
    if np.isnan(scores).all() and kit.single(answer.get("function"), "b"):
        return False, expected, "nan for every candidate: no score at all", "metric_for_scorer"
    rungs = _rungs_of(answer)
    if not np.array_equal(rungs, right):
        mistake = "other_budget" if len(rungs) and rungs[0, 0] == right[0, 0] else None
        return False, expected, f"the rungs {_ladder(rungs)}", mistake
    wanted = _trials(truth, truth["candidates"].tolist(), truth["scores"])
    found = _trials(answer, candidates, scores)
    state = _words_of(answer.get("random_state"))
    for trial, score in found.items():
        if trial not in wanted or not abs(score - wanted[trial]) < TOLERANCE:
            mistake = "no_random_state" if state == ["None"] else None
            return False, expected, _other_score(trial, score, wanted), mistake
    if best != [str(truth["best"])]:
        return False, expected, f"the right scores, but {_readable(best[0])} as the best", None
    if kit.single(answer.get("refitted"), "b") is not False:
        got = "the right scores, and one training more: the winner's, on all rows"
        return False, f"{expected}; refit=False", got, "refitted"
    return True, expected, f"{count} scores, all right; best {_readable(best[0])}", None


def _rungs_of(answer: Mapping[str, Array]) -> Array:
    """Return candidates and resources of each rung, (rungs, 2)."""
    rung, resources = answer["rung"], answer["resources"]
    found = [
        (np.count_nonzero(rung == number), resources[rung == number].max())
        for number in np.unique(rung)[:50]
    ]
    return np.array(found, dtype=np.float64).reshape(-1, 2)


def _trials(
    answer: Mapping[str, Array], candidates: Sequence[str], scores: Array
) -> dict[tuple[int, str], float]:
    """Return the score of each candidate by rung."""
    return dict(zip(zip(answer["rung"].tolist(), candidates, strict=True), scores.tolist(),
                    strict=True))  # fmt: skip


def _other_score(
    trial: tuple[int, str], score: float, wanted: Mapping[tuple[int, str], float]
) -> str:
    rung, candidate = trial
    where = f"{_readable(candidate)} in rung {rung}"
    if trial not in wanted:
        return f"{where}, which is not one of those that a search on one core tries there"
    return f"{score:.4f}, not {wanted[trial]:.4f}, for {where}"


def _fits(value: Any, scores: Array) -> bool:
    return kit.is_array(value, "iu") and value.shape == scores.shape


def _settings(candidate: str) -> dict[str, Any] | None:
    try:
        settings = json.loads(candidate)
    except (ValueError, RecursionError):
        return None
    return settings if isinstance(settings, dict) else None


def _words_of(value: Any) -> list[str] | None:
    """Return the texts of an array; None if it has anything else."""
    if not kit.is_array(value, "U") or value.ndim > 1:
        return None
    return [str(word) for word in value.reshape(-1)]


def _readable(candidate: str) -> str:
    """Show a candidate as a student writes it: ``alpha=0.001, eta0=0.003``."""
    settings = _settings(candidate)
    if settings is None:
        return candidate[:80]
    shown = (
        f"{name}={value:.4g}" if isinstance(value, float) else f"{name}={value!r}"
        for name, value in settings.items()
    )
    return ", ".join(shown)[:120]


def _ladder(rungs: Array) -> str:
    """Show rungs as in "27 × 300, 9 × 900"."""
    shown = ", ".join(f"{candidates:g} × {resources:,.0f}" for candidates, resources in rungs[:8])
    return shown + (", …" if len(rungs) > 8 else "")
