"""Numbers, sizes and texts are written the same everywhere."""

import pytest

from autograder.formats import clean, clip, counted, megabytes, number, one_line, seconds, time_left


@pytest.mark.parametrize(
    ("raw", "cleaned"),
    [
        ("tabs\tand\r\nlines\rstay", "tabs\tand\nlines\nstay"),
        ("\x1b[1;31mred\x1b[0m", "red"),
        ("\x1b]0;title\x07shown", "shown"),
        ("nul\x00 \ud800 \u202eturned", "nul\ufffd \ufffd \ufffdturned"),
        ("Grüße, 漢字, 3\u00a0MB", "Grüße, 漢字, 3\u00a0MB"),
    ],
)
def test_clean(raw: str, cleaned: str) -> None:
    assert clean(raw) == cleaned


def test_a_long_traceback_keeps_its_end_and_says_that_it_was_shortened() -> None:
    shortened = clip("first line\n" + "x" * 50 + "\nthe error", limit=30)
    assert shortened == "… (shortened)\nthe error"
    assert clip("the error", limit=30) == "the error"
    assert clip("y" * 50, limit=30) == "… (shortened)\n" + "y" * 30


@pytest.mark.parametrize(
    ("value", "written"), [(2.0, "2"), (2.5, "2.5"), (1 / 3, "0.33"), (0.0, "0"), (10.0, "10")]
)
def test_number(value: float, written: str) -> None:
    assert number(value) == written


@pytest.mark.parametrize(
    ("elapsed", "done", "to_do", "words"),
    [
        (0.0, 0, 23, ""),
        (7.0, 1, 22, "about 3 min left"),
        (68.0, 10, 13, "about 90 s left"),
        (160.0, 22, 1, "about 10 s left"),
        (1.0, 1, 1, "about 10 s left"),
        (8.0, 1, 999, "about 2.2 h left"),
    ],
)
def test_the_time_left_is_told_as_roughly_as_it_is_known(
    elapsed: float, done: int, to_do: int, words: str
) -> None:
    assert time_left(elapsed, done, to_do) == words


@pytest.mark.parametrize(
    ("value", "written"),
    [(0.0123, "0.012 s"), (1.234, "1.23 s"), (12.34, "12.3 s"), (123.4, "123 s"), (1e400, "–")],
)
def test_seconds(value: float, written: str) -> None:
    assert seconds(value) == written


@pytest.mark.parametrize(
    ("size", "digits", "written"),
    [
        (1_613_000, 1, "1.6 MB"),
        (164_000_000, 0, "164 MB"),
        (10_240_000, 2, "10.24 MB"),
        (50_000, 2, "0.05 MB"),
        (49_900, 2, "49.9 kB"),
        (0, 1, "0.0 kB"),
    ],
)
def test_megabytes(size: int, digits: int, written: str) -> None:
    assert megabytes(size, digits) == written


def test_counted() -> None:
    assert [counted(n, "worker") for n in (0, 1, 2)] == ["0 workers", "1 worker", "2 workers"]


@pytest.mark.parametrize(
    ("raw", "line"),
    [
        ("data 1.csv", "data 1.csv"),
        ("Zoë Ωmega 数", "Zoë Ωmega 数"),
        ("a\nb", "a\\nb"),
        ("a\r\nb\rc", "a\\nb\\nc"),
        ("\x1b[2J\x1b]0;title\x07a", "a"),
        ("a\u2028b\x85c\x0bd", "a\ufffdb\ufffdc\ufffdd"),
        ("\u202egnp.x", "\ufffdgnp.x"),
        ("\udcff", "\ufffd"),
    ],
)
def test_one_line(raw: str, line: str) -> None:
    assert one_line(raw) == line
    assert len(line.splitlines()) == 1
