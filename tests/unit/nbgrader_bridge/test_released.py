"""What is said, before a batch, of the exercise that it is graded by."""

import logging
from pathlib import Path
from typing import Any

import pytest
from nbgrader.coursedir import CourseDirectory
from traitlets.config import Config

from autograder.evidence import rounds, store
from autograder.model import Exercise
from autograder.nbgrader_bridge.released import say_known


class Converter:
    """As much of nbgrader's as is asked."""

    log = logging.getLogger("converter")

    def __init__(self, root: Path) -> None:
        self.coursedir = CourseDirectory(config=Config({"CourseDirectory": {"root": str(root)}}))


@pytest.fixture
def said(tmp_path: Path, ex02: Exercise, caplog: pytest.LogCaptureFixture) -> Any:
    round_ = rounds.Round(tmp_path / "evidence" / "round-1", b"")
    store.results_folder(round_, "exam").mkdir(parents=True)
    page = tmp_path / "feedback" / "ada" / "exam" / f"{ex02.name}.html"
    page.parent.mkdir(parents=True)

    def said(assignment: str) -> str:
        caplog.clear()
        converter = Converter(tmp_path)
        for _ in range(2):
            say_known(converter, assignment, ex02, round_)
        return caplog.text

    said.page = page
    return said


def test_a_resit_on_inputs_that_feedback_has_shown_is_said_once(said: Any) -> None:
    assert said("resit") == ""  # nobody has feedback yet
    said.page.touch()
    assert said("resit").count("resit is graded on the same inputs as exam") == 1


def test_of_other_inputs_and_of_the_assignment_itself_nothing_is_said(said: Any) -> None:
    said.page.touch()
    assert said("exam") == ""
    said.page.rename(said.page.with_name("other.html"))
    assert said("resit") == ""
