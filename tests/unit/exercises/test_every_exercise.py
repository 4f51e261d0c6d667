"""What holds for the cases of every exercise, whatever it is about."""

import sys
from contextlib import contextmanager
from functools import cache
from itertools import count
from types import SimpleNamespace

import pytest
from small_cases import SMALL

from autograder.exercise import catalogue

SEED = 11
EXERCISES = tuple(exercise.name for exercise in catalogue.every())
EVERY_CASE = [(name, case) for name in SMALL for case in SMALL[name]]

MORE_THAN_A_TRUTH = {
    "ex00_first_steps": {"uneven"},
    "ex02_parallel_prediction": {"fit", "count", "count_odd"},
    "ex03_incremental_training": {"load"},
    "ex05_batch_cluster": {
        *("gadi_directives", "gadi_split", "gadi_request", "gadi_workers"),
        *("slurm_request", "slurm_bare", "slurm_workers", "slurm_bare_workers"),
    },
    "ex06_find_whats_slow": {"load_few", "load_many"},
    "ex07_boosted_trees": {"load_odd", "load_files"},
    "ex11_when_a_worker_dies": set(SMALL["ex11_when_a_worker_dies"]),
}
"""Cases of which `compare` asks an answer for parts that no truth has: its form, a job script, a
log. The right answer to each is in the tests of its exercise."""


POINTS = {
    "ex01_distributed_training": (13, {"build_pipeline_values": 3, "search_values": 4,
                                       "search_speedup": 6}, "search_large"),
    "ex03_incremental_training": (17, {}, "train_packed"),
    "ex04_large_collections": (17, {"cluster_points_speedup": 4}, "cluster_large"),
    "ex06_find_whats_slow": (18, {"count_odd_speedup": 4}, "odd_large"),
    "ex07_boosted_trees": (17, {"train_speedup": 4}, "train_large"),
    "ex08_halving_search": (17, {"search_speedup": 4}, "search_large"),
    "ex09_tables_to_features": (18, {"features_speedup": 3, "join_moved": 2}, "features_large"),
    "ex10_larger_than_memory": (18, {"components_speedup": 4}, "components_large"),
    "ex11_when_a_worker_dies": (18, {}, "run_large"),
    "ex12_is_it_worth_it": (17, {"fit_all_speedup": 3}, "fit_slow"),
}  # fmt: skip
"""Points of all checks, of some by name, and the timed case; words have two points in each."""

ON_THE_CLOCK = {
    "ex01_distributed_training",
    "ex02_parallel_prediction",
    "ex03_incremental_training",
    "ex06_find_whats_slow",
}
"""Exercises whose oracle still takes its time by the clock: their evidence has to be made again
when that changes."""

TIMED = [
    pytest.param(
        exercise.name,
        case.name,
        marks=pytest.mark.xfail(
            exercise.name in ON_THE_CLOCK, reason="by the clock", raises=AttributeError, strict=True
        ),
    )
    for exercise in catalogue.every()
    for case in exercise.cases
    # Of ex11 the whole oracle is timed: it draws no data beforehand.
    if case.timed and exercise.name != "ex11_when_a_worker_dies"
]


@contextmanager
def no_dask():
    with pytest.MonkeyPatch.context() as patch:
        for name in ("dask", "dask_ml", "distributed"):
            patch.setitem(sys.modules, name, None)  # any import of it now fails
        yield


@cache
def fresh_cases(name):
    with no_dask():
        return catalogue.cases(catalogue.find(name))


@cache
def truth(name, case):
    """What the oracle answers where there is no Dask."""
    with no_dask():
        return fresh_cases(name).oracle(case, SMALL[name][case], SEED)


def test_every_case_of_every_exercise_has_a_small_one():
    assert {name: set(small) for name, small in SMALL.items()} == {
        name: {case.name for case in catalogue.find(name).cases} for name in EXERCISES
    }


@pytest.mark.parametrize("name", POINTS)
def test_an_exercise_has_its_points_and_its_timed_case(name):
    exercise, (total, some, timed) = catalogue.find(name), POINTS[name]
    points = {check.grade_id: check.points for check in exercise.checks}
    assert points == points | some and sum(points.values()) == total
    assert sum(exercise.words.values()) == 2
    assert [case.name for case in exercise.cases if case.timed] == [timed]


@pytest.mark.parametrize(("name", "case"), EVERY_CASE)
def test_every_part_of_an_answer_can_be_stored_without_pickle(name, case):
    found = truth(name, case)
    assert found and all(not array.dtype.hasobject for array in found.values())


@pytest.mark.parametrize(("name", "case"), EVERY_CASE)
def test_the_oracle_does_without_dask(name, case):
    found = truth(name, case)
    with no_dask():
        compared = fresh_cases(name).compare(case, found, found)
    assert compared.equal is (case not in MORE_THAN_A_TRUTH.get(name, ()))


@pytest.mark.parametrize(("name", "case"), TIMED)
def test_the_seconds_of_an_oracle_are_cpu_seconds(name, case, monkeypatch):
    """A clock on the wall also counts the time in which others have the core."""
    module, ticks = fresh_cases(name), count()
    monkeypatch.setattr(module, "time", SimpleNamespace(process_time=lambda: float(next(ticks))))
    with no_dask():
        assert module.oracle(case, SMALL[name][case], SEED)["seconds"] > 0


@pytest.mark.usefixtures("client")
@pytest.mark.parametrize("name", EXERCISES)
def test_warm_runs_on_a_cluster(name):
    catalogue.cases(catalogue.find(name)).warm()
