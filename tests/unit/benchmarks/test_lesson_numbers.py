"""What the script says of the texts: each number that it measures stands there, word for word."""

import sys
from types import ModuleType

import pytest
from lesson_numbers import EXERCISES, Measured, main, side_by_side
from lessons import text
from lessons.measure import measured
from lessons.number import Number, number, numbers_of
from lessons.text import Lesson, run, words_of


@pytest.mark.parametrize("exercise", EXERCISES)
def test_a_text_says_what_is_measured(exercise):
    words = words_of(exercise)
    found = numbers_of(exercise)
    assert found and [each.says for each in found if each.says not in words] == []
    places = [words.index(each.says) for each in found]
    assert len(set(places)) == len(places)


def test_the_functions_of_a_module_are_those_of_one_text():
    module = ModuleType("lessons.ex99")
    sys.modules[module.__name__] = module
    try:

        def measure(lesson):
            return "7"

        measure.__module__ = module.__name__
        assert number("about seven")(measure) is measure
        assert numbers_of("ex99_of_a_test") == [Number("about seven", measure)]
    finally:
        del sys.modules[module.__name__]


CELLS = '''"""A text.

It says nothing."""

# %% script="profile"
raise SystemExit

# %% [markdown]
# Five times **two**
# is ten,
# and 1,000 s are long.

# %% tags=["experiment"]
times = 2
print(f"took: {5 * times:,.1f} s")


# %%
1 / 0

# %%
print("took:   1,234 s")
'''


@pytest.fixture
def lesson(tmp_path, monkeypatch):
    (tmp_path / "ex99_of_a_test.py").write_text(CELLS)
    monkeypatch.setattr(text, "SOLUTIONS", tmp_path)
    return run("ex99_of_a_test", {"__name__": "__main__"})


def test_cells_run_one_after_another_and_an_error_ends_none_but_its_own(lesson):
    assert lesson["times"] == 2
    assert "ZeroDivisionError" in lesson.printed
    assert lesson(r"took: ([\d.]+) s") == (10.0,)
    assert lesson(r"took: {3}([\d,]+) s") == (1_234.0,)
    assert lesson.line("took:  ") == "took: 1,234 s"
    assert "Five times **two** is ten, and 1,000 s are long." in words_of("ex99_of_a_test")


def test_what_nobody_has_printed_is_said(lesson):
    for ask in (lesson, lesson.line):
        with pytest.raises(LookupError, match="took nothing"):
            ask("took nothing")


def test_a_number_that_cannot_be_measured_does_not_end_the_others(lesson):
    def fails(lesson):
        return lesson("took nothing")

    assert "no cell has printed 'took nothing'" in measured(Number("words", fails), lesson)
    assert measured(Number("words", lambda each: f"{each['times']}"), lesson) == "2"


def test_what_is_measured_stands_below_the_words():
    found = {0: Measured("", {"ten": "9", "two": "2"}), 3: Measured("", {"ten": "8\n7"})}
    assert side_by_side(found).splitlines() == [
        "   ten",
        "      beside 0: 9",
        "      beside 3: 8",
        "         7",
        "   two",
        "      beside 0: 2",
        "      beside 3: not measured",
    ]


def test_an_exercise_that_is_not_there_is_refused(capsys):
    with pytest.raises(SystemExit):
        main(["ex99_nothing"])
    assert "there is no ex99_nothing" in capsys.readouterr().err


def test_a_lesson_without_cells_has_nothing():
    assert Lesson("ex99").printed == ""
