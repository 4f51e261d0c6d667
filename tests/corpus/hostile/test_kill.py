"""A grader killed at random moments: the same command again, and the same gradebook."""

import random
import tempfile
from pathlib import Path

import course
import pytest

from hostile import kill

pytestmark = [pytest.mark.slow, pytest.mark.thorough]

TIMES = 4
"""``python tests/corpus/hostile/kill.py --times 100`` takes its time."""


def test_killed_grader_loses_and_doubles_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", course.with_scripts())
    with tempfile.TemporaryDirectory(prefix="k-") as base:
        place = Path(base, "t")
        place.mkdir()
        monkeypatch.setenv("TMPDIR", str(place))
        monkeypatch.setattr(tempfile, "tempdir", str(place))
        first, _, times = kill.run(Path(base), TIMES, random.Random())
        assert first > 0 and times == TIMES
