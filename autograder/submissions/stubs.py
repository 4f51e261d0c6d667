"""Which functions of a notebook are still the stubs that were released."""

import ast
import json
from collections.abc import Iterable

from IPython.core.inputtransformer2 import TransformerManager

__all__ = ["is_stub", "untouched"]

_SMALL = 300_000
"""Characters of a cell whose syntax tree fits into a reader's memory, with some margin."""


def untouched(code: Iterable[str], functions: Iterable[str]) -> bytes:
    """Return the functions that cells define as stubs and nothing else, as a JSON list.

    IPython's own syntax is replaced with regular expressions that take quadratic time, and a
    syntax tree takes a hundred times the memory of its text: for a reader.
    """
    return json.dumps(sorted(_untouched(code, functions))).encode()


def is_stub(source: str, function: str) -> bool:
    """Tell whether a piece of code defines a function as the released stub and nothing else."""
    return function in _untouched([source], [function])


def _untouched(code: Iterable[str], functions: Iterable[str]) -> set[str]:
    stubs: set[str] = set()
    others: set[str] = set()
    for source in code:
        names, bound = _definitions(source)
        stubs |= names
        others |= bound
    return {name for name in functions if name in stubs - others}


def _definitions(source: str) -> tuple[set[str], set[str]]:
    """Return the names that a cell defines as stubs, and those that it gives another value."""
    try:
        python = TransformerManager().transform_cell(source)
    except (SyntaxError, ValueError, RecursionError):
        return set(), set()
    try:
        tree = ast.parse(python)
    except (SyntaxError, ValueError, RecursionError):
        return set(), set()
    except MemoryError:
        # Python's parser says so, too, of code that is nested 6,000 deep.
        if len(python) > _SMALL:
            raise
        return set(), set()
    stubs: set[str] = set()
    others: set[str] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            (stubs if _is_stub(node) else others).add(node.name)
        elif isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            others.add(node.id)
        elif isinstance(node, ast.alias):
            others.add(node.asname or node.name)
        elif isinstance(node, ast.ClassDef):
            others.add(node.name)
    return stubs, others


def _is_stub(function: ast.FunctionDef | ast.AsyncFunctionDef) -> bool:
    body = list(function.body)
    if body and isinstance(body[0], ast.Expr) and isinstance(body[0].value, ast.Constant):
        body = body[1:]
    if len(body) != 1 or not isinstance(body[0], ast.Raise):
        return False
    raised = body[0].exc
    name = raised.func if isinstance(raised, ast.Call) else raised
    return isinstance(name, ast.Name) and name.id == "NotImplementedError"
