"""Where a function's code differs from its docstring, and slips that Python accepts.

All of it is read from the syntax tree: nothing is looked up and nothing is executed. None of it
shows that an answer is wrong, so it is said of wrong answers only.
"""

import ast
import operator
import re
from collections.abc import Callable, Collection, Iterator, Mapping

from autograder.model import FunctionNames

__all__ = ["written"]

_Function = ast.FunctionDef | ast.AsyncFunctionDef

_MOST = 3
"""Of each kind that are said: a sentence has room for no more."""

_PROMISED = re.compile(r"(?<![\w.])([A-Za-z_]\w*)=([^\s,;:()\[\]`]+)")
"""A setting in a docstring, as in ``tol=None`` or ``n_features=2**16``."""

_HELPER = re.compile(r"(?<![\w.])([A-Za-z_]\w*)\(\)")
"""A function that a docstring names, as in ``new_estimator()``."""

_HARMLESS = frozenset(
    {"error_score", "memory", "n_jobs", "pre_dispatch", "return_train_score", "verbose"}
)
"""Settings that change nothing of what is learned or found."""

_IN_PLACE = frozenset({"append", "clear", "extend", "insert", "reverse", "sort", "update"})
"""Methods of lists, dictionaries and sets that change them and return None."""

_OPERATIONS: Mapping[type[ast.operator], Callable[[float, float], float]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
}


def written(
    function: _Function, arguments: Collection[str], helpers: Collection[str], used: Collection[str]
) -> FunctionNames:
    """Read what a function's code gives away besides the names that it reads.

    Parameters
    ----------
    function : ast.FunctionDef or ast.AsyncFunctionDef
    arguments : collection of str
        Its arguments.
    helpers : collection of str
        Functions that other cells define.
    used : collection of str
        Those names of the notebook that the function reads, itself or through others.
    """
    docstring = ast.get_docstring(function) or ""
    other, besides = _settings(function, docstring)
    named = [name for name in _HELPER.findall(docstring) if name in helpers and name not in used]
    return FunctionNames(
        settings=tuple(dict.fromkeys(other))[:_MOST],
        besides=tuple(dict.fromkeys(besides))[:_MOST],
        nothing=tuple(dict.fromkeys(_nothing(function, arguments)))[:_MOST],
        braces=tuple(dict.fromkeys(_braces(function, arguments)))[:_MOST],
        helpers=tuple(dict.fromkeys(named))[:_MOST],
    )


def _settings(function: _Function, docstring: str) -> tuple[list[tuple[str, str]], list[str]]:
    """Return settings that differ from the docstring, and settings that it does not name."""
    asked = {name: text.rstrip(".") for name, text in _PROMISED.findall(docstring)}
    values = {name: _constant(text) for name, text in asked.items()}
    wanted = {name: value for name, value in values.items() if value is not None}
    words = set(re.findall(r"\w+", docstring))
    other, besides = [], []
    for call in ast.walk(function):
        if not isinstance(call, ast.Call):
            continue
        # In a pipeline, the name of a step comes first: clf__tol.
        given = [
            (each.arg.rpartition("__")[2], each.arg, each.value)
            for each in call.keywords
            if each.arg
        ]
        for name, _, value in given:
            if name in wanted and _differs(value, wanted[name]):
                other.append((f"{name}={ast.unparse(value)}", f"{name}={asked[name]}"))
        # What is made has settings; of a function's arguments, a docstring need not speak.
        if _is_class(call.func) and any(name in wanted for name, *_ in given):
            besides += [
                f"{full}={ast.unparse(value)}"
                for name, full, value in given
                if name not in words | _HARMLESS and _value(value) is not None
            ]
    return other, besides


def _differs(value: ast.expr, wanted: tuple[object]) -> bool:
    """Whether an expression cannot have the constant value that was asked for.

    A variable may have it, and so may the result of a function; a newly created object cannot.
    """
    found = _value(value)
    if found is None:
        return isinstance(value, ast.Call) and _is_class(value.func)
    (own,), (other,) = found, wanted
    return own != other or isinstance(own, bool) != isinstance(other, bool)


def _is_class(function: ast.expr) -> bool:
    name = function.attr if isinstance(function, ast.Attribute) else getattr(function, "id", "")
    return name[:1].isupper()


def _constant(text: str) -> tuple[object] | None:
    """Return the value of a text in a tuple, or None if it is not a constant."""
    try:
        return _value(ast.parse(text, mode="eval").body)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return None


def _value(node: ast.expr) -> tuple[object] | None:
    if isinstance(node, ast.Constant) and isinstance(node.value, bool | int | float | str | None):
        return (node.value,)
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub):
        number = _number(node.operand)
        return None if number is None else (-number,)
    if isinstance(node, ast.BinOp):
        left, right = _number(node.left), _number(node.right)
        if left is None or right is None:
            return None
        if isinstance(node.op, ast.Pow):
            small = 0 <= right <= 64 and abs(left) <= 1_000
            return (left**right,) if small else None
        operation = _OPERATIONS.get(type(node.op))
        if operation is None or (operation is operator.truediv and not right):
            return None
        return (operation(left, right),)
    return None


def _number(node: ast.expr) -> float | None:
    """Return the value of a number literal; operands are not evaluated any deeper."""
    value = node.value if isinstance(node, ast.Constant) else None
    if isinstance(value, bool) or not isinstance(value, int | float) or abs(value) > 1e15:
        return None
    return value


def _nothing(function: _Function, arguments: Collection[str]) -> Iterator[str]:
    """Yield the methods that return None and whose result is used all the same."""
    own = set(arguments) | {
        node.id
        for node in ast.walk(function)
        if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store)
    }
    for node in ast.walk(function):
        for value in _values(node):
            method = value.func if isinstance(value, ast.Call) else None
            if not isinstance(method, ast.Attribute) or method.attr not in _IN_PLACE:
                continue
            # np.append and np.sort return an array; so may the methods of what is not known.
            of = method.value
            known = isinstance(of, ast.List | ast.Dict | ast.Set)
            if known or (isinstance(of, ast.Name) and of.id in own):
                yield method.attr


def _values(node: ast.AST) -> list[ast.expr]:
    """Return the values that a node uses: assigns, returns, passes or stores."""
    if isinstance(node, ast.Assign | ast.AnnAssign | ast.Return | ast.keyword):
        return [node.value] if node.value is not None else []
    return list(node.values) if isinstance(node, ast.Dict) else []


def _braces(function: _Function, arguments: Collection[str]) -> Iterator[str]:
    """Yield arguments in braces in a text that lacks the f of an f-string."""
    filled = {
        id(part)
        for node in ast.walk(function)
        if isinstance(node, ast.JoinedStr)
        or (isinstance(node, ast.Attribute) and node.attr in ("format", "replace"))
        for part in ast.walk(node)
    }
    docstring = function.body[0].value if isinstance(function.body[0], ast.Expr) else None
    for node in ast.walk(function):
        if not isinstance(node, ast.Constant) or not isinstance(node.value, str):
            continue
        if node is docstring or id(node) in filled:
            continue
        yield from (name for name in arguments if f"{{{name}}}" in node.value)
