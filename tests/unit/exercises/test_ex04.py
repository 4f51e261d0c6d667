from dataclasses import replace

import dask
import dask.array as da
import numpy as np
import pytest
import sklearn.cluster
import small_cases
from dask_ml.cluster import KMeans
from dask_ml.preprocessing import RobustScaler, StandardScaler
from promises import hold_promises
from recordings import flat, run, task

from autograder.author import kit
from autograder.checks import CHECKS
from autograder.diagnose import diagnose
from autograder.errors import HarnessError
from autograder.evidence.assemble import gather
from autograder.evidence.recorder import READ, Recorder
from autograder.grading import grade
from autograder.model import (
    Comparison,
    GraphRecord,
    ProcessUsage,
    Recording,
    Role,
    Status,
)
from autograder.replay.makespan import study

NAME = "ex04_large_collections"
SEED = 11
FEATURES = 32
SMALL = small_cases.SMALL[NAME]


def test_the_reads_of_the_reference_are_in_its_baseline(exercise):
    assert exercise.typical.reads == 8


# -------------------------------------------------------------------- right answers, and others


def right(case, arguments):
    if case.startswith("standardise"):
        return StandardScaler().fit_transform(*arguments)
    if case.startswith("cluster"):
        X, start, steps = arguments
        return KMeans(len(start), init=start, max_iter=steps, tol=0.0).fit(X.persist())
    return arguments[0].predict(arguments[1])


@pytest.mark.usefixtures("client")
@pytest.mark.parametrize("case", SMALL)
def test_the_right_answer_equals_the_oracle_and_another_seeds_does_not(case, cases, truths):
    arguments, input_bytes = cases.prepare(case, SMALL[case], SEED)
    X = next(argument for argument in arguments if isinstance(argument, da.Array))
    assert input_bytes == X.nbytes
    answer = cases.materialise(case, right(case, arguments))
    comparison = cases.compare(case, truths[case], answer)
    assert comparison.equal, comparison
    other = cases.compare(case, cases.oracle(case, SMALL[case], SEED + 1), answer)
    assert not other.equal and other.got


@pytest.mark.usefixtures("client")
def test_the_formula_with_sample_variance_is_right_and_so_is_single_precision(cases, truths):
    case = "standardise_files"
    (X,), _ = cases.prepare(case, SMALL[case], SEED)
    formula = ((X - X.mean(axis=0)) / X.std(axis=0, ddof=1)).astype("float32")
    assert cases.compare(case, truths[case], cases.materialise(case, formula)).equal


def lloyd(rows, start, steps, **settings):
    """Centres by scikit-learn, whose steps are dask_ml's."""
    settings = {"init": start, "n_init": 1, "max_iter": steps, "tol": 0.0, **settings}
    return sklearn.cluster.KMeans(len(start), **settings).fit(rows).cluster_centers_


def by_hand(rows, start, steps, dtype="float64"):
    """Centres by NumPy alone."""
    rows, centres = rows.astype(dtype), start.astype(dtype)
    for _ in range(steps):
        nearest = ((centres**2).sum(axis=1) - 2 * rows @ centres.T).argmin(axis=1)
        centres = np.stack([rows[nearest == j].mean(axis=0) for j in range(len(centres))])
    return centres


SAME_CENTRES = {
    "by hand": by_hand,
    "in single precision": lambda rows, start, steps: by_hand(rows, start, steps, "float32"),
    "another method": lambda rows, start, steps: lloyd(rows, start, steps, algorithm="elkan"),
}


@pytest.mark.parametrize("name", SAME_CENTRES)
@pytest.mark.parametrize("case", ["cluster_odd", "cluster_large"])
def test_the_same_steps_come_to_the_same_centres_however_they_are_taken(name, case, cases, truths):
    centres = SAME_CENTRES[name](*arguments_of(cases, case))
    assert cases.compare(case, truths[case], {"centres": centres, **numbered(truths[case])}).equal


@pytest.mark.usefixtures("client")
@pytest.mark.parametrize("seed", range(SEED, SEED + 5))
@pytest.mark.parametrize("case", ["cluster_odd", "cluster_large"])
def test_who_leaves_the_tolerance_as_it_is_takes_as_many_steps(case, seed, exercise, cases):
    sizes = {**next(each for each in exercise.cases if each.name == case).parameters}
    if "rows" in sizes:
        sizes["rows"] = 24_000
    (X, start, steps), _ = cases.prepare(case, sizes, seed)
    model = KMeans(len(start), init=start, max_iter=steps).fit(X)
    assert model.n_iter_ == steps
    truth = cases.oracle(case, sizes, seed)
    assert cases.compare(case, truth, cases.materialise(case, model)).equal


def numbered(truth):
    """What predict of a right model says of its centres, where a case asks for it."""
    return {"numbers": truth["numbers"]} if "numbers" in truth else {}


def until_they_stay(rows, start, steps):
    return lloyd(rows, start, 300)


OTHER_CENTRES = {
    "one step less": (lambda rows, start, steps: lloyd(rows, start, steps - 1), "other_steps"),
    "one step more": (lambda rows, start, steps: lloyd(rows, start, steps + 1), "other_steps"),
    "no step": (lambda rows, start, steps: start, "other_steps"),
    "to the end": (until_they_stay, "to_the_end"),
    "its own start": (lambda rows, start, steps: lloyd(rows, start, 300, init="k-means++"), None),
    "first file": (lambda rows, start, steps: lloyd(rows[:1000], start, steps), "one_file"),
    "half of the rows": (lambda rows, start, steps: lloyd(rows[::2], start, steps), None),
    "two in one": (lambda rows, start, steps: lloyd(rows, start, steps)[[0, 1, 2, 3, 3]], None),
    "one too many": (lambda rows, start, steps: np.vstack([start, start[:1]]), None),
    "standardised again, by range": (
        lambda rows, start, steps: lloyd((rows - rows.min(0)) / np.ptp(rows, axis=0), start, steps),
        None,
    ),
}


@pytest.mark.parametrize("name", OTHER_CENTRES)
def test_other_centres_are_not_right(name, cases, truths):
    find, known = OTHER_CENTRES[name]
    case = "cluster_large"
    centres = find(*arguments_of(cases, case))
    comparison = cases.compare(case, truths[case], {"centres": centres})
    assert not comparison.equal and comparison.got
    assert comparison.mistake == known or name == "its own start"  # which may end there, too


@pytest.mark.usefixtures("client")
def test_a_kmeans_that_draws_its_own_start_is_named_and_one_filled_by_hand_is_not(
    exercise, cases, truths
):
    case = "cluster_odd"
    (X, start, steps), _ = cases.prepare(case, SMALL[case], SEED)

    def judged(model):
        return cases.compare(case, truths[case], cases.materialise(case, model))

    drawn = KMeans(len(start), max_iter=steps, random_state=4, oversampling_factor=0.4).fit(X)
    drawn.cluster_centers_ = drawn.cluster_centers_ + 0.1  # whichever points it drew
    found = judged(drawn)
    assert (found.equal, found.mistake) == (False, "own_start") and exercise.mistakes["own_start"]
    for by_hand_with in (start - 1.0, start):
        filled = dask_model(by_hand_with)
        filled.n_iter_ = steps
        assert judged(filled).mistake == ("other_steps" if by_hand_with is start else None)
    given = KMeans(len(start), init=start, max_iter=steps, tol=0.0).fit(X)
    assert judged(given).equal
    given.cluster_centers_ = start - 1.0
    assert judged(given).mistake is None


def test_the_centres_of_a_small_case_say_how_many_steps_were_taken(exercise, cases):
    case = next(each for each in exercise.cases if each.name == "cluster_odd")
    sizes = case.parameters
    k, chunks = int(sizes["clusters"]), kit.chunks(sizes)
    for seed in range(4):
        truth = cases.oracle(case.name, sizes, seed)
        blocks = [cases._draw(seed, b, n, k) for b, n in enumerate(chunks, start=1)]
        rows = np.concatenate([cases._scaled(seed, block, k) for block in blocks])
        start = cases._start(seed, k)
        scaled = (rows - rows.mean(axis=0)) / rows.std(axis=0)
        for known, centres in (
            ("other_steps", lloyd(rows, start, 1)),
            ("other_steps", by_hand(rows, start, 3, "float32")),
            ("to_the_end", lloyd(rows, start, 300, tol=1e-4)),
            ("one_file", lloyd(rows[: chunks[0]], start, int(sizes["steps"]))),
            ("standardised_again", lloyd(scaled, start, int(sizes["steps"]))),
            (None, lloyd(rows[::2], start, int(sizes["steps"]))),
        ):
            found = cases.compare(case.name, truth, {"centres": centres, **numbered(truth)})
            assert (found.equal, found.mistake) == (False, known), (seed, known, found)


def arguments_of(cases, case):
    """All rows, start and steps, as NumPy has them."""
    sizes = SMALL[case]
    k = sizes["clusters"]
    blocks = enumerate(kit.chunks(sizes), start=1)
    rows = np.concatenate([cases._scaled(SEED, cases._draw(SEED, b, n, k), k) for b, n in blocks])
    return rows, cases._start(SEED, k), sizes["steps"]


def test_the_number_of_a_cluster_does_not_matter(cases, truths):
    truth = truths["cluster_odd"]
    answer = {"centres": truth["centres"][::-1], **numbered(truth)}
    assert cases.compare("cluster_odd", truth, answer).equal


STANDARDISED = {
    "chunk_by_chunk": lambda X: X.map_blocks(lambda rows: (rows - rows.mean(0)) / rows.std(0)),
    "range": lambda X: (X - X.min(axis=0)) / (X.max(axis=0) - X.min(axis=0)),
    "variance": lambda X: (X - X.mean(axis=0)) / X.var(axis=0),
    "not_centred": lambda X: X / X.std(axis=0),
    "only_centred": lambda X: X - X.mean(axis=0),
    "one_scale": lambda X: (X - X.mean()) / X.std(),
    "row_by_row": lambda X: (X - X.mean(axis=1)[:, None]) / X.std(axis=1)[:, None],
    "first_file": lambda X: (X - X.blocks[0].mean(axis=0)) / X.blocks[0].std(axis=0),
}


@pytest.mark.filterwarnings("ignore:invalid value")
@pytest.mark.usefixtures("client")
@pytest.mark.parametrize("name", STANDARDISED)
def test_a_known_mistake_of_standardising_is_named(name, exercise, cases, truths):
    case = "standardise_files"
    (X,), _ = cases.prepare(case, SMALL[case], SEED)
    answer = cases.materialise(case, STANDARDISED[name](X))
    comparison = cases.compare(case, truths[case], answer)
    assert (comparison.equal, comparison.mistake) == (False, name) and name in exercise.mistakes


OTHER_SCALES = {
    "by the median": (lambda X: RobustScaler().fit_transform(X), True),
    "by the largest value": (lambda X: X / abs(X).max(axis=0), True),
    "by one deviation for all": (lambda X: (X - X.mean(axis=0)) / X.std(), True),
    "nearly right": (lambda X: (X - X.mean(axis=0)) / (1.1 * X.std(axis=0)), True),
    "not at all": (lambda X: X, True),
    "the wrong way round": (lambda X: (X.mean(axis=0) - X) / (2 * X.std(axis=0)), False),
    "its square": (lambda X: (X / X.std(axis=0)) ** 2, False),
    "in another order": (lambda X: 2 * X[::-1], False),
    "nothing but zeros": (lambda X: 0.0 * X, False),
}


@pytest.mark.usefixtures("client")
@pytest.mark.parametrize("name", OTHER_SCALES)
@pytest.mark.parametrize("case", ["standardise_odd", "standardise_files"])
def test_whatever_shifts_and_scales_each_feature_is_on_another_scale(case, name, cases, truths):
    scaled, known = OTHER_SCALES[name]
    (X,), _ = cases.prepare(case, SMALL[case], SEED)
    comparison = cases.compare(case, truths[case], cases.materialise(case, scaled(X)))
    assert (comparison.equal, comparison.mistake) == (False, "other_scale" if known else None)


@pytest.mark.parametrize("case", ["assign_odd", "assign_files"])
def test_a_known_mistake_of_labelling_is_named(case, exercise, cases, truths):
    truth = truths[case]
    for name in ("farthest", "from_one", "largest_product"):
        comparison = cases.compare(case, truth, {"labels": truth[f"mistake:{name}"]})
        assert (comparison.equal, comparison.mistake) == (False, name)
        assert exercise.mistakes[name].explanation
    one_off = truth["labels"].copy()
    one_off[np.flatnonzero(truth["clear"])[0]] += 1
    for labels in (truth["labels"][::-1], np.zeros(len(truth["labels"]), int), one_off):
        assert cases.compare(case, truth, {"labels": labels}).mistake is None


@pytest.mark.usefixtures("client")
def test_chunks_along_features_break_the_contract(exercise, cases, truths):
    case = "standardise_files"
    (X,), _ = cases.prepare(case, SMALL[case], SEED)
    columns = X.rechunk({0: -1, 1: 4})
    cut = (columns - columns.mean(axis=0)) / columns.std(axis=0)
    comparison = cases.compare(case, truths[case], cases.materialise(case, cut))
    assert (comparison.equal, comparison.mistake) == (False, "cut_features")
    assert "cut_features" in exercise.mistakes


def test_every_mistake_that_compare_names_is_explained(exercise):
    assert {"to_the_end", "one_file"} <= set(exercise.mistakes)


def test_a_row_between_two_centres_may_get_either_label_and_no_other_row(cases, truths):
    truth = truths["assign_files"]
    labels = (truth["labels"] + 1) % 5
    clear = truth["clear"].copy()
    clear[7] = False
    labels[np.arange(len(labels)) != 7] = truth["labels"][np.arange(len(labels)) != 7]
    assert not cases.compare("assign_files", truth, {"labels": labels}).equal
    assert cases.compare("assign_files", {**truth, "clear": clear}, {"labels": labels}).equal
    assert truth["clear"].mean() > 0.99


class Centres:
    """A model by hand, with the same centres and predict."""

    def __init__(self, centres, predict=None):
        self.cluster_centers_ = centres
        if predict is not None:
            self.predict = predict


def nearest(centres, rows):
    return ((rows[:, None, :] - centres) ** 2).sum(axis=2).argmin(axis=1)


def by_blocks(centres):
    return lambda X: X.map_blocks(lambda rows: nearest(centres, rows), drop_axis=1, dtype=int)


@pytest.mark.usefixtures("client")
def test_a_model_by_hand_needs_a_predict_that_works(cases, truths):
    case, truth = "cluster_odd", truths["cluster_odd"]
    centres = truth["centres"]
    for predict in (
        by_blocks(centres),
        lambda X: nearest(centres, X.compute()),
        sklearn_model(centres).predict,
        dask_model(centres).predict,
    ):
        answer = cases.materialise(case, Centres(centres, predict))
        assert cases.compare(case, truth, answer).equal
    for predict in (by_blocks(centres[::-1]), lambda X: np.zeros(len(X), int)):
        found = cases.compare(case, truth, cases.materialise(case, Centres(centres, predict)))
        assert not found.equal and "predict" in found.got
    for none in (Centres(centres), Centres(centres, "no method")):
        for which in ("cluster_odd", "cluster_large"):
            with pytest.raises(TypeError, match="with cluster_centers_ and predict"):
                cases.materialise(which, none)
    lazy = Centres(da.from_array(centres), by_blocks(centres))
    found = cases.compare(case, truth, cases.materialise(case, lazy))
    assert not found.equal and found.got == "centres that are not computed yet"


def sklearn_model(centres):
    model = sklearn.cluster.KMeans(len(centres), n_init=1, init=centres, max_iter=1)
    model.fit(centres)
    model.cluster_centers_ = centres
    return model


def dask_model(centres):
    model = KMeans(len(centres))
    model.cluster_centers_, model.n_features_in_ = centres, centres.shape[1]
    return model


def other_forms(X, right):
    """Right values, or labels, in other forms than promised; each with what is said of it."""
    return {
        "a Delayed": dask.delayed(np.concatenate)(list(right.to_delayed().ravel())),
        "shape": da.concatenate([right, right[:1]]),
        "how many rows": right[da.ones(len(right), chunks=right.chunks[0]) > 0],
        "a Pretender": Pretender(right),
    }


class Pretender:
    """Says that it is lazy."""

    def __init__(self, array):
        self._array = array
        self.shape, self.dtype, self.chunks = array.shape, array.dtype, array.chunks

    def __dask_graph__(self):
        return {}

    def compute(self):
        return self._array.compute()


@pytest.mark.usefixtures("client")
def test_labels_that_still_have_the_columns_are_told_so(exercise, cases):
    (model, X), _ = cases.prepare("assign_odd", SMALL["assign_odd"], SEED)
    with pytest.raises(TypeError, match="still has 32 columns") as raised:
        cases.materialise("assign_odd", X.map_blocks(model.predict))
    assert exercise.mistakes["axis_kept"].raises in str(raised.value)


@pytest.mark.usefixtures("client")
@pytest.mark.parametrize("case", ["standardise_odd", "assign_odd"])
def test_right_numbers_in_another_form_than_promised_are_not_right(case, cases, truths):
    arguments, _ = cases.prepare(case, SMALL[case], SEED)
    result = right(case, arguments)
    for said, other in other_forms(arguments[-1], result).items():
        found = cases.compare(case, truths[case], cases.materialise(case, other))
        assert not found.equal and said in found.got, (said, found)
    # Whether it is computed already another check judges; other blocks of whole rows are allowed.
    for same in (result.compute(), result.rechunk({0: 50}), result):
        found = cases.compare(case, truths[case], cases.materialise(case, same))
        assert found.equal, found


# ---------------------------------------------------------- promises, and what judges each of them

PROMISES = (
    # the docstring's words, the check that judges them, and the test here that breaks the promise
    ("standardise", "Give every feature mean 0 and variance 1 over all rows",
     "standardise_values", "test_a_known_mistake_of_standardising_is_named"),
    ("standardise", "when somebody asks for it",
     "standardise_lazy", "test_what_is_kept_already_is_not_lazy"),
    ("standardise", "dask.array.Array, shape (rows, features)",
     "standardise_values", "test_right_numbers_in_another_form_than_promised_are_not_right"),
    ("standardise", "Lazy: means and variances may be worked out at once, but no rows are brought",
     "standardise_lazy", "test_means_may_come_over_and_the_rows_may_not"),
    ("standardise", "In chunks of whole rows",
     "standardise_values", "test_chunks_along_features_break_the_contract"),
    ("standardise", "in the order of X",
     "standardise_values", "test_rows_in_another_order_are_not_right"),
    ("cluster_points", "Move k centres by Lloyd's method",
     "cluster_points_values", "test_other_centres_are_not_right"),
    ("cluster_points", "read every file once",
     "cluster_points_reads", "test_the_input_has_to_be_read_once_or_twice"),
    ("cluster_points", "leave the rows where they are",
     "cluster_points_distributed", "test_data_have_to_stay_on_the_workers"),
    ("cluster_points", "dask_ml.cluster.KMeans",
     "cluster_points_values", "test_a_result_of_the_wrong_type_is_told_the_contract"),
    ("cluster_points", "Its cluster_centers_, a numpy.ndarray of shape (k, features)",
     "cluster_points_values", "test_a_model_by_hand_needs_a_predict_that_works"),
    ("cluster_points", "are the centres after the last step",
     "cluster_points_values", "test_other_centres_are_not_right"),
    ("cluster_points", "Anything else with the same cluster_centers_, and predict",
     "cluster_points_values", "test_a_model_by_hand_needs_a_predict_that_works"),
    ("assign", "Say for every row which centre is the nearest",
     "assign_values", "test_a_row_between_two_centres_may_get_either_label_and_no_other_row"),
    ("assign", "when somebody asks for it",
     "assign_lazy", "test_what_is_kept_already_is_not_lazy"),
    ("assign", "dask.array.Array, shape (rows,)",
     "assign_values", "test_right_numbers_in_another_form_than_promised_are_not_right"),
    ("assign", "Lazy: neither rows nor labels are brought here",
     "assign_lazy", "test_means_may_come_over_and_the_rows_may_not"),
    ("assign", "a row's number in model.cluster_centers_",
     "assign_values", "test_a_row_between_two_centres_may_get_either_label_and_no_other_row"),
)  # fmt: skip


def test_each_promise_of_a_docstring_is_judged(exercise):
    hold_promises(exercise, PROMISES, globals())


def lazily(exercise, grade_id, **told):
    spec = next(spec for spec in exercise.checks if spec.grade_id == grade_id)
    gathered = told.pop("gathered", 0)
    seen = [
        replace(
            run([], 1.0),
            case=name,
            function=spec.function,
            answer={"type": "dask.array.core.Array", "lazy": True} | told,
            recording=Recording(gathered_bytes=gathered, gathered_during_call=gathered),
            input_bytes=10_000_000,
        )
        for name in spec.cases
    ]
    return CHECKS["lazy"](exercise, spec, gather(exercise, seen), exercise.typical)


@pytest.mark.parametrize("grade_id", ["standardise_lazy", "assign_lazy"])
def test_what_is_kept_already_is_not_lazy(grade_id, exercise):
    assert lazily(exercise, grade_id).status is Status.PASSED
    found = lazily(exercise, grade_id, kept=3, blocks=3)
    assert found.status is Status.FAILED and "persist() or the like" in found.got


@pytest.mark.parametrize("grade_id", ["standardise_lazy", "assign_lazy"])
def test_means_may_come_over_and_the_rows_may_not(grade_id, exercise):
    assert lazily(exercise, grade_id, gathered=20_000).status is Status.PASSED
    for told in ({"gathered": 5_000_000}, {"lazy": False}):
        assert lazily(exercise, grade_id, **told).status is Status.FAILED


def test_rows_in_another_order_are_not_right(cases, truths):
    truth = truths["standardise_files"]
    found = cases.compare("standardise_files", truth, {"values": truth["values"][::-1]})
    assert not found.equal and "in the order of X" in found.got


# ------------------------------------------------------------------------------- the reads


def test_reads_are_counted_where_tasks_are_fused_and_renamed(client, cases):
    recorder = Recorder()
    client.register_plugin(recorder)

    def reads():
        return client.run_on_scheduler(
            lambda dask_scheduler: (
                dask_scheduler.plugins[Recorder.name].recording(0.0, 1e12, None).reads
            )
        )

    (X, *_), _ = cases.prepare("cluster_large", SMALL["cluster_large"], SEED)
    kept = (X + 1).persist()
    kept.sum().compute()
    kept.mean().compute()
    assert reads() == 4
    (X + 1).sum().compute()
    (X + 1).mean().compute()
    assert reads() == 12


def test_warming_workers_that_are_threads_leaves_the_cluster_in_charge(client, cases):
    workers = list(client.scheduler_info()["workers"])
    before = dask.config.get("scheduler", None)
    for _ in range(8):  # without its lock, three in four are left to run in the client
        client.gather(
            [client.submit(cases._cluster_here, workers=[w], pure=False) for w in workers]
        )
        assert dask.config.get("scheduler", None) == before


def test_only_the_topic_of_reads_counts():
    recorder = Recorder()
    recorder.scheduler = type("Scheduler", (), {"workers": {}})()
    for topic in (READ, "all", READ):
        recorder.log_event(topic, 1)
    assert recorder.recording(0.0, 1e12).reads == 2
    assert recorder.recording(0.0, 1.0).reads == 0


# ------------------------------------------------------------------------ whatever may come

NOT_AN_ANSWER = {
    "nothing": {},
    "no array": {"values": [1.0], "centres": "x", "labels": 3},
    "empty": dict.fromkeys(["values", "centres", "labels"], np.array([])),
    "words": dict.fromkeys(["values", "centres", "labels"], np.array(["a"])),
    "NaN": {
        "values": np.full((300, 32), np.nan),
        "centres": np.full((3, 32), np.nan),
        "labels": np.full(900, np.nan),
    },
    "huge": {
        "values": np.full((300, 32), 1e300),
        "centres": np.full((3, 32), 1e300),
        "labels": np.full(900, 1e300),
    },
    "alike": {
        "values": np.zeros((300, 32)),
        "centres": np.zeros((3, 32)),
        "labels": np.zeros(900),
    },
    "complex": {"values": np.ones((300, 32), complex), "centres": np.ones((3, 32), complex)},
    "records": dict.fromkeys(["values", "centres", "labels"], np.zeros(900, [("a", int)])),
}


@pytest.mark.filterwarnings("ignore:overflow:RuntimeWarning")
@pytest.mark.parametrize("case", SMALL)
@pytest.mark.parametrize("name", NOT_AN_ANSWER)
def test_compare_takes_whatever_comes_out_of_the_box(name, case, cases, truths):
    comparison = cases.compare(case, truths[case], NOT_AN_ANSWER[name])
    assert comparison.equal is False
    assert comparison.got and comparison.expected


@pytest.mark.parametrize(
    ("case", "result", "words"),
    [
        ("standardise_odd", None, "standardise must return a Dask array .* None"),
        ("standardise_odd", [1.0], "a list"),
        ("cluster_odd", None, "must return a fitted KMeans, .* None"),
        ("cluster_odd", KMeans, "the class KMeans itself"),
        ("cluster_odd", KMeans(3), "a KMeans"),
        ("cluster_odd", np.zeros((3, 32)), "a NumPy array"),
        ("assign_odd", np.array(["a"]), "something else than numbers"),
        ("assign_odd", 3, "an int"),
    ],
)
def test_a_result_of_the_wrong_type_is_told_the_contract(case, result, words, cases):
    with pytest.raises(TypeError, match=words):
        cases.materialise(case, result)


# ------------------------------------------------------------------------- checks and mistakes

INPUT = 360_000_000


def seen(tasks, reads=12, gathered=20_000, client_cpu=0.3, during=None, **changes):
    usage = (
        ProcessUsage(Role.CLIENT, "client", client_cpu, 0.0, 0, 0),
        ProcessUsage(Role.WORKER, "worker-0", 1.0, 0.0, 0, 0),
        ProcessUsage(Role.WORKER, "worker-1", 1.0, 0.0, 0, 0),
    )
    graphs = tuple(GraphRecord(0.1 * i, 30, changes.pop("wanted", 1), 100) for i in range(20))
    recording = Recording(
        tuple(tasks),
        graphs,
        gathered_bytes=gathered,
        gathered_during_call=gathered if during is None else during,
        workers=("w0", "w1"),
        reads=reads,
    )
    changes = {
        "case": "cluster_large",
        "function": "cluster_points",
        "usage": usage,
        "recording": recording,
        "input_bytes": INPUT,
        "answer": {"input_blocks": 12},
        "comparison": Comparison(True, "", ""),
        **changes,
    }
    return replace(run(tasks, 14.0), **changes)


def finding(ex, check, run, reference):
    spec = next(s for s in ex.checks if s.check == check and s.function == run.function)
    spec = replace(spec, cases=(run.case,))
    evidence = gather(ex, [run])
    return grade(ex, evidence, reference, [spec]).scored[0].finding


@pytest.fixture(scope="module")
def reference(exercise):
    """A reference solution that has read an input of twelve files, as `seen` does."""
    return replace(exercise.typical, work_seconds=12.0, cpu_seconds=12.0, reads=12, same_round=True)


@pytest.mark.parametrize(
    ("changes", "status", "words"),
    [
        ({}, Status.PASSED, "were fetched"),
        ({"gathered": 5_000_000}, Status.PASSED, "5.0 MB"),
        ({"gathered": INPUT}, Status.FAILED, "360.0 MB came"),
        ({"reads": 1}, Status.FAILED, "1 of the 12 files"),
        ({"reads": 0}, Status.FAILED, "none of the 12 files"),
        # Much work in the client is suspect only if the tasks have not done theirs.
        ({"client_cpu": 9.0}, Status.PASSED, "were fetched"),
        ({"client_cpu": 9.0, "tasks": flat(1)}, Status.FAILED, "9.00 s of the 11.00 s"),
        ({"tasks": flat(1)}, Status.PASSED, "were fetched"),
    ],
)
def test_data_have_to_stay_on_the_workers(changes, status, words, exercise, reference):
    tasks = changes.get("tasks", flat(12))
    others = {name: value for name, value in changes.items() if name != "tasks"}
    found = finding(exercise, "stays_distributed", seen(tasks, **others), reference)
    assert found.status is status and words in found.got


@pytest.mark.parametrize(
    ("reads", "status"),
    [
        *((12, Status.PASSED), (24, Status.PASSED), (30, Status.PASSED), (6, Status.PASSED)),
        *((31, Status.FAILED), (60, Status.FAILED), (5, Status.FAILED), (0, Status.FAILED)),
    ],
)
def test_the_input_has_to_be_read_once_or_twice(reads, status, exercise, reference):
    found = finding(exercise, "reads_once", seen(flat(12), reads=reads), reference)
    assert found.status is status


def test_reads_that_nobody_recorded_are_no_fault_of_the_student(exercise, reference):
    with pytest.raises(HarnessError, match="no read of the reference solution of"):
        finding(exercise, "reads_once", seen(flat(12)), replace(reference, reads=0))


@pytest.mark.parametrize("gathered", [0, 300])
def test_means_may_come_over_where_the_contract_allows_it(gathered, exercise, reference):
    lazy = {"case": "standardise_files", "function": "standardise", "input_bytes": 3_000_000}
    tight = replace(reference, gathered_bytes=1_000)
    answer = {"lazy": True, "input_blocks": 6}
    run = seen(flat(2), gathered=3_000_000, during=gathered, answer=answer, **lazy)
    assert finding(exercise, "lazy", run, tight).status is Status.PASSED
    run = seen(flat(2), gathered=3_000_000, during=40_000, answer=answer, **lazy)
    assert finding(exercise, "lazy", run, tight).status is Status.FAILED


def names(ex, run, reference):
    return [found.name for found in diagnose(ex, run, study(run, 2, None), reference)]


WHOLE = [replace(task("all", 0.0, 9.0), nbytes=INPUT), task("rest", 9.0, 0.5)]


@pytest.mark.parametrize(
    ("tasks", "changes", "name"),
    [
        (flat(12), {"gathered": INPUT}, "collection_fetched"),
        (flat(12), {"reads": 60}, "not_kept"),
        (flat(12), {"reads": 60, "wanted": 12}, "kept_in_vain"),
        (WHOLE, {}, "one_block"),
        (flat(12), {"function": "assign", "gathered": 7_000_000}, "computed_early"),
    ],
)
def test_a_mistake_of_this_technique_is_named(tasks, changes, name, exercise, reference):
    assert names(exercise, seen(tasks, **changes), reference) == [name]


@pytest.mark.parametrize("changes", [{}, {"reads": 24, "wanted": 12}, {"gathered": 1_000_000}])
def test_a_right_run_shows_no_mistake(changes, exercise, reference):
    assert names(exercise, seen(flat(12), **changes), reference) == []


def test_what_is_fetched_after_the_function_returned_is_no_mistake(exercise, reference):
    fetched = seen(flat(12), gathered=INPUT, during=300, function="standardise")
    assert names(exercise, fetched, reference) != ["collection_fetched"]


def test_every_new_check_says_what_it_judges():
    assert all(CHECKS[name].__doc__ for name in ("stays_distributed", "reads_once"))
