"""An answer held against the truth, whatever came."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from autograder.evidence import assemble, oracle
from autograder.model import Comparison, Exercise


@pytest.fixture
def compared(ex02: Exercise, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., Any]]:
    def compared(compare: Callable[..., Comparison]) -> Comparison:
        module = type("Cases", (), {"compare": staticmethod(compare)})
        monkeypatch.setattr(assemble, "cases", lambda _exercise: module)
        return assemble._compared(ex02, ex02.cases[0], oracle.Truth({}, 0.0), {})

    yield compared


def test_words_of_a_student_that_no_file_could_hold_are_replaced(
    compared: Callable[..., Comparison],
) -> None:
    found = compared(lambda *_: Comparison(False, "a step", "a step called \ud800"))
    assert found.got == "a step called ?" and not found.equal
    found.got.encode()


def test_an_answer_that_cannot_be_compared_is_wrong(compared: Callable[..., Comparison]) -> None:
    def broken(*_: object) -> Comparison:
        raise KeyError("labels")

    found = compared(broken)
    assert not found.equal and "KeyError" in found.got
