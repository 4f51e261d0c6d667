"""Arguments never read and other settings, as the explanation of a wrong answer.

A function that works on a variable of the notebook instead of its argument is right in the
notebook, and wrong on the data that it is called with. That does no harm where the answer is right,
so it is only reported for wrong answers and exceptions. A setting other than the docstring's may be
right as well, so it is only reported where a wrong answer has no other name.
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
    "f_forgotten": Named(
        "The f before the quote is missing",
        "A wrong answer; an argument is never read, and stands in braces in a text",
        "Python: Input and Output, section Formatted String Literals",
    ),
    "none_used": Named(
        "A method that returns None",
        "A wrong answer without another name; append(), sort() or the like is called for what it "
        "returns",
        "Python: Data Structures, section More on Lists",
    ),
    "setting_not_asked": Named(
        "Another setting than the docstring has",
        "A wrong answer without another name; a call has a setting that is other than in the "
        "docstring, or one that is not there",
        _SEE,
    ),
    "helper_not_used": Named(
        "The notebook's own function is not used",
        "A wrong answer without another name; the docstring names a function of the notebook that "
        "is never called",
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
    return (
        in_place_of_argument(function, names)
        or _f_forgotten(function, names)
        or _none_used(function, names)
        or never_read(function, names)
        or _setting_not_asked(function, names)
        or _helper_not_used(function, names)
    )


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


def _f_forgotten(function: str, names: FunctionNames) -> tuple[Mistake, ...]:
    """Name a text that was to be filled with an argument, and has its name in it instead."""
    empty = tuple(name for name in names.braces if name in names.unread)
    if not empty:
        return ()
    explanation = (
        f"{function} has a text with {_listed(tuple(f'{{{name}}}' for name in empty))} in it. "
        "Python puts the value there only where an f stands before the quote, as in "
        '`f"…"`; without it the braces and the name stay as they are.'
    )
    return (_mistake("f_forgotten", explanation),)


def _none_used(function: str, names: FunctionNames) -> tuple[Mistake, ...]:
    """Name methods that change a list, where the code goes on with what they return."""
    if not names.nothing:
        return ()
    methods = _listed(tuple(f"{name}()" for name in names.nothing))
    several = len(names.nothing) > 1
    explanation = (
        f"{function} goes on with what {methods} return{'s' * (not several)}, and that is None: "
        f"{'these methods change' if several else 'this method changes'} the list or dictionary "
        "itself. `[*old, new]` is a new list with one thing more, `{**old, **more}` a new "
        "dictionary, and `sorted()` gives a new list in order."
    )
    return (_mistake("none_used", explanation),)


def _setting_not_asked(function: str, names: FunctionNames) -> tuple[Mistake, ...]:
    """Name settings that are written otherwise than the docstring has them."""
    said = []
    if names.settings:
        written, asked = zip(*names.settings, strict=True)
        said.append(f"{function} has {_listed(written)} where its docstring has {_listed(asked)}.")
    if names.besides:
        it = "them" if len(names.besides) > 1 else "it"
        said.append(
            f"{function} sets {_listed(names.besides)}, which its docstring does not ask for. "
            f"Without {it} the library's own setting holds."
        )
    if not said:
        return ()
    said.append(
        "Write the settings as the docstring has them, and leave out what it does not name."
    )
    return (_mistake("setting_not_asked", " ".join(said)),)


def _helper_not_used(function: str, names: FunctionNames) -> tuple[Mistake, ...]:
    """Name functions of the notebook that the docstring asks for."""
    if not names.helpers:
        return ()
    helpers = _listed(tuple(f"{name}()" for name in names.helpers))
    explanation = (
        f"The docstring of {function} asks for {helpers}, which the notebook defines, and "
        f"{function} never calls it. What you have put in its place need not be the same: compare "
        "the two, setting by setting."
    )
    return (_mistake("helper_not_used", explanation),)


def _mistake(name: str, explanation: str) -> Mistake:
    return Mistake(name, NAMED[name].title, explanation, NAMED[name].see)


def _listed(names: tuple[str, ...]) -> str:
    *most, last = (f"`{name}`" for name in names)
    return f"{', '.join(most)} and {last}" if most else last
