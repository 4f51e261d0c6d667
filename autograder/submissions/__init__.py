"""From a notebook file to a `Submission`: parsed and never executed.

Cells are told apart by their nbgrader metadata where nbgrader has sanitised the notebook, and
a function counts as untouched when all that its definitions do is raise the stub's
``NotImplementedError``. Where a function is defined does not matter: helper cells and helper
functions are as good as the blank itself.

What could take any amount of time or memory happens in a reader first (`autograder.reader`). A
file that one could read within its limits costs this process no more.
"""

import hashlib
import json
from collections import Counter
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from autograder import reader
from autograder.errors import SubmissionError
from autograder.formats import one_line
from autograder.model import Exercise, Submission, SubmittedCell
from autograder.submissions import stubs

if TYPE_CHECKING:
    from nbformat import NotebookNode

__all__ = ["MOST_BYTES", "outline", "parse", "read", "remarks", "with_untouched"]

MOST_BYTES = 20 << 20
"""Of a notebook file; a released one has about 30 kB, its outputs are not needed. Full of pictures,
it takes 170 MB of address space to read and write again; a reader has 268."""


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
        If there is no such file, it is no notebook of a format that nbformat knows, or it takes
        too much time or memory to read.
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
    # Takes a second to import, and self-checks need only the stubs.
    from autograder.submissions import file

    reader.read(file.check, path.absolute(), what=name)
    return file.load(path)


def parse(notebook: "NotebookNode", exercise: Exercise) -> Submission:
    """Take out of a notebook what is run and judged.

    Parameters
    ----------
    notebook : NotebookNode
        Sanitised by nbgrader or not.
    exercise : Exercise
        The exercise that it answers.

    Raises
    ------
    SubmissionError
        If its code takes too much time or memory to parse.
    """
    return with_untouched(outline(notebook, exercise), exercise)


def outline(notebook: "NotebookNode", exercise: Exercise) -> Submission:
    """Take out of a notebook what names its evidence, and parse no code.

    Parameters
    ----------
    notebook, exercise
        As for `parse`.

    Returns
    -------
    Submission
        Whose functions are all taken for written; see `with_untouched`.
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
        untouched=frozenset(),
        # Kept outputs are found again by the places of their cells.
        digest=hashlib.sha256(json.dumps(code).encode()).hexdigest(),
        remarks=remarks(notebook, exercise),
    )


def with_untouched(submission: Submission, exercise: Exercise) -> Submission:
    """Find out which functions of an outline are stubs, as `parse` does, by a reader.

    Raises
    ------
    SubmissionError
        If its code takes too much time or memory to parse.
    """
    code = [cell.source for cell in submission.cells if cell.runs]
    functions = list(exercise.functions)
    what = f"The code of {exercise.name}.ipynb"
    found = json.loads(reader.read(stubs.untouched, code, functions, what=what))
    return replace(submission, untouched=frozenset(functions) & frozenset(found))


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
