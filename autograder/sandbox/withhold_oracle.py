"""Copy an exercise for its box, without the answers.

``cases.py`` generates the inputs in the box and computes the right answers outside, in one file, so
that an author sees both side by side. A student's code can read every file in its box. So the box
gets a copy without ``oracle`` and ``compare``, and without what only they use.
"""

import ast
import importlib.util
import shutil
from pathlib import Path

import autograder
from autograder.exercise.catalogue import CASES

__all__ = ["ANSWERS", "INSTRUCTOR_PACKAGE", "copy", "folders", "without_answers"]

ANSWERS = frozenset({"oracle", "compare"})
"""The functions of ``cases.py`` that know the right answer."""
INSTRUCTOR_PACKAGE = "dask_scaling_kit_instructor"
"""The package of solutions and samples, ``packaging/instructor``, which no box may contain."""
_EXERCISES = "exercises"
_DEFINITIONS = ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef


def folders() -> list[Path]:
    """Return the folders with answers, wherever Python has its packages.

    Those of the exercises that come with the kit, whose cases hold the right answers, and of the
    solutions where they are installed.
    """
    found = [Path(str(autograder.__file__)).parent / _EXERCISES]
    solutions = importlib.util.find_spec(INSTRUCTOR_PACKAGE)
    if solutions is not None:
        found += map(Path, solutions.submodule_search_locations or ())
    return found


def in_packages(folder: Path) -> list[Path]:
    """Return where a folder of packages has answers, if the kit is installed there."""
    return [folder / autograder.__name__ / _EXERCISES, folder / INSTRUCTOR_PACKAGE]


def copy(folder: Path, target: Path) -> None:
    """Copy an exercise's folder for a box.

    Parameters
    ----------
    folder, target : Path
        Of the exercise, and of the copy, which does not exist yet.
    """
    # An editor's backups and Python's caches hold answers, too.
    shutil.copytree(folder, target, ignore=shutil.ignore_patterns("__pycache__", ".*", "*~"))
    path = target / CASES
    path.write_text(without_answers(path.read_text("utf-8")), "utf-8")


def without_answers(source: str) -> str:
    """Return the source of a ``cases.py`` without its answers, with unchanged line numbers.

    Parameters
    ----------
    source : str
        Of a module that is valid Python.

    Returns
    -------
    str
        Lines of functions and classes that only ``oracle`` and ``compare`` use are empty.
    """
    body = ast.parse(source).body
    defined = {node.name: node for node in body if isinstance(node, _DEFINITIONS)}
    kept: set[str] = set()
    # What stands beside all definitions runs on import and may use any of them.
    waiting = {name for node in body if not isinstance(node, _DEFINITIONS) for name in _names(node)}
    waiting |= {"prepare", "materialise", "warm"}
    while waiting:
        name = waiting.pop()
        if name in defined and name not in kept | ANSWERS:
            kept.add(name)
            waiting |= _names(defined[name])
    lines = source.split("\n")  # str.splitlines also breaks where Python's own lines go on
    for name, node in defined.items():
        if name not in kept:
            first = min([node.lineno, *(each.lineno for each in node.decorator_list)])
            assert node.end_lineno is not None
            for number in range(first - 1, node.end_lineno):
                lines[number] = ""
    return "\n".join(lines)


def _names(node: ast.AST) -> set[str]:
    """Return all names that a piece of code mentions, as names, attributes or in strings."""
    found = set()
    for each in ast.walk(node):
        if isinstance(each, ast.Name):
            found.add(each.id)
        elif isinstance(each, ast.Attribute):
            found.add(each.attr)
        elif isinstance(each, ast.Constant) and isinstance(each.value, str):
            found.add(each.value)
    return found
