"""Which variables of the notebook a function uses, and which of its arguments it never reads.

A function that works on a variable of the notebook instead of its argument gives the right answer
in the notebook and a wrong one on other data. Python's own symbol tables say which names a
function reads, nested functions, lambdas, comprehensions and class bodies included.

The code is a student's, and its syntax tree takes a hundred times its memory: `names` runs in
a reader.
"""

import ast
import json
import re
import symtable
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from typing import Any

from IPython.core.inputtransformer2 import TransformerManager

from autograder.formats import shorten
from autograder.model import FunctionNames
from autograder.submissions.written import written

__all__ = ["function_names", "names", "prepare"]

_DYNAMIC = frozenset({"locals", "vars", "eval", "exec", "globals", "inspect", "dir"})
"""Code that uses these may read an argument without naming it."""

_NO_DATA = frozenset({"connect", "Client", "LocalCluster", "default_client", "get_client"})
"""Calls whose results are never what an argument should have been."""

_NUMBERS = frozenset(
    {
        "len",
        "int",
        "float",
        "round",
        "min",
        "max",
        "sum",
        "size_of",
        "range",
        "perf_counter",
        "time",
    }
)
"""Calls that return a number or a word."""

_Function = ast.FunctionDef | ast.AsyncFunctionDef


def prepare() -> None:
    """Load what is loaded on first use."""
    TransformerManager().transform_cell("1")


def names(code: Iterable[str], functions: Iterable[str]) -> bytes:
    """Report what functions read, as JSON.

    Parameters
    ----------
    code : iterable of str
        The cells of a notebook, in order.
    functions : iterable of str
        Names of functions.

    Returns
    -------
    bytes
        By name of function, the fields of its `FunctionNames`; its ``cell`` is the place in `code`
        of the cell that defines it.
    """
    cells = list(code)
    read = [_cell(source) for source in cells]
    found = {}
    for name in functions:
        try:
            found[name] = asdict(_of(name, cells, read))
        except RecursionError:  # functions that are nested a thousand deep
            found[name] = asdict(FunctionNames())
    return json.dumps(found).encode()


def function_names(found: bytes, places: Sequence[tuple[int, int]]) -> dict[str, FunctionNames]:
    """Read what `names` found.

    Parameters
    ----------
    found : bytes
    places : sequence of tuple
        For each cell that was read, its position in the notebook and its execution count.
    """

    def named(said: Mapping[str, Any]) -> FunctionNames:
        read = FunctionNames(**{name: _shortened(value) for name, value in said.items()})
        if read.cell is None:
            return read
        cell, number = places[read.cell]
        return replace(read, cell=cell, number=number)

    return {function: named(said) for function, said in json.loads(found).items()}


def _shortened(said: Any) -> Any:
    """Shorten what a student wrote to a length that fits a sentence."""
    if isinstance(said, list):
        return tuple(map(_shortened, said))
    return shorten(said, 60) if isinstance(said, str) else said


@dataclass(frozen=True, slots=True)
class _Cell:
    """What one cell defines, and what it calls."""

    functions: dict[str, tuple[_Function, symtable.SymbolTable]] = field(default_factory=dict)
    """The last definition of each, at the top level."""
    variables: dict[str, ast.expr | None] = field(default_factory=dict)
    """With the expression that each was set to, where it stands alone."""
    calls: tuple[ast.Call, ...] = ()


def _cell(source: str) -> _Cell:
    """Take a cell apart; one that Python cannot read defines nothing."""
    try:
        python = TransformerManager().transform_cell(source)
        tree = ast.parse(python)
        table = symtable.symtable(python, "cell", "exec")
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return _Cell()
    # Two definitions of one name are told apart by their lines.
    tables = {(child.get_name(), child.get_lineno()): child for child in table.get_children()}
    found = _Cell(calls=tuple(node for node in ast.walk(tree) if isinstance(node, ast.Call)))
    for statement in tree.body:
        if isinstance(statement, _Function):
            own = tables.get((statement.name, _first_line(statement, tables)))
            if own is not None:
                found.functions[statement.name] = (statement, own)
        found.variables.update(_assigned(statement))
    return found


def _first_line(function: _Function, tables: Mapping[tuple[str, int], symtable.SymbolTable]) -> int:
    """Return the line of a function's table: that of its first decorator, in some versions."""
    lines = [function.lineno, *(each.lineno for each in function.decorator_list)]
    return next((line for line in lines if (function.name, line) in tables), function.lineno)


def _assigned(statement: ast.stmt) -> Iterator[tuple[str, ast.expr | None]]:
    """Yield the variables that a statement at the top level sets, and what to if that is clear."""
    if isinstance(statement, _Function | ast.ClassDef | ast.Import | ast.ImportFrom):
        return
    value = statement.value if isinstance(statement, ast.Assign | ast.AnnAssign) else None
    for node in _outside_functions(statement):
        if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            yield node.id, value


def _outside_functions(statement: ast.AST) -> Iterator[ast.AST]:
    """Walk through the notebook's own code, not that of functions or comprehensions."""
    inner = (_Function, ast.ClassDef, ast.Lambda)
    comprehensions = (ast.ListComp, ast.SetComp, ast.DictComp, ast.GeneratorExp)
    waiting = [statement]
    while waiting:
        node = waiting.pop()
        if not isinstance(node, (*inner, *comprehensions)):
            yield node
            waiting += ast.iter_child_nodes(node)


def _of(name: str, code: Collection[str], cells: list[_Cell]) -> FunctionNames:
    defined = re.compile(rf"^[ \t]*(?:async[ \t]+)?def[ \t]+{re.escape(name)}\b", re.MULTILINE)
    named = [place for place, source in enumerate(code) if defined.search(source)]
    place = named[-1] if named else None
    found = FunctionNames(place)
    # The last definition is the one that is called.
    defining = [place for place, cell in enumerate(cells) if name in cell.functions]
    if not defining or named[-1:] != defining[-1:]:
        return found
    function, table = cells[defining[-1]].functions[name]
    loaded = _loaded(name, cells)
    if loaded & _DYNAMIC:
        return found
    arguments = _arguments(function)
    unread = [argument for argument in arguments if not _is_read(argument, function, table)]
    others = [cell for place, cell in enumerate(cells) if place not in named]
    own_variables = {variable for place in named for variable in cells[place].variables}
    set_to = {
        variable: [cell.variables[variable] for cell in others if variable in cell.variables]
        for variable in sorted(loaded - own_variables)
    }
    used = {variable: values[-1] for variable, values in set_to.items() if _is_data(values)}
    calls = [call for cell in cells for call in cell.calls]
    helpers = {each for cell in others for each in cell.functions}
    return replace(
        written(function, arguments, helpers, _reached(name, cells)),
        cell=place,
        unread=tuple(unread),
        instead=tuple(_pairs(name, arguments, unread, used, calls)),
    )


def _arguments(function: _Function) -> list[str]:
    given = function.args
    return [each.arg for each in (*given.posonlyargs, *given.args, *given.kwonlyargs)]


def _is_read(argument: str, function: _Function, table: symtable.SymbolTable) -> bool:
    """Tell whether the value that a caller passes is ever read."""
    if not _refers(table, argument):
        return any(_changes(node, argument) for node in ast.walk(function))
    for statement in function.body:
        parts = list(ast.walk(statement))
        own = [part for part in parts if isinstance(part, ast.Name) and part.id == argument]
        if any(not isinstance(part.ctx, ast.Store) for part in own):
            return True
        if any(_changes(part, argument) for part in parts):
            return True
        # Set anew before it was read, whatever happens.
        if own and isinstance(statement, ast.Assign):
            return False
    return True


def _changes(node: ast.AST, name: str) -> bool:
    """Whether a node is ``name += …``, which reads the name though it counts as setting it."""
    target = node.target if isinstance(node, ast.AugAssign) else None
    return isinstance(target, ast.Name) and target.id == name


def _refers(table: symtable.SymbolTable, name: str) -> bool:
    """Whether a scope, or one inside it that takes the name from there, reads a name."""
    symbols = {symbol.get_name(): symbol for symbol in table.get_symbols()}
    if name in symbols and symbols[name].is_referenced():
        return True
    for child in table.get_children():
        inner = {symbol.get_name(): symbol for symbol in child.get_symbols()}
        if name in inner and not inner[name].is_free():
            continue
        if _refers(child, name):
            return True
    return False


def _loaded(name: str, cells: list[_Cell]) -> set[str]:
    """Return the global names that a function reads, except names of functions."""
    return _reached(name, cells) - {each for cell in cells for each in cell.functions}


def _reached(name: str, cells: list[_Cell]) -> set[str]:
    """Return the global names that a function reads, itself or in functions that it calls."""
    known = {each: table for cell in cells for each, (_, table) in cell.functions.items()}
    loaded: set[str] = set()
    waiting, seen = [name], set()
    while waiting:
        current = waiting.pop()
        if current in seen or current not in known:
            continue
        seen.add(current)
        read = _globals(known[current])
        loaded |= read
        waiting += read
    return loaded


def _globals(table: symtable.SymbolTable) -> set[str]:
    own = {
        symbol.get_name()
        for symbol in table.get_symbols()
        if symbol.is_global() and symbol.is_referenced()
    }
    return own.union(*(_globals(child) for child in table.get_children()))


def _is_data(values: list[ast.expr | None]) -> bool:
    """Whether a variable may hold what an argument should have: it is set, and not to a client."""
    return bool(values) and _called(values[-1]) not in _NO_DATA


def _is_small(value: ast.expr | None) -> bool:
    """Whether a variable is set to a number or a text: which argument's role it has is unclear."""
    if isinstance(value, ast.Tuple):
        return all(map(_is_small, value.elts))
    return isinstance(value, ast.Constant | ast.Lambda) or _called(value) in _NUMBERS


def _called(value: ast.expr | None) -> str:
    """Return the name of the function whose result an expression is."""
    function = value.func if isinstance(value, ast.Call) else None
    return function.attr if isinstance(function, ast.Attribute) else getattr(function, "id", "")


def _pairs(
    function: str,
    arguments: list[str],
    unread: list[str],
    used: Mapping[str, ast.expr | None],
    calls: list[ast.Call],
) -> list[tuple[str, str]]:
    """Pair variables with the arguments that they replace, if there is evidence for it.

    The notebook passes the variable as that argument; their names are alike; or there is only one
    of each. A variable that the notebook passes as another argument replaces that one.
    """
    passed = _passed(function, arguments, calls)
    pairs = [(v, a) for a in unread for v in used if (v, a) in passed]
    free = [v for v in used if not any(v == variable for variable, _ in passed)]
    large = [v for v in free if not _is_small(used[v])]
    ways: tuple[Callable[[str], list[str]], ...] = (
        lambda argument: [v for v in free if _alike(v, argument)],
        lambda argument: large if len(unread) == 1 else [],
    )
    for fitting in ways:
        taken = {each for pair in pairs for each in pair}
        for argument in unread:
            left = [v for v in fitting(argument) if v not in taken]
            if argument not in taken and len(left) == 1:
                pairs.append((left[0], argument))
    return sorted(pairs, key=lambda pair: arguments.index(pair[1]))


def _passed(function: str, arguments: list[str], calls: list[ast.Call]) -> set[tuple[str, str]]:
    """Return the variables that the notebook passes to a function, each with its argument."""
    found = set()
    for call in calls:
        if not isinstance(call.func, ast.Name) or call.func.id != function:
            continue
        given = [*zip(call.args, arguments, strict=False)]
        given += [(each.value, each.arg) for each in call.keywords if each.arg]
        found |= {(value.id, name) for value, name in given if isinstance(value, ast.Name)}
    return found


def _alike(variable: str, argument: str) -> bool:
    """Whether two names have a word in common, as ``X_small`` and ``X`` do."""
    one, other = (set(name.lower().split("_")) - {""} for name in (variable, argument))
    return bool(one & other)
