"""The kinds of wrong results, and the advice for each.

``cases.py`` of an exercise judges a result and describes the error in words. The words are read
here, once; everything else uses the kind.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from fnmatch import fnmatchcase

from autograder.model import Run

__all__ = ["Refused", "Wrong", "kind_of", "refused", "to_find_out", "to_return"]


class Wrong(StrEnum):
    """The kind of error in a result."""

    NOTHING = "there is none"
    UNFITTED = "a search that was not fitted"
    UNCOMPUTED_PARTS = "its contents are not computed yet"
    UNCOMPUTED = "it is still to be computed"
    SHAPE = "its shape"
    BLOCKS = "the blocks that it is cut into"
    VALUE = "what it holds"


@dataclass(frozen=True, slots=True)
class Refused:
    """A result that is not what the docstring promises; ``cases.py`` refuses to judge it."""

    promised: str
    got: str
    wrong: Wrong


_REFUSAL = re.compile(r"(?P<promised>[^\n]+? must (?:return|be) [^\n]+?); (?P<got>[^\n]+?)\.?")
"""How ``cases.py`` words one. It is not the student's exception, so it is not shown as one."""

_SIGNS: Mapping[Wrong, tuple[str, ...]] = {
    Wrong.UNFITTED: ("without the results",),
    Wrong.UNCOMPUTED_PARTS: ("of things not computed yet",),
    Wrong.UNCOMPUTED: ("not computed yet",),
    Wrong.SHAPE: ("shape",),
    Wrong.BLOCKS: ("chunk", "block"),
}
"""Words of ``cases.py`` and `autograder.author.kit` that identify a kind; the first match decides.
`tests/unit/checks/test_wrong_results.py` holds kit and exercises to them."""

_NONE = "builtins.NoneType"
_SEARCHES = "*SearchCV"

_TO_RETURN: Mapping[Wrong, str] = {
    Wrong.NOTHING: "End {function} with return and the result.",
    Wrong.UNFITTED: "Call fit on it before you return it, and return the fitted object itself.",
    Wrong.UNCOMPUTED_PARTS: "Compute all of them at once, with dask.compute(*things), and return "
    "what that gives.",
    Wrong.UNCOMPUTED: "Call compute() on it, and return what that gives.",
}

_TO_FIND_OUT: Mapping[Wrong, str] = {
    Wrong.SHAPE: "Print the shape of what {function} returns, and of each array that it uses.",
    Wrong.BLOCKS: "Print the chunks of what {function} returns, and those of its arguments.",
    Wrong.NOTHING: _TO_RETURN[Wrong.NOTHING],
}

_BY_TYPE: tuple[tuple[tuple[str, ...], str], ...] = (
    (
        ("*.Pipeline",),
        "Print what {function} returns, and compare every step with the docstring.",
    ),
    (
        (_SEARCHES,),
        "Look at cv_results_ of what {function} returns: which candidates it has, on how many "
        "folds, and their scores. Compare with a search without Dask on a few rows.",
    ),
    (
        ("*.float", "*.int", "*.float64", "*.float32", "*.int64", "*.number", "*.bool"),
        "Work the number out for a few rows without Dask, and compare with {function}.",
    ),
    (
        ("*.Array", "*.ndarray"),
        "Call {function} on a small Dask array, and compare the result with what the same steps "
        "give without Dask on the same numbers.",
    ),
    (
        ("*.Delayed",),
        "A Delayed is a single task, not a Dask array. The array's own methods and map_blocks "
        "return Dask arrays, and so does da.from_delayed.",
    ),
    (
        ("*.tuple", "*.list"),
        "Print everything that {function} returns, and compare it with the docstring.",
    ),
    (
        ("sklearn.*", "dask_ml.*"),
        "Fit the same model without Dask on the same small data, and compare its settings and its "
        "predictions with those of what {function} returns.",
    ),
    (
        ("*",),
        "Call {function} on small data, and compare with what the same steps give without Dask.",
    ),
)
"""How to look into a wrong value, by patterns of its type's dotted name; the first that fits."""


def kind_of(run: Run, got: str) -> Wrong:
    """Return the kind of error in the result of a run.

    Parameters
    ----------
    run : Run
        Its answer says of which type the result is.
    got : str
        What ``cases.py`` says of it.
    """
    type_name = run.answer.get("type") or ""
    signs = (kind for kind, words in _SIGNS.items() if any(word in got for word in words))
    kind = next(signs, Wrong.NOTHING if type_name == _NONE else Wrong.VALUE)
    # Its settings or its scores alone have no results either, and were fitted all right.
    if kind is Wrong.UNFITTED and not fnmatchcase(type_name, _SEARCHES):
        return Wrong.VALUE
    return kind


def refused(run: Run) -> Refused | None:
    """Return what was refused, if the exception of a run is a refusal and not the student's."""
    failure = run.failure
    if failure is None or failure.kind != "TypeError" or failure.line is not None:
        return None
    said = _REFUSAL.fullmatch(failure.message.strip())
    if said is None:
        return None
    promised = said["promised"].removeprefix(f"{run.function} must return ")
    return Refused(promised, said["got"], kind_of(run, said["got"]))


def to_return(function: str, kind: Wrong) -> str:
    """Say what to do about a result that is not what the docstring promises."""
    other = "Compare what {function} returns with the last section of its docstring."
    return _TO_RETURN.get(kind, other).format(function=function)


def to_find_out(function: str, kind: Wrong, type_name: str) -> str:
    """Say how to find the error in a value.

    Parameters
    ----------
    function : str
    kind : Wrong
    type_name : str
        Of what the function returned, dotted, as the sandbox names it; may be empty.
    """
    advice = _TO_FIND_OUT.get(kind) or next(
        words
        for patterns, words in _BY_TYPE
        if any(fnmatchcase(f".{type_name}", p) or fnmatchcase(type_name, p) for p in patterns)
    )
    return advice.format(function=function)
