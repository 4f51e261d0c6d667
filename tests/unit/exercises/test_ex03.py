import bz2
import copy
import pickle
from collections import Counter
from dataclasses import replace
from types import SimpleNamespace

import dask
import dask.array as da
import numpy as np
import pytest
from recordings import UNSEEN

from autograder.checks.base import given_away
from autograder.checks.data import lazy
from autograder.evidence import driver
from autograder.exercise import catalogue
from autograder.model import Failure, GraphRecord, Recording, Run, Status

NAME = "ex03_incremental_training"
SEED = 11
ODD = {f"night_{n:02d}": rows for n, rows in enumerate((150, 300, 250, 200, 350, 250) * 2, start=1)}
SMALL = {
    "load": {"night_1": 70, "night_2": 1, "night_3": 130},
    "train_odd": ODD,
    "train_packed": {"nights": 6, "rows": 520},
    "train_large": {"nights": 6, "rows": 500},
    "update": {"nights": 18, "rows": 500, "nights_before": 6},
}
MODELS = [case for case in SMALL if case != "load"]


@pytest.fixture(scope="module")
def ex03():
    return catalogue.find(NAME)


@pytest.fixture(scope="module")
def cases(ex03):
    return catalogue.cases(ex03)


@pytest.fixture(scope="module")
def truths(cases):
    return {case: cases.oracle(case, sizes, SEED) for case, sizes in SMALL.items()}


def test_it_loads_with_its_points_and_cases(ex03):
    assert sum(check.points for check in ex03.checks) + sum(ex03.words.values()) == 19
    assert [case.name for case in ex03.cases if case.timed] == ["train_packed"]
    assert {case.name for case in ex03.cases} == set(SMALL)


def size_of(name, ex03, cases):
    case = next(case for case in ex03.cases if case.name == name)
    rows = sum(night.rows for night in cases._nights(name, case.parameters))
    return rows * cases.CHANNELS * 8


def test_memory_is_judged_on_more_than_the_workers_hold(ex03, cases):
    (name,) = next(check.cases for check in ex03.checks if check.check == "memory")
    shape = ex03.cluster
    assert size_of(name, ex03, cases) >= shape.workers * shape.memory_per_worker


def test_timed_is_what_fits_in_the_workers_memory_beside_themselves(ex03, cases):
    (name,) = ex03.timed
    shape = ex03.cluster
    # Dask spills from 0.6 of a worker's memory on; 200 MB of it are the worker's own.
    room = shape.workers * (0.6 * shape.memory_per_worker - 200e6)
    assert size_of(name, ex03, cases) <= 0.8 * room


@pytest.mark.parametrize("packed", [False, True])
def test_a_night_reads_as_it_was_drawn_and_follows_from_the_seed(packed, cases):
    night = cases.Night(1_120, 0, 0.5, packed)
    text, kinds = cases._night(SEED, 3, night)
    assert text == cases._night(SEED, 3, night)[0] != cases._night(SEED + 1, 3, night)[0]
    assert text.startswith(cases.PACKED) is packed
    X, y = cases._read(text)
    assert X.shape == (1_120, 100) and X.dtype == float and set(y.tolist()) == {0, 1}
    assert (y == kinds).all() and y.dtype == kinds.dtype
    assert (np.median(X, axis=1) == 0).all()
    lines = (bz2.decompress(text) if packed else text).splitlines()
    for star in (0, -1):
        line = lines[star].decode()
        counts = [int(line[i : i + 2]) for i in range(1, 201, 2)]
        assert (X[star] == counts - np.median(counts)).all() and y[star] == int(line[0])


@pytest.mark.parametrize("packed", [False, True])
def test_a_long_night_shows_its_stars_again(packed, cases):
    night = cases.Night(cases.DISTINCT + 500, 0, 0.5, packed)
    X, _ = cases._read(cases._night(SEED, 0, night)[0])
    distinct = cases.PIECES * cases.PIECE if packed else cases.DISTINCT
    assert len(X) == night.rows
    assert distinct / 2 < len(np.unique(X, axis=0)) <= distinct


def test_each_seed_has_a_signal_and_unseen_stars_of_its_own(cases):
    assert (cases._signal(SEED) != cases._signal(SEED + 1)).any()
    ((one, _),), ((other, _),) = (cases._unseen("train_odd", seed) for seed in (SEED, SEED + 1))
    assert not np.array_equal(one, other)
    first, second = cases._unseen("update", SEED)
    assert np.array_equal(first[0], one) and not np.array_equal(first[0], second[0])


@pytest.mark.parametrize("case", [case for case in SMALL if case != "load"])
def test_the_answer_to_one_seed_is_wrong_for_another(case, cases, truths):
    other = cases.oracle(case, SMALL[case], SEED + 1)
    assert not cases.compare(case, truths[case], {"labels": other["labels"]}).equal
    assert cases.compare(case, truths[case], {"labels": truths[case]["labels"]}).equal


@pytest.mark.usefixtures("client")
def test_x_and_y_asked_for_apart_read_each_night_once(cases, monkeypatch):
    """As in a chain of delayed functions: each of the two is then optimised on its own."""
    (X, y, _), _ = cases.prepare("train_packed", SMALL["train_packed"], SEED)
    read = Counter()
    parse = cases._read
    monkeypatch.setattr(cases, "_read", lambda text: read.update(["night"]) or parse(text))
    blocks = [*X.to_delayed().ravel(), *y.to_delayed().ravel()]
    parts = dask.compute(*blocks, scheduler="synchronous")
    assert read["night"] == SMALL["train_packed"]["nights"]
    assert sum(map(len, parts)) == 2 * 6 * 520


# -------------------------------------------------------------------- right answers, and others


def solved(case, arguments):
    """Answer a case as the reference solution does."""
    from dask_ml.wrappers import Incremental

    if case == "update":
        model, X, y = arguments
        return model.partial_fit(X, y)
    X, y, classes = arguments
    return Incremental(estimator(), scoring="accuracy").fit(X, y, classes=classes)


def answered(cases, case, model):
    """Ask a model for the labels of a case that was not prepared, since it needs no cluster."""
    X = np.concatenate([X for X, _ in cases._unseen(case, SEED)])
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(cases, "_asked", X)
        return cases.materialise(case, model)


def estimator(**settings):
    from sklearn.linear_model import SGDClassifier

    return SGDClassifier(
        **{"loss": "log_loss", "average": True, "alpha": 1e-3, "shuffle": False, **settings}
    )


@pytest.mark.usefixtures("client")
@pytest.mark.parametrize("case", MODELS)
def test_a_model_trained_in_any_order_of_blocks_is_right(case, cases, truths):
    for state in range(3):
        np.random.seed(state)  # what Incremental shuffles by
        arguments, _ = cases.prepare(case, SMALL[case], SEED)
        answer = cases.materialise(case, solved(case, arguments))
        comparison = cases.compare(case, truths[case], answer)
        assert comparison.equal, comparison


@pytest.mark.usefixtures("client")
def test_load_is_right_in_blocks_of_whole_files_and_wrong_otherwise(cases, truths):
    ((shards,), size) = cases.prepare("load", SMALL["load"], SEED)
    assert size == 201 * 101 * 8 and [rows for _, rows in shards] == [70, 1, 130]
    X, y = cases._lazy(shards)
    judged = {}
    for name, result in {
        "right": (X, y),
        "a list": [X, y],
        "merged": (X.rechunk(-1), y.rechunk(-1)),
        "apart": (X.rechunk((67, -1)), y),
        "swapped": (X[::-1], y[::-1]),
        "unknown": (X[X[:, 0] > -99], y),
        "other": (X + 1, y),
    }.items():
        answer = cases.materialise("load", result)
        judged[name] = cases.compare("load", truths["load"], answer)
    assert [name for name, found in judged.items() if found.equal] == ["right", "a list"]
    mistakes = {name: found.mistake for name, found in judged.items() if found.mistake}
    assert mistakes == {"apart": "different_chunks", "unknown": "unknown_chunks"}


@pytest.mark.usefixtures("client")
def test_other_ways_of_learning_are_not_right(cases, truths):
    (model, X, y), _ = cases.prepare("update", SMALL["update"], SEED)
    judged = {}
    for name, updated in {
        "fit again": copy.deepcopy(model).fit(X, y, classes=[0, 1]),
        "as it was": model,
        "one block": copy.deepcopy(model).partial_fit(X.blocks[0], y.blocks[0]),
    }.items():
        answer = cases.materialise("update", updated)
        judged[name] = cases.compare("update", truths["update"], answer)
    assert not any(found.equal for found in judged.values()), judged
    assert judged["fit again"].mistake == "forgotten"
    assert judged["as it was"].mistake == "not_updated"


@pytest.mark.parametrize("settings", [{"loss": "squared_error"}])
def test_a_loss_that_runs_away_is_named(settings, cases, truths):
    model = cases._learn(cases._nights("train_odd", ODD), SEED, estimator(**settings))
    answer = answered(cases, "train_odd", model)
    comparison = cases.compare("train_odd", truths["train_odd"], answer)
    assert (comparison.equal, comparison.mistake) == (False, "diverged")


def test_few_blocks_do_not_make_a_right_model(cases, truths):
    nights = cases._nights("train_odd", ODD)
    for count in (1, 2, 4):
        answer = answered(cases, "train_odd", cases._learn(nights[:count], SEED))
        assert not cases.compare("train_odd", truths["train_odd"], answer).equal, count


@pytest.mark.parametrize("case", MODELS)
def test_the_true_kinds_do_not_pass(case, cases, truths):
    answer = {"labels": truths[case]["kinds"]}
    comparison = cases.compare(case, truths[case], answer)
    assert not comparison.equal and "1.000" in comparison.got


def test_what_is_no_model_is_refused_in_the_words_of_the_contract(cases):
    for wrong in (None, 3, type(estimator()), np.zeros(3)):
        with pytest.raises(TypeError, match="train must return a fitted model"):
            cases.materialise("train_odd", wrong)
    for wrong in (None, np.zeros(3), (1, 2, 3), ("a", "b")):
        with pytest.raises(TypeError, match="load must return X and y"):
            cases.materialise("load", wrong)


NOT_AN_ANSWER = {
    "nothing": {},
    "no arrays": {"X": 1, "y": [2], "X_blocks": "a", "labels": [0, 1], "largest": 1e9},
    "too few": {"X": np.zeros((2, 2)), "labels": np.zeros(3, int), "X_blocks": np.array([70])},
    "empty": {"X_blocks": np.array([], int), "labels": np.array([]), "largest": np.array([])},
    "NaN": {"labels": np.full(24_000, np.nan), "largest": np.array(np.nan)},
    "words": {"labels": np.full(24_000, "a"), "X_blocks": np.array(["a"])},
    "NaN in the right blocks": {
        "X": np.full((201, 100), np.nan),
        "y": np.zeros(201),
        "X_blocks": np.array([70, 1, 130]),
        "y_blocks": np.array([70, 1, 130]),
    },
}


@pytest.mark.parametrize("case", SMALL)
@pytest.mark.parametrize("name", NOT_AN_ANSWER)
def test_compare_takes_whatever_comes_out_of_the_box(name, case, cases, truths):
    comparison = cases.compare(case, truths[case], NOT_AN_ANSWER[name])
    assert comparison.equal is False
    assert comparison.got and comparison.expected


@pytest.mark.usefixtures("client")
def test_warm_runs_on_a_cluster(cases):
    cases.warm()


def test_the_model_that_update_gets_can_travel(cases):
    model = pickle.loads(pickle.dumps(cases._known(SMALL["update"], SEED)))
    assert model.score(*cases._unseen("train_odd", SEED)[0]) > 0.85


def test_an_exception_names_the_mistake_that_it_gives_away_and_no_other(ex03):
    with pytest.raises(ValueError, match="classes") as caught:
        estimator().partial_fit(np.zeros((2, 1)), [0, 1])
    told = Failure("ValueError", str(caught.value), "")
    assert [mistake.name for mistake in given_away(ex03, told)] == ["no_classes"]
    assert given_away(ex03, Failure("ValueError", "something else", "")) == ()


# --------------------------------------------------------------------------- what counts as lazy


@pytest.mark.parametrize(
    ("ready", "lazy"),
    [((False, False), True), ((True, False), False), ((False, True), False), ((), False)],
)
def test_several_arrays_are_lazy_if_each_of_them_is(ready, lazy):
    """``ready`` says of each array whether it is computed already."""
    result = tuple(np.ones(3) if done else da.ones(3) for done in ready)
    assert driver._describe(result, ())["lazy"] is lazy


def lazily_loaded(*graphs: GraphRecord) -> SimpleNamespace:
    """What was seen of a load of 1 MB that returned lazy arrays at 2.0 s."""
    run = Run(
        case="load",
        function="load",
        go=1.0,
        returned=2.0,
        done=3.0,
        usage=(),
        recording=Recording(graphs=graphs),
        answer={"type": "builtins.tuple", "lazy": True},
        comparison=None,
        failure=None,
        **UNSEEN | {"input_bytes": 1_000_000},
    )
    return SimpleNamespace(runs=(run,), untouched=frozenset(), cells=())


@pytest.mark.parametrize(
    ("submitted", "most", "status"),
    [
        ((), 0, Status.PASSED),
        ((1.5,), 0, Status.FAILED),  # before the function returned
        ((2.5,), 0, Status.PASSED),  # after it, by whoever asked for the values
        ((1.5,), None, Status.PASSED),  # an exercise that does not ask
    ],
)
def test_graphs_sent_before_the_return_are_counted_where_asked(ex03, submitted, most, status):
    spec = next(spec for spec in ex03.checks if spec.grade_id == "load_lazy")
    assert spec.options["graphs"] == 0
    spec = replace(spec, options={} if most is None else {"graphs": most})
    graphs = tuple(GraphRecord(when, 3, 1, 1000) for when in submitted)
    evidence = lazily_loaded(*graphs)
    assert lazy(ex03, spec, evidence, ex03.typical).status is status


@pytest.mark.parametrize(
    ("share", "status"), [(0.01, Status.PASSED), (0.4, Status.PASSED), (1.0, Status.FAILED)]
)
def test_data_that_lie_in_the_graph_were_read_at_home(ex03, share, status):
    spec = next(spec for spec in ex03.checks if spec.grade_id == "load_lazy")
    graph = GraphRecord(2.5, 3, 1, int(share * 1_000_000))
    evidence = lazily_loaded(graph)
    found = lazy(ex03, spec, evidence, ex03.typical)
    assert found.status is status
    assert ("lie in its graph" in found.got) is (status is Status.FAILED)
    elsewhere = replace(spec, options={"graphs": 0})
    assert lazy(ex03, elsewhere, evidence, ex03.typical).status is Status.PASSED
