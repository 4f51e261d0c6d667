"""A graded notebook: the submission with its own outputs, and the finding under each check."""

import hashlib
import html
from collections.abc import Mapping, Sequence
from typing import Any

from nbformat import NotebookNode, from_dict
from nbformat.v4 import new_code_cell, new_markdown_cell, new_output

from autograder.formats import shorten
from autograder.model import CellOutput, Finding, Grade, Reference, ScoredFinding, Status
from autograder.report import card, terminal
from autograder.report.error_text import failure_heading
from autograder.report.sanitize import clean_cells
from autograder.report.vocabulary import GLYPHS, WORDS

__all__ = ["NOTE", "SUMMARY", "annotate"]

NOTE = "dask_scaling_kit"
"""Key in the metadata of a check's output, for the page's summary. Students' outputs are kept
without metadata (`clean_cells`), so outputs with this key are ours."""

_REASON_LENGTH = 160
"""Characters of a reason in a summary; the card has the full text."""

_SAVED = "[Not run again in grading. This is the output that was saved with the notebook.]\n"
_UNSAVED = "[Not run in grading. The notebook was saved without an output of this cell.]\n"


def annotate(
    nb: NotebookNode,
    graded: Grade,
    reference: Reference,
    saved: Mapping[int, Sequence[Mapping[str, Any]]] | None = None,
) -> NotebookNode:
    """Insert the student's outputs and the findings for feedback and formgrader.

    Parameters
    ----------
    nb : NotebookNode
        The submission without outputs; changed in place.
    graded : Grade
        With its evidence.
    reference : Reference
        Marked in the pictures.
    saved : mapping, optional
        By position, the submitted outputs of cells that were not run.

    Returns
    -------
    NotebookNode
        ``nb`` with a summary on top and a card under each check; a check whose cell is missing
        has one at the end.
    """
    assert graded.evidence is not None
    ran = graded.evidence.cells
    saved = saved or {}
    cleaned = clean_cells([*(cell.outputs for cell in ran), *saved.values()])
    outputs = {
        cell.index: _student_outputs(cell, shown)
        for cell, shown in zip(ran, cleaned[: len(ran)], strict=True)
    }
    for index, own in zip(saved, cleaned[len(ran) :], strict=True):
        note = _SAVED if own else _UNSAVED
        outputs[index] = [new_output("stream", name="stdout", text=note), *own]
    findings = {item.finding.grade_id: item for item in graded.scored}
    shown: set[str] = set()
    count = 0
    for index, cell in enumerate(nb.cells):
        if cell.cell_type != "code":
            continue
        cell.outputs, cell.execution_count = [], None
        # As Run All numbers them: what was found names a cell by its number.
        count += bool(cell.source.strip())
        grade_id = cell.metadata.get("nbgrader", {}).get("grade_id")
        if grade_id in findings:
            cell.outputs = _finding_outputs(findings[grade_id], graded, reference)
            shown.add(grade_id)
        elif index in outputs:
            # A number beside a cell says that it ran.
            cell.execution_count = None if index in saved else count
            cell.outputs = outputs[index]
    added = [new_markdown_cell(_summary(graded), id=SUMMARY)]
    nb.cells.insert(0, added[0])
    for grade_id in sorted(set(findings) - shown):
        note = f"# The cell {grade_id} was missing; it was checked all the same."
        cell = new_code_cell(note, id=_id(grade_id))
        cell.outputs = _finding_outputs(findings[grade_id], graded, reference)
        # nbgrader has no cell here that a link could lead to.
        data = cell.outputs[0].data
        data["text/html"] = f'<a name="{html.escape(grade_id)}"></a>{data["text/html"]}'
        nb.cells.append(cell)
        added.append(cell)
    if (nb.nbformat, nb.nbformat_minor) < (4, 5):
        # Cells had no ids then, and would not be valid with them.
        for cell in added:
            del cell["id"]
    return nb


def _id(name: str) -> str:
    """Return the id of a cell that we add; equal grades give equal files."""
    return hashlib.sha256(f"graded/{name}".encode()).hexdigest()[:8]


SUMMARY = _id("summary")
"""Id of the cell on top of a graded notebook."""


def _student_outputs(cell: CellOutput, cleaned: list[NotebookNode]) -> list[NotebookNode]:
    """Return a student's cell's output, and why it was stopped, if it was."""
    outputs = list(cleaned)
    if cell.stopped is not None:
        text = f"[This cell was stopped: {cell.stopped}.]\n"
        outputs.append(new_output("stream", name="stdout", text=text))
    return outputs


def _finding_outputs(
    item: ScoredFinding, graded: Grade, reference: Reference
) -> list[NotebookNode]:
    shown = card.render_finding(item, reference=reference, evidence=graded.evidence)
    text = "\n".join(terminal.finding_lines(item))
    data = {"text/html": shown, "text/plain": text}
    # As new_output does, which validates each by the schema: a millisecond for every check of every
    # submission, and nbgrader has the whole notebook validated when it is written.
    return [
        from_dict({"output_type": "display_data", "data": data, "metadata": {NOTE: _note(item)}})
    ]


def _note(item: ScoredFinding) -> dict[str, Any]:
    finding = item.finding
    return {
        "grade_id": finding.grade_id,
        "points": item.points,
        "max_points": item.max_points,
        "status": finding.status.value,
        "title": finding.title,
        "reason": shorten(_reason(finding), _REASON_LENGTH),
    }


def _reason(finding: Finding) -> str:
    """Say in a line why a check is not passed."""
    if finding.status in (Status.PASSED, Status.UNTOUCHED):
        return ""
    if finding.mistakes:
        return "; ".join(mistake.title for mistake in finding.mistakes)
    return failure_heading(finding.failure) if finding.failure else finding.got


def _summary(graded: Grade) -> str:
    """Return the marks as a table in the style of nbgrader's pages; it contains no student text."""
    rows = [
        f"<tr><td>{GLYPHS[item.finding.status]} "
        f"{WORDS[item.finding.status]}</td>"
        f"<td>{html.escape(item.finding.title)}</td>"
        f"<td>{item.points:g} of {item.max_points:g}</td></tr>"
        for item in graded.scored
    ]
    remarks = [f"\n{remark}" for remark in (graded.evidence.remarks if graded.evidence else ())]
    return "\n".join(
        [
            "### How it went\n",
            f"**{graded.points:g} of {graded.max_points:g} points** for what a machine can mark; "
            "questions in words are marked by hand. Under each check below you find what was "
            "expected, what your function gave and what to do.\n",
            '<table class="table table-condensed" style="width: auto">',
            *rows,
            "</table>",
            *remarks,
        ]
    )
