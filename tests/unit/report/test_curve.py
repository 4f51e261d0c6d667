"""The speedup curve: which bounds it shows, and how far it goes."""

import re

import pytest

from autograder.model import SpeedupStudy
from autograder.report.curve import crossing, speedup_curve


def study(serial: float | None = None) -> SpeedupStudy:
    """Ten seconds of work with a span of a hundredth of it, as no costs would replay it."""
    return SpeedupStudy(
        workers=2,
        measured_seconds=5.2,
        work=10.0,
        span=0.1,
        makespans={2**k: max(10.0 / 2**k, 0.1) for k in range(11)},
        speedup=2.0,
        client_cpu=0.1,
        worker_cpu=(5.0, 5.0),
        serial_seconds=serial,
    )


def ticks(picture: str) -> list[int]:
    """Read the numbers of workers from the description."""
    told = re.search(r"by number of workers P: ([^;]*);", picture)
    assert told is not None
    return [int(pair.split(":")[0]) for pair in told[1].split(", ")]


def test_work_law_and_span_law_are_drawn_in_plain_words():
    picture = speedup_curve(study())
    for label in ("ideal: P times as fast", "longest chain of tasks allows"):
        assert f">{label}" in picture


@pytest.mark.parametrize(("serial", "farthest"), [(None, 64), (6.0, 64), (0.2, 64), (0.11, 128)])
def test_curve_goes_as_far_as_it_teaches_and_never_short_of_the_crossing(serial, farthest):
    overtakes = crossing(study(serial))
    shown = ticks(speedup_curve(study(serial)))
    assert shown[-1] == farthest
    assert overtakes is None or overtakes in shown
