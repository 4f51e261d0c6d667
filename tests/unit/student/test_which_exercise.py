"""Which exercise a function is of, where several have one of that name."""

import sys
from types import SimpleNamespace

import pytest

from autograder.exercise import catalogue
from autograder.student import check, notebook
from autograder.student.check import _find

EX01, EX08 = "ex01_distributed_training", "ex08_halving_search"


def search():
    pass


@pytest.fixture
def beside(monkeypatch):
    """Say what else the notebook has, and where it is."""

    def put(*names, places=()):
        found = {name: search for name in ("search", *names)}
        monkeypatch.setattr(notebook, "namespace", lambda: found)
        monkeypatch.setattr(notebook, "places", lambda: frozenset(places))

    return put


def test_several_exercises_have_a_function_of_one_name():
    having = [each.name for each in catalogue.every() if "search" in each.functions]
    assert {EX01, EX08} <= set(having)


@pytest.mark.parametrize(
    ("names", "places", "exercise"),
    [
        (("build_pipeline",), (), EX01),
        (("budget", "search_forest"), (), EX08),
        ((), (EX01,), EX01),
        ((), (EX08,), EX08),
        # The notebook's own name counts more than what it holds.
        (("budget", "search_forest"), (EX01,), EX01),
    ],
)
def test_a_function_is_of_the_exercise_whose_notebook_it_is_in(names, places, exercise, beside):
    beside(*names, places=places)
    found, [part] = _find(search, None)
    assert found.name == exercise
    assert {spec.function for spec in part.specs} == {"search"}


def test_a_name_that_one_exercise_has_is_its_own_wherever_it_is(beside):
    beside(places=(EX01,))

    def budget():
        pass

    assert _find(budget, None)[0].name == EX08


def test_a_function_of_no_exercise_is_refused(beside):
    beside()
    with pytest.raises(check.CheckError, match="is not a function of an exercise"):
        _find(print, None)


def test_a_notebook_is_known_by_its_file_its_folder_or_its_program(monkeypatch, tmp_path):
    folder = tmp_path / EX01
    folder.mkdir()
    monkeypatch.chdir(folder)
    monkeypatch.delenv("JPY_SESSION_NAME", raising=False)
    assert EX01 in notebook.places() and EX08 not in notebook.places()
    monkeypatch.setenv("JPY_SESSION_NAME", f"/home/ada/{EX08}.ipynb")
    assert EX08 in notebook.places()
    monkeypatch.delenv("JPY_SESSION_NAME")
    monkeypatch.setitem(sys.modules, "__main__", SimpleNamespace(__file__=f"solutions/{EX08}.py"))
    assert EX08 in notebook.places()
