"""Build the notebook of an exercise from its one text source, byte for byte reproducible.

The text is py:percent, as jupytext reads it. The header of a cell says what nbgrader does with it,
and the builder writes that out:

- ``# %% solution="name"``: a blank; students do not get what is between ``### BEGIN SOLUTION`` and
  ``### END SOLUTION``.
- ``# %% grade="name"``: a locked cell with the points of that check in ``exercise.toml``.
- ``# %% [markdown] words="name"``: the model answer of a question that is marked by hand, removed
  as a whole.
- ``# %% given="name"``: a locked cell without points.
- ``# %% tags=["experiment"]``: code that only shows something. Only other experiments may use its
  results; in grading it does not run (`autograder.submissions.left_out`).
- ``# %% script="name"``: only for running the text as a script; omitted.

In markdown, ``![alternative text](pictures/name.py)`` becomes the picture that ``draw()`` of that
file returns (`autograder.author.drawing`). It is embedded in the notebook: a separate file would be
missing wherever the notebook is copied alone, and from the feedback page.

A docstring above the first cell is for readers of the text and stays out of the notebook.
The notebook is never paired with its text: nbgrader would release both.
"""

import ast
import base64
import hashlib
import json
import re
import runpy
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import jupytext
import nbformat

from autograder.errors import HarnessError
from autograder.model import Exercise
from autograder.submissions import EXPERIMENT, left_out
from cluster.explain import suggestion

__all__ = ["build"]

_KERNEL = {"display_name": "Python 3 (ipykernel)", "language": "python", "name": "python3"}
_BEGIN, _END = "BEGIN SOLUTION", "END SOLUTION"

_TAGS = "tags"

_KINDS = {
    # shorthand: (type of cell, grade, solution, locked), as nbgrader's schema 3 has them
    "solution": ("code", False, True, False),
    "grade": ("code", True, False, True),
    "words": ("markdown", True, True, False),
    "given": (None, False, False, True),
    "script": ("code", False, False, False),
}


def build(source_py: Path, exercise: Exercise) -> str:
    """Build the notebook of an exercise.

    Parameters
    ----------
    source_py : Path
        The py:percent text, solutions included.
    exercise : Exercise
        Where the points come from.

    Returns
    -------
    str
        The notebook for nbgrader's ``source`` folder as JSON, byte for byte the same for
        the same text and points.

    Raises
    ------
    HarnessError
        If text and exercise do not fit together; one sentence names cell and remedy.
    """
    try:
        text = source_py.read_text(encoding="utf-8")
        _check_preamble(text)
        cells = _read(_from_first_cell(text), source_py.parent)
        kinds = [_kind(cell) for cell in cells]
        _check_complete(kinds, exercise)
        built = [
            _cell(cell, kind, exercise)
            for cell, kind in zip(cells, kinds, strict=True)
            if kind is None or kind[0] != "script"
        ]
        _check_experiments(built)
    except _BuildError as error:
        raise HarnessError(f"{source_py}: {error}.") from error
    except (OSError, UnicodeDecodeError) as error:
        raise HarnessError(f"{source_py} cannot be read: {error}.") from error
    _name_cells(built)
    notebook = nbformat.v4.new_notebook(
        cells=built, metadata={"kernelspec": _KERNEL, "language_info": {"name": "python"}}
    )
    nbformat.validate(notebook)
    return str(nbformat.writes(notebook)).rstrip("\n") + "\n"


class _BuildError(Exception):
    """An error in the text, still without its path."""


def _read(text: str, folder: Path) -> list[Any]:
    """Read the cells of a text; pictures are drawn by files in the folder."""
    cells: list[Any] = jupytext.reads(text, fmt="py:percent").cells
    # In a code cell "# %time" is a magic command that is commented out, and jupytext brings it
    # back. In markdown it takes the "#" off "#!/bin/bash" in the same way.
    plain = {"extension": ".py", "format_name": "percent", "comment_magics": False}
    for cell, as_written in zip(cells, jupytext.reads(text, fmt=plain).cells, strict=True):
        if cell.cell_type == "markdown":
            cell.source = _PICTURE.sub(lambda found: _picture(found, folder), as_written.source)
    return cells


_PICTURE = re.compile(r"!\[([^\]]*)\]\(pictures/(\w+\.py)\)")
_LEAST_WORDS = 5
"""Minimum length of an alternative text: fewer characters cannot say what a picture shows."""


def _picture(found: re.Match[str], folder: Path) -> str:
    """Return a picture as markdown with the picture embedded."""
    words, path = " ".join(found[1].split()), folder / "pictures" / found[2]
    if len(words.split()) < _LEAST_WORDS:
        raise _BuildError(
            f"the picture {path.name} needs an alternative text that says what it shows"
        )
    try:
        drawn = runpy.run_path(str(path))["draw"]()
    except Exception as error:  # it is the author's program
        raise _BuildError(
            f"the picture {path} cannot be drawn ({type(error).__name__}: {error})"
        ) from error
    return f"![{words}](data:image/svg+xml;base64,{base64.b64encode(drawn.encode()).decode()})"


def _from_first_cell(text: str) -> str:
    lines = text.splitlines(keepends=True)
    start = next((n for n, line in enumerate(lines) if line.startswith("# %%")), None)
    if start is None:
        raise _BuildError('no cell, expected one "# %%" line at least')
    return "".join(lines[start:])


def _check_preamble(text: str) -> None:
    preamble = text.removesuffix(_from_first_cell(text))
    try:
        body = ast.parse(preamble).body
    except SyntaxError as error:
        raise _BuildError(f"line {error.lineno} is not valid Python") from error
    if any(not _is_docstring(statement) for statement in body):
        raise _BuildError("code above the first cell would be lost; put it below a # %% line")


def _is_docstring(statement: ast.stmt) -> bool:
    return isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Constant)


def _kind(cell: Any) -> tuple[str, str] | None:
    """Return shorthand and grade_id of a cell, None if nbgrader should leave it alone."""
    where = f'the cell that begins "{cell.source.partition(chr(10))[0]:.40}"'
    cell.metadata.pop("lines_to_next_cell", None)  # jupytext's own, for writing text back
    for key in cell.metadata:
        if key not in (*_KINDS, _TAGS):
            hint = suggestion(key, (*_KINDS, _TAGS))
            raise _BuildError(f"{where} has the unknown mark {key!r}{hint}")
    if len(cell.metadata) > 1:
        raise _BuildError(f"{where} has {len(cell.metadata)} marks, expected one at most")
    tags = cell.metadata.get(_TAGS)
    if tags is not None and (tags != [EXPERIMENT] or cell.cell_type != "code"):
        raise _BuildError(f'{where} may have {_TAGS}=["{EXPERIMENT}"] if it is code, no other')
    marks = ((name, value) for name, value in cell.metadata.items() if name != _TAGS)
    kind: tuple[str, str] | None = next(marks, None)
    if kind is None or kind[0] != "solution":
        if _BEGIN in cell.source or _END in cell.source:
            raise _BuildError(f'{where} holds a solution, but is not marked solution="…"')
    else:
        _check_regions(kind[1], cell.source)
    if kind is not None and _KINDS[kind[0]][0] not in (None, cell.cell_type):
        wanted = _KINDS[kind[0]][0]
        raise _BuildError(
            f'{kind[0]}="{kind[1]}" is a {cell.cell_type} cell, expected a {wanted} cell'
        )
    return kind


def _check_regions(name: str, source: str) -> None:
    marks = [
        mark for line in source.splitlines() for mark in (_BEGIN, _END) if f"### {mark}" in line
    ]
    if not marks or marks != [_BEGIN, _END] * (len(marks) // 2):
        raise _BuildError(
            f'solution="{name}" needs a line "### {_BEGIN}" and after it a line "### {_END}"'
        )


def _check_complete(kinds: Sequence[tuple[str, str] | None], exercise: Exercise) -> None:
    """Compare the text's marks with those that the exercise declares."""
    present = [kind for kind in kinds if kind is not None]
    expected = {
        "solution": list(exercise.functions),
        "grade": [check.grade_id for check in exercise.checks],
        "words": list(exercise.words),
    }
    for mark, name in present:
        if mark in expected and name not in expected[mark]:
            hint = suggestion(name, expected[mark])
            raise _BuildError(f'{mark}="{name}" is not in exercise.toml{hint}')
    twice = [name for name, count in Counter(name for _, name in present).items() if count > 1]
    if twice:
        raise _BuildError(f'two cells are marked "{twice[0]}", expected one')
    for mark, names in expected.items():
        missing = [name for name in names if (mark, name) not in present]
        if missing:
            raise _BuildError(
                f'no cell is marked {mark}="{missing[0]}", which exercise.toml asks for'
            )


def _check_experiments(cells: Sequence[Any]) -> None:
    """Check that nothing else needs an experiment."""
    code = [cell for cell in cells if cell.cell_type == "code" and not _is_graded(cell)]
    marked = [EXPERIMENT in cell.metadata.get(_TAGS, ()) for cell in code]
    found = json.loads(left_out.find([c.source for c in code], marked, [False] * len(code)))
    for place, (cell, experiment) in enumerate(zip(code, marked, strict=True)):
        if experiment and place not in found["left_out"]:
            raise _BuildError(
                f'the experiment that begins "{cell.source.partition(chr(10))[0]:.40}" assigns a '
                "name that other code uses or may use; choose another name, or do not mark it"
            )
        if experiment and left_out.lasts(cell.source):
            raise _BuildError(
                f'the experiment that begins "{cell.source.partition(chr(10))[0]:.40}" has a '
                "lasting effect, for example on a file, a setting or another object"
            )


def _is_graded(cell: Any) -> bool:
    return bool(cell.metadata.get("nbgrader", {}).get("grade"))


def _cell(cell: Any, kind: tuple[str, str] | None, exercise: Exercise) -> Any:
    new = {"code": nbformat.v4.new_code_cell, "markdown": nbformat.v4.new_markdown_cell}
    if cell.cell_type not in new:
        raise _BuildError(f"a {cell.cell_type} cell cannot be built, expected code or markdown")
    built = new[cell.cell_type](source=cell.source)
    if _TAGS in cell.metadata:
        built.metadata[_TAGS] = [EXPERIMENT]
    if kind is not None:
        mark, name = kind
        _, grade, solution, locked = _KINDS[mark]
        built.metadata["nbgrader"] = {
            "schema_version": 3,
            "grade_id": name,
            "grade": grade,
            "solution": solution,
            "locked": locked,
            "task": False,
        }
        if grade:
            points = {check.grade_id: check.points for check in exercise.checks}
            value = exercise.words[name] if mark == "words" else points[name]
            # nbgrader shows what it finds: "2 points", not "2.0 points".
            built.metadata["nbgrader"]["points"] = int(value) if value == int(value) else value
    return built


def _name_cells(cells: Sequence[Any]) -> None:
    """Give each cell an id that follows from its content, so that two builds agree.

    The position of a cell does not matter, only the number of equal cells above: an inserted cell
    leaves the ids of the others unchanged.
    """
    seen: Counter[str] = Counter()
    for cell in cells:
        own = cell.metadata.get("nbgrader", {}).get("grade_id")
        text = f"grade_id {own}" if own else f"{cell.cell_type} {cell.source}"
        cell["id"] = hashlib.sha256(f"{seen[text]} {text}".encode()).hexdigest()[:12]
        seen[text] += 1
