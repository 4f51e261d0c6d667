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
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from autograder import reader
from autograder.errors import HarnessError, SubmissionError
from autograder.formats import one_line
from autograder.model import Exercise, Submission, SubmittedCell
from autograder.submissions import left_out, names, stubs

if TYPE_CHECKING:
    from nbformat import NotebookNode

__all__ = [
    "EXPERIMENT",
    "MOST_BYTES",
    "MOST_CELLS",
    "experiments",
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

EXPERIMENT = "experiment"
"""The tag of cells in the instructor's notebook that need not run in grading."""

MOST_BYTES = 20 << 20
"""Of a notebook file; a released one has about 30 kB, its outputs are not needed. Full of pictures,
it takes 170 MB of address space to read and write again; a reader has 268."""


MOST_CELLS = 1000
"""Of an exercise's notebook; a released one has about sixty. nbgrader looks each of them up in its
gradebook and checks it several times: ten thousand took it more than a minute."""


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
        raise SubmissionError(f"{name} is not a file but something else, such as a folder.")
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


def refuse_many_cells(path: Path, notebook: "NotebookNode") -> None:
    """Refuse a notebook that has more cells than an answer to an exercise needs.

    Raises
    ------
    SubmissionError
        With their number.
    """
    if len(notebook.cells) > MOST_CELLS:
        raise SubmissionError(
            f"{one_line(path.name)} has {len(notebook.cells):,} cells, more than the "
            f"{MOST_CELLS:,} that the notebook of an exercise may have; remove what the answer "
            "does not need and submit it again."
        )


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
    cells = []
    for index, cell in enumerate(notebook.cells):
        if cell.cell_type != "code":
            continue
        grade_id = _grade_id(cell)
        runs = grade_id not in grade_ids and bool(cell.source.strip())
        cells.append(SubmittedCell(index, cell.source, grade_id, runs))
    submission = Submission(
        exercise=exercise.name,
        cells=tuple(cells),
        untouched=frozenset(),
        digest=_digest(cells),
        remarks=remarks(notebook, exercise),
    )
    locked = {index for index, cell in enumerate(notebook.cells) if _is_locked(cell)}
    return _without_experiments(submission, exercise, locked)


def _digest(cells: Iterable[SubmittedCell]) -> str:
    # Kept outputs are found again by the places of their cells.
    code = [(cell.index, cell.source) for cell in cells if cell.runs]
    return hashlib.sha256(json.dumps(code).encode()).hexdigest()


def _without_experiments(
    submission: Submission, exercise: Exercise, locked: set[int]
) -> Submission:
    """Leave out the experiments that no other code needs."""
    running = [cell for cell in submission.cells if cell.runs]
    marked = [hash_of(cell.source) in exercise.experiments for cell in running]
    if not any(marked):
        return submission
    own = [
        cell.index not in locked and not known for cell, known in zip(running, marked, strict=True)
    ]
    code = [cell.source for cell in running]
    what = f"The code of {exercise.name}.ipynb"
    found = json.loads(reader.read(left_out.find, code, marked, own, what=what))
    out = {running[place].index for place in found["left_out"]}
    cells = tuple(
        replace(cell, runs=False, left_out=True) if cell.index in out else cell
        for cell in submission.cells
    )
    stateless = not out or bool(found["stateless"])
    return replace(submission, cells=cells, digest=_digest(cells), stateless=stateless)


def whole(submission: Submission) -> Submission:
    """Return a submission in which all cells run; its evidence keeps its name."""
    cells = (
        replace(cell, runs=True, left_out=False) if cell.left_out else cell
        for cell in submission.cells
    )
    return replace(submission, cells=tuple(cells))


def hash_of(source: str) -> str:
    """Return the fingerprint of an experiment."""
    return hashlib.sha256(source.strip().encode()).hexdigest()


def experiments(notebook: "NotebookNode") -> frozenset[str]:
    """Return the fingerprints of the experiments of an instructor's notebook.

    Parameters
    ----------
    notebook : NotebookNode
        From the course's source folder. The tags of a student's notebook are ignored.
    """
    return frozenset(
        hash_of(cell.source)
        for cell in notebook.cells
        if cell.cell_type == "code"
        and EXPERIMENT in (cell.metadata.get("tags") or ())
        and _grade_id(cell) is None
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


def _grade_id(cell: "NotebookNode") -> str | None:
    metadata = cell.metadata.get("nbgrader")
    grade_id = metadata.get("grade_id") if isinstance(metadata, dict) else None
    return grade_id if isinstance(grade_id, str) else None


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
