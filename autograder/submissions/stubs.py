"""Which functions of a notebook are still the stubs that were released."""

import ast
import json
from collections.abc import Iterable

from IPython.core.inputtransformer2 import TransformerManager

__all__ = ["is_stub", "untouched"]

_SMALL = 300_000
"""Characters of a cell whose syntax tree fits into a reader's memory, with some margin."""

_ANY = "*"
"""In place of names: code that may give any name a value."""

_REACH = frozenset({
    "exec", "eval", "globals", "locals", "vars", "setattr", "__dict__", "__globals__", "f_globals",
    "f_locals", "modules", "user_ns", "user_global_ns", "push", "ex", "run_cell", "run_code",
    "safe_execfile", "magic",
})  # fmt: skip
"""Names through which code can set a name that it does not mention."""

_RUN = frozenset({"exec", "eval", "ex", "run_cell"})
"""Of these, functions that run the text that they are given."""

_PYTHON = frozenset({"time", "capture", "prun"})
"""Magics that run Python among the notebook's names: a line of it, or the cell below."""

_HARMLESS = frozenset({
    "HTML", "SVG", "autoreload", "autosave", "bash", "cat", "cd", "colors", "conda", "config",
    "env", "file", "html", "javascript", "js", "latex", "load_ext", "ls", "mamba", "markdown",
    "matplotlib", "memit", "mkdir", "pdb", "pdoc", "pfile", "pinfo", "pinfo2", "pip", "precision",
    "psource", "pwd", "reload_ext", "set_env", "sh", "svg", "timeit", "who", "whos", "writefile",
    "xmode",
})  # fmt: skip
"""Magics that set no name of the notebook. Any other one may: ``%run`` and ``%pylab`` do."""


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
    return set() if _ANY in others else {name for name in functions if name in stubs - others}


def _definitions(source: str) -> tuple[set[str], set[str]]:
    """Return the names that a cell defines as stubs, and those that it may give another value."""
    stubs: set[str] = set()
    others: set[str] = set()
    read: set[ast.AST] = set()  # functions that run code which is known
    for node in ast.walk(_parsed(source)):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            (stubs if _is_stub(node) else others).add(node.name)
        elif isinstance(node, ast.Call) and (code := _code_in(node)) is not None:
            read.add(node.func)
            inner, bound = _definitions(code)
            stubs |= inner
            others |= bound
        elif node in read:
            continue
        elif isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
            inner, bound = _of_magic(node.func.attr, node.args)
            stubs |= inner
            others |= bound
        else:
            others |= _bound(node)
    return stubs, others


def _parsed(source: str) -> ast.Module:
    """Return the syntax tree of a cell; an empty one for a cell that cannot run."""
    try:
        return ast.parse(str(TransformerManager().transform_cell(source)))
    except (SyntaxError, ValueError, RecursionError):
        pass
    except MemoryError:
        # Python's parser says so, too, of code that is nested 6,000 deep.
        if len(source) > _SMALL:
            raise
    return ast.parse("")


def _code_in(call: ast.Call) -> str | None:
    """Return the code that a call runs, if it stands there as a text."""
    name = getattr(call.func, "attr", getattr(call.func, "id", ""))
    match call.args:
        case [ast.Constant(value=str(code)), *_] if name in _RUN:
            return code
    return None


def _bound(node: ast.AST) -> set[str]:
    """Return the names to which a node may give a value; of ``import *``, that is `_ANY`."""
    match node:
        case ast.Name(id=name, ctx=ast.Store()) | ast.Attribute(attr=name, ctx=ast.Store()):
            # What is set on the module of a notebook is a name of the notebook.
            return {name}
        case ast.Name(id=name) | ast.Attribute(attr=name) if name in _REACH:
            return {_ANY}
        case ast.alias(name=name, asname=other):
            return {other or name.partition(".")[0]}
        case (
            ast.ClassDef(name=str(name))
            | ast.ExceptHandler(name=str(name))
            | ast.MatchAs(name=str(name))
            | ast.MatchStar(name=str(name))
            | ast.MatchMapping(rest=str(name))
        ):
            return {name}
    return set()


def _of_magic(method: str, arguments: Iterable[ast.expr]) -> tuple[set[str], set[str]]:
    """Return the same as `_definitions` for a method that IPython calls in place of a magic."""
    if method not in ("run_line_magic", "run_cell_magic"):
        return set(), set()
    name, *texts = [a.value if isinstance(a, ast.Constant) else "" for a in arguments] or [""]
    if name in _HARMLESS:
        return set(), set()
    if name not in _PYTHON:
        return set(), {_ANY}
    stubs, others = _definitions(str(texts[-1]) if texts else "")
    # The line above a cell may name a variable for what the cell puts out.
    return stubs, others | {word for text in texts[:-1] for word in str(text).split()}


def _is_stub(function: ast.FunctionDef | ast.AsyncFunctionDef) -> bool:
    if function.decorator_list:
        return False
    body = list(function.body)
    if body and isinstance(body[0], ast.Expr) and isinstance(body[0].value, ast.Constant):
        body = body[1:]
    if len(body) != 1 or not isinstance(body[0], ast.Raise):
        return False
    raised = body[0].exc
    name = raised.func if isinstance(raised, ast.Call) else raised
    return isinstance(name, ast.Name) and name.id == "NotImplementedError"
