"""An answer held against the truth, whatever came."""

import shutil
from pathlib import Path

import numpy as np
import pytest

from autograder.errors import HarnessError
from autograder.evidence import comparing
from autograder.exercise import catalogue
from autograder.model import Comparison, Exercise
from autograder.reader import Limits

TINY = Path(__file__).parents[2] / "corpus" / "hostile" / "course" / "exercises" / "tiny"
TRUTH = {"values": np.array(3.0)}


@pytest.fixture
def exercise(tmp_path: Path) -> Path:
    return Path(shutil.copytree(TINY, tmp_path / "tiny"))


def judged_by(folder: Path, code: str) -> Exercise:
    """Let an exercise compare by other code."""
    with (folder / "cases.py").open("a") as cases:
        cases.write(
            "\n\ndef compare(case, truth, answer):\n"
            "    from autograder.model import Comparison\n\n"
            f"    {code}\n"
        )
    return catalogue.load(folder)


def compared(exercise: Exercise, **answer: object) -> Comparison:
    here = comparing.compare(exercise, "total", TRUTH, answer)
    assert comparing.apart(exercise, "total", TRUTH, answer) == here
    return here


def test_a_right_answer_is_right_and_a_wrong_one_wrong_here_and_apart(exercise: Path) -> None:
    tiny = catalogue.load(exercise)
    assert compared(tiny, values=np.array(3.0)).equal
    assert not compared(tiny, values=np.array(4.0)).equal
    assert not compared(tiny).equal


def test_words_of_a_student_that_no_file_could_hold_are_replaced(exercise: Path) -> None:
    code = 'return Comparison(False, "a step", "a step called \\ud800")'
    found = compared(judged_by(exercise, code))
    assert found.got == "a step called ?" and not found.equal
    found.got.encode()


@pytest.mark.parametrize(("length", "kept"), [(1_000, 1_000), (1_001, 1_000), (10**6, 1_000)])
def test_what_is_said_of_an_answer_has_an_end(exercise: Path, length: int, kept: int) -> None:
    found = compared(judged_by(exercise, f'return Comparison(False, "y", "x" * {length})'))
    assert len(found.got) == kept and found.got.endswith("…") == (length > kept)


def test_an_answer_that_cannot_be_compared_is_wrong(exercise: Path) -> None:
    found = compared(judged_by(exercise, 'raise KeyError("labels")'))
    assert not found.equal and "KeyError" in found.got


def test_rows_without_end_that_have_no_bytes_are_wrong(exercise: Path) -> None:
    careless = judged_by(exercise, 'return Comparison(False, "y", str(answer["values"].tolist()))')
    endless = {"values": np.empty((2_000_000_000, 0))}
    found = comparing.apart(careless, "total", TRUTH, endless)
    assert not found.equal
    assert "too much" in found.got or "MemoryError" in found.got
    assert comparing.apart(careless, "total", TRUTH, TRUTH).got == "3.0"


def test_a_comparison_without_end_is_wrong(exercise: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(comparing, "_READING", Limits(cpu_seconds=1))
    slow = judged_by(exercise, 'while answer: pass\n    return Comparison(True, "y", "y")')
    found = comparing.apart(slow, "total", TRUTH, TRUTH)
    assert not found.equal and "too much time" in found.got
    assert comparing.apart(slow, "total", TRUTH, {}).equal


def test_a_comparison_that_breaks_down_is_our_failure(exercise: Path) -> None:
    broken = judged_by(exercise, "import os\n    os._exit(3)")
    with pytest.raises(HarnessError, match="status 3"):
        comparing.apart(broken, "total", TRUTH, TRUTH)


def test_an_exercise_that_was_corrected_is_compared_by_its_new_code(exercise: Path) -> None:
    assert not compared(catalogue.load(exercise), values=np.array(4.0)).equal
    assert compared(judged_by(exercise, 'return Comparison(True, "y", "y")')).equal


def test_what_only_comparing_imports_is_loaded_before() -> None:
    found = {
        name: set(comparing._imports((catalogue.KIT / name / "cases.py").read_text()))
        for name in ("ex04_large_collections", "ex05_batch_cluster", "ex07_boosted_trees")
    }
    assert "scipy.optimize" in found["ex04_large_collections"]
    assert "autograder.author.jobscript" in found["ex05_batch_cluster"]
    # The oracle trains with it; comparing needs its numbers alone.
    assert "xgboost" not in found["ex07_boosted_trees"]
