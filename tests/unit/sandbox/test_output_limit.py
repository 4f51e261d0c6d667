"""How much is kept of what a kernel says, and that no message breaks the grader."""

from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from nbclient import NotebookClient
from nbclient.exceptions import DeadKernelError
from nbformat.v4 import new_code_cell, new_notebook
from pydantic import TypeAdapter

from autograder.model import CellOutput
from autograder.sandbox.output_limit import CappedOutput


class _Client(CappedOutput, NotebookClient):
    def __init__(self, room: int) -> None:
        super().__init__(new_notebook(), km=None)
        self.reset_execution_trackers()
        self.clear_before_next_output = False
        self.room = room


def _message(kind: str, content: Any) -> dict[str, Any]:
    header = {"msg_id": "m", "msg_type": kind}
    return {
        "msg_type": kind,
        "header": header,
        "parent_header": {"msg_id": "p"},
        "content": content,
    }


def _heard(client: _Client, *messages: dict[str, Any]) -> Any:
    cell = new_code_cell("x")
    client.nb.cells = [cell]
    for message in messages:
        client.process_message(message, cell, 0)
    return cell.outputs


def test_output_is_kept_up_to_the_room_and_then_a_note() -> None:
    stream = _message("stream", {"name": "stdout", "text": "x" * 100})
    assert len(_heard(_Client(10_000), stream, stream)) == 2
    kept = _heard(_Client(300), *[stream] * 50)
    assert [len(output.text) for output in kept[:-1]] == [100] * (len(kept) - 1)
    assert "left out" in kept[-1].text


def test_the_buffers_of_a_widget_are_counted() -> None:
    opened = _message("comm_open", {"comm_id": "c", "target_name": "t", "data": {"state": {}}})
    client = _Client(10_000)
    _heard(client, {**opened, "buffers": [memoryview(bytes(4_000))]})
    assert 4_000 < 10_000 - client.room < 4_200
    _heard(client, {**opened, "buffers": [memoryview(bytes(4_000))] * 2})
    assert client.room < 0


@pytest.mark.parametrize(("levels", "kept"), [(90, 1), (110, 0), (50_000, 0)])
def test_an_output_has_no_more_levels_than_can_be_read_again(levels: int, kept: int) -> None:
    inner: Any = 1
    for number in range(levels):
        inner = [inner] if number % 2 else {"x": inner}
    shown = _message("display_data", {"data": {"application/json": inner}, "metadata": {}})
    outputs = _heard(_Client(10_000_000), shown)
    assert len(outputs) == kept
    seen = TypeAdapter(CellOutput)
    assert seen.validate_json(seen.dump_json(CellOutput(0, tuple(outputs), 0.0)))
    while isinstance(inner, list | dict):  # lest the interpreter take it apart by recursion
        inner = inner[0] if isinstance(inner, list) else inner["x"]


def test_what_nbgrader_goes_by_is_kept_whatever_was_printed() -> None:
    stream = _message("stream", {"name": "stdout", "text": "x" * 1000})
    points = _message(
        "execute_result", {"data": {"text/plain": "0"}, "metadata": {}, "execution_count": 1}
    )
    failed = _message("stream", {"name": "stderr", "text": "that is wrong"})
    kept = _heard(_Client(300), stream, stream, points, failed, points, failed)
    assert [output.output_type for output in kept] == ["stream", "execute_result", "stream"]
    large = _message("stream", {"name": "stderr", "text": "x" * 20_000})
    assert len(_heard(_Client(300), stream, large)) == 1


def test_an_update_costs_what_it_changes() -> None:
    shown = _message(
        "display_data",
        {"data": {"text/plain": "x"}, "metadata": {}, "transient": {"display_id": "d"}},
    )
    update = _message(
        "update_display_data",
        {"data": {"text/plain": "x" * 1000}, "metadata": {}, "transient": {"display_id": "d"}},
    )
    client = _Client(60_000)
    _heard(client, *[shown] * 50, update)
    assert client.room < 10_000


_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["data", "text", "name", "transient", "display_id", "metadata", "x"]),
            inner,
            max_size=3,
        )
    ),
    max_leaves=10,
)
_KINDS = ["stream", "display_data", "execute_result", "error", "update_display_data", "comm_open",
          "comm_msg", "clear_output", "execute_input", "nonsense", ""]  # fmt: skip
_LIGHT = settings(
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture],
    deadline=None,
    max_examples=60,
)


@_LIGHT
@given(st.lists(st.tuples(st.sampled_from(_KINDS), _JSON), max_size=5))
def test_no_message_breaks_the_grader(messages: list[tuple[str, Any]]) -> None:
    _heard(_Client(10_000), *(_message(kind, content) for kind, content in messages))


def test_dead_kernels_are_still_heard_of() -> None:
    class Dead(NotebookClient):
        def process_message(self, *args: Any) -> Any:
            raise DeadKernelError("gone")

    class Client(CappedOutput, Dead):
        room = 100

    with pytest.raises(DeadKernelError):
        Client(new_notebook(), km=None).process_message(
            _message("status", {"execution_state": "busy"}), new_code_cell("x"), 0
        )
