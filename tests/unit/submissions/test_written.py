"""What is written otherwise than the docstring has it, and what looks like it and is not."""

import ast
import json
import textwrap
from typing import Any

import pytest

from autograder.model import FunctionNames
from autograder.submissions.names import names
from autograder.submissions.written import written

SEARCH = '''
def search(model, grid, X, y):
    """Search.

    Returns
    -------
    GridSearchCV
        Fitted, with cv=3, random_state=0, tol=None and refit=False; n_features=2**16, loss="log",
        alpha=-1. The strategy is yours.
    """
    {}
'''


def read(source: str, helpers: tuple[str, ...] = (), used: tuple[str, ...] = ()) -> FunctionNames:
    function = ast.parse(textwrap.dedent(source)).body[0]
    assert isinstance(function, ast.FunctionDef)
    arguments = [each.arg for each in function.args.args]
    return written(function, arguments, helpers, used)


@pytest.mark.parametrize(
    ("call", "settings"),
    [
        ("S(model, cv=5, refit=False)", (("cv=5", "cv=3"),)),
        ("S(model, random_state=42)", (("random_state=42", "random_state=0"),)),
        ("S(model, random_state=None)", (("random_state=None", "random_state=0"),)),
        ("S(model, refit=True)", (("refit=True", "refit=False"),)),
        ("S(model, refit=0)", (("refit=0", "refit=False"),)),
        ("S(model, tol=0.001)", (("tol=0.001", "tol=None"),)),
        ("S(model, tol='None')", (("tol='None'", "tol=None"),)),
        ("S(n_features=2 ** 18)", (("n_features=2 ** 18", "n_features=2**16"),)),
        ("S(alpha=1)", (("alpha=1", "alpha=-1"),)),
        ("S(loss='hinge')", (("loss='hinge'", 'loss="log"'),)),
        ("model.set_params(clf__tol=1)", (("tol=1", "tol=None"),)),
        (
            "S(cv=KFold(3, shuffle=True))",
            (("cv=KFold(3, shuffle=True)", "cv=3"),),
        ),
        # The same in other words, and what may be the same.
        ("S(model, cv=3, random_state=0, tol=None, refit=False)", ()),
        ("S(n_features=65536)", ()),
        ("S(n_features=256 * 256, alpha=-1.0)", ()),
        ("S(loss='log')", ()),
        ("S(cv=folds, random_state=int(0))", ()),
        ("model.set_params(clf__tol=None)", ()),
        ("S(**{'cv': 5})", ()),
        ("cv = 5", ()),
        ("S(alpha=10 ** 400, cv=1 / 0)", ()),
    ],
)
def test_a_setting_that_is_other_than_in_the_docstring(
    call: str, settings: tuple[tuple[str, str], ...]
) -> None:
    assert read(SEARCH.replace("{}", call)).settings == settings


@pytest.mark.parametrize(
    ("call", "besides"),
    [
        ("S(model, cv=3, scoring='f1')", ("scoring='f1'",)),
        ("S(model, cv=3, clf__penalty='l1')", ("clf__penalty='l1'",)),
        # Nothing that matters; nothing that stands there; the docstring names it; another call.
        ("S(model, cv=3, n_jobs=-1, verbose=2, return_train_score=True)", ()),
        ("S(model, cv=3, scoring=scorer)", ()),
        ("S(model, cv=3, strategy='a')", ()),
        ("S(model, scoring='f1')", ()),
        ("X.std(axis=0, alpha=-1)", ()),
    ],
)
def test_a_setting_that_the_docstring_does_not_name(call: str, besides: tuple[str, ...]) -> None:
    assert read(SEARCH.replace("{}", call)).besides == besides


def test_a_docstring_without_settings_asks_for_none() -> None:
    compared = 'def f(X):\n    """Return x == 3, where y = 4."""\n    S(x=5, y=5)'
    assert read(compared) == read("def f(X):\n    S(cv=5)") == FunctionNames()


@pytest.mark.parametrize(
    ("body", "nothing"),
    [
        ("lines = setup.append(1)\n    return lines", ("append",)),
        ("return setup.sort()", ("sort",)),
        ("own = [1]\n    return {'lines': own.extend(setup)}", ("extend",)),
        ("return Cluster(lines=setup.append(1))", ("append",)),
        ("return [1, 2].append(3)", ("append",)),
        ("base = {}\n    base = base.update(a=1)\n    return base", ("update",)),
        # For its effect, or of what is none of these.
        ("setup.append(1)\n    return setup", ()),
        ("return np.append(setup, 1)", ()),
        ("return np.sort(setup)", ()),
        ("return [setup.append(n) for n in range(3)] and setup", ()),
        ("return sorted(setup)", ()),
        ("return setup.copy()", ()),
    ],
)
def test_a_method_that_returns_nothing(body: str, nothing: tuple[str, ...]) -> None:
    assert read(f"def f(setup):\n    {body}").nothing == nothing


@pytest.mark.parametrize(
    ("body", "braces"),
    [
        ("return ['-P {project}']", ("project",)),
        ("return [f'-P {project}']", ()),
        ("return '-P {project}'.format(project=project)", ()),
        ("return '-P {}'.format(project)", ()),
        ("return '{other}' + project", ()),
        ("'''Show {project}.'''\n    return project", ()),
    ],
)
def test_an_argument_in_the_braces_of_a_plain_text(body: str, braces: tuple[str, ...]) -> None:
    assert read(f"def f(project):\n    {body}").braces == braces


def said(*cells: str) -> Any:
    return json.loads(names(cells, ["train"]))["train"]


def test_a_function_of_the_notebook_that_the_docstring_asks_for() -> None:
    helper = "def new_estimator():\n    return SGD()"
    head = 'def train(X):\n    """Around a new_estimator(), fitted by fit()."""\n    '
    assert said(helper, head + "return SGD().fit(X)")["helpers"] == ["new_estimator"]
    assert said(helper, head + "return new_estimator().fit(X)")["helpers"] == []
    through = "def made():\n    return new_estimator()"
    assert said(helper, through, head + "return made().fit(X)")["helpers"] == []
    assert said("x = 1", head + "return SGD().fit(X)")["helpers"] == []
    # As an object, not called there.
    assert said(helper, head + "return Wrapper(new_estimator).fit(X)")["helpers"] == []
