import ast
import inspect
from dataclasses import replace
from math import ceil, inf, nan
from pathlib import Path

import numpy as np
import pytest
import small_cases
from recordings import flat, run
from sklearn.base import clone
from sklearn.linear_model import Lasso, Ridge, SGDRegressor
from threadpoolctl import threadpool_info

from autograder.evidence.assemble import gather
from autograder.grading import grade
from autograder.model import Comparison, ProcessUsage, Role, Status
from autograder.sandbox.withhold_oracle import without_answers

NAME = "ex12_is_it_worth_it"
SOLUTIONS = Path(__file__).parents[3] / "solutions"
SEED = 11
SMALL = small_cases.SMALL[NAME]
PREDICTIONS = [case for case in SMALL if case.startswith("seconds")]
COSTS = [case for case in SMALL if case.startswith("cost")]
CHOICES = [case for case in SMALL if case.startswith("choose")]
FITS = [case for case in SMALL if case.startswith("fit")]
TASK, CALL, BANDWIDTH = 0.001, 0.0001, 200.0


# ------------------------------------------------------------------------------- the cost model


def seconds(job, workers, task, bandwidth):
    """Round by round."""
    left, total = job["pieces"], job["serial"]
    while left > 0:
        total += job["work"] / job["pieces"]
        left -= workers
    total += sum([task] * job["pieces"]) + job["parts_mb"] / bandwidth
    return total + workers * job["shared_mb"] / bandwidth


@pytest.mark.parametrize("seed", range(40))
def test_a_prediction_is_that_of_the_rounds_and_no_other_seeds(seed, cases):
    for case in PREDICTIONS:
        arguments, _ = cases.prepare(case, {}, seed)
        truth = cases.oracle(case, {}, seed)
        answer = cases.materialise(case, seconds(*arguments))
        assert cases.compare(case, truth, answer).equal
        assert not cases.compare(case, cases.oracle(case, {}, seed + 1), answer).equal
        job, workers, *_ = arguments
        assert (workers > job["pieces"]) == (case == "seconds_idle")
        assert (job["pieces"] % workers == 0) == (case == "seconds_full")


@pytest.mark.parametrize(
    ("workers", "right"),
    [(1, 12.664), (2, 6.764), (3, 4.989), (4, 3.964), (11, 2.789), (50, 5.939), (64, 7.152)],
)
def test_the_seconds_that_the_text_and_the_picture_show(workers, right, cases):
    job = {"serial": 0.5, "work": 12.0, "pieces": 64, "parts_mb": 0.0, "shared_mb": 20.0}
    assert cases._seconds(job, workers, TASK, BANDWIDTH) == pytest.approx(right, abs=5e-4)
    assert seconds(job, workers, TASK, BANDWIDTH) == pytest.approx(right, abs=5e-4)


def slips(job, workers, task, bandwidth):
    """What usual slips make of a prediction, written as somebody would."""
    s, w, n = job["serial"], job["work"], job["pieces"]
    p, c = job["parts_mb"], job["shared_mb"]
    rounds, travel = ceil(n / workers), (p + workers * c) / bandwidth
    return {
        "no_rounds": s + n * task + travel + w / workers,
        "tasks_shared": s + n * task / workers + travel + rounds * w / n,
        "copied_once": s + n * task + (p + c) / bandwidth + rounds * w / n,
        "serial_shared": s / workers + n * task + travel + rounds * w / n,
        "serial_shared 2": (s + n * task + (p + c) / bandwidth + w) / workers,
        "left_out": s + travel + rounds * w / n,
        "one_task": s + task + travel + rounds * w / n,
        "parts_copied": s + n * task + workers * (p + c) / bandwidth + rounds * w / n,
        "not_seconds": s + n * task + p + workers * c / bandwidth + rounds * w / n,
        "not_seconds 2": s + n * task + p / bandwidth + workers * c + rounds * w / n,
        "not_seconds 3": s + n * task + (p + workers * c) * bandwidth + rounds * w / n,
        "not_seconds 4": s + n * task + p + workers * c + rounds * w / n,
        "not_a_piece": s + n * task + travel + rounds * w,
        "not_a_piece 2": s + n * task + travel + rounds * w / workers,
        "alone_shared": s + n * task + travel + rounds * job["alone"] / n,
        "alone_shared 2": s + n * task + travel + job["alone"] / workers,
        "side_by_side": max(s, n * task, travel, rounds * w / n),
        "seconds_rounded": s + n * task + travel + ceil(w / workers),
    }


@pytest.mark.parametrize(
    "name", slips({"serial": 1, "work": 9, "pieces": 9, "parts_mb": 1, "shared_mb": 1, "alone": 5},
                  4, 1, 1)
)  # fmt: skip
def test_a_slip_is_named_at_every_seed(name, cases):
    for seed in range(30):
        arguments, _ = cases.prepare("seconds_rounds", {}, seed)
        answer = cases.materialise("seconds_rounds", slips(*arguments)[name])
        comparison = cases.compare(
            "seconds_rounds", cases.oracle("seconds_rounds", {}, seed), answer
        )
        assert (comparison.equal, comparison.mistake) == (False, name.partition(" ")[0]), seed


ONLY_THERE = {
    # What is right in the case of the last round that is not full, or of fewer workers than pieces.
    "one_round_more": ("seconds_full", lambda job, n: job["pieces"] // n + 1),
    "no_rounds": ("seconds_idle", lambda job, n: job["pieces"] // n),
    "no_rounds 2": ("seconds_rounds", lambda job, n: round(job["pieces"] / n)),
    "lock_minded": ("seconds_rounds", lambda job, n: job["pieces"] if job["gil"] else 1),
}


@pytest.mark.parametrize("name", ONLY_THERE)
def test_a_slip_that_one_case_shows_is_named_there(name, cases):
    case, rounds = ONLY_THERE[name]
    for seed in range(30):
        (job, workers, task, bandwidth), _ = cases.prepare(case, {}, seed)
        right = seconds(job, workers, task, bandwidth)
        piece = job["work"] / job["pieces"]
        wrong = right + (rounds(job, workers) - ceil(job["pieces"] / workers)) * piece
        truth = cases.oracle(case, {}, seed)
        comparison = cases.compare(case, truth, cases.materialise(case, wrong))
        assert (comparison.equal, comparison.mistake) == (False, name.partition(" ")[0]), seed
        assert cases.compare(case, truth, cases.materialise(case, right)).equal


@pytest.mark.parametrize("digits", [3, 4, 6])
def test_a_prediction_may_be_rounded_to_milliseconds(digits, cases):
    for seed in range(20):
        for case in PREDICTIONS:
            arguments, _ = cases.prepare(case, {}, seed)
            truth = cases.oracle(case, {}, seed)
            right = seconds(*arguments)
            answer = cases.materialise(case, round(right, digits))
            assert cases.compare(case, truth, answer).equal
            answer = cases.materialise(case, right + 0.001)
            assert not cases.compare(case, truth, answer).equal


def test_a_prediction_that_is_wrong_in_no_known_way_has_no_name(cases, truths):
    for wrong in (0.0, -1.0, nan, inf, 1e9):
        answer = cases.materialise("seconds_rounds", wrong)
        comparison = cases.compare("seconds_rounds", truths["seconds_rounds"], answer)
        assert (comparison.equal, comparison.mistake) == (False, None)


# ------------------------------------------------------------------------------------- the COST


def wins(job, most, task, bandwidth):
    return [n for n in range(1, most + 1) if seconds(job, n, task, bandwidth) < job["alone"]]


def cost(*arguments):
    found = wins(*arguments)
    return found[0] if found else None


@pytest.mark.parametrize("seed", range(40))
def test_a_cost_is_the_first_that_wins_and_the_cases_differ(seed, cases):
    for case in COSTS:
        arguments, _ = cases.prepare(case, {}, seed)
        truth = cases.oracle(case, {}, seed)
        right = cost(*arguments)
        assert cases.compare(case, truth, cases.materialise(case, right)).equal
        assert (right is None) == (case in ("cost_none", "cost_few"))
        assert (right == 1) == (case == "cost_one")
        assert (right == arguments[1]) == (case == "cost_last")
        found = wins(*arguments)
        if case == "cost_narrow":
            assert not {1, 2, 4, 8, 16, 32, 64} & set(found)
        for value in (right or 0) + np.arange(-2, 3):
            answer = cases.materialise(case, int(value))
            assert cases.compare(case, truth, answer).equal == (value == right)


SLIPS_OF_COST = {
    "own_baseline": lambda job, most, *prices: next(
        n for n in range(1, most + 1) if seconds(job, n, *prices) < seconds(job, 1, *prices)
    ),
    "own_baseline 2": lambda job, most, *prices: next(
        n for n in range(1, most + 1) if seconds(job, n, *prices) < job["work"]
    ),
    "quickest_number": lambda job, most, *prices: min(
        range(1, most + 1), key=lambda n: seconds(job, n, *prices)
    ),
    "leapt_over": lambda *arguments: next(
        (n for n in (1, 2, 4, 8, 16, 32, 64) if n in wins(*arguments)), None
    ),
}


@pytest.mark.parametrize("name", SLIPS_OF_COST)
def test_a_wrong_cost_is_named_where_few_numbers_win(name, cases):
    for seed in range(30):
        arguments, _ = cases.prepare("cost_narrow", {}, seed)
        answer = cases.materialise("cost_narrow", SLIPS_OF_COST[name](*arguments))
        comparison = cases.compare("cost_narrow", cases.oracle("cost_narrow", {}, seed), answer)
        assert (comparison.equal, comparison.mistake) == (False, name.partition(" ")[0]), seed


SLIPS_OF_LIMITS = {
    # The case that shows it, and what the function returns there.
    "one_left_out": ("cost_one", lambda *a: next(n for n in wins(*a) if n > 1)),
    "most_left_out": (
        "cost_last",
        lambda job, most, *prices: next(iter(wins(job, most - 1, *prices)), None),
    ),
    "beyond_most": ("cost_few", lambda job, most, *prices: cost(job, 64, *prices)),
    "gave_up": ("cost_some", lambda *a: None),
    "counted_from_zero": ("cost_some", lambda *a: cost(*a) - 1),
    "counted_from_zero 2": ("cost_one", lambda *a: cost(*a) - 1),
    "tie": (
        "cost_tie",
        lambda job, most, *prices: next(
            n for n in range(1, most + 1) if seconds(job, n, *prices) <= job["alone"]
        ),
    ),
    "none_is_none": ("cost_none", lambda *a: 1),
    "time_returned": ("cost_some", lambda job, most, *p: seconds(job, cost(job, most, *p), *p)),
}


@pytest.mark.parametrize("name", SLIPS_OF_LIMITS)
def test_a_wrong_cost_is_named_in_the_case_that_shows_it(name, cases):
    case, slip = SLIPS_OF_LIMITS[name]
    for seed in range(30):
        arguments, _ = cases.prepare(case, {}, seed)
        answer = cases.materialise(case, slip(*arguments))
        comparison = cases.compare(case, cases.oracle(case, {}, seed), answer)
        assert (comparison.equal, comparison.mistake) == (False, name.partition(" ")[0]), seed


def in_another_order(job, workers, task, bandwidth):
    """The seconds of the model, summed and divided the other way round."""
    piece, per_megabyte = job["work"] / job["pieces"], 1 / bandwidth
    rounds = -(-job["pieces"] // workers)
    sent = job["shared_mb"] * per_megabyte * workers + job["parts_mb"] * per_megabyte
    return sent + piece * rounds + task * job["pieces"] + job["serial"]


@pytest.mark.parametrize("seed", range(40))
def test_a_tie_is_one_however_the_seconds_are_worked_out(seed, cases):
    (job, most, *prices), _ = cases.prepare("cost_tie", {}, seed)
    pieces = job["pieces"]
    took = [seconds(job, n, *prices) for n in range(1, most + 1)]
    tie = took.index(job["alone"]) + 1
    by_rounds = job["work"] * (-(-pieces // tie) / pieces) + prices[0] * pieces
    by_rounds += (job["parts_mb"] + tie * job["shared_mb"]) / prices[1] + job["serial"]
    assert in_another_order(job, tie, *prices) == by_rounds == job["alone"]
    right = cost(job, most, *prices)
    assert right == cost({**job, "alone": min(took[:tie])}, most, *prices) > tie + 1
    # Nobody who makes another mistake hits upon the tie.
    assert tie not in {1, 2, 4, 16, 32, 64, took.index(min(took)) + 1}


def test_only_a_tie_is_named_a_tie(cases):
    """As a program that says <= where < is asked for is right in all the other cases."""
    for case in set(COSTS) - {"cost_tie"}:
        for seed in range(20):
            (job, most, *prices), _ = cases.prepare(case, {}, seed)
            found = (n for n in range(1, most + 1) if seconds(job, n, *prices) <= job["alone"])
            answer = cases.materialise(case, next(found, None))
            assert cases.compare(case, cases.oracle(case, {}, seed), answer).equal


def test_the_workers_that_it_takes_are_those_of_the_table(cases):
    for enough, row in zip(cases.ENOUGH, cases.TO_BEAT["cost_some"], strict=True):
        alone, serial, work, pieces, parts_mb, shared_mb, *prices = row
        job = {"serial": serial, "work": work, "pieces": pieces, "alone": alone,
               "parts_mb": parts_mb, "shared_mb": shared_mb}  # fmt: skip
        assert enough == cost(job, 64, *prices)


@pytest.mark.parametrize("value", [-1, 0, 64, 65, inf])
def test_a_number_where_there_is_none_is_named(value, cases, truths):
    answer = cases.materialise("cost_none", value)
    comparison = cases.compare("cost_none", truths["cost_none"], answer)
    assert (comparison.equal, comparison.mistake) == (False, "none_is_none")
    assert comparison.expected.startswith("None:")


def test_a_number_may_be_of_any_type_and_has_to_be_whole(cases, truths):
    right = float(truths["cost_some"]["workers"])
    for value, equal in ((np.int64(right), True), (right, True), (right + 0.5, False)):
        answer = cases.materialise("cost_some", value)
        assert cases.compare("cost_some", truths["cost_some"], answer).equal is equal


def test_the_jobs_to_beat_leave_no_doubt(cases):
    for case, rows in cases.TO_BEAT.items():
        for alone, serial, work, pieces, parts_mb, shared_mb, *prices in rows:
            job = {"serial": serial, "work": work, "pieces": pieces, "alone": alone,
                   "parts_mb": parts_mb, "shared_mb": shared_mb}  # fmt: skip
            curve = np.array([seconds(job, n, *prices) for n in range(1, 65)])
            assert np.abs(curve / alone - 1).min() > 1e-3
            found = wins(job, 64, *prices)
            if case == "cost_none":
                assert not found and curve.min() > 1.1 * alone
                continue
            assert found[0] not in (1, 2, np.argmin(curve) + 1)
            assert case != "cost_narrow" or (found[0] > 8 and found[-1] < 16)


def test_the_box_holds_no_formula_and_no_measured_choice(exercise):
    text = (Path(exercise.folder) / "cases.py").read_text("utf-8")
    copy = without_answers(text)
    assert "def _seconds" in text and "def _took" in text
    for name in ("_seconds", "_slips", "_took", "_way", "_judge_choice"):
        assert f"def {name}(" not in copy
    assert "def _to_beat" in copy and "def _drawn" in copy


# ----------------------------------------------------------------------------------- the choice


def choose(job, *, task=TASK, call=CALL, bandwidth=BANDWIDTH, lock=True, close=1.25):
    two = ceil(job["pieces"] / 2) * job["work"] / job["pieces"]
    ways = {
        "serial": job["alone"],
        "threads": job["pieces"] * call + (job["work"] if job["gil"] and lock else two),
        "cluster": seconds(job, 2, task, bandwidth),
    }
    return next(way for way in ways if ways[way] <= close * min(ways.values()))


def test_what_was_measured_leaves_no_doubt_and_the_model_agrees(cases):
    for name in cases.JOBS:
        took = dict(zip(cases.WAYS, cases._took(name), strict=True))
        right = cases._way(cases._took(name))
        least = min(took.values())
        simpler = list(took)[: list(took).index(right)]
        # As the text says: a simpler way than the right one takes at least 1.6 times as long.
        assert all(took[way] >= 1.6 * took[right] for way in simpler), name
        assert took[right] < 1.2 * least, name
        assert choose(cases._described(name)) == right, name


def test_every_reason_has_jobs_to_draw_from(cases):
    found = {group: [n for n, row in cases.JOBS.items() if row[0] == group]
             for group in cases.GROUPS}  # fmt: skip
    assert all(len(names) > 1 for names in found.values())
    assert sum(map(len, found.values())) == len(cases.JOBS)
    ways = {group: {cases._way(cases._took(n)) for n in names}
            for group, names in found.items()}  # fmt: skip
    assert ways == {
        "tiny": {"serial"},
        "small": {"serial"},
        "heavy": {"serial"},
        "single": {"serial"},
        "shared memory": {"threads"},
        "lock free": {"threads"},
        "python": {"cluster"},
    }


def test_every_case_has_its_reason_and_draws_among_its_jobs(cases):
    for case in CHOICES:
        drawn = {cases._drawn(case, seed) for seed in range(40)}
        assert len({cases.JOBS[name][0] for name in drawn}) == 1
        assert len(drawn) > 1
    reasons = [cases.JOBS[cases._drawn(case, 100 + i)][0] for i, case in enumerate(CHOICES)]
    assert sorted(reasons) == sorted(cases.GROUPS)


FORGOTTEN = {
    "tasks_forgotten": {"task": 0.0},
    "travel_forgotten": {"bandwidth": inf},
    "lock_forgotten": {"lock": False},
}


@pytest.mark.parametrize("name", FORGOTTEN)
def test_who_forgets_one_thing_is_wrong_at_every_seed_and_told_so(name, cases):
    for seed in range(30):
        wrong = []
        for case in CHOICES:
            [job], _ = cases.prepare(case, {}, seed)
            truth = cases.oracle(case, {}, seed)
            right = cases.materialise(case, choose(job))
            assert cases.compare(case, truth, right).equal
            answer = cases.materialise(case, choose(job, **FORGOTTEN[name]))
            comparison = cases.compare(case, truth, answer)
            wrong += [] if comparison.equal else [comparison.mistake]
        assert set(wrong) == {name}, seed


@pytest.mark.parametrize("way", ["serial", "threads", "cluster", "processes"])
def test_no_way_is_right_for_all(way, cases, truths):
    answer = cases.materialise("choose_1", way)
    equal = [cases.compare(case, truths[case], answer).equal for case in CHOICES]
    assert equal.count(True) == {"serial": 4, "threads": 2, "cluster": 1}.get(way, 0)


@pytest.mark.parametrize(
    ("group", "found", "gil", "name"),
    [
        ("python", "serial", True, "cores_idle"),
        ("lock free", "serial", False, "cores_idle"),
        ("shared memory", "serial", False, "memory_shared"),
        ("single", "cluster", True, "one_piece"),
        ("heavy", "threads", True, "lock_forgotten"),
        ("heavy", "cluster", True, "travel_forgotten"),
        ("shared memory", "cluster", False, "travel_forgotten"),
        ("lock free", "cluster", False, "simpler_will_do"),
        ("small", "threads", False, "tasks_forgotten"),
        ("tiny", "cluster", True, "tasks_forgotten"),
    ],
)
def test_a_wrong_choice_is_named(group, found, gil, name, cases):
    assert cases._misjudged(group, found, gil) == name


# ------------------------------------------------------------------------------------ the models


def fitted(cases, case, seed=SEED):
    (model, tables), _ = cases.prepare(case, SMALL[case], seed)
    return model, tables, [clone(model).fit(X, y) for X, y in tables]


@pytest.mark.parametrize("case", FITS)
def test_models_by_plain_scikit_learn_are_right_and_another_seeds_are_not(case, cases, truths):
    *_, models = fitted(cases, case)
    for result in (models, tuple(models)):
        comparison = cases.compare(case, truths[case], cases.materialise(case, result))
        assert comparison.equal, comparison
    other = cases.materialise(case, fitted(cases, case, SEED + 1)[2])
    assert not cases.compare(case, truths[case], other).equal


@pytest.mark.usefixtures("client")
def test_models_from_a_cluster_are_the_same(cases, truths):
    from distributed import get_client

    model, tables, _ = fitted(cases, "fit_slow")
    client = get_client()
    futures = client.map(cases._fit, tables, model=model, pure=False)
    answer = cases.materialise("fit_slow", client.gather(futures))
    assert cases.compare("fit_slow", truths["fit_slow"], answer).equal


def test_wrong_models_are_named(cases, truths):
    model, tables, models = fitted(cases, "fit_odd")
    one = [model.fit(X, y) for X, y in tables]
    wrong = {
        "one_model": one,
        "other_order": models[::-1],
        None: [*models[:2], clone(models[0]).set_params(alpha=30.0).fit(*tables[2])],
    }
    for name, result in wrong.items():
        answer = cases.materialise("fit_odd", result)
        comparison = cases.compare("fit_odd", truths["fit_odd"], answer)
        assert (comparison.equal, comparison.mistake) == (False, name)
        assert "of 3 models are wrong" in comparison.got


def test_too_few_models_and_other_models_are_not_right(cases, truths):
    _, tables, models = fitted(cases, "fit_odd")
    for result, words in (
        (models[:2], "2 models"),
        ([], "0 models"),
        ([Lasso().fit(X, y) for X, y in tables], "class Lasso"),
        ([clone(m).fit(X[:, :2], y) for m, (X, y) in zip(models, tables, strict=True)],
         "2 weights"),
    ):  # fmt: skip
        comparison = cases.compare(
            "fit_odd", truths["fit_odd"], cases.materialise("fit_odd", result)
        )
        assert not comparison.equal and words in comparison.got


def test_models_that_are_missing_or_there_twice_are_named(cases, truths):
    _, _, models = fitted(cases, "fit_odd")
    for result, name in (
        (models[1:], "first_dropped"),
        ([models[0], *models], "first_twice"),
        (models[:2], None),
        ([*models, models[0]], None),
        ([], None),
    ):
        answer = cases.materialise("fit_odd", result)
        comparison = cases.compare("fit_odd", truths["fit_odd"], answer)
        assert (comparison.equal, comparison.mistake) == (False, name)


@pytest.mark.usefixtures("client")
def test_futures_are_named_and_what_they_stand_for_is_right(exercise, cases, truths):
    from distributed import get_client

    model, tables, _ = fitted(cases, "fit_odd")
    futures = get_client().map(cases._fit, tables, model=model, pure=False)
    with pytest.raises(TypeError, match=exercise.mistakes["not_fetched"].raises):
        cases.materialise("fit_odd", futures)
    fetched = cases.materialise("fit_odd", get_client().gather(futures))
    assert cases.compare("fit_odd", truths["fit_odd"], fetched).equal


def test_the_time_of_a_loop_is_that_of_one_thread(cases, monkeypatch):
    sizes = {"tables": 4, "rows": 50, "columns": 20, "passes": 0}
    asked = []

    def fit(table, model):
        asked.extend(pool["num_threads"] for pool in threadpool_info())
        return clone(model).fit(*table)

    monkeypatch.setattr(cases, "_fit", fit)
    cases.oracle("fit_heavy", sizes, SEED)
    assert set(asked) == {1}


def test_rounding_is_not_wrong_and_a_weight_that_differs_is(cases, truths):
    truth = truths["fit_odd"]
    for change, right in ((1e-9, True), (1e-3, False), (nan, False)):
        answer = {**truth, "coef": truth["coef"] * (1 + change)}
        assert cases.compare("fit_odd", truth, answer).equal is right


def test_no_two_tables_of_the_odd_case_are_equally_long(exercise, cases):
    sizes = next(case.parameters for case in exercise.cases if case.name == "fit_odd")
    (_, tables), _ = cases.prepare("fit_odd", sizes, SEED)
    assert len({len(y) for _, y in tables}) == len(tables)


# ------------------------------------------------------------------------ whatever may come

NOT_AN_ANSWER = {
    "nothing": {},
    "no array": {"predicted": 3.0, "workers": 3, "way": "serial", "coef": [1]},
    "empty": dict.fromkeys(["predicted", "workers", "none", "way", "coef"], np.array([])),
    "texts": dict.fromkeys(["predicted", "workers", "none", "coef", "intercept"], np.array("a")),
    "objects": dict.fromkeys(["way", "kinds", "coef"], np.array([object()] * 3)),
    "complex": dict.fromkeys(["predicted", "workers", "coef", "intercept"], np.zeros(3, complex)),
    "too much": dict.fromkeys(["predicted", "workers", "none", "way"], np.zeros(9)),
}
NO_NUMBER = [("workers", "cost_none"), ("workers", "cost_few")]
NOT_A_PART = {
    "predicted": [np.array(nan), np.zeros(2), np.array("3"), None],
    "workers": [np.array(nan), np.array(1e300), np.array(-inf), np.zeros(2), None],
    "none": [np.array(1), np.array("x"), None],
    "way": [np.array("Serial"), np.array(["serial"] * 2), np.array(1), None],
    "coef": [np.zeros(3), np.zeros((3, 2, 2)), np.zeros((0, 0)), np.full((3, 3), nan), None],
    "intercept": [np.zeros(2), np.zeros((3, 1)), np.array("0"), None],
    "kinds": [np.array(["Ridge"]), np.zeros(3), None],
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
    for case in SMALL:
        # Beside None, no number counts.
        if part in truths[case] and (part, case) not in NO_NUMBER:
            spoilt = {**truths[case], part: NOT_A_PART[part][number]}
            comparison = cases.compare(case, truths[case], spoilt)
            assert comparison.equal is False and comparison.got


@pytest.mark.parametrize(
    ("case", "result", "words"),
    [
        ("seconds_rounds", None, "must return a number; it returned None"),
        ("seconds_rounds", "4.2", "a str"),
        ("seconds_rounds", (1.0, 2.0), "a tuple"),
        ("cost_some", "three", "must return a whole number or None; it returned a str"),
        ("cost_some", [3, 4], "a list"),
        ("choose_1", None, 'must return "serial", "threads" or "cluster"; it returned None'),
        ("choose_1", 2, "an int"),
        ("choose_1", str, "the class str itself"),
        ("fit_odd", None, "must return a list of fitted models, .* None"),
        ("fit_odd", Ridge(), "a Ridge"),
        ("fit_odd", [Ridge()], "a Ridge that has not been fitted"),
        ("fit_odd", [Ridge], "the class Ridge itself that has not been fitted"),
        ("fit_odd", (model for model in [Ridge()]), "a generator"),
        ("fit_odd", [3], "an int"),
    ],
)
def test_a_result_of_the_wrong_type_is_told_the_contract(case, result, words, cases):
    with pytest.raises(TypeError, match=words):
        cases.materialise(case, result)


def test_every_mistake_that_compare_names_is_explained(exercise, cases):
    names = {
        name.partition(" ")[0]
        for case in PREDICTIONS
        for name in cases._slips(*cases._to_predict(case, 1))
    }
    names |= {name.partition(" ")[0] for name in SLIPS_OF_LIMITS}
    names |= {"first_dropped", "first_twice", "not_fetched"}
    names |= {name.partition(" ")[0] for name in SLIPS_OF_COST} | set(FORGOTTEN) | {
        "none_is_none", "one_piece", "simpler_will_do", "cores_idle", "memory_shared", "one_model",
        "other_order",
    }  # fmt: skip
    assert names == set(exercise.mistakes)
    assert all(m.title and m.explanation and m.see for m in exercise.mistakes.values())


# ------------------------------------------------------------------------------ what is promised

PROMISES = {
    "seconds": {
        "float": "seconds_rule",
        "Seconds: for what cannot be shared out, for one task a piece, for the parts once and the "
        "shared data once per worker, and for the rounds that the workers need for all pieces.":
        "seconds_rule",
    },
    "cost": {
        "int or None": "cost_rule",
        "The smallest number of workers, from 1 to most, on which the cluster takes less time than "
        "the single thread; None if there is no such number.": "cost_rule",
    },
    "choose": {
        "str": "choose_rule",
        'The first of "serial", "threads" and "cluster" that takes at most 1.25 times as long as '
        "the quickest of the three, measured there.": "choose_rule",
    },
    "fit_all": {
        "list of sklearn estimator": "fit_all_values",
        "Fitted, one for each table, in the order of the tables.": "fit_all_values",
        "Where one thread is quicker than the cluster, all processes together use no more than "
        "twice the CPU time of a loop over the tables in one thread.": "fit_all_work",
        "Where the cluster is, both workers are busy.": "fit_all_speedup",
    },
}  # fmt: skip


def returns(function):
    """The section of a docstring that says what is returned, in one line."""
    text = (SOLUTIONS / f"{NAME}.py").read_text(encoding="utf-8")
    found = next(
        node
        for node in ast.parse(text).body
        if isinstance(node, ast.FunctionDef) and node.name == function
    )
    section = inspect.cleandoc(ast.get_docstring(found)).split("Returns\n-------\n")[1]
    return " ".join(section.split())


@pytest.mark.parametrize("function", PROMISES)
def test_every_promise_has_its_check(function, exercise):
    assert " ".join(PROMISES[function]) == returns(function)
    judges = {check.grade_id for check in exercise.checks if check.function == function}
    assert set(PROMISES[function].values()) == judges


# ------------------------------------------------------------------------------ the check `work`


def worked(spent, *, right=True, case="fit_many", tasks=()):
    usage = (
        ProcessUsage(Role.CLIENT, "client", 0.1, 0.0, 0, 0),
        ProcessUsage(Role.WORKER, "worker-0", spent - 0.1, 0.0, 0, 0),
    )
    return replace(
        run(list(tasks), 4.0),
        case=case,
        function="fit_all",
        usage=usage,
        comparison=Comparison(right, "", ""),
    )


def finding(exercise, reference, *runs):
    spec = next(s for s in exercise.checks if s.grade_id == "fit_all_work")
    spec = replace(spec, cases=tuple(each.case for each in runs))
    return grade(exercise, gather(exercise, list(runs)), reference, [spec]).scored[0].finding


@pytest.mark.parametrize(
    ("spent", "right", "status"),
    [
        (0.3, True, Status.PASSED),
        (0.59, True, Status.PASSED),
        (0.61, True, Status.FAILED),
        (0.3, False, Status.FAILED),
    ],
)
def test_no_more_is_computed_than_a_loop_needs(spent, right, status, exercise):
    reference = replace(exercise.typical, case_cpu={"fit_many": 0.3}, same_round=True)
    found = finding(exercise, reference, worked(spent, right=right))
    assert found.status is status
    assert "at most 0.60 s" in found.expected


def test_the_oracle_says_how_long_a_loop_takes(cases, truths):
    assert all(0 < truths[case]["seconds"] < 60 for case in FITS)
    assert isinstance(cases._model(SMALL["fit_slow"], 0), SGDRegressor)


def test_who_asks_the_cluster_in_vain_is_told_so(exercise):
    reference = replace(exercise.typical, case_cpu={"fit_many": 0.3}, same_round=True)
    named = [
        m.name for m in finding(exercise, reference, worked(1.2, tasks=flat(600, 0.001))).mistakes
    ]
    assert named == ["not_worth_the_way"]
    assert not finding(exercise, reference, worked(1.2)).mistakes
