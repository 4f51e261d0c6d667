"""The table of faults that no text for students may have, itself."""

import pytest
from wording import faults


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("It ended..", "two stops"),
        ("It was None?.", "two stops"),
        ("got 1 columns here", "a plural of one"),
        ("it is a ndarray of", "the wrong article"),
        ("an list of", "the wrong article"),
        ("alpha=9.999999999999999e-06", "too many digits"),
        ("two  spaces", "two spaces"),
        ("a word .", "a stop or comma after a space"),
        ("`open", "a backtick that does not close"),
    ],
)
def test_what_no_text_for_students_may_have_is_seen(text: str, said: str) -> None:
    assert [fault.partition(":")[0] for fault in faults(text)] == [said]


@pytest.mark.parametrize(
    "text", ["1 s each, a one, an hour … and so on.", "(1, 2) rows ... of 21 columns", "a unit"]
)
def test_what_is_sound_is_let_pass(text: str) -> None:
    assert faults(text) == []


def test_whole_sentences_end_with_a_stop() -> None:
    assert faults("It ended.", sentences=True) == faults("", sentences=True) == []
    assert faults("It ended", sentences=True) == ["no stop at the end: 'It ended'"]
