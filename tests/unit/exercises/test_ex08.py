from dataclasses import replace
from math import floor, log

import numpy as np
import pytest
import small_cases
from checkout import SAMPLES
from promises import hold_promises
from recordings import run
from sklearn.experimental import enable_halving_search_cv  # noqa: F401
from sklearn.linear_model import SGDRegressor
from sklearn.metrics import accuracy_score
from sklearn.model_selection import (
    GridSearchCV,
    HalvingGridSearchCV,
    HalvingRandomSearchCV,
    ShuffleSplit,
)

from autograder.author.samples import read_samples
from autograder.checks import CHECKS
from autograder.evidence import rounds
from autograder.evidence.assemble import gather
from autograder.evidence.oracle import seconds_by_case
from autograder.grading import grade
from autograder.model import Comparison, ProcessUsage, Role, Status

NAME = "ex08_halving_search"
SEED = 11
SMALL = small_cases.SMALL[NAME]
BUDGETS = ["budget_candidates", "budget_data", "budget_exact"]
SEARCHES = ["search_odd", "search_large"]
FORESTS = ["forest_noisy", "forest_clear"]


# ---------------------------------------------------------------------------------- the budget


def budget(n_candidates, factor, min_resources, max_resources):
    """By the logarithms that scikit-learn takes."""
    required = 1 + floor(log(n_candidates, factor))
    possible = 1 + floor(log(max_resources // min_resources, factor))
    rungs = []
    for rung in range(min(required, possible)):
        rungs.append((n_candidates, min_resources * factor**rung))
        n_candidates = -(-n_candidates // factor)
    return rungs, sum(n * r for n, r in rungs)


DIFFER = {
    "budget_candidates": ["rounded_down", "one_candidate_left", "last_rung_missing"],
    "budget_data": ["rounded_down", "beyond_the_data", "last_rung_missing"],
    "budget_exact": ["last_rung_missing"],  # nothing is rounded, and both run out at once
}


@pytest.mark.parametrize("seed", range(40))
def test_a_budget_is_what_scikit_learn_does_and_no_other_seeds(seed, cases):
    for case in BUDGETS:
        arguments, _ = cases.prepare(case, {}, seed)
        truth = cases.oracle(case, {}, seed)
        answer = cases.materialise(case, budget(*arguments))
        assert cases.compare(case, truth, answer).equal
        assert not cases.compare(case, cases.oracle(case, {}, seed + 1), answer).equal
        wrong = [truth[f"mistake:{name}"] for name in DIFFER[case]]
        assert not any(np.array_equal(each, truth["rungs"]) for each in wrong)
        assert len(truth["rungs"]) > 1


@pytest.mark.parametrize(
    ("arguments", "rungs", "total"),
    [
        ((27, 3, 300, 8_100), [(27, 300), (9, 900), (3, 2_700), (1, 8_100)], 32_400),
        ((10, 3, 50, 1_000), [(10, 50), (4, 150), (2, 450)], 2_000),
        ((10, 3, 60, 420), [(10, 60), (4, 180)], 1_320),
    ],
)
def test_the_budgets_that_the_text_shows(arguments, rungs, total, cases):
    truth = cases._budgets(*arguments)
    assert truth["rungs"].tolist() == [list(rung) for rung in rungs]
    assert truth["total"] == total
    assert budget(*arguments) == (rungs, total)


def test_an_array_of_rungs_is_a_list_of_them(cases, truths):
    arguments, _ = cases.prepare("budget_data", {}, SEED)
    rungs, total = budget(*arguments)
    answer = cases.materialise("budget_data", [np.array(rungs), np.float64(total)])
    assert cases.compare("budget_data", truths["budget_data"], answer).equal


@pytest.mark.parametrize(
    ("case", "name"),
    [
        ("budget_candidates", "rounded_down"),
        ("budget_candidates", "one_candidate_left"),
        ("budget_data", "rounded_down"),
        ("budget_data", "beyond_the_data"),
        ("budget_exact", "last_rung_missing"),
    ],
)
def test_wrong_rungs_are_named(case, name, cases, truths):
    wrong = {"rungs": truths[case][f"mistake:{name}"], "total": truths[case]["total"]}
    comparison = cases.compare(case, truths[case], wrong)
    assert (comparison.equal, comparison.mistake) == (False, name)


def ladder(goes_on):
    """Write a budget as a loop that goes on as long as a condition holds."""

    def budget(n_candidates, factor, min_resources, max_resources):
        rungs, power = [], 1
        left, each = n_candidates, min_resources
        while goes_on(left, each, max_resources, power, n_candidates):
            rungs.append((left, each))
            left, each, power = -(-left // factor), each * factor, power * factor
        return rungs, sum(n * r for n, r in rungs)

    return budget


LADDERS = {
    "by the rule": (lambda left, each, most, power, n: power <= n and each <= most, True),
    "by what was not trained yet": (
        lambda left, each, most, power, n: left * power >= n >= power and each <= most,
        True,
    ),
    "as long as several are left": (lambda left, each, most, power, n: left > 1 and each <= most,
                                    False),
    "below all the data": (lambda left, each, most, power, n: power <= n and each < most, False),
    "below all candidates": (lambda left, each, most, power, n: power < n and each <= most, False),
}  # fmt: skip


@pytest.mark.parametrize("name", LADDERS)
def test_a_ladder_that_ends_early_only_where_the_numbers_are_round_is_found(name, cases):
    goes_on, right = LADDERS[name]
    for seed in range(10):
        found = {}
        for case in BUDGETS:
            answer = cases.materialise(case, ladder(goes_on)(*cases.prepare(case, {}, seed)[0]))
            found[case] = cases.compare(case, cases.oracle(case, {}, seed), answer)
        assert found["budget_candidates"].equal and found["budget_data"].equal
        assert found["budget_exact"].equal is right
        assert found["budget_exact"].mistake == (None if right else "last_rung_missing")


def test_a_wrong_total_is_said_and_that_of_the_full_grid_named(cases, truths):
    truth = truths["budget_data"]
    for total, known in ((truth["full"], "full_grid_total"), (np.array(1.0), None)):
        comparison = cases.compare("budget_data", truth, {**truth, "total": total})
        assert (comparison.equal, comparison.mistake) == (False, known)
        assert "right rungs" in comparison.got


# ----------------------------------------------------------------------------------- the search


def searched(cases, case, seed=SEED, tuner=HalvingGridSearchCV, **options):
    (model, grid, X, y, smallest), _ = cases.prepare(case, SMALL[case], seed)
    settings = {"cv": 2, "min_resources": smallest, "random_state": 0, "refit": False}
    settings = {name: value for name, value in (settings | options).items() if value != "left out"}
    return tuner(model, grid, **settings).fit(X, y)


@pytest.mark.usefixtures("client")
@pytest.mark.parametrize("case", SEARCHES)
def test_a_search_on_a_cluster_equals_the_oracle_and_another_seeds_does_not(case, cases, truths):
    import joblib

    with joblib.parallel_config(backend="dask"):
        answer = cases.materialise(case, searched(cases, case))
    comparison = cases.compare(case, truths[case], answer)
    assert comparison.equal, comparison
    other = cases.compare(case, cases.oracle(case, SMALL[case], SEED + 1), answer)
    assert not other.equal and other.got


def test_the_odd_search_has_two_rungs_and_the_large_one_more(cases, truths):
    assert cases._rungs_of(truths["search_odd"]).tolist() == [[10, 60], [4, 180]]
    assert len(cases._rungs_of(truths["search_large"])) == 3


SAME_SEARCHES = {
    "no training scores": {"return_train_score": False},
    "candidates in another order": {"tuner": HalvingRandomSearchCV, "n_candidates": 10},
    "the factor written out": {"factor": 3, "max_resources": 420},
}


@pytest.mark.parametrize("name", SAME_SEARCHES)
def test_the_same_search_is_right_however_it_is_written(name, cases, truths):
    answer = cases.materialise("search_odd", searched(cases, "search_odd", **SAME_SEARCHES[name]))
    assert cases.compare("search_odd", truths["search_odd"], answer).equal


OTHER_SEARCHES = {
    "a full grid": (
        {"tuner": GridSearchCV, "min_resources": "left out", "random_state": "left out"},
        "10 candidates, each with the whole budget",
        "full_grid",
    ),
    "five folds": ({"cv": "left out"}, "over 5 folds", "other_folds"),
    "first rung left out": ({"min_resources": "left out"}, "10 × 46", "other_budget"),
    "another factor": ({"factor": 2}, "5 × 120", "other_budget"),
    "no random_state": ({"random_state": None}, "not", "no_random_state"),
    "another random_state": ({"random_state": 1}, "not", None),
    "drawn folds": ({"cv": ShuffleSplit(2, random_state=0)}, "not", None),
    "a metric for a scorer": ({"scoring": accuracy_score}, "nan for every", "metric_for_scorer"),
    "refit left on": ({"refit": "left out"}, "one training more", "refitted"),
    "another score": ({"scoring": "neg_mean_absolute_error"}, "not", None),
    "some of the candidates": (
        {"tuner": HalvingRandomSearchCV, "n_candidates": 4},
        "4 × 60",
        None,
    ),
}


@pytest.mark.filterwarnings("ignore:Scoring failed", "ignore:One or more of the test scores")
@pytest.mark.parametrize("name", OTHER_SEARCHES)
def test_another_search_is_not_right(name, cases, truths):
    options, words, known = OTHER_SEARCHES[name]
    answer = cases.materialise("search_odd", searched(cases, "search_odd", **options))
    comparison = cases.compare("search_odd", truths["search_odd"], answer)
    assert (comparison.equal, comparison.mistake) == (False, known), comparison
    assert words in comparison.got


def test_a_score_that_differs_is_wrong_and_rounding_is_not(cases, truths):
    truth = truths["search_odd"]
    for change, right in ((1e-3, False), (np.nan, False), (1e-12, True)):
        scores = truth["scores"].copy()
        scores[2] += change
        assert cases.compare("search_odd", truth, {**truth, "scores": scores}).equal is right
    worst = {**truth, "best": np.array(truth["candidates"][np.argmin(truth["scores"])])}
    refused = cases.compare("search_odd", truth, worst)
    assert not refused.equal and "as the best" in refused.got


# ----------------------------------------------------------------------------------- the forest


def test_large_leaves_are_best_in_one_region_and_worst_in_the_other(cases, truths):
    noisy, clear = (truths[case]["scores"] for case in FORESTS)
    assert np.argmax(noisy) == len(noisy) - 1 and np.argmin(clear) == len(clear) - 1


def test_trees_find_the_right_candidate_and_rows_do_not(cases):
    for case, resource, right in (
        ("forest_noisy", {"resource": "n_estimators", "max_resources": 12}, True),
        ("forest_clear", {"resource": "n_estimators", "max_resources": 12}, True),
        ("forest_noisy", {}, False),
    ):
        (forest, leaves, X, y), _ = cases.prepare(case, SMALL[case], SEED)
        found = HalvingGridSearchCV(forest, leaves, cv=3, random_state=0, **resource).fit(X, y)
        answer = cases.materialise(case, found.best_params_)
        comparison = cases.compare(case, cases.oracle(case, SMALL[case], SEED), answer)
        assert (comparison.equal, comparison.mistake) == (right, None if right else "misled")


@pytest.mark.parametrize(("case", "pick"), [("forest_noisy", min), ("forest_clear", max)])
def test_no_fixed_choice_is_right_in_both_regions(case, pick, cases, truths):
    leaf = pick(cases._leaves(SEED)["min_samples_leaf"])
    answer = cases.materialise(case, {"min_samples_leaf": leaf})
    assert not cases.compare(case, truths[case], answer).equal


def test_settings_that_are_no_candidate_are_not_right(cases, truths):
    for settings in ({}, {"min_samples_leaf": 1_000}, {"max_depth": 3}):
        answer = cases.materialise("forest_noisy", settings)
        comparison = cases.compare("forest_noisy", truths["forest_noisy"], answer)
        assert not comparison.equal and "no candidate" in comparison.got


# ------------------------------------------------------------------------ whatever may come

NOT_AN_ANSWER = {
    "nothing": {},
    "no array": {"rungs": [1], "total": 3, "candidates": ["{}"], "scores": [0.5], "best": "{}"},
    "numbers": dict.fromkeys(["rungs", "candidates", "best", "rung", "folds"], np.zeros(6)),
    "empty": dict.fromkeys(["rungs", "candidates", "best"], np.array([], "U1")),
    "objects": dict.fromkeys(["candidates", "best"], np.array([object()] * 6)),
    "no JSON": dict.fromkeys(["candidates", "best"], np.array("[" * 90_000)),
    "NaN": {"rungs": np.full((3, 2), np.nan), "total": np.array(np.nan), "best": np.array("7")},
}
NOT_A_PART = {
    "rungs": [np.zeros((3, 3)), np.zeros((0, 2)), np.zeros(2, complex), None],
    "total": [np.zeros(2), np.array("3"), None],
    "candidates": [np.array(["{}"] * 14), np.array("{}"), np.array(["7"] * 14)],
    "scores": [np.zeros(5), np.zeros((14, 1)), np.zeros(14, complex), None],
    "rung": [np.zeros(3, int), np.zeros(14), np.array("1"), np.arange(14), None],
    "resources": [np.zeros(3, int), np.zeros(14, int), None],
    "folds": [np.array(3.0), np.array("3"), np.zeros(2, int), None],
    "best": [np.array(["{}", "{}"]), np.array("[]"), np.array(0), None],
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
    spoilt = NOT_A_PART[part][number]
    for case in SMALL:
        if part in truths[case] and not (case in FORESTS and part in ("candidates", "scores")):
            comparison = cases.compare(case, truths[case], {**truths[case], part: spoilt})
            assert comparison.equal is False and comparison.got


class Pretender:
    """Has what a search has, and none of it means anything."""

    cv_results_ = {"params": [{"a": 1}], "mean_test_score": ["good"]}  # noqa: RUF012
    best_params_, n_splits_ = {"a": 1}, 2


@pytest.mark.parametrize(
    ("case", "result", "words"),
    [
        ("budget_data", None, "must return two things: .* None"),
        ("budget_data", ([(1, 2)],), "a tuple"),
        ("budget_data", ([1, 2], 3), "a list of something else"),
        ("budget_data", ([(1, 2, 3)], 3), r"shape \(1, 3\)"),
        ("budget_data", ([(1, 2)], "many"), "the second a number"),
        ("search_odd", None, "must return a fitted HalvingGridSearchCV; it returned None"),
        ("search_odd", HalvingGridSearchCV, "the class HalvingGridSearchCV itself"),
        ("search_odd", HalvingGridSearchCV(SGDRegressor(), {}), "cv_results_"),
        ("search_odd", Pretender(), "a Pretender"),
        ("forest_noisy", None, "must return the settings .* None"),
        ("forest_noisy", GridSearchCV(SGDRegressor(), {}), "a GridSearchCV"),
    ],
)
def test_a_result_of_the_wrong_type_is_told_the_contract(case, result, words, cases):
    with pytest.raises(TypeError, match=words):
        cases.materialise(case, result)


@pytest.mark.parametrize(
    "name",
    ["full_grid", "other_budget", "other_folds", "no_random_state", "misled",
             "refitted", "last_rung_missing"],
)  # fmt: skip
def test_a_mistake_that_compare_names_is_explained(name, exercise):
    found = exercise.mistakes[name]
    assert found.title and found.explanation and found.see


# ---------------------------------------------------------- promises, and what judges each of them

WRONG_TYPE = "test_a_result_of_the_wrong_type_is_told_the_contract"
PROMISES = [
    # the docstring's words, the check that judges them, and the test here that breaks the promise
    ("budget", "Work out the rungs of a halving search, and what it costs",
     "budget_rule", "test_wrong_rungs_are_named"),
    ("budget", "rungs : list of tuple of int", "budget_rule", WRONG_TYPE),
    ("budget", "(candidates, resources of each) for every rung, the first rung first",
     "budget_rule", "test_a_ladder_that_ends_early_only_where_the_numbers_are_round_is_found"),
    ("budget", "total : int", "budget_rule", WRONG_TYPE),
    ("budget", "Candidates × resources, added up over the rungs",
     "budget_rule", "test_a_wrong_total_is_said_and_that_of_the_full_grid_named"),
    ("search", "Search by successive halving over the rows", "search_values",
     "test_another_search_is_not_right"),
    ("search", "all trainings on the cluster", "search_speedup",
     "test_a_search_that_stays_in_the_notebook_has_a_sample"),
    ("search", "sklearn.model_selection.HalvingGridSearchCV", "search_values", WRONG_TYPE),
    ("search", "Fitted, with factor=3, cv=2, random_state=0 and refit=False", "search_values",
     "test_another_search_is_not_right"),
    ("search", "All together it has used no more than half of the CPU time that the full grid "
     "would take", "search_work", "test_work_is_measured_by_the_reference_on_the_same_case"),
    ("search_forest", "Find the best candidate for a random forest", "search_forest_values",
     "test_no_fixed_choice_is_right_in_both_regions"),
    ("search_forest", "for much less than the full grid costs", "search_forest_work",
     "test_work_of_every_case_has_to_be_little_enough"),
    ("search_forest", "dict", "search_forest_values", WRONG_TYPE),
    ("search_forest", "Settings of the winner, by name", "search_forest_values",
     "test_settings_that_are_no_candidate_are_not_right"),
    ("search_forest", "others beside those of ``parameters`` do not matter",
     "search_forest_values", "test_trees_find_the_right_candidate_and_rows_do_not"),
    ("search_forest", "Trained with all trees on all rows (three folds), no other candidate "
     "scores more than 0.01 higher", "search_forest_values",
     "test_trees_find_the_right_candidate_and_rows_do_not"),
    ("search_forest", "All processes together have used no more than 60 % of the CPU time that "
     "the full grid takes in this process", "search_forest_work",
     "test_work_of_every_case_has_to_be_little_enough"),
]  # fmt: skip


def test_a_search_that_stays_in_the_notebook_has_a_sample(exercise):
    """What it gets is held by the kept evidence of the sample."""
    found = {sample.student: sample for sample in read_samples(exercise, SAMPLES)}
    assert found["fermat"].verdict["search_speedup"] == 0
    assert found["fermat"].mistakes["search_speedup"] == "outside_backend"


def test_each_promise_of_a_docstring_is_judged(exercise):
    hold_promises(exercise, PROMISES, globals())


# ------------------------------------------------------------------------------ the check `work`


def worked(seconds, *, right=True, case="search_large"):
    usage = (
        ProcessUsage(Role.CLIENT, "client", 0.2, 0.0, 0, 0),
        ProcessUsage(Role.WORKER, "worker-0", seconds - 0.2, 0.0, 0, 0),
    )
    return replace(
        run([], 14.0),
        case=case,
        function="search" if case == "search_large" else "search_forest",
        usage=usage,
        comparison=Comparison(right, "", ""),
    )


def finding(exercise, reference, *runs):
    spec = next(s for s in exercise.checks if s.check == "work" and s.function == runs[0].function)
    spec = replace(spec, cases=tuple(each.case for each in runs))
    return grade(exercise, gather(exercise, list(runs)), reference, [spec]).scored[0].finding


@pytest.mark.parametrize(
    ("seconds", "right", "status", "words"),
    [
        (3.0, True, Status.PASSED, "3.00 s of CPU"),
        (7.4, True, Status.PASSED, "7.40 s of CPU"),
        (7.6, True, Status.FAILED, "7.60 s of CPU"),
        (3.0, False, Status.FAILED, "not right"),
    ],
)
def test_work_is_measured_by_the_reference_on_the_same_case(
    seconds, right, status, words, exercise
):
    reference = replace(exercise.typical, case_cpu={"search_large": 3.0}, same_round=True)
    found = finding(exercise, reference, worked(seconds, right=right))
    assert found.status is status and words in found.got
    assert "at most 7.50 s" in found.expected and "reference solution" in found.expected
    named = [mistake.name for mistake in found.mistakes]
    assert named == (["little_saved"] if seconds > 7.5 else [])


def test_work_of_every_case_has_to_be_little_enough(exercise):
    usual = {"forest_noisy": 0.4, "forest_clear": 0.5}
    reference = replace(exercise.typical, case_cpu=usual)
    runs = [worked(0.6, case="forest_noisy"), worked(0.8, case="forest_clear")]
    found = finding(exercise, reference, *runs)
    assert found.status is Status.PASSED and "one core here" in found.expected
    runs[0] = worked(0.7, case="forest_noisy")
    assert finding(exercise, reference, *runs).status is Status.FAILED


def test_work_that_nothing_is_known_of_is_not_passed(exercise):
    found = finding(exercise, replace(exercise.typical, case_cpu={}), worked(3.0))
    assert found.status is Status.FAILED
    assert CHECKS["work"].__doc__


def test_without_a_reference_the_oracle_s_seconds_stand_in_for_the_cases_answered(
    exercise, cases, tmp_path
):
    small = tuple(
        replace(c, parameters=SMALL[c.name]) for c in exercise.cases if c.name in SEARCHES
    )
    asked = replace(exercise, cases=small)
    unanswered = replace(worked(3.0, case="search_odd"), comparison=None)
    evidence = gather(exercise, [worked(3.0), unanswered])
    took = seconds_by_case(rounds.public(tmp_path, exercise), asked, evidence)
    assert set(took) == {"search_large"} and took["search_large"] > 0
