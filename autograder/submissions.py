"""From a notebook file to a `Submission`: parsed and never executed.

Cells are told apart by their nbgrader metadata where nbgrader has sanitised the notebook, and
a function counts as untouched when all that its definitions do is raise the stub's
``NotImplementedError``. Where a function is defined does not matter: helper cells and helper
functions are as good as the blank itself.
"""

import ast
import hashlib
import json
from collections import Counter
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

from IPython.core.inputtransformer2 import TransformerManager

from autograder.errors import SubmissionError
from autograder.formats import one_line
from autograder.model import Exercise, Submission, SubmittedCell

if TYPE_CHECKING:
    from nbformat import NotebookNode

__all__ = ["MOST_BYTES", "is_stub", "parse", "read", "remarks"]

MOST_BYTES = 20 << 20
"""Of a notebook file; a released one has about 30 kB, its outputs are not needed."""


def read(path: Path, most: float = MOST_BYTES) -> "NotebookNode":
    """Read a notebook file.

    Parameters
    ----------
    path : Path
    most : float
        Bytes that it may have.

    Raises
    ------
    SubmissionError
        If there is no such file, or it is no notebook of a format that nbformat knows.
    """
    name = one_line(path.name)
    if not path.exists():
        raise SubmissionError(f"{name}: there is no such file.")
    if not path.is_file():
        raise SubmissionError(f"{name} is no file but something else, for example a folder.")
    if path.stat().st_size > most:
        raise SubmissionError(
            f"{name} has {path.stat().st_size / 1e6:.0f} MB, more than the "
            f"{most / 1e6:.0f} MB that a notebook may have; clear its outputs and submit it "
            "again."
        )
    # Takes a second to import, and self-checks need only the rest of this module.
    import nbformat

    try:
        notebook = nbformat.read(path, as_version=4)
        for cell in notebook.cells:
            if not isinstance(cell.source, str) or not isinstance(cell.metadata, dict):
                raise TypeError(f"a {one_line(str(cell.cell_type))[:60]} cell without text")
        # Half a surrogate pair, or an output without a type, can stand in JSON, but in no notebook
        # that is written afterwards.
        nbformat.v4.writes(notebook).encode()
    except Exception as error:
        # nbformat raises what its parsers raise: JSON errors, KeyError, AttributeError, ...
        raise SubmissionError(
            f"{name} is not a notebook that Jupyter can open ({_first_line(error)}); open "
            "it in JupyterLab, save it and submit it again."
        ) from error
    return notebook


def parse(notebook: "NotebookNode", exercise: Exercise) -> Submission:
    """Take out of a notebook what is run and judged.

    Parameters
    ----------
    notebook : NotebookNode
        Sanitised by nbgrader or not.
    exercise : Exercise
        The exercise that it answers.
    """
    grade_ids = {check.grade_id for check in exercise.checks}
    cells = []
    for index, cell in enumerate(notebook.cells):
        if cell.cell_type != "code":
            continue
        grade_id = _grade_id(cell)
        runs = grade_id not in grade_ids and bool(cell.source.strip())
        cells.append(SubmittedCell(index, cell.source, grade_id, runs))
    code = [(cell.index, cell.source) for cell in cells if cell.runs]
    return Submission(
        exercise=exercise.name,
        cells=tuple(cells),
        untouched=_untouched((source for _, source in code), exercise.functions),
        # Kept outputs are found again by the places of their cells.
        digest=hashlib.sha256(json.dumps(code).encode()).hexdigest(),
        remarks=remarks(notebook, exercise),
    )


def is_stub(source: str, function: str) -> bool:
    """Tell whether a piece of code defines a function as the released stub and nothing else."""
    return function in _untouched([source], [function])


def _grade_id(cell: "NotebookNode") -> str | None:
    metadata = cell.metadata.get("nbgrader")
    grade_id = metadata.get("grade_id") if isinstance(metadata, dict) else None
    return grade_id if isinstance(grade_id, str) else None


def remarks(notebook: "NotebookNode", exercise: Exercise) -> tuple[str, ...]:
    """Say what is odd about the grade cells of a notebook, for student and instructor.

    Parameters
    ----------
    notebook : NotebookNode
        As it was handed in: nbgrader puts some of it right before it grades.
    exercise : Exercise
        The exercise that it answers.
    """
    grade_ids = {check.grade_id for check in exercise.checks}
    cells = [(_grade_id(cell), cell.cell_type) for cell in notebook.cells]
    seen = Counter(grade_id for grade_id, _ in cells if grade_id in grade_ids)
    code = {grade_id for grade_id, cell_type in cells if cell_type == "code"}
    odd = (
        (grade_ids - set(seen), "missing from the notebook"),
        ({grade_id for grade_id, times in seen.items() if times > 1}, "there more than once"),
        (set(seen) - code, "of another type than code"),
    )
    return tuple(
        f"The grade cell{'s' * (len(names) > 1)} {', '.join(sorted(map(str, names)))} "
        f"{'were' if len(names) > 1 else 'was'} {what}; graded all the same."
        for names, what in odd
        if names
    )


def _untouched(code: Iterable[str], functions: Iterable[str]) -> frozenset[str]:
    """Return the functions that are defined as stubs and nothing else."""
    stubs: set[str] = set()
    others: set[str] = set()
    for source in code:
        names, bound = _definitions(source)
        stubs |= names
        others |= bound
    return frozenset(name for name in functions if name in stubs - others)


def _definitions(source: str) -> tuple[set[str], set[str]]:
    """Return the names that a cell defines as stubs, and those that it gives another value."""
    try:
        tree = ast.parse(TransformerManager().transform_cell(source))
    except (SyntaxError, ValueError, RecursionError, MemoryError):
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


def _first_line(error: Exception) -> str:
    lines = str(error).strip().splitlines()
    return f"{type(error).__name__}: {one_line(lines[0])[:160]}" if lines else type(error).__name__
