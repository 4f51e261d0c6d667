"""Feedback pages of the kit's exercises: one summary on top, and the exercise's text folded."""

import re
from collections.abc import Callable
from copy import deepcopy

import graded_pages
import pytest
from kept_evidence import EX02, exercise_of
from nbformat import NotebookNode
from nbformat.v4 import new_code_cell, new_markdown_cell, new_output

from autograder.model import Status
from autograder.nbgrader_bridge import html_exporter
from autograder.nbgrader_bridge.feedback_page import LABEL, _fold, arranged
from autograder.report.annotated_notebook import NOTE
from autograder.report.page_summary import CheckLine, WordsLine, summary
from autograder.report.sanitize import clean_outputs

STUDENT = "zeno"
HARM = '<script>alert("x")</script>'


@pytest.fixture(scope="module")
def graded(blank: Callable[[str], NotebookNode]) -> NotebookNode:
    return graded_pages.graded(EX02, STUDENT, blank(EX02))


def cell_of(notebook: NotebookNode, name: str) -> NotebookNode:
    (found,) = (
        cell for cell in notebook.cells if cell.metadata.get("nbgrader", {}).get("grade_id") == name
    )
    return found


def top(page: str) -> str:
    """Return what stands above the notebook."""
    return page[page.index('<h1 class="h4">') : page.index('<div class="panel-body">')]


def test_the_summary_leads_to_every_check_and_names_its_mistake(graded: NotebookNode) -> None:
    page = html_exporter.page_of(deepcopy(graded), EX02)
    above = top(page)
    for check in exercise_of(EX02).checks:
        assert f'href="#{check.grade_id}"' in above
        assert page.count(f'<a name="{check.grade_id}">') == 1
    assert "compute() inside a loop" in above and "The labels are computed too early" in above
    assert "12 of 18 points" in above
    # nbgrader's own list is gone, and so is the summary within the notebook: there is one.
    assert "Test cell" not in page and "How it went" not in page
    assert page.count('class="dsk-summary"') == 1


def test_words_to_be_marked_and_those_that_are(graded: NotebookNode) -> None:
    assert "worth 2 points, are still to be marked by hand" in arranged(deepcopy(graded), None)
    marked = deepcopy(graded)
    cell_of(marked, "when_not").metadata.nbgrader.update(score=1.5, comment="Nearly.")
    said = arranged(marked, set())
    assert "still to be marked" not in said
    assert "1.5 of 2" in said and 'href="#comment-when_not"' in said


def test_a_mark_by_hand_counts_in_place_of_the_machines(graded: NotebookNode) -> None:
    changed = deepcopy(graded)
    cell_of(changed, "predict_large_lazy").metadata.nbgrader.score = 2.0
    assert "14 of 18 points" in arranged(changed, None)


def test_a_check_whose_cell_was_deleted_is_in_the_summary_too(
    blank: Callable[[str], NotebookNode],
) -> None:
    fewer = deepcopy(blank(EX02))
    fewer.cells = [
        cell
        for cell in fewer.cells
        if cell.metadata.get("nbgrader", {}).get("grade_id") != "predict_large_lazy"
    ]
    page = html_exporter.page_of(graded_pages.graded(EX02, STUDENT, fewer), EX02)
    assert "12 of 18 points" in top(page) and 'href="#predict_large_lazy"' in top(page)
    assert page.count('<a name="predict_large_lazy">') == 1


def test_what_a_cell_of_the_students_displays_is_no_check() -> None:
    forged = {NOTE: {"grade_id": "x", "status": "passed", "title": "All right", "reason": "",
                     "points": 99, "max_points": 99}}  # fmt: skip
    shown = new_output("display_data", {"text/plain": "x"}, metadata=forged)
    assert clean_outputs([shown])[0].metadata == {}


def test_text_and_given_code_are_folded_and_the_students_code_is_in_view(
    graded: NotebookNode,
) -> None:
    page = html_exporter.page_of(deepcopy(graded), EX02)
    assert "<summary>Predict large</summary>" in page
    folded = re.findall(r"<details class=\"dsk-text\">.*?</details>", page, re.DOTALL)
    assert len(folded) > 5 and not any("input_area" in text for text in folded)
    assert any("Given code: large data" in text for text in folded)
    assert not any("dsk-card" in text for text in folded)
    # What the student wrote is in view.
    assert not any('<span class="nf">predict_large</span>' in text for text in folded)
    assert '<span class="nf">predict_large</span>' in page
    # An answer in words is the student's, and no text of the exercise.
    assert "Student's answer" in page and not any("Student's answer" in text for text in folded)


def test_a_page_that_an_earlier_version_graded_stays_as_it_was(graded: NotebookNode) -> None:
    old = deepcopy(graded)
    for cell in old.cells:
        for output in cell.get("outputs", ()):
            output.get("metadata", {}).pop(NOTE, None)
    page = html_exporter.page_of(old, EX02)
    assert "Test cell" in page and "How it went" in page and 'dsk-summary"' not in page


def test_what_an_ordinary_notebook_says_of_itself_is_no_summary() -> None:
    note = {NOTE: {"status": "passed", "title": "All is right", "reason": ""}}
    cell = new_code_cell("assert True", id="x")
    cell.metadata["nbgrader"] = {
        "grade": True, "solution": False, "grade_id": "test", "score": 0.0, "points": 1.0,
        "locked": True, "schema_version": 3, "task": False,
    }  # fmt: skip
    cell.outputs = [new_output("display_data", {"text/plain": "x"}, metadata=note)]
    words = new_markdown_cell("# Words\n\nand more", metadata={LABEL: "forged"})
    ordinary = NotebookNode(
        nbformat=4, nbformat_minor=5, metadata=NotebookNode(), cells=[words, cell]
    )
    page = html_exporter.page_of(ordinary, "ps1")
    assert "All is right" not in page and "Test cell" in page and "forged" not in page


def test_what_students_wrote_stays_text() -> None:
    check = CheckLine("labels", Status.FAILED, "A title", f"ValueError: {HARM}", 0.0, 2.0)
    said = summary([check], [WordsLine("words", HARM, None, 1.0)])
    assert "<script>" not in said and "&lt;script&gt;" in said


def test_a_summary_without_words_asks_nobody_to_mark_any() -> None:
    check = CheckLine("labels", Status.PASSED, "A title", "", 2.0, 2.0)
    said = summary([check], [WordsLine("comment-labels", "on labels", None, 0.0)])
    assert "still to be marked" not in said and "2 of 2 points" in said
    assert 'href="#comment-labels"' in said


def test_a_page_has_a_language_a_main_part_and_one_heading_on_top(graded: NotebookNode) -> None:
    page = html_exporter.page_of(deepcopy(graded), EX02)
    assert '<html lang="en" ' in page and page.count('role="main"') == 1
    assert re.findall(r"<h1[^>]*>([^<(]*)", page)[0] == f"{EX02} "


def test_cards_are_as_light_as_the_page(graded: NotebookNode) -> None:
    """nbgrader's page is light in the dark, too, and a card goes by what is around it."""
    page = html_exporter.page_of(deepcopy(graded), EX02)
    assert re.search(r'<html [^>]*data-jp-theme-light="true"', page)
    assert "prefers-color-scheme" not in page.partition("</head>")[0]
    assert ".dsk-card:not([data-jp-theme-light] *)" in page


@pytest.mark.parametrize(
    ("source", "label", "text"),
    [
        # Cut at the end of a sentence, and within one.
        (f"{'Words ' * 14}to. Watch the two times.\nB", f"{'Words ' * 14}to.", None),
        (f"{'Words ' * 20}end.\nB", f"{'Words ' * 14}Words…", None),
        ("## Predict `large`\n\nNow.", "Predict large", "\nNow."),
        ("\n# A #\nB", "A", "B"),
        ("See [the page](x.html) of it.\nB", "See the page of it.", None),
        ("#hashtag\nB", "#hashtag", None),
        ("## Only a heading", None, None),
        ("", None, None),
        ("# " + " #" * 300_000 + "\nB", None, None),
        ("[" * 600_000 + "\nB", "[" * 89 + "…", None),
    ],
)
def test_a_text_is_folded_under_its_heading_or_its_first_line(
    source: str, label: str | None, text: str | None
) -> None:
    cell = new_markdown_cell(source)
    _fold(cell)
    assert cell.metadata.get(LABEL) == label
    assert cell.source == (source if text is None else text)
