import codecs
import pickle
import socket
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from urllib.error import URLError

import jupytext
import numpy as np
import pytest
import small_cases
from recordings import flat, run, task
from sklearn.feature_extraction.text import CountVectorizer
from sklearn.linear_model import SGDClassifier
from sklearn.metrics import accuracy_score
from sklearn.model_selection import (
    GridSearchCV,
    KFold,
    ParameterGrid,
    RandomizedSearchCV,
    ShuffleSplit,
)
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.utils import Bunch

from autograder.diagnose import diagnose
from autograder.exercise import catalogue
from autograder.model import ProcessUsage, Recording, Role
from autograder.replay.makespan import study

NAME = "ex01_distributed_training"
SEED = 11
SMALL = small_cases.SMALL[NAME]
SEARCHES = ["search_words", "search_large"]


# -------------------------------------------------------------------------------- the messages


def test_messages_follow_from_the_seed_and_their_topics_from_nothing_else(cases):
    (_, _, documents, labels), size = cases.prepare("search_large", SMALL["search_large"], SEED)
    (_, _, same, same_labels), _ = cases.prepare("search_large", SMALL["search_large"], SEED)
    assert documents == same and labels.tolist() == same_labels.tolist()
    assert size == sum(map(len, documents)) + labels.nbytes
    assert len(documents) == 120 and set(labels.tolist()) == set(range(8))
    (_, _, others, _), _ = cases.prepare("search_large", SMALL["search_large"], SEED + 1)
    assert not set(documents) & set(others)


def test_words_are_spelt_differently_and_used_as_zipf_says(cases):
    words = cases._words()
    assert len(set(words.tolist())) == len(words)
    (_, _, documents, _), _ = cases.prepare(
        "search_large", {"messages": 300, "topics": 8, "alphas": 2}, SEED
    )
    _, counts = np.unique(" ".join(documents).split(), return_counts=True)
    first, tenth = np.sort(counts)[[-1, -10]]
    assert 7 < first / tenth < 18  # 10 ** 1.05 = 11.2, and chance


def test_labels_of_one_case_are_words(cases):
    (_, _, _, labels), _ = cases.prepare("search_words", SMALL["search_words"], SEED)
    assert labels.dtype.kind == "U" and len(set(labels.tolist())) == 3


# -------------------------------------------------------------------- right answers, and others


def searched(cases, case, seed=SEED, tuner=GridSearchCV, cv=3, **options):
    (pipeline, grid, documents, labels), _ = cases.prepare(case, SMALL[case], seed)
    return tuner(pipeline, grid, cv=cv, refit=False, **options).fit(documents, labels)


@pytest.mark.usefixtures("client")
@pytest.mark.parametrize("case", SEARCHES)
def test_a_search_on_a_cluster_equals_the_oracle_and_another_seeds_does_not(case, cases, truths):
    import joblib

    with joblib.parallel_config(backend="dask"):
        answer = cases.materialise(case, searched(cases, case))
    assert cases.compare(case, truths[case], answer).equal
    other = cases.compare(case, truths[case], cases.oracle(case, SMALL[case], SEED + 1))
    assert not other.equal and other.got


def test_the_pipeline_that_search_gets_is_not_that_of_build_pipeline(cases):
    (given, *_), _ = cases.prepare("search_words", SMALL["search_words"], SEED)
    assert given.get_params()["clf__random_state"] != 0


def test_the_right_pipeline_is_right_whatever_was_done_to_it(cases, truths):
    pipeline = cases._pipeline(random_state=0)
    answer = cases.materialise("pipeline", pipeline)
    assert cases.compare("pipeline", truths["pipeline"], answer).equal
    pipeline.fit(["ba be", "bi bo"], ["x", "y"])
    answer = cases.materialise("pipeline", pipeline)
    assert cases.compare("pipeline", truths["pipeline"], answer).equal


def test_a_number_of_numpys_is_as_good_as_pythons(cases, truths):
    pipeline = cases._pipeline(random_state=np.int64(0))
    pipeline.set_params(vect__n_features=np.power(2, 16), clf__max_iter=np.int64(5))
    answer = cases.materialise("pipeline", pipeline)
    assert cases.compare("pipeline", truths["pipeline"], answer).equal
    pipeline.set_params(clf__max_iter=np.int64(6))
    answer = cases.materialise("pipeline", pipeline)
    assert not cases.compare("pipeline", truths["pipeline"], answer).equal


class Untaught(SGDClassifier):
    """The same settings, and no training worth the name."""

    def __init__(
        self,
        loss="hinge",
        *,
        max_iter=5,
        tol=None,
        random_state=None,
    ):
        super().__init__(loss, max_iter=max_iter, tol=tol, random_state=random_state)

    def fit(self, X, y):
        return super().fit(X, np.roll(y, 1))


OTHER_PIPELINES = {
    "no random_state": (lambda p: p.set_params(clf__random_state=None), "None", "no_random_state"),
    "another random_state": (
        lambda p: p.set_params(clf__random_state=1),
        "1",
        "other_random_state",
    ),
    "fewer columns": (
        lambda p: p.set_params(vect__n_features=2**18),
        "vect__n_features=262144",
        "other_settings",
    ),
    "other norm": (
        lambda p: p.set_params(tfidf__norm=None),
        "tfidf__norm=None",
        "other_settings",
    ),
    "more rounds": (
        lambda p: p.set_params(clf__max_iter=6),
        "clf__max_iter=6",
        "other_settings",
    ),
    "capitals kept": (
        lambda p: p.set_params(vect__lowercase=False),
        "vect__lowercase=False",
        "other_settings",
    ),
    "tol forgotten": (lambda p: p.set_params(clf__tol=1e-3), "clf__tol=0.001", "tol_left"),
    "a step of another kind": (
        lambda p: p.set_params(clf=type("SGDClassifier", (Untaught,), {})(random_state=0)),
        "steps that learn something else",
        None,
    ),
    "a vocabulary": (lambda p: p.set_params(vect=CountVectorizer()), "CountVectorizer", None),
    "a step left out": (lambda p: Pipeline(p.steps[::2]), "steps of the names vect, clf", None),
    "names made up": (lambda p: make_pipeline(*(s for _, s in p.steps)), "hashingvect", None),
}


@pytest.mark.parametrize("name", OTHER_PIPELINES)
def test_another_pipeline_is_not_right(name, cases, truths):
    change, words, known = OTHER_PIPELINES[name]
    answer = cases.materialise("pipeline", change(cases._pipeline(random_state=0)))
    comparison = cases.compare("pipeline", truths["pipeline"], answer)
    assert (comparison.equal, comparison.mistake) == (False, known)
    assert words in comparison.got


OTHER_SEARCHES = {
    "five folds": ({"cv": 5}, "over 5 folds", "other_folds"),
    "folds in the order of the messages": ({"cv": KFold(3)}, ", not 0.", "plain_folds"),
    "tested on what it has seen": (
        {"cv": [(np.arange(90), np.arange(90))] * 3},
        ", not 0.",
        "tested_on_training",
    ),
    "one fold of all": ({"cv": [(np.arange(90), np.arange(90))]}, "1 fold", "tested_on_training"),
    "drawn folds": ({"cv": ShuffleSplit(3, random_state=0)}, ", not 0.", None),
    "another score": ({"scoring": "f1_macro"}, ", not 0.", "f1_macro"),
    "a metric for a scorer": ({"scoring": accuracy_score}, "nan for every", "metric_for_scorer"),
    "a scorer that is something else": (
        {"scoring": lambda model, X, y: 0.5},
        ", not 0.",
        None,
    ),
    "a sample of the grid": (
        {"tuner": RandomizedSearchCV, "n_iter": 2, "random_state": 0},
        "2 candidates instead of",
        None,
    ),
}


@pytest.mark.filterwarnings("ignore:Scoring failed", "ignore:One or more of the test scores")
@pytest.mark.parametrize("name", OTHER_SEARCHES)
def test_another_search_is_not_right(name, cases, truths):
    case, (options, words, known) = "search_words", OTHER_SEARCHES[name]
    answer = cases.materialise(case, searched(cases, case, **options))
    comparison = cases.compare(case, truths[case], answer)
    assert (comparison.equal, comparison.mistake) == (False, known)
    assert words in comparison.got


def test_training_scores_another_pipeline_and_the_notebook_s_grid_are_named(cases, truths):
    case, truth = "search_words", truths["search_words"]
    (pipeline, grid, documents, labels), _ = cases.prepare(case, SMALL[case], SEED)

    def judged(pipeline, grid, column="mean_test_score"):
        found = GridSearchCV(pipeline, grid, cv=3, refit=False, return_train_score=True)
        answer = cases.materialise(case, found.fit(documents, labels))
        answer["scores"] = found.cv_results_[column]
        return cases.compare(case, truth, answer)

    assert judged(pipeline, grid).equal
    assert judged(pipeline, grid, "mean_train_score").mistake == "training_scores"
    assert judged(cases._pipeline(random_state=0), grid).mistake == "own_pipeline"
    own = {"vect__binary": [False, True], "clf__alpha": [1e-3, 1e-4, 1e-5]}
    found = judged(pipeline, own)
    assert found.mistake == "notebook_grid"
    assert found.got.startswith("6 candidates, but of another grid") and "9999" not in found.got


def test_a_search_that_trains_the_best_once_more_is_named(cases, truths):
    case = "search_words"
    (pipeline, grid, documents, labels), _ = cases.prepare(case, SMALL[case], SEED)
    for refit, known in ((True, "refitted"), (False, None)):
        tuner = GridSearchCV(pipeline, grid, cv=3, refit=refit).fit(documents, labels)
        comparison = cases.compare(case, truths[case], cases.materialise(case, tuner))
        assert (comparison.equal, comparison.mistake) == (not refit, known)


def test_settings_that_change_nothing_of_what_is_learned_may_be_others(cases, truths):
    pipeline = cases._pipeline(random_state=0).set_params(clf__n_jobs=2, memory=None, verbose=False)
    answer = cases.materialise("pipeline", pipeline)
    assert cases.compare("pipeline", truths["pipeline"], answer).equal


def test_scores_are_shown_with_as_many_digits_as_tell_them_apart(cases, truths):
    truth = truths["search_words"]
    scores = truth["scores"].copy()
    scores[0] += 2e-5
    got = cases.compare("search_words", truth, {**truth, "scores": scores}).got
    shown = got.split(", not ")
    assert shown[0] != shown[1].split(",")[0]


def classifier_alone(cases, case, norms, first):
    """Make features once, with the first steps, and search the classifier on them."""
    (pipeline, grid, documents, labels), _ = cases.prepare(case, SMALL[case], SEED)
    candidates, scores = [], []
    for norm in norms:
        pipeline.set_params(tfidf__norm=norm)
        features = pipeline[:first].fit_transform(documents)
        alphas = {"clf__alpha": grid["clf__alpha"]}
        search = GridSearchCV(pipeline[first:], alphas, cv=3, refit=False).fit(features, labels)
        candidates += [{"tfidf__norm": norm, **c} for c in search.cv_results_["params"]]
        scores += search.cv_results_["mean_test_score"].tolist()
    best = candidates[int(np.argmax(scores))]
    table = {"params": candidates, "mean_test_score": scores}
    return SimpleNamespace(cv_results_=table, best_params_=best, n_splits_=3)


def test_features_of_all_messages_are_a_leak_and_counts_of_each_are_none(cases, truths):
    case, truth = "search_words", truths["search_words"]
    # IDF weights come of all messages that a pipeline is fitted on, hashed counts of one each.
    for first, known in ((2, "fitted_on_all"), (1, None)):
        answer = cases.materialise(case, classifier_alone(cases, case, ["l1", "l2"], first))
        comparison = cases.compare(case, truth, answer)
        assert (comparison.equal, comparison.mistake) == (known is None, known)


def test_a_leak_is_known_where_the_other_steps_are_left_as_they_are(cases, truths):
    case, truth = "search_words", truths["search_words"]
    found = classifier_alone(cases, case, ["l2"], 2)
    for candidate in found.cv_results_["params"]:
        del candidate["tfidf__norm"]
        candidate["alpha"] = candidate.pop("clf__alpha")
    comparison = cases.compare(case, truth, cases.materialise(case, found))
    assert comparison.mistake == "fitted_on_all"
    honest = classifier_alone(cases, case, ["l2"], 1)
    comparison = cases.compare(case, truth, cases.materialise(case, honest))
    assert (comparison.equal, comparison.mistake) == (False, None)


def test_the_order_of_the_candidates_does_not_matter(cases, truths):
    truth = truths["search_words"]
    turned = {"candidates": truth["candidates"][::-1], "scores": truth["scores"][::-1]}
    assert cases.compare("search_words", truth, {**truth, **turned}).equal
    swapped = {"scores": truth["scores"][::-1]}
    assert not cases.compare("search_words", truth, {**truth, **swapped}).equal


def test_any_of_the_best_is_the_best_and_no_other(cases, truths):
    truth = truths["search_words"]
    order = np.argsort(truth["scores"])
    worst = {"best": np.array(truth["candidates"][order[0]])}
    refused = cases.compare("search_words", truth, {**truth, **worst})
    assert not refused.equal and "as the best" in refused.got
    tied = {**truth, "scores": np.full(len(order), 0.5)}
    assert cases.compare("search_words", tied, {**tied, **worst}).equal


def test_one_message_more_is_a_wrong_score_and_rounding_is_not(cases, truths):
    truth = truths["search_words"]
    for change, right in ((1 / 90, False), (np.nan, False), (1e-12, True)):
        scores = truth["scores"].copy()
        scores[2] += change
        assert cases.compare("search_words", truth, {**truth, "scores": scores}).equal is right


def test_candidates_are_the_same_whatever_their_number_types(cases):
    plain = {"clf__alpha": 1e-3, "vect__binary": True}
    numpy = {"vect__binary": np.bool_(True), "clf__alpha": np.float64(1e-3)}
    assert cases._as_json(plain) == cases._as_json(numpy)
    assert cases._as_json(plain) != cases._as_json({**plain, "vect__binary": False})
    assert len({cases._as_json(c) for c in ParameterGrid(cases._grid("search_large", 2))}) == 4


@pytest.mark.parametrize(
    "name",
    [
        "other_folds", "no_random_state", "fitted_on_all", "plain_folds", "training_scores",
        "tested_on_training", "own_pipeline", "notebook_grid", "f1_macro", "balanced_accuracy",
        "refitted", "tol_left", "other_random_state", "other_settings",
        "metric_for_scorer",
    ],
)  # fmt: skip
def test_a_mistake_that_compare_names_is_explained(name, exercise):
    found = exercise.mistakes[name]
    assert found.title and found.explanation and found.see


# ------------------------------------------------------------------------ whatever may come

NOT_AN_ANSWER = {
    "nothing": {},
    "no array": {"names": ["vect"], "candidates": ["{}"], "scores": [0.5], "best": "{}"},
    "numbers": dict.fromkeys(["names", "kinds", "candidates", "best", "labels"], np.zeros(6)),
    "grids": dict.fromkeys(["names", "kinds", "candidates", "best"], np.full((2, 3), "x")),
    "empty": dict.fromkeys(["names", "candidates", "best"], np.array([], "U1")),
    "objects": dict.fromkeys(["names", "candidates", "best"], np.array([object()] * 6)),
    "no JSON": dict.fromkeys(["candidates", "best"], np.full(6, "[" * 90_000)),
}
NOT_A_PART = {
    "candidates": [np.array(["{}"] * 6), np.array("{}"), np.array(["7"] * 6)],
    "scores": [np.zeros(5), np.zeros((6, 1)), np.zeros(6, complex), np.array(["1"] * 6), None],
    "best": [np.array(["{}", "{}"]), np.array("[]"), np.array(0), None],
    "folds": [np.array([3]), np.array(3.0), np.array("3"), np.array(np.nan), None],
    "names": [np.array(["vect", "tfidf"]), np.array("vect"), np.array([1, 2, 3]), None],
    "kinds": [np.array(["X", "Y", "Z"]), None],
    "random_state": [np.array(["0", "0"]), np.array(0), None],
    "labels": [np.array(["x"]), np.zeros(120), np.zeros(120, [("a", int)]), np.array("maps"), None],
}


@pytest.mark.parametrize("case", SMALL)
@pytest.mark.parametrize("name", NOT_AN_ANSWER)
def test_compare_takes_whatever_comes_out_of_the_box(name, case, cases, truths):
    comparison = cases.compare(case, truths[case], NOT_AN_ANSWER[name])
    assert comparison.equal is False
    assert comparison.got and comparison.expected


@pytest.mark.parametrize(
    ("part", "number"), [(p, n) for p, v in NOT_A_PART.items() for n in range(len(v))]
)
def test_compare_takes_a_right_answer_with_one_part_spoilt(part, number, cases, truths):
    case = "search_words" if part in truths["search_words"] else "pipeline"
    spoilt = {**truths[case], part: NOT_A_PART[part][number]}
    comparison = cases.compare(case, truths[case], spoilt)
    assert comparison.equal is False and comparison.got


class Pretender:
    """Has what a search has, and none of it means anything."""

    cv_results_ = {"params": [{"a": 1}], "mean_test_score": ["good"]}  # noqa: RUF012
    best_params_, n_splits_ = {"a": 1}, 3


@pytest.mark.parametrize(
    ("case", "result", "words"),
    [
        ("pipeline", None, "must return a Pipeline.* None"),
        ("pipeline", SGDClassifier(), "must return a Pipeline.* (a|an) SGDClassifier"),
        ("search_words", None, "must return a fitted GridSearchCV; it returned None"),
        ("search_words", GridSearchCV, "the class GridSearchCV itself"),
        ("search_words", GridSearchCV(SGDClassifier(), {}), "cv_results_"),
        ("search_words", {"clf__alpha": 1e-3}, "a dict"),
        ("search_words", Pretender(), "a Pretender"),
    ],
)
def test_a_result_of_the_wrong_type_is_told_the_contract(case, result, words, cases):
    with pytest.raises(TypeError, match=words):
        cases.materialise(case, result)


def test_labels_that_are_objects_are_not_stored(cases):
    pipeline = cases._pipeline(random_state=0)
    pipeline.steps[-1] = ("clf", Guesser(random_state=0))
    with pytest.raises(TypeError, match="Python objects"):
        cases.materialise("pipeline", pipeline)


class Guesser(SGDClassifier):
    def predict(self, X):
        return np.array([object()] * X.shape[0])


# ---------------------------------------------------------------------- the named mistakes


def named(ex, tasks, client_cpu, **changes):
    """Names of the mistakes that a run of some tasks shows."""
    usage = (
        ProcessUsage(Role.CLIENT, "client", client_cpu, 0.0, 0, 0),
        ProcessUsage(Role.WORKER, "worker-0", 1.0, 0.0, 0, 0),
        ProcessUsage(Role.WORKER, "worker-1", 1.0, 0.0, 0, 0),
    )
    recording = Recording(tuple(tasks), workers=("w0", "w1"), gathered_during_call=10**6)
    changes = {"function": "search", "usage": usage, "recording": recording, **changes}
    seen = replace(run(tasks, 14.0), **changes)
    return [found.name for found in diagnose(ex, seen, study(seen, 2, None), ex.typical)]


ONE_BY_ONE = [task(f"fit{i}", i, 1.0, submitted=i, worker="w0") for i in range(12)]
SHAM = [task(f"spin{i}", 0.01 * i, 0.01, worker=f"w{i % 2}") for i in range(12)]


@pytest.mark.parametrize(
    ("tasks", "client_cpu", "changes", "name"),
    [
        ([], 2.0, {}, "outside_backend"),
        # In a self-check the CPU time of processes that joblib started is not the notebook's.
        ([], 0.1, {}, "outside_backend"),
        (SHAM, 2.0, {}, "outside_backend"),
        ([], 2.0, {"answer": {"own_cluster": "tcp://elsewhere"}}, "own_cluster"),
        ([task("fit", 0.0, 12.0)], 0.1, {}, "search_in_one_task"),
        (ONE_BY_ONE, 0.1, {}, "one_at_a_time"),
        ([replace(t, worker="w0") for t in flat(12)], 0.1, {}, "pinned"),
    ],
)
def test_a_mistake_of_this_technique_is_named(tasks, client_cpu, changes, name, exercise):
    assert named(exercise, tasks, client_cpu, **changes) == [name]


def test_a_right_run_shows_no_mistake(exercise):
    assert named(exercise, flat(12), client_cpu=0.1) == []


@pytest.mark.parametrize(
    ("tasks", "client_cpu", "name"),
    [([], 3.0, "serial_in_client"), ([task("fit", 0.0, 12.0)], 0.1, "one_chunk")],
)
def test_another_technique_keeps_its_own_names(tasks, client_cpu, name):
    ex02 = catalogue.find("ex02_parallel_prediction")
    assert named(ex02, tasks, client_cpu) == [name]


def test_results_may_be_fetched_where_nothing_has_to_be_lazy(exercise):
    ex02 = catalogue.find("ex02_parallel_prediction")
    assert named(exercise, flat(12), 0.1) == []
    assert named(ex02, flat(12), 0.1, function="predict_large") == ["gathers_result"]


# ------------------------------------------------------------------------- the notebook's loader


@pytest.fixture
def load_messages(monkeypatch, tmp_path):
    """The function of the cell "data", with a data folder of its own and no network."""

    def unreachable(*args, **kwargs):
        assert socket.getdefaulttimeout() == 10
        raise URLError("no network")

    monkeypatch.setenv("SCIKIT_LEARN_DATA", str(tmp_path))
    monkeypatch.setattr("sklearn.datasets._base.urlretrieve", unreachable)
    text = Path(catalogue.__file__).parents[2] / "solutions" / f"{NAME}.py"
    cells = jupytext.read(text, fmt="py:percent").cells
    given = {cell.metadata.get("given"): cell.source for cell in cells}
    setup = [line for line in given["setup"].splitlines() if line.startswith(("from sk", "import"))]
    variables: dict = {}
    exec("\n".join(setup) + "\n" + given["data"], variables)
    return variables["load_messages"]


def test_without_the_newsgroups_the_loader_invents_messages_and_says_so(load_messages):
    documents, labels, origin = load_messages(50)
    assert len(documents) == len(labels) == 50
    assert set(labels.tolist()) == {0, 1, 2, 3}
    assert "invented" in origin
    assert load_messages(50)[0] == documents
    assert socket.getdefaulttimeout() is None


def test_with_the_newsgroups_the_loader_takes_them_and_says_so(load_messages, tmp_path):
    names = ["comp.graphics", "rec.autos", "rec.motorcycles", "sci.med", "talk.politics.misc"]
    target = np.arange(30) % 5
    data = [f"From: somebody\n\nmessage {i} " + "in " * 2_000 for i in range(30)]
    shelf = Bunch(data=data, target=target, target_names=names, filenames=np.array(data))
    stored = codecs.encode(pickle.dumps({"train": shelf, "test": shelf}), "zlib_codec")
    (tmp_path / "20news-bydate_py3.pkz").write_bytes(stored)
    documents, labels, origin = load_messages(10)
    assert origin == "20 Newsgroups"
    assert len(documents) == len(labels) == 10
    assert all(text.startswith("message") and len(text) <= 2_000 for text in documents)
    assert set(labels.tolist()) <= {0, 1, 2, 3}
