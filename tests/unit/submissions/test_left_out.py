"""Experiments that nothing else needs are left out, and all that might be needed runs."""

import json
from collections.abc import Sequence

import pytest

from autograder.submissions import left_out

GIVEN = "import time\nX, labels = load()\n"
BLANK = "def answer(X):\n    found = X + 1\n    return found\n"
TRIAL = "started = time.time()\nresult = answer(X)\nprint(time.time() - started)"
LATER = "print(result, started)"
MARKED = {TRIAL, LATER}


def found(*code: str, marked: Sequence[str] = tuple(MARKED)) -> list[str]:
    """Return the cells that are left out of a notebook."""
    answer = left_out.find(code, [text in marked for text in code], [True] * len(code))
    return [code[place] for place in json.loads(answer)["left_out"]]


def test_experiments_are_left_out_and_the_rest_runs() -> None:
    assert found(GIVEN, BLANK, TRIAL, LATER) == [TRIAL, LATER]
    assert found(GIVEN, BLANK, TRIAL, LATER, marked=[]) == []


@pytest.mark.parametrize("place", range(5))
def test_an_experiment_counts_wherever_it_was_moved_or_copied_to(place: int) -> None:
    code = [GIVEN, BLANK, TRIAL, LATER]
    code.insert(place, TRIAL)
    assert found(*code) == [text for text in code if text in MARKED]


def test_one_that_was_deleted_is_not_missed() -> None:
    assert found(GIVEN, BLANK, LATER) == [LATER]


@pytest.mark.parametrize(
    "change",
    [
        TRIAL.replace("print", "draw"),
        TRIAL + "\nmine = 1",
        f"%%time\n{TRIAL}",
        f"# mine\n{TRIAL}",
    ],
)
def test_one_that_was_changed_runs(change: str) -> None:
    assert change not in found(GIVEN, BLANK, change, LATER)


@pytest.mark.parametrize(
    "own",
    [
        "print(result)",
        "again = result + 1",
        "result += 1",
        "def use():\n    return result",
        "use = lambda: result",
        "[result for _ in range(3)]",
        "print(f'{result:.2f}')",
        "class Use:\n    value = result",
        "def use(x=result):\n    return x",
        "del result",
        "try:\n    result\nexcept NameError:\n    pass",
    ],
)
def test_one_whose_names_are_used_below_runs(own: str) -> None:
    assert found(GIVEN, BLANK, TRIAL, own) == []
    assert found(GIVEN, BLANK, own.replace("result", "other"), TRIAL) == [TRIAL]


def test_a_function_may_use_what_comes_below_it() -> None:
    blank = "def answer(X):\n    return result + X\n"
    assert found(GIVEN, blank, TRIAL) == []


def test_a_name_of_a_functions_own_is_no_use() -> None:
    blank = "def answer(X):\n    started = 1\n    result = X\n    return result + started\n"
    assert found(GIVEN, blank, TRIAL) == [TRIAL]
    assert found(GIVEN, "def answer(started, result):\n    return result", TRIAL) == [TRIAL]


def test_what_ran_above_cannot_have_used_it() -> None:
    own = "result = 0\nprint(result, [result + i for i in range(3)])"
    assert found(GIVEN, own, BLANK, TRIAL) == [TRIAL]
    assert found(GIVEN, BLANK, TRIAL, own) == []


def test_an_experiment_that_a_needed_one_needs_runs_too() -> None:
    chain = ["a = 1", "b = a + 1", "c = b + 1", "d = 4"]
    assert found(*chain, "print(c)", marked=chain) == ["d = 4"]
    assert found(*chain, "print(d)", marked=chain) == chain[:3]
    assert found(*chain, marked=chain) == chain


@pytest.mark.parametrize(
    "own",
    [
        "_", "print(_)", "x = _ + 1", "__", "_3", "_i", "_i3", "_ih[1]", "Out[3]", "In[-1]", "_oh",
        "globals()['result']", "locals()", "vars()", "dir()", "eval('result')", "exec('result')",
        "get_ipython().user_ns", "%who", "%run other.py", "!ls", "%%timeit\nanswer(X)", "answer?",
        "import __main__", "from __main__ import result", "import sys", "import inspect",
        "answer.__globals__", "import builtins as b", "from x import *", "import importlib",
        "def count():\n    global calls\n    calls = 1",
        "this is no Python",
    ],
)  # fmt: skip
def test_where_code_may_reach_any_name_everything_runs(own: str) -> None:
    assert found(GIVEN, BLANK, TRIAL, own) == []
    assert found(GIVEN, BLANK, own, TRIAL) == []


@pytest.mark.parametrize("own", ["for _ in range(3):\n    pass", "_, x = 1, 2", "In = 1"])
def test_a_name_that_is_only_set_reaches_nothing(own: str) -> None:
    assert found(GIVEN, BLANK, TRIAL, own) == [TRIAL]


def stateless(*code: str) -> bool:
    answer = left_out.find(
        [*code, TRIAL], [*[False] * len(code), True], [*[True] * len(code), True]
    )
    return bool(json.loads(answer)["stateless"])


@pytest.mark.parametrize(
    "own",
    [
        BLANK,
        "def answer(X):\n    model = Model(3)\n    model.fit(X)\n    print(1)\n    return model\n",
        "LIMIT = 3\ndef answer(X):\n    '''Doc.'''\n    return [x for x in X if x < LIMIT]\n",
        "def helper(x):\n    return x\n\ndef answer(X):\n    parts = []\n    for x in X:\n"
        "        parts.append(helper(x))\n    return parts\n",
        "def answer(X):\n    with backend('dask'):\n        return search(X)\n",
        "import numpy as np\ndef answer(X, tol=0.1):\n    wait(X)\n    return np.sum(X)\n",
    ],
)
def test_plain_functions_remember_nothing(own: str) -> None:
    assert stateless(GIVEN, own) is True


@pytest.mark.parametrize(
    "own",
    [
        "cache = {}\ndef answer(X):\n    cache['x'] = X\n    return X\n",
        "cache = {}\ndef answer(X):\n    return cache.get('x')\n",
        "seen = []\ndef answer(X):\n    seen.append(X)\n    return X\n",
        "def answer(X, seen=[]):\n    return X\n",
        "def answer(X):\n    answer.seen = X\n    return X\n",
        "def answer(X):\n    X[0] = 1\n    return X\n",
        "def outer():\n    n = 0\n    def inner():\n        nonlocal n\n    return inner\n",
        "from functools import lru_cache\n@lru_cache\ndef answer(X):\n    return X\n",
        "@trace\ndef answer(X):\n    return X\n",
        "class Model:\n    seen = []\n",
        "def answer(X):\n    open('x', 'w')\n    return X\n",
        "import os\ndef answer(X):\n    os.environ['A'] = '1'\n    return X\n",
        "import numpy as np\ndef answer(X):\n    np.random.seed(1)\n    return X\n",
        "import dask\ndef answer(X):\n    dask.config.set(scheduler='sync')\n    return X\n",
        "def answer(X):\n    client.publish_dataset(x=X)\n    return X\n",
        "counter = iter(range(9))\ndef answer(X):\n    return next(counter)\n",
        "def answer(X):\n    prepare(X)\n    return X\n",
    ],
)
def test_what_may_remember_its_calls_is_known(own: str) -> None:
    assert stateless(GIVEN, own) is False


@pytest.mark.parametrize(
    ("experiment", "lasts"),
    [
        ("made = {}\nmade['x'] = 1\nfor key in made:\n    made[key] = 2", False),
        ("X[0] = 1", True),
        ("answer.seen = 1", True),
        ("made = []\nmade[0].x = 1", True),
        ("del labels[0]", True),
        ("open('x', 'w')", True),
        ("np.random.seed(1)", True),
        ("print(next(iter(X)))", False),
    ],
)
def test_what_an_experiment_leaves_behind(experiment: str, lasts: bool) -> None:
    assert left_out.lasts(experiment) is lasts


@pytest.mark.parametrize(
    "own", ["x = " + "-" * 3_000 + "1", "x = 1" + " + 1" * 3_000, "x = (" * 300]
)
def test_code_that_is_nested_deep_ends_nothing(own: str) -> None:
    assert set(found(GIVEN, BLANK, TRIAL, own)) <= {TRIAL}
