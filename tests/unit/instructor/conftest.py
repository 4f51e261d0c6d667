"""A run of a timed case, as a calibration tries it."""

import pytest

from autograder.instructor.calibrate import Trial
from autograder.model import Exercise


@pytest.fixture
def trial(ex02: Exercise) -> Trial:
    """The author's size on a machine that is just right."""
    (case,) = (case for case in ex02.cases if case.timed)
    return Trial(case, 1.0, wall=1.5, work=2.8, speedup=1.9, memory=10**9)
