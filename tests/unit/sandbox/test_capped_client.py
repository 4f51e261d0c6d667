"""What a kernel says of its end."""

from typing import Any

import pytest

from autograder.sandbox.capped_client import asks_to_end, succeeded

EXIT = {"content": {"status": "ok", "payload": [{"source": "ask_exit", "keepkernel": False}]}}


def test_exit_in_a_cell_is_heard() -> None:
    assert asks_to_end(EXIT)


@pytest.mark.parametrize(
    "reply",
    [
        {"content": {"status": "ok", "payload": []}},
        {"content": {"status": "ok", "payload": [{"source": "page"}]}},
        {"content": {"payload": "ask_exit"}},
        {"content": {"payload": ["ask_exit", None, 7]}},
        {"content": []},
        {},
        None,
        "ask_exit",
    ],
)
def test_any_other_reply_is_none(reply: Any) -> None:
    assert not asks_to_end(reply)


def test_a_cell_that_raised_nothing_is_told_by_the_reply() -> None:
    assert succeeded(EXIT)


@pytest.mark.parametrize(
    "reply",
    [{"content": {"status": "error"}}, {"content": {}}, {"content": ["ok"]}, {}, None, "ok"],
)
def test_any_other_reply_says_that_it_failed(reply: Any) -> None:
    assert not succeeded(reply)
