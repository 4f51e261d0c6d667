"""The inputs of ex01, the right answers, and how a student's answer is judged.

Messages are in an invented language: words of one to three syllables, used with Zipf's
frequencies (the word of rank r about 1/r as often as the commonest). Every topic has its own
favourite words, drawn once and for all, so that small and large corpora have the same topics;
the seed decides which messages are written.

`autograder.author.kit` says what each function has to do, and where it runs.
"""

from __future__ import annotations

import json
import time
from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from typing import Any

import numpy as np
from sklearn.base import clone
from sklearn.feature_extraction.text import HashingVectorizer, TfidfTransformer
from sklearn.linear_model import SGDClassifier
from sklearn.model_selection import GridSearchCV, KFold, ParameterGrid
from sklearn.pipeline import Pipeline

from autograder.author import kit
from autograder.author.kit import Array, Verdict
from autograder.formats import apart, brief

FOLDS = 3
VOCABULARY = 20_000
ZIPF = 1.05
"""Exponent of the word frequencies; natural languages have about 1."""
FAVOURITES, BOOST = 400, 8.0
"""How many favourite words a topic has, and how many times as often it uses them. With these,
searches on the sizes of ``exercise.toml`` score between 0.5 and 0.9: no two candidates agree
on all messages, and neither the true topics nor another seed's scores pass as an answer."""
TOPICS = np.array(["boats", "cooking", "gardens", "maps", "music", "rockets", "trains", "weather"])
WORDS_IN_MESSAGE = 120
"""Median; the lengths are log-normal, as those of letters and comments are."""
SYLLABLES = [consonant + vowel for consonant in "bdfgklmnprst" for vowel in "aeiou"]
TRIED_ON = (240, 120)
"""Messages that a returned pipeline is fitted on, and others whose labels it is asked for."""
TOLERANCE = 1e-6
"""Far above the rounding of a mean, far below one message more or less."""
NOTEBOOK_GRID = {"vect__binary": [False, True], "clf__alpha": [1e-3, 1e-4, 1e-5]}
"""The grid of the notebook's own search; no case has it."""
HARMLESS = frozenset({"memory", "n_jobs", "steps", "transform_input", "verbose"})
"""Settings that do not change what is learned; ``steps`` are compared by name and class."""
OTHER_SCORES = ("f1_macro", "balanced_accuracy")
"""Metrics that a search may use by mistake, and that its scores give away."""


# ------------------------------------------------------------------------------- in the box


def prepare(case: str, parameters: Mapping[str, float], seed: int) -> tuple[tuple[Any, ...], int]:
    """Make pipeline, grid, messages and labels (messages,); nothing for ``pipeline``.

    The parameters are ``messages``, ``topics`` and how many ``alphas`` are searched.
    """
    if case == "pipeline":
        return (), 0
    documents, labels = _corpus(case, parameters, seed)
    size = sum(map(len, documents)) + labels.nbytes
    return (_given(seed), _grid(case, int(parameters["alphas"])), documents, labels), size


def materialise(case: str, result: Any) -> dict[str, Array]:
    """Turn what the student's function returned into plain arrays.

    Returns
    -------
    dict of str to numpy.ndarray
        For a pipeline ``names`` and ``kinds`` (steps,), ``settings`` (settings,) as
        ``name=value``, ``random_state`` () as text and ``labels`` (messages,); for a search
        ``candidates`` (candidates,) and ``best`` () as JSON, ``scores`` (candidates,), ``folds``
        (), ``refitted`` () and ``function`` (), whether its scoring= is a function. Never of
        object dtype.
    """
    return _try_pipeline(result) if case == "pipeline" else _read_search(result)


def warm() -> None:
    """Do every operation once on a few messages, so that no case pays for imports."""
    import joblib

    documents, labels = _write(0, 0, 60, 2)
    kit.on_each_worker(_fit, documents, labels)
    with joblib.parallel_config("dask"):
        GridSearchCV(_pipeline(0), _grid("search_words", 3), cv=2, refit=False).fit(
            documents, labels
        )


def _fit(documents: list[str], labels: Array) -> None:
    _pipeline(0).fit(documents, labels).score(documents, labels)


def _try_pipeline(result: Any) -> dict[str, Array]:
    """Say what a returned pipeline consists of, and what it learns from a few messages."""
    contract = "build_pipeline must return a Pipeline"
    if not isinstance(result, Pipeline):
        raise TypeError(f"{contract}; it returned {kit.kind_or_class(result)}.")
    train, test = TRIED_ON
    documents, labels = _write(20, 26, train + test, len(TOPICS))
    settings = _settings_of(result)
    fitted = result.fit(documents[:train], labels[:train])
    return {
        "names": np.array([str(name) for name, _ in result.steps]),
        "kinds": np.array([type(step).__name__ for _, step in result.steps]),
        "settings": np.array(settings, dtype=str),
        "random_state": np.array(str(getattr(result.steps[-1][1], "random_state", None))),
        "labels": _plain(fitted.predict(documents[train:]), contract),
    }


def _settings_of(pipeline: Pipeline) -> list[str]:
    """Write out the settings of all steps, as in ``clf__tol=None``."""
    return sorted(
        f"{step}__{name}={_plain_number(value)!r}"
        for step, estimator in pipeline.steps
        if hasattr(estimator, "get_params")
        for name, value in estimator.get_params(deep=False).items()
        if name not in HARMLESS
    )


def _plain_number(value: Any) -> Any:
    """Return a NumPy number as a Python one: np.power(2, 16) is as good as 2**16."""
    return value.item() if isinstance(value, np.generic) else value


def _read_search(result: Any) -> dict[str, Array]:
    contract = "search must return a fitted GridSearchCV"
    if result is None or isinstance(result, type):
        raise TypeError(f"{contract}; it returned {kit.kind_or_class(result)}.")
    try:
        table, folds = result.cv_results_, result.n_splits_
        candidates = [_as_json(candidate) for candidate in table["params"]]
        scores = np.asarray(table["mean_test_score"], dtype=np.float64)
        # dask_ml's GridSearchCV has no best_params_ if nothing is refitted.
        best = getattr(result, "best_params_", None) or table["params"][int(np.argmax(scores))]
        number = int(folds)
        chosen = _as_json(best)
    except (AttributeError, KeyError, TypeError, ValueError, IndexError) as error:
        raise TypeError(
            f"{contract}; it returned {kit.kind_or_class(result)} without the results of one "
            f"({error})."
        ) from error
    return {
        "candidates": np.array(candidates, dtype=str),
        "scores": scores,
        "best": np.array(chosen),
        "folds": np.array(number),
        "refitted": np.array(hasattr(result, "best_estimator_")),
        "function": np.array(callable(getattr(result, "scoring", None))),
    }


def _as_json(candidate: Mapping[str, Any]) -> str:
    """Write a candidate as text, the same whatever the order and the number types."""

    def plain(value: Any) -> Any:
        return value.item() if hasattr(value, "item") else repr(value)

    return json.dumps(dict(candidate), sort_keys=True, default=plain)


def _plain(labels: Any, contract: str) -> Array:
    """Labels as an array that can be stored without pickling."""
    values = np.asarray(labels)
    if values.dtype.hasobject or values.dtype.kind == "T":
        raise TypeError(f"{contract}; the labels that it gives are Python objects.")
    return values


# ------------------------------------------------------------------ on both sides, no Dask


def _corpus(case: str, parameters: Mapping[str, float], seed: int) -> tuple[list[str], Array]:
    """Make messages and their labels: words in one case, numbers in the other."""
    documents, labels = _write(seed, 0, int(parameters["messages"]), int(parameters["topics"]))
    if case == "search_words":
        return documents, labels
    return documents, np.searchsorted(TOPICS, labels)


def _write(seed: int, stream: int, messages: int, topics: int) -> tuple[list[str], Array]:
    """Write some messages; a list of str, and the names of their topics (messages,)."""
    generator = np.random.default_rng([seed, stream])
    words, frequencies = _words(), _frequencies()
    about = generator.integers(topics, size=messages)
    lengths = generator.lognormal(np.log(WORDS_IN_MESSAGE), 0.5, size=messages).astype(int) + 10
    documents = [
        " ".join(words[np.searchsorted(frequencies[topic], generator.random(length))])
        for topic, length in zip(about, lengths, strict=True)
    ]
    return documents, TOPICS[about]


@cache
def _words() -> Array:
    """Spell the vocabulary by rank; the commonest words are the shortest."""

    def spell(rank: int) -> Iterator[str]:
        while rank >= 0:
            yield SYLLABLES[rank % len(SYLLABLES)]
            rank = rank // len(SYLLABLES) - 1

    return np.array(["".join(spell(rank)) for rank in range(VOCABULARY)])


@cache
def _frequencies() -> Array:
    """Return the cumulative frequencies of the words in every topic, (topics, words)."""
    frequencies = np.tile(1.0 / np.arange(1, VOCABULARY + 1) ** ZIPF, (len(TOPICS), 1))
    for topic, row in enumerate(frequencies):
        # The commonest words, "the" and "and", belong to no topic.
        rare = np.arange(len(SYLLABLES), VOCABULARY)
        row[np.random.default_rng([1, topic]).choice(rare, FAVOURITES, replace=False)] *= BOOST
    cumulative = np.cumsum(frequencies, axis=1)
    cumulative /= cumulative[:, -1:]
    cumulative[:, -1] = 1.0
    return cumulative


def _pipeline(random_state: int) -> Pipeline:
    # Set by name: the installed code does not spell out the student's answer.
    kinds = {"vect": HashingVectorizer, "tfidf": TfidfTransformer, "clf": SGDClassifier}
    settings = {"vect__n_features": 2**16, "clf__max_iter": 5, "clf__tol": None}
    pipeline = Pipeline([(name, kind()) for name, kind in kinds.items()])
    return pipeline.set_params(**settings, clf__random_state=random_state)


def _given(seed: int) -> Pipeline:
    """Make the pipeline that search gets: not that of build_pipeline, but one like it."""
    return _pipeline(random_state=1 + seed % 1000)


def _grid(case: str, alphas: int) -> dict[str, list[Any]]:
    alpha = np.logspace(-3, -5, alphas).tolist()
    if case == "search_words":
        return {"tfidf__norm": ["l1", "l2"], "clf__alpha": alpha}
    # A setting of the first step: what comes before the classifier has to be searched, too.
    return {"vect__binary": [False, True], "clf__alpha": alpha}


# ------------------------------------------------------------------------------ outside


def oracle(case: str, parameters: Mapping[str, float], seed: int) -> dict[str, Array]:
    """Work out the right answer on one core, with scikit-learn alone.

    Returns
    -------
    dict of str to numpy.ndarray
        What `materialise` gives for a right result. For a search also, under ``seconds``, how
        long it took and, under ``mistake:<name>``, the scores of the candidates (candidates,) with
        a known mistake; ``mistake:fitted_on_all`` is for features made of all messages, including
        those held out.
    """
    if case == "pipeline":
        return _try_pipeline(_pipeline(random_state=0))
    documents, labels = _corpus(case, parameters, seed)
    grid = _grid(case, int(parameters["alphas"]))
    search = GridSearchCV(_given(seed), grid, cv=FOLDS, refit=False)
    began = time.perf_counter()
    search.fit(documents, labels)
    seconds = np.array(time.perf_counter() - began)
    leaked = _leak(grid, _given(seed), documents, labels)
    candidates = search.cv_results_["params"]
    # Only in the small case, which is judged first: each of these is a further search.
    telling = _mistaken(grid, seed, documents, labels) if case == "search_words" else {}
    return {
        **_read_search(search),
        "seconds": seconds,
        "mistake:fitted_on_all": np.array([leaked[_as_json(each)] for each in candidates]),
        **{f"mistake:{name}": scores for name, scores in telling.items()},
    }


def _mistaken(
    grid: Mapping[str, Sequence[Any]], seed: int, documents: list[str], labels: Array
) -> dict[str, Array]:
    """Score some candidates with searches that differ from the one that was asked for.

    Two candidates are enough to tell the searches apart, and a self-check waits for this. The
    scores of the others are nan.
    """
    few = {name: [values[0]] for name, values in grid.items()}
    few["clf__alpha"] = [grid["clf__alpha"][0], grid["clf__alpha"][-1]]
    everything = np.arange(len(documents))

    def table(pipeline: Pipeline, **options: Any) -> dict[str, Array]:
        tuner = GridSearchCV(pipeline, few, refit=False, **options)
        found: dict[str, Array] = tuner.fit(documents, labels).cv_results_
        return found

    metrics = ("accuracy", *OTHER_SCORES)
    scores = table(_given(seed), cv=FOLDS, scoring=metrics, return_train_score=True)
    told = {
        "training_scores": scores["mean_train_accuracy"],
        **{name: scores[f"mean_test_{name}"] for name in OTHER_SCORES},
        "plain_folds": table(_given(seed), cv=KFold(FOLDS))["mean_test_score"],
        "tested_on_training": table(_given(seed), cv=[(everything, everything)])["mean_test_score"],
        "own_pipeline": table(_pipeline(random_state=0), cv=FOLDS)["mean_test_score"],
    }
    tried = [_as_json(each) for each in scores["params"]]
    all_of_them = [_as_json(each) for each in ParameterGrid(grid)]
    return {
        name: np.array([dict(zip(tried, found, strict=True)).get(c, np.nan) for c in all_of_them])
        for name, found in told.items()
    }


def _leak(
    grid: Mapping[str, Sequence[Any]], pipeline: Pipeline, documents: list[str], labels: Array
) -> dict[str, float]:
    """Return each candidate's score, by its text, on features made of all messages at once."""
    last = f"{pipeline.steps[-1][0]}__"
    own = {name.removeprefix(last): grid[name] for name in grid if name.startswith(last)}
    scores = {}
    for before in ParameterGrid({name: grid[name] for name in grid if not name.startswith(last)}):
        features = clone(pipeline).set_params(**before)[:-1].fit_transform(documents)
        search = GridSearchCV(pipeline[-1], own, cv=FOLDS, refit=False).fit(features, labels)
        table = search.cv_results_
        for settings, score in zip(table["params"], table["mean_test_score"], strict=True):
            named = {f"{last}{name}": value for name, value in settings.items()}
            scores[_as_json(before | named)] = float(score)
    return scores


def compare(case: str, truth: Mapping[str, Array], answer: Mapping[str, Array]) -> kit.Comparison:
    """Judge an answer by the truth."""
    if case == "pipeline":
        steps = zip(truth["names"], truth["kinds"], strict=True)
        expected = "the steps " + ", ".join(f"{name} ({kind})" for name, kind in steps)
        return kit.comparison(*_judge_pipeline(expected, truth, answer))
    best = _readable(str(truth["best"]))
    expected = (
        f"{len(truth['scores'])} mean test scores over {truth['folds']} folds, just those of a "
        f"search on one core; best {best} with {truth['scores'].max():.4f}"
    )
    return kit.comparison(*_judge_search(expected, truth, answer))


def _judge_pipeline(
    expected: str, truth: Mapping[str, Array], answer: Mapping[str, Array]
) -> Verdict:
    for part, wanted in (("names", "names"), ("kinds", "classes")):
        steps = _words_of(answer.get(part))
        if steps is None:
            return False, expected, "no steps that could be read", None
        if steps != truth[part].tolist():
            return False, expected, f"steps of the {wanted} {_listed(steps)}", None
    state = _words_of(answer.get("random_state"))
    if state is None or state != [str(truth["random_state"])]:
        said = _listed(state or ["nothing"])
        mistake = "no_random_state" if state == ["None"] else "other_random_state"
        return False, f"random_state={truth['random_state']} in clf", said, mistake
    settings = _words_of(answer.get("settings"))
    if settings is None:
        return False, expected, "no settings that could be read", None
    other = [each for each in settings if each not in truth["settings"].tolist()]
    if other:
        by_name = dict(each.split("=", 1) for each in truth["settings"].tolist())
        names = [each.split("=", 1)[0] for each in other]
        asked = _listed([f"{name}={by_name[name]}" for name in names if name in by_name])
        mistake = "tol_left" if names == ["clf__tol"] else "other_settings"
        return False, f"{expected}, with {asked}", _listed(other), mistake
    labels = answer.get("labels")
    if not isinstance(labels, np.ndarray) or labels.shape != truth["labels"].shape:
        return False, expected, "a pipeline that gives no label for every message", None
    right = labels.tolist() == truth["labels"].tolist()
    if labels.dtype.kind != "U" or not right:
        wrong = sum(a != b for a, b in zip(labels.tolist(), truth["labels"].tolist(), strict=True))
        said = f"steps that learn something else: {wrong} of {len(labels)} labels differ"
        return False, f"{expected}, of scikit-learn's own classes", said, None
    return True, expected, "just these steps, and the right labels", None


def _judge_search(
    expected: str, truth: Mapping[str, Array], answer: Mapping[str, Array]
) -> Verdict:
    candidates, scores = _words_of(answer.get("candidates")), answer.get("scores")
    best, folds = _words_of(answer.get("best")), answer.get("folds")
    if (
        candidates is None
        or best is None
        or not kit.is_array(scores, "f")
        or scores.shape != (len(candidates),)
    ):
        return False, expected, "no mean test scores that could be read", None
    right = dict(zip(truth["candidates"].tolist(), truth["scores"].tolist(), strict=True))
    if sorted(candidates) != sorted(right):
        said = _other_candidates(candidates, list(right))
        mistake = _is_leak(truth, candidates, scores) or _is_notebook_s(candidates)
        return False, expected, said, mistake
    if not kit.is_array(folds, "iu") or folds.shape != ():
        return False, expected, "no number of folds", None
    known = _known_scores(truth, candidates, scores)
    if folds != truth["folds"]:
        said = f"scores over {int(folds)} fold{'s' if folds != 1 else ''}"
        return False, expected, said, known or "other_folds"
    if np.isnan(scores).all() and kit.single(answer.get("function"), "b"):
        return False, expected, "nan for every candidate: no score at all", "metric_for_scorer"
    for candidate, score in zip(candidates, scores.tolist(), strict=True):
        if not abs(score - right[candidate]) < TOLERANCE:  # nan compares false
            got, wanted = apart(score, right[candidate])
            said = f"{got}, not {wanted}, for {_readable(candidate)}"
            return False, expected, said, _is_leak(truth, candidates, scores) or known
    # If several candidates have the best score, any of them may be called the best.
    if len(best) != 1 or right.get(best[0], -np.inf) < max(right.values()) - TOLERANCE:
        said = f"the right scores, but {_readable(best[0]) if best else 'nothing'} as the best"
        return False, expected, said, None
    if kit.single(answer.get("refitted"), "b") is not False:
        said = "the right scores, and one training more: the best candidate's, on all messages"
        return False, f"{expected}; refit=False", said, "refitted"
    return True, expected, f"{len(scores)} scores, all right; best {_readable(best[0])}", None


def _is_leak(truth: Mapping[str, Array], candidates: Sequence[str], scores: Array) -> str | None:
    """Name the mistake if the scores come from features that were made of all messages.

    If the features are made first, only the classifier is searched: its settings then have no
    prefix, and those of the other steps are missing, so they are as in the given pipeline.
    """
    wanted = [_bare(candidate) for candidate in truth["candidates"].tolist()]
    default = _bare(json.dumps(_pipeline(0).get_params(), default=repr))
    given = {name: default[name] for name in wanted[0]}
    full = [given | _bare(candidate) for candidate in candidates]
    if not full or not all(candidate in wanted for candidate in full):
        return None
    places = [wanted.index(candidate) for candidate in full]
    told = np.abs(scores - truth["mistake:fitted_on_all"][places]) < TOLERANCE
    right = np.abs(scores - truth["scores"][places]) < TOLERANCE
    return "fitted_on_all" if told.all() and not right.all() else None


def _known_scores(
    truth: Mapping[str, Array], candidates: Sequence[str], scores: Array
) -> str | None:
    """Name the mistake whose scores these are, candidate by candidate."""
    places = [truth["candidates"].tolist().index(candidate) for candidate in candidates]
    own = {name: value for name, value in truth.items() if name != "mistake:fitted_on_all"}
    right = truth["scores"][places]

    def same(told: Array) -> bool:
        tried = np.isfinite(told[places])
        alike = np.abs(scores - told[places])[tried] < TOLERANCE
        other = np.abs(right - told[places])[tried] > TOLERANCE
        return bool(alike.all() and other.any())

    return kit.known_mistake(own, same)


def _is_notebook_s(candidates: Sequence[str]) -> str | None:
    """Name the mistake if the notebook's own grid was searched."""
    own = [_as_json(each) for each in ParameterGrid(NOTEBOOK_GRID)]
    return "notebook_grid" if sorted(candidates) == sorted(own) else None


def _bare(candidate: str) -> dict[str, Any]:
    """Return the settings of a candidate by name, without the prefix of the step."""
    settings = _settings(candidate) or {}
    return {name.rpartition("__")[2]: value for name, value in settings.items()}


def _settings(candidate: str) -> dict[str, Any] | None:
    try:
        settings = json.loads(candidate)
    except (ValueError, RecursionError):
        return None
    return settings if isinstance(settings, dict) else None


def _other_candidates(got: Sequence[str], wanted: Sequence[str]) -> str:
    missing = [candidate for candidate in wanted if candidate not in got]
    strange = [candidate for candidate in got if candidate not in wanted]
    said = f"{len(got)} candidates instead of {len(wanted)}"
    if len(got) == len(wanted):
        said = f"{len(got)} candidates, but of another grid than the one that was handed over"
    if missing:
        return f"{said}; {_readable(missing[0])} was not tried"
    return f"{said}; {_readable(strange[0])} is not in the grid" if strange else said


def _words_of(value: Any) -> list[str] | None:
    """Return the texts of an array; None if it has anything else."""
    if not kit.is_array(value, "U") or value.ndim > 1:
        return None
    return [str(word) for word in value.reshape(-1)]


def _readable(candidate: str) -> str:
    """Show a candidate as a student writes it: ``clf__alpha=1e-05, vect__binary=True``."""
    settings = _settings(candidate)
    if settings is None:
        return candidate[:80]
    parts = [f"{name}={_short(value)}" for name, value in settings.items()]
    return ", ".join(parts)[:120]


def _short(value: Any) -> str:
    """Write a setting for a reader: 9.999999999999999e-06 as 1e-05."""
    return brief(value) if isinstance(value, float) else repr(value)


def _listed(words: Sequence[str]) -> str:
    return ", ".join(word[:40] for word in words[:6]) or "nothing"
