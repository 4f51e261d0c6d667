"""The graded notebook: what experiments that were not run have in place of an output."""

from dataclasses import replace

import pytest
from kept_evidence import EX02, exercise_of, kept
from nbformat import NotebookNode, validate
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output

from autograder import grading
from autograder.report.annotated_notebook import NOTE, annotate

SAVED = [
    new_output("stream", text="2.1 s\n"),
    new_output("display_data", {"text/html": "<b>1</b><script>ran()</script>"}),
]


@pytest.fixture
def shown() -> list[NotebookNode]:
    """The code cells of a graded notebook: one that ran, three experiments, another that ran."""
    found = kept(EX02, "hypatia")
    first = found.evidence.cells[0]
    seen = [
        type(first)(index, (new_output("stream", text=f"cell {index}"),), 0.1) for index in (1, 5)
    ]

    evidence = replace(found.evidence, cells=tuple(seen))
    graded = grading.grade(exercise_of(EX02), evidence, found.reference)
    notebook = new_notebook(
        cells=[new_markdown_cell("words"), *(new_code_cell(f"x = {n}") for n in range(5))]
    )
    annotated = annotate(notebook, graded, found.reference, {2: SAVED, 3: [], 4: SAVED[:1]})
    return [cell for cell in annotated.cells if cell.cell_type == "code"]


def text_of(cell: NotebookNode) -> str:
    return "".join(output.get("text", "") for output in cell.outputs)


def test_what_ran_has_its_own_output_and_its_number(shown: list[NotebookNode]) -> None:
    assert (text_of(shown[0]), shown[0].execution_count) == ("cell 1", 1)
    assert (text_of(shown[4]), shown[4].execution_count) == ("cell 5", 5)


def test_what_did_not_run_has_its_saved_output_marked_as_such(shown: list[NotebookNode]) -> None:
    note, words, picture = shown[1].outputs
    assert "Not run again" in note.text and "saved with the notebook" in note.text
    assert words.text == "2.1 s\n" and picture.data["text/html"] == "<b>1</b>"
    assert shown[1].execution_count is None
    assert text_of(shown[3]).endswith("]\n2.1 s\n")


def test_what_was_saved_without_an_output_says_so(shown: list[NotebookNode]) -> None:
    (note,) = shown[2].outputs
    assert "without an output" in note.text


def test_cards_are_outputs_as_nbformat_makes_them(shown: list[NotebookNode]) -> None:
    cards = [
        out for cell in shown for out in cell.get("outputs", ()) if NOTE in out.get("metadata", {})
    ]
    assert cards
    for one in cards:
        validate(one, ref="display_data", version=4)
        assert one == new_output("display_data", data=dict(one.data), metadata=dict(one.metadata))
        assert type(one.data) is type(one.metadata[NOTE]) is NotebookNode
