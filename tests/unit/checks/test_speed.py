"""What a card says beside a speedup: whether others had the cores, and how rough it then is."""

import pytest

from autograder.checks import speed
from autograder.model import Speedup


def measured(without_cpu: float | None) -> Speedup:
    return Speedup(
        workers=2,
        wall=13.4,
        without_cpu=without_cpu,
        alone=0.1,
        each=(1.9, 1.7),
        shared=1.9,
        spared=0.1,
        quiet=3.8,
        useful=3.7,
        most=4.0,
        speedup=0.97,
        zero=1.25,
        full=1.33,
    )


def test_a_crowded_machine_is_named_with_its_seconds() -> None:
    said = speed._crowded(measured(9.6))
    assert said.startswith("For 9.6 of the 13.4 s, other programs had the cores.")


@pytest.mark.parametrize("without_cpu", [None, 0.0, 6.7])
def test_a_machine_that_was_mostly_free_is_not(without_cpu: float | None) -> None:
    assert speed._crowded(measured(without_cpu)) == ""
