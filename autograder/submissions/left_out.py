"""Which of an exercise's experiments need not run when a notebook is graded: for a reader.

An *experiment* is a cell that the exercise's author has marked as one: it shows something, and
nothing is made of what it leaves behind. Experiments take half of the time of a box and more. A
cell is known as one by its text, so one that its student changed is none.

One is left out if no code that runs uses a name that it gives a value to: code below it, and
functions anywhere, which may use what comes below them. Where code can reach names without naming
them (``globals()``, ``Out[3]``, a magic), or sets a global name in a function, everything runs.

A function can still remember what an experiment called it with. `stateless` says where surely none
does. Elsewhere, answers that are not all right are no news: everything is run again, whole.
"""

import ast
import json
import re
import symtable
from collections.abc import Iterable, Iterator, Sequence
from itertools import chain
from typing import NamedTuple

from IPython.core.inputtransformer2 import TransformerManager

__all__ = ["find", "lasts"]

_HISTORY = re.compile(r"_+|_i{0,3}\d*|_[iod]h|In|Out")
"""Names under which IPython keeps what ran before."""

_REACHES = frozenset({
    "globals", "locals", "vars", "dir", "eval", "exec", "compile", "get_ipython", "__import__",
    "__main__", "__globals__", "__dict__", "__builtins__", "f_globals", "f_locals", "f_back",
    "user_ns", "modules", "sys", "inspect", "gc", "importlib", "builtins", "IPython",
})  # fmt: skip
"""Names by which code can come to any other name."""

_REMEMBERS = frozenset({
    "cache", "lru_cache", "cached_property", "Memory", "memoize", "open", "environ", "putenv",
    "chdir", "mkdir", "makedirs", "write", "write_text", "write_bytes", "save", "savez", "dump",
    "tofile", "memmap", "setattr", "delattr", "__setattr__", "seed", "set_state", "setstate",
    "filterwarnings", "simplefilter", "set_config", "setdefault",
    "setdefaulttimeout", "register", "register_plugin", "register_worker_plugin",
    "register_worker_callbacks", "publish_dataset", "run", "run_on_scheduler", "upload_file",
    "restart", "Variable", "Queue", "Event", "Lock", "next", "iter", "send", "pop", "popitem",
    "to_zarr", "to_parquet", "to_hdf5", "to_csv", "to_npy_stack", "pickle",
    "dill", "cloudpickle", "shelve", "sqlite3", "tempfile", "threading", "subprocess",
})  # fmt: skip
"""Names in functions that may remember something from one call to the next."""

_SAID = frozenset({"print", "wait", "progress", "display", "sleep", "watch"})
"""Functions that are called for what they do, which is nothing that lasts."""

_PARTS = frozenset({"fit", "partial_fit", "append", "extend", "add", "update", "sort", "insert"})
"""Methods that are called for what they do, harmless on what a function has made itself."""


def find(code: Sequence[str], marked: Sequence[bool], own: Sequence[bool]) -> bytes:
    """Find the experiments of a notebook that need not run.

    Parameters
    ----------
    code : sequence of str
        Of all cells that run.
    marked : sequence of bool
        Whether each has the text of an experiment.
    own : sequence of bool
        Whether each may be the student's.

    Returns
    -------
    bytes
        As JSON: ``left_out``, positions in ``code``; ``stateless``, whether surely no function of
        the student's remembers its calls.
    """
    trees = [_parsed(source) for source in code]
    runs = [i for i, experiment in enumerate(marked) if not experiment]
    if any(trees[i] is None or _reaches_all(trees[i][0]) for i in runs):  # type: ignore[index]
        return json.dumps({"left_out": [], "stateless": False}).encode()
    names = {i: _names(*tree) for i, tree in enumerate(trees) if tree is not None}
    waiting = {i for i, experiment in enumerate(marked) if experiment and i in names}
    while needed := {i for i in waiting if any(_needs(names[j], names[i], j > i) for j in runs)}:
        waiting -= needed
        runs += sorted(needed)
    found = [tree[0] for i, tree in enumerate(trees) if own[i] and tree is not None]
    return json.dumps({"left_out": sorted(waiting), "stateless": _stateless(found)}).encode()


def lasts(source: str) -> bool:
    """Tell whether an experiment may leave behind more than names: its author is to change it."""
    found = _parsed(source)
    return found is None or any(
        bool(_called(node) & (_REMEMBERS - {"next", "iter"}))
        or (isinstance(node, ast.Attribute | ast.Subscript) and not isinstance(node.ctx, ast.Load))
        for node in ast.walk(found[0])
    )


def _parsed(source: str) -> tuple[ast.Module, symtable.SymbolTable] | None:
    try:
        python = TransformerManager().transform_cell(source)
        return ast.parse(python), symtable.symtable(python, "cell", "exec")
    except (SyntaxError, ValueError, RecursionError):
        return None


class _Names(NamedTuple):
    """The global names of a cell."""

    bound: set[str]
    """Those that it gives a value to."""
    used: set[str]
    """Those that it uses when it runs."""
    used_later: set[str]
    """Those that functions of it use whenever they are called."""


def _needs(cell: _Names, other: _Names, comes_after: bool) -> bool:
    """Tell whether a cell that runs may need what another one binds."""
    return bool(other.bound & (cell.used_later | (cell.used if comes_after else set())))


def _names(tree: ast.Module, table: symtable.SymbolTable) -> _Names:
    found = _Names(set(), set(_changed(tree)), set())
    for scope, at_once in _scopes(table):
        at_top = scope.get_type() == "module"
        for symbol in scope.get_symbols():
            name = symbol.get_name()
            if at_top and (symbol.is_assigned() or symbol.is_imported()):
                found.bound.add(name)
            if symbol.is_declared_global() and symbol.is_assigned():
                found.bound.add(name)
            if symbol.is_referenced() and (at_top or symbol.is_global()):
                (found.used if at_once else found.used_later).add(name)
    return found


def _changed(node: ast.AST) -> Iterator[str]:
    """Yield names that ``x += 1`` and ``del x`` need, of which a symbol table says nothing."""
    for inner in ast.iter_child_nodes(node):
        if isinstance(inner, ast.AugAssign) and isinstance(inner.target, ast.Name):
            yield inner.target.id
        elif isinstance(inner, ast.Name) and isinstance(inner.ctx, ast.Del):
            yield inner.id
        if not isinstance(inner, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda):
            yield from _changed(inner)


def _scopes(table: symtable.SymbolTable) -> Iterator[tuple[symtable.SymbolTable, bool]]:
    """Yield the scopes of a cell, and whether each is run together with it."""
    waiting = [(table, True)]
    while waiting:
        scope, at_once = waiting.pop()
        yield scope, at_once
        waiting += [(s, at_once and s.get_name() in _AT_ONCE) for s in scope.get_children()]


_AT_ONCE = frozenset({"listcomp", "setcomp", "dictcomp"})
"""Names of comprehensions' scopes."""


def _reaches_all(tree: ast.Module) -> bool:
    """Tell whether code may use names that do not stand in it, or counts in a global one."""
    return any(
        isinstance(node, ast.Global)
        or bool(_called(node) & _REACHES)
        or (isinstance(node, ast.Name) and _is_history(node))
        or (isinstance(node, ast.ImportFrom) and node.names[0].name == "*")
        for node in ast.walk(tree)
    )


def _is_history(name: ast.Name) -> bool:
    return isinstance(name.ctx, ast.Load) and _HISTORY.fullmatch(name.id) is not None


def _called(node: ast.AST) -> set[str]:
    """Return the names that a node stands for."""
    if isinstance(node, ast.Name):
        return {node.id}
    if isinstance(node, ast.Attribute):
        return {node.attr}
    if isinstance(node, ast.Import | ast.ImportFrom):
        parts = chain.from_iterable(alias.name.split(".") for alias in node.names)
        return {*parts, *(getattr(node, "module", None) or "").split(".")}
    return set()


def _stateless(cells: Iterable[ast.Module]) -> bool:
    """Tell whether surely no function of some cells remembers anything of its calls."""
    cells = list(cells)
    variables = set(chain.from_iterable(map(_variables, cells)))
    functions = [
        node
        for tree in cells
        for node in ast.walk(tree)
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda)
    ]
    return not any(
        isinstance(node, ast.ClassDef | ast.Nonlocal) or bool(_called(node) & _REMEMBERS)
        for tree in cells
        for node in ast.walk(tree)
    ) and all(_forgets(function, variables) for function in functions)


def _variables(tree: ast.Module) -> Iterator[str]:
    """Yield global names that hold something other than a constant."""
    for node in tree.body:
        constant = isinstance(node, ast.Assign) and isinstance(node.value, ast.Constant)
        if not constant and not isinstance(node, ast.FunctionDef | ast.Import | ast.ImportFrom):
            for inner in ast.walk(node):
                if isinstance(inner, ast.Name) and isinstance(inner.ctx, ast.Store):
                    yield inner.id


def _forgets(
    function: ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda, variables: set[str]
) -> bool:
    arguments = function.args
    defaults = [d for d in (*arguments.defaults, *arguments.kw_defaults) if d is not None]
    if not all(isinstance(default, ast.Constant) for default in defaults):
        return False
    if not isinstance(function, ast.Lambda) and function.decorator_list:
        return False
    nodes = list(ast.walk(function))
    made = {n.id for n in nodes if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Store)}
    given = {argument.arg for argument in nodes if isinstance(argument, ast.arg)}
    for node in nodes:
        if isinstance(node, ast.Attribute | ast.Subscript) and not isinstance(node.ctx, ast.Load):
            return False
        if isinstance(node, ast.Name) and node.id in variables - made - given:
            return False
        if isinstance(node, ast.Expr) and not _is_harmless(node.value, made):
            return False
    return True


def _is_harmless(value: ast.expr, made: set[str]) -> bool:
    """Tell whether an expression whose value nobody takes changes nothing that lasts."""
    if not isinstance(value, ast.Call):
        return isinstance(value, ast.Constant)
    called = value.func
    if isinstance(called, ast.Name):
        return called.id in _SAID
    root = called.value if isinstance(called, ast.Attribute) else None
    return isinstance(called, ast.Attribute) and (
        called.attr in _SAID
        or (called.attr in _PARTS and isinstance(root, ast.Name) and root.id in made)
    )
