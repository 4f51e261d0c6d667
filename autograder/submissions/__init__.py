"""From a notebook file to a `Submission`: parsed and never executed.

If nbgrader has sanitised the notebook, its metadata distinguishes the cells. A function counts as
untouched when its definitions only raise the stub's ``NotImplementedError``. It may be defined
anywhere: helper cells and helper functions are as good as the blank itself.

Work that could take any amount of time or memory is first done in a reader (`autograder.reader`). A
file that a reader could read within its limits costs this process no more.
"""

import hashlib
import json
from collections import Counter
from dataclasses import replace
from typing import TYPE_CHECKING

from autograder import reader
from autograder.errors import HarnessError, SubmissionError
from autograder.model import Exercise, Submission, SubmittedCell
from autograder.submissions import names, stubs
from autograder.submissions.experiments import (
    EXPERIMENT,
    experiments_of,
    hash_of,
    leave_out,
    whole,
)
from autograder.submissions.file import (
    MOST_BYTES,
    MOST_CELLS,
    grade_id_of,
    read,
    refuse_many_cells,
)

if TYPE_CHECKING:
    from nbformat import NotebookNode

__all__ = [
    "EXPERIMENT",
    "MOST_BYTES",
    "MOST_CELLS",
    "experiments_of",
    "hash_of",
    "outline",
    "parse",
    "read",
    "refuse_many_cells",
    "remarks",
    "whole",
    "with_names",
    "with_untouched",
]


def parse(notebook: "NotebookNode", exercise: Exercise) -> Submission:
    """Extract from a notebook what is run and judged.

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
    return with_names(with_untouched(outline(notebook, exercise), exercise), exercise)


def outline(notebook: "NotebookNode", exercise: Exercise) -> Submission:
    """Extract from a notebook what names its evidence, without parsing code.

    Parameters
    ----------
    notebook, exercise
        As for `parse`.

    Returns
    -------
    Submission
        All its functions count as written and have no names; see `with_untouched` and `with_names`.
        Experiments that nothing needs are left out; if there are any, that takes a reader.

    Raises
    ------
    SubmissionError
        If that takes too much time or memory.
    """
    grade_ids = {check.grade_id for check in exercise.checks}
    code = []
    for index, cell in enumerate(notebook.cells):
        if cell.cell_type == "code":
            grade_id = grade_id_of(cell)
            runs = grade_id not in grade_ids and bool(cell.source.strip())
            code.append(SubmittedCell(index, cell.source, grade_id, runs))
    locked = {index for index, cell in enumerate(notebook.cells) if _is_locked(cell)}
    cells, stateless = leave_out(code, exercise, locked)
    # Kept outputs are found again by the places of their cells.
    run = [(cell.index, cell.source) for cell in cells if cell.runs]
    return Submission(
        exercise=exercise.name,
        cells=cells,
        untouched=frozenset(),
        digest=hashlib.sha256(json.dumps(run).encode()).hexdigest(),
        remarks=remarks(notebook, exercise),
        stateless=stateless,
    )


def with_untouched(submission: Submission, exercise: Exercise) -> Submission:
    """Find out which functions of an outline are stubs, as `parse` does, by a reader.

    Raises
    ------
    SubmissionError
        If its code takes too much time or memory to parse.
    """
    code = [cell.source for cell in submission.cells if cell.runs or cell.left_out]
    functions = list(exercise.functions)
    what = f"The code of {exercise.name}.ipynb"
    found = json.loads(reader.read(stubs.untouched, code, functions, what=what))
    return replace(submission, untouched=frozenset(functions) & frozenset(found))


def _is_locked(cell: "NotebookNode") -> bool:
    """Tell whether nbgrader puts back the text of a cell before it grades."""
    metadata = cell.metadata.get("nbgrader")
    return isinstance(metadata, dict) and metadata.get("locked") is True


def with_names(submission: Submission, exercise: Exercise) -> Submission:
    """Find the names that the functions read; none if that takes too long: no mark needs them.

    It takes a reader, so call it only if something is wrong.
    """
    what = f"The code of {exercise.name}.ipynb"
    code = [cell for cell in submission.cells if cell.runs or cell.left_out]
    sources = [cell.source for cell in code]
    try:
        found = reader.read(names.names, sources, list(exercise.functions), what=what)
    except (SubmissionError, HarnessError):
        return submission
    shown = [cell.index for cell in submission.cells if cell.source.strip()]
    number = {index: number for number, index in enumerate(shown, start=1)}
    places = [(cell.index, number[cell.index]) for cell in code]
    return replace(submission, names=names.function_names(found, places))


def remarks(notebook: "NotebookNode", exercise: Exercise) -> tuple[str, ...]:
    """Report irregularities of a notebook's grade cells, for student and instructor.

    Parameters
    ----------
    notebook : NotebookNode
        As it was handed in: nbgrader corrects some of them before it grades.
    exercise : Exercise
        The exercise that it answers.
    """
    grade_ids = {check.grade_id for check in exercise.checks}
    cells = [(grade_id_of(cell), cell.cell_type) for cell in notebook.cells]
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
