"""Experiments: how they are recognised in a notebook, and which of them are left out."""

import hashlib
import json
from collections.abc import Collection, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from autograder import reader
from autograder.model import Exercise, Submission, SubmittedCell
from autograder.submissions import left_out
from autograder.submissions.file import grade_id_of

if TYPE_CHECKING:
    from nbformat import NotebookNode

__all__ = ["EXPERIMENT", "experiments_of", "hash_of", "leave_out", "whole"]

EXPERIMENT = "experiment"
"""The tag of cells in the instructor's notebook that need not run in grading."""


def hash_of(source: str) -> str:
    """Return the fingerprint of an experiment."""
    return hashlib.sha256(source.strip().encode()).hexdigest()


def experiments_of(notebook: "NotebookNode") -> frozenset[str]:
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
        and grade_id_of(cell) is None
    )


def leave_out(
    cells: Sequence[SubmittedCell], exercise: Exercise, locked: Collection[int]
) -> tuple[tuple[SubmittedCell, ...], bool]:
    """Leave out the experiments that no other code needs.

    Parameters
    ----------
    cells : sequence of SubmittedCell
    exercise : Exercise
    locked : collection of int
        Positions of cells that cannot be the student's.

    Returns
    -------
    tuple
        The cells, and whether what was left out certainly leaves no effect in the student's
        functions.

    Raises
    ------
    SubmissionError
        If that takes too much time or memory.
    """
    running = [cell for cell in cells if cell.runs]
    marked = [hash_of(cell.source) in exercise.experiments for cell in running]
    if not any(marked):
        return tuple(cells), True
    own = [
        cell.index not in locked and not known for cell, known in zip(running, marked, strict=True)
    ]
    code = [cell.source for cell in running]
    what = f"The code of {exercise.name}.ipynb"
    found = json.loads(reader.read(left_out.find, code, marked, own, what=what))
    out = {running[place].index for place in found["left_out"]}
    kept = (
        replace(cell, runs=False, left_out=True) if cell.index in out else cell for cell in cells
    )
    return tuple(kept), not out or bool(found["stateless"])


def whole(submission: Submission) -> Submission:
    """Return a submission in which all cells run; its evidence keeps its name."""
    cells = (
        replace(cell, runs=True, left_out=False) if cell.left_out else cell
        for cell in submission.cells
    )
    return replace(submission, cells=tuple(cells))
