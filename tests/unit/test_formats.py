"""Numbers, sizes and texts are written the same everywhere."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from autograder.formats import (
    a_or_an,
    apart,
    brief,
    clean,
    clip,
    counted,
    megabytes,
    number,
    one_line,
    seconds,
    sentence,
    shorten,
    time_left,
)


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


@pytest.mark.parametrize(
    ("name", "with_article"),
    [
        ("ndarray", "an ndarray"),
        ("list", "a list"),
        ("int", "an int"),
        ("Array", "an Array"),
        ("SVC", "an SVC"),
        ("SGDClassifier", "an SGDClassifier"),
        ("MLPClassifier", "an MLPClassifier"),
        ("KMeans", "a KMeans"),
        ("PCA", "a PCA"),
        ("uint8", "a uint8"),
        ("UserDict", "a UserDict"),
        ("Unpickler", "an Unpickler"),
        ("NoneType", "a NoneType"),
        ("OneHotEncoder", "an OneHotEncoder"),
    ],
)
def test_the_article_fits_the_sound(name: str, with_article: str) -> None:
    assert a_or_an(name) == with_article


@pytest.mark.parametrize(
    ("count", "written"),
    [(0, "0 columns"), (1, "1 column"), (2, "2 columns"), (1200, "1,200 columns")],
)
def test_one_of_a_kind_is_no_plural(count: int, written: str) -> None:
    assert counted(count, "column") == written


@pytest.mark.parametrize(
    ("value", "written"),
    [
        (9.999999999999999e-06, "1e-05"),
        (0.1 + 0.2, "0.3"),
        (3.0, "3"),
        (1e300, "1e+300"),
        (0.85, "0.85"),
    ],
)
def test_a_setting_is_written_as_a_person_would(value: float, written: str) -> None:
    assert brief(value) == written


@given(st.floats(), st.floats())
def test_numbers_that_differ_look_different(value: float, other: float) -> None:
    shown = apart(value, other)
    if value != other and not (math.isnan(value) and math.isnan(other)):
        assert shown[0] != shown[1]
    for written, number_ in zip(shown, (value, other), strict=True):
        if math.isfinite(number_):
            assert float(written) == pytest.approx(number_, abs=1e-4)


def test_no_more_digits_than_it_takes() -> None:
    assert apart(0.85441, 0.85439) == ("0.85441", "0.85439")
    assert apart(0.9, 0.8) == ("0.9000", "0.8000")
    assert apart(2.0, 2.0) == ("2.0000", "2.0000")


@pytest.mark.parametrize(
    ("text", "ended"),
    [
        ("it raised TypeError: no", "it raised TypeError: no."),
        ("it returned a list.", "it returned a list."),
        ("it returned None (is there a return statement?)", None),
        ("was that all?", None),
        ("and so on …", None),
        ("no stop (yet)", "no stop (yet)."),
        ("a stop \n", "a stop."),
    ],
)
def test_a_sentence_has_one_stop(text: str, ended: str | None) -> None:
    assert sentence(text) == (ended or text)
    assert sentence(sentence(text)) == sentence(text)


def test_a_text_is_cut_at_a_word() -> None:
    assert shorten("as it is", 8) == "as it is"
    assert shorten("clf__alpha=0.001, vect__binary=True", 30) == "clf__alpha=0.001,…"
    assert shorten("x" * 500, 200) == "x" * 199 + "…"


@pytest.mark.parametrize(
    "character", ["e\u0301", "👩\u200d🔬", "👍🏽", "🇦🇺", "\u1112\u1161\u11ab"], ids=ascii
)
def test_a_character_is_not_cut(character: str) -> None:
    for limit in range(1, 40):
        cut = shorten(character * 40, limit).removesuffix("…")
        assert len(cut) % len(character) == 0 and set(cut) <= set(character)


@given(st.text(), st.integers(1, 80))
def test_a_shortened_text_fits_and_is_a_beginning(text: str, limit: int) -> None:
    short = shorten(text, limit)
    assert len(short) <= limit
    assert short == text or (short.endswith("…") and text.startswith(short[:-1]))
