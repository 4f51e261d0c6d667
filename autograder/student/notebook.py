"""The notebook in which ``check()`` is called: its output, and what ran before."""

import ast
import os
import sys
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

__all__ = ["Panel", "called", "cells", "name_of", "namespace", "since"]


class Panel:
    """One output below the cell: a line of progress, replaced by the card at the end.

    Outside a notebook there is no progress, and the end is plain text on stdout.
    """

    def __init__(self) -> None:
        self._shell = _shell()
        self._handle: Any = None

    def say(self, line: str) -> None:
        """Show a line of progress in place of the last one."""
        if self._shell is not None:
            self._put({"text/plain": line})

    def show(self, html: str, text: str) -> None:
        """Show the result, as HTML if that can be displayed."""
        if self._shell is None:
            print(text)
        else:
            self._put({"text/html": html, "text/plain": text})

    def _put(self, data: dict[str, str]) -> None:
        from IPython.display import display

        if self._handle is None:
            self._handle = display(data, raw=True, display_id=True)
        else:
            self._handle.update(data, raw=True)


def name_of(function: Any, names: Iterable[str]) -> str:
    """Return which of some names a function has, if any.

    That is its own name or, for a lambda or a wrapped function, that of the variable in the
    notebook which holds it.
    """
    names = tuple(names)
    own = getattr(function, "__name__", "")
    if own in names:
        return str(own)
    variables = namespace()
    return next((name for name in names if variables.get(name) is function), "")


def namespace() -> Mapping[str, Any]:
    """Return the variables of the notebook or, outside one, of the program that was started."""
    shell = _shell()
    return vars(sys.modules["__main__"]) if shell is None else shell.user_ns


def called() -> frozenset[str]:
    """Return the names of the notebook's file and folder, as far as the kernel knows."""
    here = namespace()
    # Jupyter's server and VS Code each say which notebook they started the kernel for; a program
    # that was started outside of one knows its own file.
    paths = os.environ.get("JPY_SESSION_NAME"), here.get("__vsc_ipynb_file__"), here.get("__file__")
    files = {Path(path).stem for path in paths if isinstance(path, str)}
    return frozenset({*files, Path.cwd().name})


def cells() -> list[str]:
    """Return what has run in the notebook so far, in order; nothing outside one."""
    shell = _shell()
    return [] if shell is None else list(shell.history_manager.input_hist_raw[1:])


def since() -> int | None:
    """Return the number of the last cell that did anything but ``check(…)``.

    While the number stays the same, nothing that a run could depend on has changed.

    Returns
    -------
    int or None
        None if that is the running cell, or unknown.
    """
    shell = _shell()
    if shell is None:
        return None
    cells = shell.history_manager.input_hist_raw
    running = shell.kernel.get_parent().get("content", {}).get("code")
    # Code that is run without being counted is not in the list.
    if cells[-1] != running:
        return None
    last = len(cells) - 1
    while last > 0 and _only_checks(cells[last]):
        last -= 1
    return None if last == len(cells) - 1 else last


def _only_checks(source: str) -> bool:
    try:
        body = ast.parse(source).body
    except (SyntaxError, ValueError):
        return False
    return all(isinstance(statement, ast.Expr) and _is_check(statement.value) for statement in body)


def _is_check(node: ast.expr) -> bool:
    return (
        isinstance(node, ast.Call)
        and isinstance(node.func, ast.Name)
        and node.func.id == "check"
        and all(
            isinstance(given, ast.Name | ast.Constant)
            for given in (*node.args, *(keyword.value for keyword in node.keywords))
        )
    )


def _shell() -> Any:
    try:
        from IPython import get_ipython
    except ImportError:
        return None
    shell = get_ipython()
    return shell if hasattr(shell, "kernel") else None
