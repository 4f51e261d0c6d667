import sys
from dataclasses import replace

import dask
import dask.array as da
import numpy as np
import pytest
import small_cases
import xgboost
from promises import hold_promises
from recordings import run, task
from xgboost import dask as boosting

from autograder.checks.no_answer import given_away
from autograder.evidence.assemble import gather
from autograder.exercise import catalogue
from autograder.grading import grade
from autograder.model import Comparison, CpuSample, Failure, ProcessUsage, Role, Status

NAME = "ex07_boosted_trees"
SEED = 11
SMALL = small_cases.SMALL[NAME]
LOADS = ["load_odd", "load_files"]
PREDICTIONS = ["predict_odd", "predict_files"]
TRAININGS = ["train_odd", "train_large"]


def test_what_may_hang_comes_last(exercise):
    assert [case.function for case in exercise.cases][-2:] == ["train", "train"]


# --------------------------------------------------------------------------------- the files


def lazily(read_file, rows):
    read = dask.delayed(read_file)
    return da.concatenate([da.from_delayed(read(i), (n, 25), "f4") for i, n in enumerate(rows)])


def kept(client, read_file, rows):
    both = lazily(read_file, rows).persist()
    return both[:, :-1], both[:, -1]


def kept_together(client, read_file, rows):
    both = lazily(read_file, rows)
    return dask.persist(both[:, :-1], both[:, -1])


def as_futures(client, read_file, rows):
    files = client.map(read_file, range(len(rows)), pure=False)
    both = da.concatenate(
        [da.from_delayed(f, (n, 25), "f4") for f, n in zip(files, rows, strict=True)]
    )
    return [both[:, :24], both[:, 24]]


@pytest.mark.parametrize("load", [kept, kept_together, as_futures])
@pytest.mark.parametrize("case", LOADS)
def test_files_that_are_read_once_are_right_and_another_seeds_are_not(
    case, load, client, cases, truths
):
    arguments, input_bytes = cases.prepare(case, SMALL[case], SEED)
    assert input_bytes == 100 * len(truths[case]["y"])
    answer = cases.materialise(case, load(*arguments))
    assert cases.compare(case, truths[case], answer).equal
    assert not cases.compare(case, cases.oracle(case, SMALL[case], SEED + 1), answer).equal


def lazy(client, read_file, rows):
    both = lazily(read_file, rows)
    return both[:, :-1], both[:, -1]


def kept_apart(client, read_file, rows):
    both = lazily(read_file, rows)
    return both[:, :-1].persist(), both[:, -1].persist()


def read_here(client, read_file, rows):
    data = np.concatenate([read_file(i) for i in range(len(rows))])
    return da.from_array(data[:, :-1], (tuple(rows), 24)), da.from_array(
        data[:, -1], (tuple(rows),)
    )


def on_one_worker(client, read_file, rows):
    (first, *_) = client.scheduler_info()["workers"]
    files = [client.submit(read_file, i, workers=[first], pure=False) for i in range(len(rows))]
    both = da.concatenate(
        [da.from_delayed(f, (n, 25), "f4") for f, n in zip(files, rows, strict=True)]
    )
    return both[:, :-1], both[:, -1]


def label_inside(client, read_file, rows):
    both = lazily(read_file, rows).persist()
    return both, both[:, -1]


def other_order(client, read_file, rows):
    both = lazily(read_file, rows).persist()
    return both[::-1, :-1], both[::-1, -1]


def one_chunk(client, read_file, rows):
    both = lazily(read_file, rows).rechunk(-1).persist()
    return both[:, :-1], both[:, -1]


def cut_columns(client, read_file, rows):
    both = lazily(read_file, rows).persist()
    return both[:, :-1].rechunk({1: 12}), both[:, -1]


def as_long_as_the_first(client, read_file, rows):
    return kept(client, read_file, [rows[0]] * len(rows))


def in_the_other_order(*arguments):
    return kept(*arguments)[::-1]


def label_in_a_column(client, read_file, rows):
    both = lazily(read_file, rows).persist()
    return both[:, :-1], both[:, -1:]


def label_first(client, read_file, rows):
    both = lazily(read_file, rows).persist()
    return both[:, 1:], both[:, 0]


def last_reading_as_label(client, read_file, rows):
    both = lazily(read_file, rows).persist()
    return both[:, :24], both[:, 23]


@pytest.mark.parametrize(
    ("load", "words", "known"),
    [
        (in_the_other_order, "X: a Dask array of shape (120,)", "swapped"),
        (label_in_a_column, "y: a Dask array of shape (120, 1)", "label_in_a_column"),
        (label_first, "X differs from the files", "other_column"),
        (last_reading_as_label, "y differs from the files", "other_column"),
        (lazy, "8 reads of 4 files", "read_again"),
        (kept_apart, "8 reads of 4 files", "read_again"),
        (read_here, "read none of the 4 files", "read_here"),
        (on_one_worker, "one worker read all of the 4 files", "one_worker"),
        (label_inside, "X", "label_inside"),
        (other_order, "X differs from the files in", None),
        (one_chunk, "not one chunk for each file", None),
        (cut_columns, "columns of X", None),
    ],
)
def test_files_that_are_read_otherwise_are_not_right(load, words, known, client, cases, truths):
    arguments, _ = cases.prepare("load_files", SMALL["load_files"], SEED)
    answer = cases.materialise("load_files", load(*arguments))
    comparison = cases.compare("load_files", truths["load_files"], answer)
    assert (comparison.equal, comparison.mistake) == (False, known), comparison
    assert words in comparison.got


def test_files_that_are_taken_to_be_equally_long_are_named(client, cases, truths):
    arguments, _ = cases.prepare("load_odd", SMALL["load_odd"], SEED)
    answer = cases.materialise("load_odd", kept(*arguments))
    for rows, known in ((2_100, "files_equally_long"), (2_102, None)):
        wrong = {**answer, "X_shape": np.array([rows, 24])}
        comparison = cases.compare("load_odd", truths["load_odd"], wrong)
        assert (comparison.equal, comparison.mistake) == (False, known)


@pytest.mark.usefixtures("client")
@pytest.mark.parametrize("number", [-1, 4])
def test_a_file_that_is_not_there_is_named(number, exercise, cases):
    _, read_file, rows = cases.prepare("load_files", SMALL["load_files"], SEED)[0]
    assert len(read_file(3)) == rows[3]
    with pytest.raises(FileNotFoundError) as caught:
        read_file(number)
    failure = Failure("FileNotFoundError", str(caught.value), "")
    assert [m.name for m in given_away(exercise, failure)] == ["no_such_file"]


def without_ref(client, settings, X, y, X_valid, y_valid):
    training = boosting.DaskQuantileDMatrix(client, X, y)
    validation = boosting.DaskQuantileDMatrix(client, X_valid, y_valid)
    return boosting.train(client, settings, training, 3, evals=[(validation, "validation")])


def in_a_task(client, *arguments):
    return client.submit(lambda: client).result()


@pytest.mark.parametrize(
    ("way", "known"), [(without_ref, "matrix_without_ref"), (in_a_task, "task_holds_client")]
)
def test_an_exception_of_a_training_is_named(way, known, client, exercise, cases):
    arguments, _ = cases.prepare("train_odd", SMALL["train_odd"], SEED)
    with pytest.raises((ValueError, TypeError)) as caught:
        way(*arguments)
    failure = Failure(caught.type.__name__, str(caught.value), "")
    assert [m.name for m in given_away(exercise, failure)] == [known]


@pytest.mark.parametrize(("most", "right"), [(11, True), (12, False)])
def test_a_worker_that_is_free_may_read_some_more_files(most, right, cases):
    truth = cases.oracle("load_files", {"rows": 120, "blocks": 12}, SEED)
    answer = {**truth, **form("X", (120, 24), 12), **form("y", (120,), 12)}
    answer["share"] = np.array(most / 12)
    assert cases.compare("load_files", truth, answer).equal is right


def form(name, shape, blocks):
    """What `kit.form` writes of a Dask array in equal blocks."""
    return {
        f"{name}_kind": np.array("a Dask array"),
        f"{name}_lazy": np.array(True),
        f"{name}_dtype": np.array("float32"),
        f"{name}_shape": np.array(shape),
        f"{name}_rows": np.full(blocks, shape[0] // blocks),
        f"{name}_columns": np.array(1),
    }


def test_cut_at_different_rows_they_are_not_right(cases, truths):
    truth = truths["load_files"]
    answer = {**truth, **form("X", (120, 24), 4), **form("y", (120,), 4)}
    assert cases.compare("load_files", truth, answer).equal
    answer["y_rows"] = np.array([31, 29, 30, 30])
    refused = cases.compare("load_files", truth, answer)
    assert not refused.equal and "different rows" in refused.got


# ------------------------------------------------------------------------------- the training


def train(client, settings, X, y, X_valid, y_valid):
    training = boosting.DaskQuantileDMatrix(client, X, y)
    validation = boosting.DaskQuantileDMatrix(client, X_valid, y_valid, ref=training)
    evals = [(validation, "validation")]
    found = boosting.train(
        client, settings, training, 200, evals=evals, early_stopping_rounds=10, verbose_eval=False
    )
    return found["booster"]


def as_scikit_learn(client, settings, X, y, X_valid, y_valid):
    model = boosting.DaskXGBClassifier(n_estimators=200, early_stopping_rounds=10, **settings)
    model.client = client
    return model.fit(X, y, eval_set=[(X_valid, y_valid)], verbose=False)


@pytest.mark.parametrize("way", [train, as_scikit_learn])
@pytest.mark.parametrize("case", TRAININGS)
def test_two_workers_grow_the_trees_of_one_and_another_seeds_are_others(
    case, way, client, cases, truths
):
    arguments, input_bytes = cases.prepare(case, SMALL[case], SEED)
    assert input_bytes == sum(each.nbytes for each in arguments[2:])
    answer = cases.materialise(case, way(*arguments))
    assert answer["best"] == truths[case]["best"] and answer["rounds"] == truths[case]["rounds"]
    # Not only within NEAR: the bins are the same on all workers.
    assert np.allclose(answer["probabilities"], truths[case]["probabilities"], atol=1e-6)
    assert cases.compare(case, truths[case], answer).equal
    assert not cases.compare(case, cases.oracle(case, SMALL[case], SEED + 1), answer).equal


def plain(
    cases,
    *,
    seed=SEED,
    rows=None,
    watched="validation",
    rounds=200,
    patience=10,
    callbacks=None,
    **settings,
):
    """Train a model of the small case in one process, and read it as the box does."""
    sizes = SMALL["train_odd"]
    X, y = cases._drawn(seed, cases.kit.chunks(sizes))
    V, w = cases._drawn(seed, cases._validation(sizes), cases.VALIDATION)
    X, y = (X[rows], y[rows]) if rows is not None else (X, y)
    if watched == "learned":
        X, y = np.concatenate([X, V]), np.concatenate([y, w])
    if watched == "swapped":
        X, y, V, w = V, w, X, y
    training, validation = xgboost.DMatrix(X, y, nthread=1), xgboost.DMatrix(V, w, nthread=1)
    evals = [(validation, "validation")]
    evals += [(training, "training")] if watched == "training" else []
    model = xgboost.train(
        {**cases._settings(sizes), "nthread": 1, **settings},
        training,
        rounds,
        evals=evals,
        early_stopping_rounds=patience,
        callbacks=callbacks,
        verbose_eval=False,
    )
    return cases.materialise("train_odd", model)


SAME_MODELS = {
    "DMatrix in place of QuantileDMatrix": {},
    "only the best trees kept": {
        "patience": None,
        "callbacks": [xgboost.callback.EarlyStopping(rounds=10, save_best=True)],
    },
    "the method by its name": {"tree_method": "hist", "verbosity": 0},
}


@pytest.mark.parametrize("name", SAME_MODELS)
def test_the_same_model_is_right_however_it_is_written(name, cases, truths):
    answer = plain(cases, **SAME_MODELS[name])
    assert cases.compare("train_odd", truths["train_odd"], answer).equal


OTHER_MODELS = {
    "no early stopping": ({"patience": None}, "all 200 rounds used", "no_early_stopping"),
    "training rows watched": ({"watched": "training"}, "of 200 the best", "watches_training"),
    "validation rows learned": ({"watched": "learned"}, "off by", "validation_learned"),
    "the first chunk alone": ({"rows": slice(700)}, "off by", "one_chunk_only"),
    "the last chunk alone": ({"rows": slice(701, None)}, "off by", "one_chunk_only"),
    "every second row": ({"rows": slice(0, None, 2)}, "off by", None),
    "another depth": ({"max_depth": 6}, "off by", None),
    "another rate": ({"learning_rate": 0.3}, "off by", None),
    "a single round": ({"rounds": 1}, "round 1 of 1 the best", "ended_before"),
    "three rounds and no more": ({"rounds": 3}, "of 3 the best", "ended_before"),
    "twice the patience": ({"patience": 20}, "20 rounds before the last", "too_long"),
    "the validation rows alone": ({"watched": "swapped"}, "off by", "roles_swapped"),
}


@pytest.mark.parametrize("name", OTHER_MODELS)
def test_another_model_is_not_right(name, cases, truths):
    options, words, known = OTHER_MODELS[name]
    comparison = cases.compare("train_odd", truths["train_odd"], plain(cases, **options))
    assert (comparison.equal, comparison.mistake) == (False, known), comparison
    assert words in comparison.got


def test_less_patience_is_named_where_it_ends_elsewhere(cases):
    for seed in range(40):
        truth = cases.oracle("train_odd", SMALL["train_odd"], seed)
        comparison = cases.compare("train_odd", truth, plain(cases, seed=seed, patience=1))
        if not comparison.equal:
            assert comparison.mistake == "less_patience"
            return
    pytest.fail("a round of patience was enough on 40 seeds")


OTHER_NUMBERS = ["all_trees", "one_tree_short", "ten_less", "best_tree_alone", "labels", "log_odds"]


@pytest.mark.parametrize("seed", range(6))
def test_mistakes_are_far_from_what_is_right_on_all_seeds(seed, cases):
    sizes = next(c for c in catalogue.find(NAME).cases if c.name == "train_odd").parameters
    truth = cases.oracle("train_odd", sizes, seed)
    right = truth["probabilities"]
    wrong = [truth[name] for name in truth if name.startswith("mistake:")]
    constant = np.full_like(right, right.mean())
    assert min(np.abs(each - right).mean() for each in [*wrong, constant]) > 20 * cases.NEAR
    assert 2 <= truth["best"] < 100 and truth["rounds"] == truth["best"] + 11


# ----------------------------------------------------------------------------- the prediction


@pytest.mark.parametrize("case", PREDICTIONS)
def test_the_trees_up_to_the_best_are_right_and_another_seeds_are_not(case, client, cases, truths):
    arguments, input_bytes = cases.prepare(case, SMALL[case], SEED)
    _, model, X = arguments
    assert input_bytes == X.nbytes
    rounds = (0, model.best_iteration + 1)
    right = [
        boosting.predict(client, model, X, iteration_range=rounds),
        boosting.inplace_predict(client, model, X, iteration_range=rounds),
        boosting.predict(client, model[: rounds[1]], X),
        boosting.predict(client, model, X, iteration_range=rounds).astype(float),
    ]
    for result in right:
        answer = cases.materialise(case, result)
        assert cases.compare(case, truths[case], answer).equal
    assert not cases.compare(case, cases.oracle(case, SMALL[case], SEED + 1), answer).equal


@pytest.mark.parametrize("name", OTHER_NUMBERS)
@pytest.mark.parametrize("case", PREDICTIONS)
def test_other_numbers_than_these_probabilities_are_named(name, case, cases, truths):
    wrong = {"probabilities": truths[case][f"mistake:{name}"]}
    comparison = cases.compare(case, truths[case], wrong)
    assert (comparison.equal, comparison.mistake) == (False, name)
    # As whole numbers and as truth values, too.
    if name == "labels":
        for kind in (int, bool):
            wrong = {"probabilities": truths[case]["mistake:labels"].astype(kind)}
            assert cases.compare(case, truths[case], wrong).mistake == name


@pytest.mark.parametrize("seed", range(12))
def test_a_model_to_predict_with_has_trees_that_are_no_good(seed, cases):
    truth = cases.oracle("predict_odd", SMALL["predict_odd"], seed)
    best = cases._trained(seed, SMALL["predict_odd"]["trained"]).best_iteration
    for name in OTHER_NUMBERS:
        if name == "best_tree_alone" and best == 0:
            continue  # the first tree is the best: there is no other one
        off = np.abs(truth[f"mistake:{name}"] - truth["probabilities"])
        assert off.max() > 100 * cases.EQUAL, name


def test_one_wrong_row_is_one_too_many_and_rounding_is_none(cases, truths):
    truth = truths["predict_files"]
    for change, right in ((1e-2, False), (np.nan, False), (1e-6, True)):
        found = truth["probabilities"].copy()
        found[5] += change
        comparison = cases.compare("predict_files", truth, {"probabilities": found})
        assert comparison.equal is right
        assert right or "row 5" in comparison.got


# -------------------------------------------------------------------------- whatever may come

NOT_AN_ANSWER = {
    "nothing": {},
    "no array": {"X": [1], "y": 3, "probabilities": [0.5], "rounds": 3},
    "numbers": dict.fromkeys(["X", "y", "probabilities", "rounds", "best"], np.zeros(6)),
    "words": dict.fromkeys(["X", "y", "probabilities", "rounds", "best"], np.array("many")),
    "objects": dict.fromkeys(["X", "y", "probabilities"], np.array([object()] * 6)),
    "empty": dict.fromkeys(["X", "y", "probabilities", "reads", "share"], np.zeros(0)),
}
NOT_A_PART = {
    "X": [np.zeros((120, 24)), np.zeros(3), np.zeros((120, 24), complex), None],
    "y": [np.zeros(120), np.zeros((120, 1)), None],
    "reads": [np.array(np.nan), np.zeros(2), None],
    "share": [np.array(np.nan), np.array("1"), None],
    "X_rows": [np.zeros(3), np.array("1"), None],
    "y_rows": [np.zeros(3), None],
    "X_columns": [np.array(2), None],
    "probabilities": [np.zeros(5), np.zeros((9, 1)), np.zeros(9, complex), None],
    "rounds": [np.array(3.0), np.array("3"), None],
    "best": [np.array(3.0), np.zeros(2, int), None],
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
    for case, truth in truths.items():
        right = {name: value for name, value in truth.items() if not name.startswith("mistake:")}
        if case == "load_files":
            right |= {**form("X", (120, 24), 4), **form("y", (120,), 4)}
        elif case == "load_odd":
            continue
        if part in right:
            assert cases.compare(case, truth, right).equal
            comparison = cases.compare(case, truth, {**right, part: NOT_A_PART[part][number]})
            assert comparison.equal is False and comparison.got


@pytest.mark.usefixtures("client")
@pytest.mark.parametrize(
    ("case", "result", "words"),
    [
        ("load_odd", None, "must return two Dask arrays, X and y; it returned None"),
        ("load_odd", (da.zeros((3, 24)),), "a tuple"),
        ("load_odd", (np.zeros((3, 24)), np.zeros(3)), "one of them is a NumPy array"),
        ("load_odd", (dask.delayed(int)(), da.Array), "the class Array itself"),
        ("train_odd", None, "must return the trained model, an xgboost.Booster; it returned None"),
        ("train_odd", {"booster": 1, "history": {}}, "under 'booster'"),
        ("train_odd", xgboost.Booster, "the class Booster itself"),
        ("train_odd", np.zeros(3), "a NumPy array"),
        (
            "predict_odd",
            None,
            "a Dask array with one probability per row of X; .* None",
        ),
        ("predict_odd", da.from_array(np.array(["late"])), "something else than numbers"),
    ],
)
def test_a_result_of_the_wrong_type_is_told_the_contract(case, result, words, cases):
    with pytest.raises(TypeError, match=words):
        cases.materialise(case, result)


def test_the_file_needs_xgboost_only_where_it_is_used(exercise, monkeypatch):
    monkeypatch.setitem(sys.modules, "xgboost", None)
    catalogue.cases(exercise)


# -------------------------------------------------------------------- workers that train together


def gang(client, *workers, wall):
    """A run of the timed case, by what every process computed and how long it took.

    Both tasks are there from beginning to end, whoever did the work: so a gang is recorded, and a
    replay would call anything a speedup of two.
    """
    usage = [ProcessUsage(Role.CLIENT, "client", client, 0.0, 0, 0)]
    usage += [
        ProcessUsage(Role.WORKER, f"worker-{i}", seconds, 0.0, 0, 0)
        for i, seconds in enumerate(workers)
    ]
    tasks = [task(f"do_train-{i}", 0.1, wall - 0.1, worker=f"worker-{i}") for i in range(2)]
    seen = run(tasks, wall)
    waited = tuple(CpuSample(0.05, use.name, use.cpu_seconds, 0.0) for use in usage)
    return replace(
        seen,
        case="train_large",
        function="train",
        usage=tuple(usage),
        cpu=waited,
        recording=replace(seen.recording, workers=("worker-0", "worker-1")),
        comparison=Comparison(True, "", ""),
    )


@pytest.mark.parametrize(
    ("name", "client", "workers", "wall", "status", "words"),
    [
        ("both", 0.1, (1.4, 1.45), 1.9, Status.PASSED, "a speedup of"),
        ("one, and the other waits", 0.1, (2.5, 0.1), 2.9, Status.FAILED, "a speedup of"),
        ("one, and the other burns", 0.1, (2.2, 2.1), 2.3, Status.FAILED, "one worker alone"),
        ("the notebook alone", 2.6, (0.1, 0.1), 2.9, Status.FAILED, "a speedup of"),
        ("one after the other", 0.1, (1.4, 1.4), 3.1, Status.FAILED, "a speedup of"),
    ],
)
def test_both_workers_have_to_do_the_training(name, client, workers, wall, status, words, exercise):
    reference = replace(
        exercise.typical, speedup=1.8, cpu_seconds=3.0, alone=0.1, same_round=True, tasks=30
    )
    (spec,) = (check for check in exercise.checks if check.check == "speedup")
    evidence = gather(exercise, [gang(client, *workers, wall=wall)])
    found = grade(exercise, evidence, reference, [spec]).scored[0].finding
    assert found.status is status, (name, found.got)
    assert words in found.got


# ------------------------------------------------------------------------------ the contract

PROMISES = [
    ("load", "Have the workers read every file, and keep readings and labels there", "load_values",
     "test_files_that_are_read_otherwise_are_not_right"),
    ("load", "X : dask.array.Array, shape (sum of rows, 24)", "load_values",
     "test_files_that_are_read_otherwise_are_not_right"),
    ("load", "The readings", "load_values", "test_files_that_are_read_otherwise_are_not_right"),
    ("load", "One chunk for each file, in the order of the files", "load_values",
     "test_files_that_are_read_otherwise_are_not_right"),
    ("load", "y : dask.array.Array, shape (sum of rows,)", "load_values",
     "test_compare_takes_a_right_answer_with_one_part_spoilt"),
    ("load", "The labels", "load_values", "test_compare_takes_a_right_answer_with_one_part_spoilt"),
    ("load", "Chunks as those of X", "load_values",
     "test_cut_at_different_rows_they_are_not_right"),
    ("load", "No rows are brought here", "load_lazy", "test_what_is_lazy_or_not_is_judged"),
    ("load", "Whoever computes X, and then y, causes each file to be read once in all, on the "
     "workers", "load_values", "test_files_that_are_read_otherwise_are_not_right"),
    ("load", "no worker reads more than three quarters of the files", "load_values",
     "test_a_worker_that_is_free_may_read_some_more_files"),
    ("train", "Grow boosted trees on all rows, on all workers together, and stop in time",
     "train_speedup", "test_both_workers_have_to_do_the_training"),
    ("train", "xgboost.Booster", "train_values",
     "test_a_result_of_the_wrong_type_is_told_the_contract"),
    ("train", "Trained for at most 200 rounds, and no longer than until 10 rounds in a row have "
     "not made the loss of the validation rows smaller", "train_values",
     "test_another_model_is_not_right"),
    ("train", "Its best_iteration is the best round", "train_values",
     "test_another_model_is_not_right"),
    ("train", "The trees up to that one predict what those of plain XGBoost on the same rows "
     "predict, within 0.002 on the average", "train_values", "test_another_model_is_not_right"),
    ("train", "The rows stay on the workers, and all workers share the work", "train_distributed",
     "test_both_workers_have_to_do_the_training"),
    ("predict", "Say how probable it is that each train is late, when somebody asks for it",
     "predict_values", "test_other_numbers_than_these_probabilities_are_named"),
    ("predict", "dask.array.Array, shape (rows,)", "predict_values",
     "test_compare_takes_a_right_answer_with_one_part_spoilt"),
    ("predict", "Lazy: neither rows nor probabilities are brought here", "predict_lazy",
     "test_what_is_lazy_or_not_is_judged"),
    ("predict", "The probability of a 1, by the trees up to the best round", "predict_values",
     "test_other_numbers_than_these_probabilities_are_named"),
]  # fmt: skip


def test_every_promise_of_a_docstring_has_a_judge_and_a_test_that_breaks_it(exercise):
    hold_promises(exercise, PROMISES, globals())


@pytest.mark.parametrize(
    ("function", "gathered", "lazy", "right"),
    [
        ("load", 0, True, True),
        ("load", 9_000_000, True, False),
        ("predict", 0, True, True),
        ("predict", 9_000_000, True, False),
        ("predict", 0, False, False),
    ],
)
def test_what_is_lazy_or_not_is_judged(function, gathered, lazy, right, exercise):
    (spec,) = (c for c in exercise.checks if (c.function, c.check) == (function, "lazy"))
    runs = [
        replace(
            run([], 1.0),
            case=case,
            function=function,
            input_bytes=600_000,
            answer={"lazy": lazy, "type": "numpy.ndarray"},
            recording=replace(run([], 1.0).recording, gathered_during_call=gathered),
            comparison=Comparison(True, "", ""),
        )
        for case in spec.cases
    ]
    found = grade(exercise, gather(exercise, runs), exercise.typical, [spec]).scored[0].finding
    assert (found.status is Status.PASSED) is right, found
