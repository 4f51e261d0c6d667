"""Additions to nbgrader's feedback page for exercises: a summary, and folded text.

nbgrader begins a page with a list of "Test cell (Score: 2.0 / 2.0)", followed by all of the
exercise's text. Here a summary lists the checks that lost points, with reasons and links, and the
given text and code, which students have in their notebook, are folded under their headings.
"""

import re
from collections.abc import Collection, Iterator
from typing import Any

from nbformat import NotebookNode

from autograder.formats import shorten
from autograder.model import Status
from autograder.report.annotated_notebook import NOTE, SUMMARY
from autograder.report.page_summary import CheckLine, WordsLine, summary

__all__ = ["LABEL", "arranged", "named", "with_summary"]

LABEL = "dask_scaling_kit_label"
"""Key in the metadata of a cell whose text is folded: the words that stay in view."""

_MARKS = re.compile(r"[`*]|\[(?P<words>[^\]]*)\]\([^)]*\)")
_LABEL_LENGTH = 90
"""Characters: what fits a line of the page."""
_FIRST = 500
"""Characters of a first line that are read, since a student's text may have no line breaks."""

_TOC = re.compile(r'<div id="toc">.*?</div>', re.DOTALL)


def arranged(nb: NotebookNode, waiting: Collection[str] | None) -> str:
    """Fold the text of a graded notebook, in place, and return its summary.

    Parameters
    ----------
    nb : NotebookNode
        With the scores that nbgrader's `GetGrades` has put into its cells.
    waiting : collection of str or None
        Cells that wait to be marked by hand; None if all questions in words do.

    Returns
    -------
    str
        HTML; empty for a notebook that an earlier version of the kit graded, which is left as it
        is.
    """
    checks, words = list(_checks(nb)), list(_words(nb, waiting))
    for cell in nb.cells:
        cell.metadata.pop(LABEL, None)
    if not checks:
        return ""
    if nb.cells[0].get("id") == SUMMARY or nb.cells[0].source.startswith("### How it went\n"):
        del nb.cells[0]
    for cell in nb.cells:
        if _is_marked(cell):
            continue
        if cell.cell_type == "markdown":
            _fold(cell)
        elif _nbgrader(cell).get("locked"):
            name = str(_nbgrader(cell)["grade_id"]).replace("_", " ")
            cell.metadata[LABEL] = f"Given code: {name}"
    return summary(checks, words)


def _nbgrader(cell: NotebookNode) -> dict[str, Any]:
    return dict(cell.metadata.get("nbgrader") or {})


def _is_marked(cell: NotebookNode) -> bool:
    known = _nbgrader(cell)
    return bool(known.get("grade") or known.get("solution") or known.get("task"))


def _checks(nb: NotebookNode) -> Iterator[CheckLine]:
    for cell in nb.cells:
        for output in cell.get("outputs", ())[:1]:
            note = output.get("metadata", {}).get(NOTE)
            if note:
                # Where the cell is one that nbgrader knows, its mark counts: it may be by hand.
                known = {"score": note["points"], "points": note["max_points"], **_nbgrader(cell)}
                yield CheckLine(
                    note["grade_id"],
                    Status(note["status"]),
                    note["title"],
                    note["reason"],
                    float(known["score"] or 0),
                    float(known["points"] or 0),
                )


def _words(nb: NotebookNode, waiting: Collection[str] | None) -> Iterator[WordsLine]:
    for cell in nb.cells:
        known = _nbgrader(cell)
        name, commented = known.get("grade_id", ""), bool(known.get("comment"))
        by_hand = known.get("task") or (known.get("grade") and known.get("solution"))
        if by_hand:
            open_ = waiting is None or name in waiting
            yield WordsLine(
                name,
                name.replace("_", " "),
                None if open_ else float(known.get("score") or 0),
                float(known.get("points") or 0),
                commented,
            )
        elif commented:
            yield WordsLine(f"comment-{name}", f"on {name}", None, 0.0)


def _fold(cell: NotebookNode) -> None:
    """Fold a text under its heading, or under its first line where it has none."""
    first, _, rest = cell.source.lstrip("\n").partition("\n")
    text = cell.source
    words = first.lstrip("#")
    if 0 < len(first) - len(words) <= 6 and words[:1] in (" ", "\t"):
        text, first = rest, words.strip(" \t#")
    label = _MARKS.sub(lambda found: found["words"] or "", first[:_FIRST]).strip()
    if text.strip() and label:
        cell.source, cell.metadata[LABEL] = text, _short(label)


def _short(label: str) -> str:
    """Cut a label to one line; after a complete sentence it has no ellipsis."""
    cut = shorten(label, _LABEL_LENGTH)
    return cut.removesuffix("…") if cut.endswith((".…", "!…", "?…")) else cut


def with_summary(page: str, said: str) -> str:
    """Replace nbgrader's list of cells by a summary."""
    page = page.replace("</head>", f"{_STYLE}</head>", 1)
    return _TOC.sub(lambda _: said, page, count=1)


def named(page: str) -> str:
    """Mark a page's language, main part and heading, which screen readers use.

    The only heading at the top of nbgrader's template is an h4. The page is light whatever the
    reader's system is set to; the cards use the theme that the page declares.
    """
    for old, new in (
        ("<html>", '<html lang="en" data-jp-theme-light="true">'),
        # Of nbconvert's, the heading and the summary are no part.
        ("<main>", "<div>"),
        ("</main>", "</div>"),
        ('<div class="container">', '<div class="container" role="main">'),
        ("<h4>", '<h1 class="h4">'),
        ("</h4>", "</h1>"),
    ):
        page = page.replace(old, new, 1)
    return page


_STYLE = """<style>
.dsk-summary table { border-collapse: collapse; margin-top: 8px; }
.dsk-summary td { padding: 4px 16px 4px 0; vertical-align: top; border-top: 1px solid #ddd; }
.dsk-summary td:nth-child(odd) { white-space: nowrap; }
.dsk-summary p { margin: 6px 0; }
.dsk-summary a { color: #0550ae; text-decoration: underline; }
.dsk-hidden { position: absolute; width: 1px; height: 1px; overflow: hidden;
  clip-path: inset(50%); white-space: nowrap; }
.dsk-summary .dsk-passed { color: #116329; } .dsk-summary .dsk-partial { color: #7d4e00; }
.dsk-summary .dsk-failed { color: #a40e26; } .dsk-summary .dsk-forged { color: #6639ba; }
details.dsk-text { margin: 2px 0; }
details.dsk-text > summary { display: list-item; cursor: pointer; font-weight: 600; }
div.nbgrader_cell .panel-heading a { color: #fff; text-decoration: underline; }
.input_area pre, .output_area pre, .highlight pre { white-space: pre-wrap !important;
  word-break: normal; overflow-wrap: anywhere; overflow: visible; }
@media print {
  div.input_area, div.output_area, div.output_scroll, .highlight { overflow: visible !important; }
  div.output, div.output_wrapper, div.cell { break-inside: auto; page-break-inside: auto; }
  .container { width: auto !important; padding: 0; }
  div.prompt { display: none; } }
</style>"""
