"""What feedback shows of experiments that were not run."""

from types import SimpleNamespace
from typing import Any

import pytest
from kept_evidence import EX02, exercise_of
from nbformat import NotebookNode, from_dict
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output

from autograder import submissions
from autograder.nbgrader_bridge import execute

TRIAL = "print('trial')"
SAVED = [new_output("stream", text="as it was")]


def saved(*handed_in: NotebookNode, ran: tuple[int, ...] = ()) -> dict[int, Any]:
    """Return what is taken from a notebook of which some cells ran."""
    exercise = SimpleNamespace(experiments={submissions.hash_of(TRIAL)})
    graded = SimpleNamespace(
        evidence=SimpleNamespace(cells=[SimpleNamespace(index=index) for index in ran])
    )
    sanitised = new_notebook(cells=[from_dict(dict(cell)) for cell in handed_in])
    own: Any = new_notebook(cells=list(handed_in))
    return execute._saved(sanitised, own, graded, exercise)  # type: ignore[arg-type]


def test_only_experiments_that_did_not_run_have_what_was_saved() -> None:
    trial = new_code_cell(TRIAL, outputs=SAVED)
    other = new_code_cell("mine = 1", outputs=SAVED)
    words = new_markdown_cell(TRIAL)
    found = saved(words, trial, other, trial, new_code_cell(TRIAL), ran=(3,))
    assert found == {1: [{"output_type": "stream", "name": "stdout", "text": "as it was"}], 4: []}


def test_the_exercises_of_the_kit_are_marked_by_their_own_notebook_alone() -> None:
    assert exercise_of(EX02).experiments == frozenset()


DEEP: Any = "x"
for _ in range(300):
    DEEP = [DEEP]


@pytest.mark.parametrize(
    ("outputs", "kept"),
    [
        (None, []),
        ("text", []),
        ({"output_type": "stream"}, []),
        ([None, 1, "x", []], []),
        ([{"output_type": "stream", "text": ["a", "b"]}],
         [{"output_type": "stream", "text": ["a", "b"]}]),
        ([{"output_type": "stream", "text": DEEP, "name": 3}], [{"output_type": "stream"}]),
        ([{"output_type": "display_data", "data": DEEP}],
         [{"output_type": "display_data", "data": {}}]),
        ([{"output_type": "display_data", "data": {"text/plain": "x", "application/json": DEEP}}],
         [{"output_type": "display_data", "data": {"text/plain": "x"}}]),
    ],
)  # fmt: skip
def test_what_is_no_output_is_left_alone(outputs: Any, kept: list[dict[str, Any]]) -> None:
    assert execute._flat(outputs) == kept
