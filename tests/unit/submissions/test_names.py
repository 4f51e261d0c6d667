"""What a function reads: its arguments, or variables of the notebook in their place."""

import json
from textwrap import dedent
from typing import Any

import pytest

from autograder.submissions.names import names

DATA = """
client = connect()
X_small, y_small = draw(1_500, seed=0)
grid = {"clf__alpha": [1e-3]}
SENSORS, STATES = 16, 5
N_STEPS = 5
documents = load()
"""


def said(blank: str, *others: str, function: str = "f") -> dict[str, Any]:
    cells = [DATA, dedent(blank), *map(dedent, others)]
    found: dict[str, Any] = json.loads(names(cells, [function]))[function]
    return found


def pairs(blank: str, *others: str) -> list[list[str]]:
    found: list[list[str]] = said(blank, *others)["instead"]
    return found


@pytest.mark.parametrize(
    ("blank", "expected"),
    [
        # As it should be.
        ("def f(X, y):\n    return fit(X, y)", []),
        # Names alike.
        (
            "def f(X, y):\n    return fit(X_small, y_small)",
            [["X_small", "X"], ["y_small", "y"]],
        ),
        ("def f(X, y):\n    return fit(X_small, y)", [["X_small", "X"]]),
        ("def f(X, steps):\n    return KMeans(N_STEPS).fit(X)", [["N_STEPS", "steps"]]),
        # One of each, of different names.
        ("def f(model, settings):\n    return Search(model, grid)", [["grid", "settings"]]),
        # Not what an argument could be.
        ("def f(X):\n    with client.as_current():\n        return 1", []),
        ("def f(X, start, steps):\n    return KMeans(STATES, start).fit(X)", []),
        # The argument hides the variable of the same name.
        ("def f(documents, labels):\n    return fit(documents, labels)", []),
        # Set anew before it is read.
        ("def f(X, y):\n    X, y = X_small, y_small\n    return fit(X, y)",
         [["X_small", "X"], ["y_small", "y"]]),
        ("def f(X, y):\n    X = X[:10]\n    return fit(X, y, X_small)", []),
        ("def f(X, y):\n    X += 1\n    return fit(y, X_small)", []),
        ("def f(X, y):\n    if y:\n        X = X_small\n    return fit(X)", []),
        # Read in an inner scope.
        ("def f(X):\n    def g():\n        return X + X_small\n    return g()", []),
        ("def f(X):\n    return (lambda: X)() + X_small", []),
        ("def f(X):\n    return [x + X_small for x in X]", []),
        ("def f(X):\n    return [X for _ in X_small]", []),
        ("def f(X):\n    class A:\n        rows = X\n    return A, X_small", []),
        # Inner scopes that have a name of their own.
        ("def f(X):\n    return (lambda X: X)(X_small)", [["X_small", "X"]]),
        ("def f(X):\n    def g(X):\n        return X\n    return g(X_small)", [["X_small", "X"]]),
        ("def f(X):\n    return [X for X in X_small]", [["X_small", "X"]]),
        # The variable is read in an inner scope.
        ("def f(X):\n    def g():\n        return X_small\n    return g()", [["X_small", "X"]]),
        ("def f(X):\n    return [x for x in X_small]", [["X_small", "X"]]),
        ("def f(X):\n    class A:\n        rows = X_small\n    return A", [["X_small", "X"]]),
        # A variable of the function's own.
        ("def f(X):\n    X_small = 3\n    return X_small", []),
        ("def f(X):\n    global X_small\n    return X_small", [["X_small", "X"]]),
        ("def f(X):\n    global X_small\n    X_small = X", []),
        # Evaluated outside of the function.
        ("def f(X, data=X_small):\n    return fit(X, data)", []),
        ("@wraps(X_small)\ndef f(X):\n    return 1", []),
        ("@wraps(1)\ndef f(X):\n    return X_small", [["X_small", "X"]]),
        # Whoever reads names without naming them.
        ("def f(X):\n    return locals(), X_small", []),
        ("def f(*X):\n    return X_small", []),
        ("async def f(X):\n    return X_small", [["X_small", "X"]]),
        ("def f(*, X):\n    return X_small", [["X_small", "X"]]),
        # Through a helper function.
        ("def g():\n    return X_small\ndef f(X):\n    return g()", [["X_small", "X"]]),
        # IPython's own syntax, and what Python cannot read.
        ("%time 1\ndef f(X):\n    return X_small", [["X_small", "X"]]),
        ("def f(X):\n    return (X_small", []),
        ("f = lambda X: X_small", []),
    ],
)  # fmt: skip
def test_a_variable_in_place_of_an_argument(blank: str, expected: list[list[str]]) -> None:
    assert pairs(blank) == expected


def test_what_the_cell_of_the_blank_defines_is_its_own() -> None:
    assert pairs("X_mine = 1\ndef f(X):\n    return X_mine") == []
    assert pairs("X_small = 1\ndef f(X):\n    return X_small") == []


def test_the_notebook_says_which_variable_is_which_argument() -> None:
    blank = "def f(first, second):\n    return fit(X_small, grid)"
    assert pairs(blank) == []
    call = "found = f(build(), second=grid)"
    assert pairs(blank, call) == [["grid", "second"]]
    assert pairs(blank, "f(grid, X_small)") == [["grid", "first"], ["X_small", "second"]]
    # What stands for an argument that is read stands for no other one.
    assert pairs("def f(X, rest):\n    return fit(X, X_small)", "f(X_small, 1)") == []


def test_the_last_definition_is_the_one_that_is_called() -> None:
    wrong, right = ("def f(X):\n    return X_small", "def f(X):\n    return X")
    assert pairs(wrong, right) == []
    assert pairs(right, wrong) == [["X_small", "X"]]
    assert pairs(wrong, "def f(X):\n    return (X") == []
    # One that does not stand at the top level may be called or not.
    assert pairs(wrong, "if client:\n    def f(X):\n        return X") == []


def test_arguments_that_are_never_read() -> None:
    assert said("def f(X, steps):\n    return fit(X)")["unread"] == ["steps"]
    assert said("def f(X, steps):\n    steps = 3\n    return fit(X, steps)")["unread"] == ["steps"]
    assert said("def f(X, steps):\n    raise NotImplementedError")["unread"] == ["X", "steps"]


def test_the_cell_is_found_even_where_python_cannot_read_it() -> None:
    assert said("def f(X):\n    return (X")["cell"] == 1
    assert said("def g(X):\n    return X")["cell"] is None
    assert said("x = 1", "  def f (X): 1")["cell"] == 2


def test_a_function_that_is_not_there() -> None:
    found = said("x = 1")
    assert found.pop("cell") is None
    assert found and not any(found.values())


@pytest.mark.parametrize("depth", [50, 400, 3000])
def test_functions_that_are_nested_deep_do_no_harm(depth: int) -> None:
    nested = "lambda: " * depth + "X_small"
    found = said(f"def f(X):\n    return {nested}")
    assert found["instead"] in ([["X_small", "X"]], [])
    assert pairs("def f(X):\n    return X_small", f"g = {nested}") == [["X_small", "X"]]


def test_code_that_is_nested_too_deep_is_left_out() -> None:
    deep = "(" * 5000 + ")" * 5000
    assert pairs("def f(X):\n    return X_small", deep) == [["X_small", "X"]]
