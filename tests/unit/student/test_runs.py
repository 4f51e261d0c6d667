"""Which cases a self-check runs: none that could not change what it says, none after a stop."""

from dataclasses import replace

import pytest
from recordings import run
from threadpoolctl import threadpool_info, threadpool_limits

from autograder.exercise import catalogue
from autograder.model import Comparison
from autograder.student import runs

EX04 = catalogue.find("ex04_large_collections")
CHECKS = {spec.check: spec for spec in EX04.checks if spec.function == "cluster_points"}


@pytest.fixture
def called(client, monkeypatch):
    """Run no function: say how it ended by case, and return the cases in order."""
    cases = []

    def pretend(exercise, case, function, client):
        cases.append(case.name)
        seen = replace(run([], 1.0), case=case.name, function="cluster_points")
        how = function().get(case.name, "right")
        if how == "stopped":
            return replace(seen, stopped="it ran for more than 60 seconds")
        return replace(seen, comparison=Comparison(how == "right", "centres", "other centres"))

    monkeypatch.setattr(runs, "_run", pretend)
    monkeypatch.setattr(runs, "own_client", lambda progress: client)
    monkeypatch.setattr(runs, "_kept", runs._Kept())
    monkeypatch.setattr(runs.notebook, "since", lambda: 1)
    return cases


def look(called, said, *names, **ended):
    """Check the checks that are named, of a function that ended so on each case."""
    specs = tuple(CHECKS[name] for name in names)
    found = runs.function_runs(EX04, specs, lambda: ended, said.append)
    return found, list(called)


def test_a_wrong_small_case_settles_what_is_asked_of_the_answer(called):
    said = []
    found, cases = look(called, said, "values", cluster_odd="wrong")
    assert cases == ["cluster_odd"]
    assert [spec.cases for spec in found.specs] == [("cluster_odd",)]
    assert said[-1].startswith("✗ cluster_odd")


def test_a_wrong_small_case_does_not_settle_what_else_is_asked(called):
    said = []
    found, cases = look(called, said, "values", "reads_once", cluster_odd="wrong")
    assert cases == ["cluster_odd", "cluster_large"]
    # The first word is there before the timed case is called.
    assert said[said.index(next(s for s in said if "timed case" in s)) - 1].startswith("✗")
    assert len(found.runs) == 2


def test_a_right_small_case_settles_nothing(called):
    _, cases = look(called, [], "values")
    assert cases == ["cluster_odd", "cluster_large"]


def test_what_was_stopped_is_not_called_again(called):
    said = []
    found, cases = look(called, said, "values", "speedup", "reads_once", cluster_odd="stopped")
    assert cases == ["cluster_odd"]
    assert [one.stopped for one in found.runs] == ["it ran for more than 60 seconds"]
    assert "more than 60 seconds" in said[-1]


def test_another_check_says_what_stopped_the_call_and_not_that_there_is_none(called):
    first = CHECKS["values"]

    def cluster_points():
        return dict.fromkeys(first.cases, "stopped")

    runs.function_runs(EX04, (first,), cluster_points, str)
    other = next(case for case in first.cases if case not in called)
    another = replace(first, grade_id="another", cases=(other,))
    seen = runs.function_runs(EX04, (another,), cluster_points, str)
    assert [run.stopped is not None for run in seen.runs] == [True]
    assert len(called) == 1


def test_blas_has_one_thread_in_the_call_as_in_a_box_and_as_before_after_it(client, monkeypatch):
    ex12 = catalogue.find("ex12_is_it_worth_it")
    case = next(case for case in ex12.cases if case.name == "choose_1")
    seen = []

    def threads():
        return {pool["num_threads"] for pool in threadpool_info()}

    def choose(job):
        seen.append(threads())
        return "serial"

    with threadpool_limits(2):
        before = threads()
        runs._run(ex12, case, choose, client)
        assert threads() == before
    assert seen == [{1}]
    assert before != {1}
