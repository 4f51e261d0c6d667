"""``watch()`` where there is nothing to watch: in the grader's box."""

import pytest

from autograder.evidence.in_sandbox import MODULES
from autograder.model import Exercise
from autograder.sandbox.session import Session

pytestmark = pytest.mark.slow


def test_in_the_box_it_says_nothing(ex02: Exercise, leaves_nothing: None) -> None:
    with Session(ex02, MODULES) as session:
        cell = session.execute("from cluster import connect, watch\nwatch(connect())", 30)
        shown = session.execute("print('this is seen')", 30)
    assert cell.outputs == ()
    assert cell.failure is None
    assert len(shown.outputs) == 1
