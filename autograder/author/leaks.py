"""Find leaks to students: solutions in a release, and answers in a box."""

import ast
import re
import tempfile
from collections.abc import Iterator
from pathlib import Path

from nbformat import NotebookNode

from autograder.author.samples import cleared
from autograder.sandbox import withhold_oracle

__all__ = ["in_box", "in_release", "secrets"]

_MARKS = ("BEGIN SOLUTION", "END SOLUTION")
_REGION = re.compile(r"(?s)### {}\n(.*?)### {}".format(*_MARKS))
_TELLING = 25
"""Characters from which a text reveals a solution wherever it appears. A shorter one, such as
``return model``, may be there for another reason."""


def secrets(notebook: NotebookNode, *, whole: bool = False) -> list[str]:
    """Return every telling line of a solution and sentence of a model answer.

    Parameters
    ----------
    notebook : NotebookNode
        The instructor's.
    whole : bool
        Whole solutions instead of lines: an author may show one line of a solution and let students
        find the rest.
    """
    parts = [part for cell in notebook.cells for part in _solved(cell, whole=whole)]
    return [part for part in parts if len(part) >= _TELLING]


def in_release(notebook: NotebookNode, folder: Path) -> list[str]:
    """Find solutions in what nbgrader releases to students.

    Parameters
    ----------
    notebook : NotebookNode
        The instructor's.
    folder : Path
        Of the assignment below ``source``; nbgrader releases all other files in it as they are.
        It need not exist.

    Returns
    -------
    list of str
        Each leak in a few words.
    """
    found = []
    release = cleared(notebook)
    for own, other in zip(notebook.cells, release.cells, strict=True):
        outside = _lines(_REGION.sub("", own.source))
        left = [line for line in _solved(own) if line not in outside and line in _lines(other)]
        if left:
            found.append(f"{_name(own)} still holds its solution: {left[0]}")
    cells = {_name(cell): cell.source for cell in release.cells}
    found += list(_told(cells, [*_MARKS, *secrets(notebook, whole=True)]))
    files = {}
    for path in sorted(folder.rglob("*")):
        if path.is_file() and path != folder / f"{folder.name}.ipynb":
            files[path.name] = path.read_text(encoding="utf-8", errors="replace")
    found += list(_told(files, [*_MARKS, *secrets(notebook)]))
    return list(dict.fromkeys(found))


def in_box(exercise: Path, notebook: NotebookNode) -> list[str]:
    """Find answers in a box's copy of an exercise, which students' code can read.

    Parameters
    ----------
    exercise : Path
        The exercise's folder.
    notebook : NotebookNode
        The instructor's.

    Returns
    -------
    list of str
        Each leak in a few words.
    """
    with tempfile.TemporaryDirectory(prefix="dsk-verify-") as place:
        copy = Path(place, exercise.name)
        withhold_oracle.copy(exercise, copy)
        texts = {
            str(path.relative_to(copy)): path.read_text(encoding="utf-8", errors="replace")
            for path in sorted(copy.rglob("*"))
            if path.is_file()
        }
    found = []
    for name, text in texts.items():
        if name.endswith(".py"):
            found += [f"{name} has {answer} in the box" for answer in _answers(text)]
    return found + list(_told(texts, secrets(notebook)))


def _solved(cell: NotebookNode, *, whole: bool = False) -> list[str]:
    """Return the lines between the marks of a solution, or the sentences of a model answer."""
    if not cell.metadata.get("nbgrader", {}).get("solution"):
        return []
    if cell.cell_type == "markdown":
        return [part.strip() for part in re.split(r"(?<=[.;*])\s+", cell.source) if part.strip()]
    regions = _REGION.findall(cell.source)
    if whole:
        return [" ".join(region.split()) for region in regions]
    return [line for region in regions for line in _lines(region)]


def _lines(text: "str | NotebookNode") -> list[str]:
    source = text if isinstance(text, str) else text.source
    return [line.strip() for line in source.splitlines() if line.strip()]


def _told(texts: dict[str, str], telling: list[str]) -> Iterator[str]:
    """Yield the texts that reveal something; prose may be wrapped anywhere."""
    flat = {name: " ".join(text.split()) for name, text in texts.items()}
    for secret in telling:
        words = " ".join(secret.split())
        yield from (f"{name} holds: {words[:80]}" for name, text in flat.items() if words in text)


def _name(cell: NotebookNode) -> str:
    grade_id = cell.metadata.get("nbgrader", {}).get("grade_id")
    return f"cell {grade_id}" if grade_id else f"the cell that begins {cell.source[:30]!r}"


def _answers(code: str) -> list[str]:
    """Return which functions with the answer are defined in a module."""
    named = set()
    for node in ast.walk(ast.parse(code)):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            named.add(node.name)
        elif isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            named.add(node.id)
        elif isinstance(node, ast.alias):
            named.add(node.asname or node.name)
    return sorted(named & withhold_oracle.ANSWERS)
