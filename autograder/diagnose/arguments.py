"""Arguments that a function never reads, as the explanation of a wrong answer.

A function that works on a variable of the notebook instead of its argument is right in the
notebook, and wrong on the data that it is called with. That does no harm where the answer is right,
so it is only reported for wrong answers and exceptions.
"""

from autograder.diagnose.failures import Named
from autograder.model import FunctionNames, Mistake

__all__ = ["NAMED", "in_place_of_argument", "named", "never_read"]

_SEE = "Python: Defining functions"

NAMED = {
    "variable_for_argument": Named(
        "A variable of the notebook in place of an argument",
        "A wrong answer or an exception; an argument is never read, but a variable that another "
        "cell sets",
        _SEE,
    ),
    "argument_not_read": Named(
        "An argument that is never used",
        "A wrong answer without another name; an argument is never read",
        _SEE,
    ),
}
"""In the order in which they are looked for."""


def named(function: str, names: FunctionNames) -> tuple[Mistake, ...]:
    """Name the mistake behind a wrong answer that the code shows, if any.

    Parameters
    ----------
    function : str
    names : FunctionNames
        What the function reads.
    """
    return in_place_of_argument(function, names) or never_read(function, names)


def in_place_of_argument(function: str, names: FunctionNames) -> tuple[Mistake, ...]:
    """Name variables of the notebook that are used where an argument should be."""
    if not names.instead:
        return ()
    variables, arguments = zip(*names.instead, strict=True)
    several = len(arguments) > 1
    put_right = " and ".join(f"`{a}` in place of `{v}`" for v, a in names.instead)
    explanation = (
        f"{function} never uses its argument{'s' * several} {_listed(arguments)}. It uses "
        f"{_listed(variables)}, which another cell of the notebook sets. So it always works on the "
        "notebook's own data, but the check calls it with other data. "
        f"Inside {function}, write {put_right}."
    )
    return (_mistake("variable_for_argument", explanation),)


FOUND = "client"
"""An argument that right functions need not read: Dask finds the client by itself."""


def never_read(function: str, names: FunctionNames) -> tuple[Mistake, ...]:
    """Name arguments that are never used."""
    unread = tuple(name for name in names.unread if name != FOUND)
    if not unread:
        return ()
    explanation = (
        f"{function} never uses the value of {_listed(unread)}: whatever is passed there, "
        "the answer is the same. Look up in the docstring what the argument is for."
    )
    return (_mistake("argument_not_read", explanation),)


def _mistake(name: str, explanation: str) -> Mistake:
    return Mistake(name, NAMED[name].title, explanation, NAMED[name].see)


def _listed(names: tuple[str, ...]) -> str:
    *most, last = (f"`{name}`" for name in names)
    return f"{', '.join(most)} and {last}" if most else last
