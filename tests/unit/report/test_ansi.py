"""Colour codes become the HTML that nbconvert makes of them, without its quadratic time."""

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st
from nbconvert.filters.ansi import ansi2html

from autograder.report import ansi

_PIECES = [
    "\x1b[m", "\x1b[0m", "\x1b[1m", "\x1b[31m", "\x1b[1;32m", "\x1b[0;33m", "\x1b[38;5;99m",
    "\x1b[48;2;1;2;3m", "\x1b[A", "\x1b[2K", "\x1b[39m", "\x1b[22m", "\x1b[7m", "\x1b[999m",
    "\x1b[xm", "\x1b[38;2;300;1;1m", "\x1b[4;38;9m", "\x1b[", "\x1b", "a", "b\n", "<é>", "&", ";",
]  # fmt: skip


@given(st.lists(st.sampled_from(_PIECES), max_size=40).map("".join))
def test_text_is_coloured_as_nbconvert_colours_it(text: str) -> None:
    assert ansi.to_html(text) == ansi2html(text)
    assert ansi.to_html(text).count("<span") <= ansi.count(text)
    assert ansi.count(ansi.without(text)) <= ansi.count(text)


@pytest.mark.parametrize("code", ["\x1b[38m", "\x1b[1;48m"])
def test_a_code_that_nbconvert_cannot_read_changes_nothing(code: str) -> None:
    with pytest.raises(IndexError):
        ansi2html(code)
    assert ansi.to_html(f"\x1b[31ma{code}b") == ansi.to_html("\x1b[31ma\x1b[Ab")


@pytest.mark.parametrize(
    "text",
    [
        "\x1b[31ma\x1b[39m" * 500 + "b" * 20_000_000,
        "".join(f"\x1b[38;5;{i % 250}ma" for i in range(20_000)),
        "\x1b[" + "1;" * 2_000_000 + "ma",
    ],
    ids=["long", "many", "a long code"],
)
def test_the_time_grows_with_the_length_alone(text: str) -> None:
    began = time.process_time()
    assert "a" in ansi.to_html(text)
    # nbconvert's own takes more than a minute for the first and the last.
    assert time.process_time() - began < 10


def test_text_without_codes_stays() -> None:
    assert ansi.without("\x1b[1;31mred\x1b[0m and \x1b[Aplain [0m") == "red and plain [0m"
    assert ansi.count("\x1b[1;31mred\x1b[0m and [0m") == 2
