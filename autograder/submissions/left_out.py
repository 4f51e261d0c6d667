"""Find the experiments that need not run when a notebook is graded; runs in a reader.

An *experiment* is a cell that the exercise's author has marked as one: it shows something, and
nothing else uses its results. Experiments take half of a box's time or more. A cell is recognised
by its text, so a cell that the student changed is not an experiment.

It is left out if no code that runs uses a name that it assigns: code below it, and functions
anywhere, since they may use later names. If code can reach names without naming them
(``globals()``, ``Out[3]``, a magic), or sets a global name in a function, everything runs.

A function can still remember an experiment's call. `stateless` says if certainly none does.
Otherwise, if not all answers are right, everything is run again in full.
"""

import ast
import json
import re
import symtable
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import chain

from IPython.core.inputtransformer2 import TransformerManager

__all__ = ["find", "lasts"]

_HISTORY = re.compile(r"_+|_i{0,3}\d*|_[iod]h|In|Out")
"""Names under which IPython keeps what ran before."""

_REACHES = frozenset({
    "globals", "locals", "vars", "dir", "eval", "exec", "compile", "get_ipython", "__import__",
    "__main__", "__globals__", "__dict__", "__builtins__", "f_globals", "f_locals", "f_back",
    "user_ns", "modules", "sys", "inspect", "gc", "importlib", "builtins", "IPython",
})  # fmt: skip
"""Names through which code can reach any other name."""

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
"""Functions that are called for their effect, which does not last."""

_PARTS = frozenset({"fit", "partial_fit", "append", "extend", "add", "update", "sort", "insert"})
"""Methods that are called for their effect, harmless on objects that the function created."""


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
    cells = [_read(source) for source in code]
    runs = [i for i, experiment in enumerate(marked) if not experiment]
    if any(cells[i].reaches_all for i in runs):
        return json.dumps({"left_out": [], "stateless": False}).encode()
    waiting = {i for i, experiment in enumerate(marked) if experiment}
    while needed := {i for i in waiting if any(_needs(cells[j], cells[i], j > i) for j in runs)}:
        waiting -= needed
        runs += sorted(needed)
    students = [cell for cell, may_be in zip(cells, own, strict=True) if may_be]
    return json.dumps({"left_out": sorted(waiting), "stateless": _stateless(students)}).encode()


def lasts(source: str) -> bool:
    """Tell whether an experiment may have effects other than names: its author must change it."""
    nodes = list(ast.walk(ast.parse(_python(source))))
    made = {n.id for n in nodes if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Store)}
    return any(
        bool(_called(node) & (_REMEMBERS - {"next", "iter"})) or _changes(node, made)
        for node in nodes
    )


def _changes(node: ast.AST, made: set[str]) -> bool:
    """Tell whether a node changes a part of an object that was not created here."""
    if not isinstance(node, ast.Attribute | ast.Subscript) or isinstance(node.ctx, ast.Load):
        return False
    return not (isinstance(node.value, ast.Name) and node.value.id in made)


@dataclass
class _Cell:
    """The relevant facts about a cell; its syntax tree may be large and is not kept."""

    bound: set[str] = field(default_factory=set)
    """Global names that it assigns."""
    used: set[str] = field(default_factory=set)
    """Global names that it uses when it runs."""
    used_later: set[str] = field(default_factory=set)
    """Global names that functions of it use whenever they are called."""
    variables: set[str] = field(default_factory=set)
    """Global names that hold something other than a constant, a function or a module."""
    loaded: set[str] = field(default_factory=set)
    """Names that functions of it use and have not made themselves."""
    reaches_all: bool = False
    """Whether it may use names that it does not mention, or sets a global name in a function."""
    remembers: bool = False
    """Whether one of its functions may remember its calls, judging by its code."""


def _needs(cell: _Cell, other: _Cell, comes_after: bool) -> bool:
    """Tell whether a cell that runs may need what another one binds."""
    return bool(other.bound & (cell.used_later | (cell.used if comes_after else set())))


def _stateless(cells: Sequence[_Cell]) -> bool:
    """Tell whether certainly no function of some cells remembers its calls."""
    variables = {name for cell in cells for name in cell.variables}
    return not any(cell.remembers or cell.loaded & variables for cell in cells)


def _python(source: str) -> str:
    return str(TransformerManager().transform_cell(source))


def _read(source: str) -> _Cell:
    try:
        python = _python(source)
        found = _of_tree(ast.parse(python))
        _add_names(found, symtable.symtable(python, "cell", "exec"))
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return _Cell(reaches_all=True, remembers=True)
    return found


def _of_tree(tree: ast.Module) -> _Cell:
    found = _Cell(used=set(_changed(tree)), variables=set(_variables(tree)))
    for node in ast.walk(tree):
        found.reaches_all |= _reaches_all(node)
        found.remembers |= isinstance(node, ast.ClassDef | ast.Nonlocal)
        found.remembers |= bool(_called(node) & _REMEMBERS)
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda):
            found.remembers |= _may_remember(node)
            found.loaded |= _loaded(node)
    return found


def _add_names(found: _Cell, table: symtable.SymbolTable) -> None:
    for scope, at_once in _scopes(table):
        at_top = scope.get_type() == "module"
        for symbol in scope.get_symbols():
            name = symbol.get_name()
            if at_top and (symbol.is_assigned() or symbol.is_imported()):
                found.bound.add(name)
            if symbol.is_referenced() and (at_top or symbol.is_global()):
                (found.used if at_once else found.used_later).add(name)


def _changed(tree: ast.Module) -> Iterator[str]:
    """Yield the names that ``x += 1`` and ``del x`` need, which a symbol table does not report."""
    waiting: list[ast.AST] = [tree]
    while waiting:
        node = waiting.pop()
        if isinstance(node, ast.AugAssign) and isinstance(node.target, ast.Name):
            yield node.target.id
        elif isinstance(node, ast.Name) and isinstance(node.ctx, ast.Del):
            yield node.id
        if not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda):
            waiting += ast.iter_child_nodes(node)


def _scopes(table: symtable.SymbolTable) -> Iterator[tuple[symtable.SymbolTable, bool]]:
    """Yield the scopes of a cell, and whether each is run together with it."""
    waiting = [(table, True)]
    while waiting:
        scope, at_once = waiting.pop()
        yield scope, at_once
        waiting += [(s, at_once and s.get_name() in _AT_ONCE) for s in scope.get_children()]


_AT_ONCE = frozenset({"listcomp", "setcomp", "dictcomp"})
"""Names of comprehensions' scopes."""


def _reaches_all(node: ast.AST) -> bool:
    return (
        isinstance(node, ast.Global)
        or bool(_called(node) & _REACHES)
        or (isinstance(node, ast.Name) and _is_history(node))
        or (isinstance(node, ast.ImportFrom) and node.names[0].name == "*")
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


def _variables(tree: ast.Module) -> Iterator[str]:
    """Yield global names that hold something other than a constant."""
    for node in tree.body:
        constant = isinstance(node, ast.Assign) and isinstance(node.value, ast.Constant)
        if not constant and not isinstance(node, ast.FunctionDef | ast.Import | ast.ImportFrom):
            for inner in ast.walk(node):
                if isinstance(inner, ast.Name) and isinstance(inner.ctx, ast.Store):
                    yield inner.id


_Function = ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda


def _may_remember(function: _Function) -> bool:
    arguments = function.args
    defaults = [d for d in (*arguments.defaults, *arguments.kw_defaults) if d is not None]
    if not all(isinstance(default, ast.Constant) for default in defaults):
        return True
    if not isinstance(function, ast.Lambda) and function.decorator_list:
        return True
    made = _stored(function)
    return any(
        (isinstance(node, ast.Attribute | ast.Subscript) and not isinstance(node.ctx, ast.Load))
        or (isinstance(node, ast.Expr) and not _is_harmless(node.value, made))
        for node in ast.walk(function)
    )


def _loaded(function: _Function) -> set[str]:
    nodes = list(ast.walk(function))
    given = {argument.arg for argument in nodes if isinstance(argument, ast.arg)}
    used = {node.id for node in nodes if isinstance(node, ast.Name)}
    return used - _stored(function) - given


def _stored(function: _Function) -> set[str]:
    names = (node for node in ast.walk(function) if isinstance(node, ast.Name))
    return {name.id for name in names if isinstance(name.ctx, ast.Store)}


def _is_harmless(value: ast.expr, made: set[str]) -> bool:
    """Tell whether an expression whose value is unused has no lasting effect."""
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
