"""``watch()`` where there is nothing to watch: in the grader's box."""

import pytest

from autograder.model import Exercise
from autograder.sandbox.session import Box

pytestmark = pytest.mark.slow


def test_in_the_box_it_says_nothing(ex02: Exercise, leaves_nothing: None) -> None:
    with Box(ex02) as box:
        cell = box.run_cell(0, "from cluster import connect, watch\nwatch(connect())")
        shown = box.run_cell(1, "print('this is seen')")
    assert cell.outputs == ()
    assert cell.failure is None
    assert len(shown.outputs) == 1
