"""What feedback shows of experiments that were not run."""

import json
from types import SimpleNamespace
from typing import Any

import pytest
from kept_evidence import EX02, exercise_of
from nbformat import NotebookNode, from_dict
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output

from autograder import submissions
from autograder.nbgrader_bridge import execute
from autograder.sandbox.output_limit import NOTE

TRIAL = "print('trial')"
SAVED = [new_output("stream", text="as it was")]


def saved(
    *handed_in: NotebookNode, ran: tuple[int, ...] = (), room: int = 2_000_000
) -> dict[int, Any]:
    """Return what is taken from a notebook of which some cells ran."""
    exercise = SimpleNamespace(
        experiments={submissions.hash_of(TRIAL)}, limits=SimpleNamespace(output_bytes=room)
    )
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


def test_what_was_saved_is_limited_as_what_is_put_out_is() -> None:
    most = len(json.dumps(_texts(SAVED[0])))
    trial = new_code_cell(TRIAL, outputs=SAVED)
    whole = saved(trial, trial, room=2 * most + 1)
    assert whole[0] == whole[1] == [_texts(SAVED[0])]
    cut = saved(trial, trial, new_code_cell(TRIAL), room=2 * most)
    assert cut[0] == whole[0] and [each["text"] for each in cut[1]] == [NOTE] and cut[2] == []


def _texts(output: NotebookNode) -> dict[str, Any]:
    return dict(output)


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
