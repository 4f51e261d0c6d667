"""Time without a CPU of every process: readings add up, and ended threads are not lost."""

from itertools import pairwise

from autograder.evidence import delays
from autograder.sandbox.run_queue import Turn


def test_waits_of_threads_that_take_turns_add_up() -> None:
    """Work that moves from thread to thread has waited in each, also in one that has ended."""
    readings = [
        {"client": {1: Turn(0.0, 0.0)}},
        {"client": {1: Turn(0.1, 0.3), 2: Turn(0.0, 0.0)}},
        {"client": {2: Turn(0.2, 0.2)}},
        {"client": {2: Turn(0.2, 0.2), 3: Turn(0.1, 0.4)}},
    ]
    found: dict[str, float] = {}
    for before, after in pairwise(readings):
        delays.add(found, before, after)
    assert round(found["client"], 6) == 0.9


def test_what_the_kernel_does_not_tell_is_not_nothing() -> None:
    found: dict[str, float] = {}
    delays.add(found, {"client": {}}, {"client": {}, "worker-0": {5: Turn(1.0, 0.0)}})
    assert found == {"worker-0": 0.0}


def test_sampling_reads_at_the_beginning_and_at_the_end() -> None:
    turns = iter([Turn(1.0, 1.0), *[Turn(1.0, 1.5)] * 1000])
    last = Turn(0.0, 0.0)

    def read() -> delays.Reading:
        nonlocal last
        last = next(turns, last)
        return {"worker-0": {7: last}}

    with delays.sampled(read, seconds=60.0) as found:
        assert found == {"worker-0": 0.0}
    assert found == {"worker-0": 0.5}
