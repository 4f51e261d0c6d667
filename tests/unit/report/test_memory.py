"""Memory over time, drawn."""

from dataclasses import replace

from memory_runs import MB, seen

from autograder.model import MemorySample
from autograder.report.memory import memory_over_time


def test_the_picture_says_its_numbers():
    rows = [(0.0, "client", 400), (0.1, "client", 460), (0.1, "worker-0", 510)]
    run = replace(seen(), memory=tuple(MemorySample(s, n, mb * MB) for s, n, mb in rows))
    drawn = memory_over_time(run, 640 * MB, salt="a")
    for said in ("client: at most 460 MB", "worker-0: at most 510 MB", "limit: 640 MB", "1300 MB"):
        assert said in drawn
    assert drawn != memory_over_time(run, 640 * MB, salt="b")
