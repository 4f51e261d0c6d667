"""What a box is given of an exercise: the inputs, not the answers."""

from pathlib import Path

import pytest

from autograder.exercise.catalogue import KIT
from autograder.sandbox.withhold_oracle import copy, without_answers


@pytest.mark.parametrize("name", [path.parent.name for path in KIT.glob("*/cases.py")])
def test_box_is_given_the_inputs_and_not_the_answers(name: str, tmp_path: Path) -> None:
    source = (KIT / name / "cases.py").read_text()
    given = without_answers(source)
    assert "def oracle" in source and "def compare" in source
    assert "def oracle" not in given and "def compare" not in given
    for function in ("prepare", "materialise", "warm"):
        assert f"def {function}(" in given
    compile(given, "cases.py", "exec")
    assert given.count("\n") == source.count("\n")
    copy(KIT / name, tmp_path / "given")
    assert (tmp_path / "given" / "cases.py").read_text() == given
    assert not list(tmp_path.rglob("__pycache__"))


def test_helpers_stay_as_long_as_an_input_needs_them() -> None:
    source = (
        "def prepare(a): return shared(a)\ndef shared(a): return TABLE['named'](a)\n"
        "def named(a): return a\nTABLE = {'named': named}\n@str\ndef only(a):\n    return a\n"
        "def oracle(a):\n    return only(shared(a))\ndef materialise(a): pass\ndef warm(): pass\n"
    )
    given = without_answers(source)
    assert "def shared" in given and "def named" in given
    assert "only" not in given and "@str" not in given and "oracle" not in given


def test_lines_are_pythons_lines() -> None:
    source = "def prepare(a): pass\n\x0c\ndef materialise(a): pass\ndef warm(): pass\n" + (
        "def oracle(a):\n    return 'the answer'\ndef compare(a):\n    return 'a\x0bb'\n"
    )
    given = without_answers(source)
    assert "the answer" not in given and "oracle" not in given and "compare" not in given
    assert "def prepare" in given and "def warm" in given
