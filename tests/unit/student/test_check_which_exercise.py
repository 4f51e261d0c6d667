"""Exercises have functions of the same name: ``check()`` finds out which one a notebook is."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from autograder.errors import CheckError
from autograder.student import check, notebook

Here = Callable[..., dict[str, Any]]

EX01, EX08 = "ex01_distributed_training", "ex08_halving_search"


@pytest.fixture
def here(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Here:
    """Put functions into a notebook, in a folder and with a file that have any names."""

    def make(
        *functions: str, folder: str = "work", file: str = "", program: str = ""
    ) -> dict[str, Any]:
        variables: dict[str, Any] = {"__file__": program} if program else {}
        for name in functions:
            exec(f"def {name}():\n    return 1", variables)
        (tmp_path / folder).mkdir()
        monkeypatch.chdir(tmp_path / folder)
        monkeypatch.setattr(notebook, "namespace", lambda: variables)
        monkeypatch.delenv("JPY_SESSION_NAME", raising=False)
        if file:
            monkeypatch.setenv("JPY_SESSION_NAME", file)
        return variables

    return make


@pytest.mark.parametrize("name", [EX01, EX08])
@pytest.mark.parametrize(
    "where",
    [
        pytest.param(lambda name: {"folder": name}, id="folder"),
        pytest.param(lambda name: {"file": f"home/ada/{name}.ipynb"}, id="file"),
        pytest.param(lambda name: {"file": f"{name}-Copy1.ipynb"}, id="copy"),
        pytest.param(lambda name: {"program": f"home/ada/{name}.py"}, id="program"),
    ],
)
def test_the_notebooks_own_exercise_is_checked(
    here: Here, name: str, where: Callable[[str], dict[str, str]]
) -> None:
    variables = here("search", **where(name))
    exercise, parts = check._find(variables["search"], None)
    assert exercise.name == name
    assert {spec.function for spec in parts[0].specs} == {"search"}
    assert check._everything(None)[0].name == name


@pytest.mark.parametrize(
    ("functions", "name"),
    [(("build_pipeline", "search"), EX01), (("budget", "search", "search_forest"), EX08)],
)
def test_under_another_name_its_functions_tell(
    here: Here, functions: tuple[str, ...], name: str
) -> None:
    variables = here(*functions, file="Untitled.ipynb")
    assert check._find(variables["search"], None)[0].name == name
    assert check._everything(None)[0].name == name


def test_a_function_of_one_exercise_needs_no_name(here: Here) -> None:
    variables = here("predict_large", folder=EX01)
    assert check._find(variables["predict_large"], None)[0].name == "ex02_parallel_prediction"
    assert check._everything(None)[0].name == "ex02_parallel_prediction"


def test_nothing_is_guessed(here: Here) -> None:
    variables = here("load", file="Untitled.ipynb")
    with pytest.raises(CheckError, match=r"may be .*ex03.* or .*ex07.*First run all cells"):
        check._find(variables["load"], None)
    with pytest.raises(CheckError, match=r"restore the notebook's name"):
        check._everything(None)
