"""Credit, to the last digit: useful work, the ramp and where it ends."""

from dataclasses import replace

import pytest
from kept_evidence import EX02, reference
from speedup_runs import REFERENCE, run, timed

from autograder.model import Speedup
from autograder.speedup.credit import (
    EARLY,
    ROOM,
    SHARE,
    ZERO,
    credit,
    least_work,
    most_speedup,
    speedup,
)

FULL = SHARE * REFERENCE.speedup


def found(value: float, full: float = FULL) -> Speedup:
    return Speedup(2, 1.0, 0.0, 0.0, (0.5, 0.5), 1.0, 1.0, value, ZERO, full)


class TestRamp:
    """From nothing at ``ZERO`` to all at ``SHARE`` of the reference solution's, without a step."""

    @pytest.mark.parametrize("value", [0.0, 1.0, ZERO])
    def test_serial_speed_earns_nothing(self, value: float) -> None:
        assert credit(found(value)) == 0.0

    @pytest.mark.parametrize("value", [FULL, 1.9, 16.0])
    def test_the_full_share_earns_all(self, value: float) -> None:
        assert credit(found(value)) == 1.0

    def test_halfway_earns_half(self) -> None:
        assert credit(found((ZERO + FULL) / 2)) == pytest.approx(0.5)

    def test_a_reference_that_is_hardly_parallel_still_leaves_a_ramp(self) -> None:
        seen = speedup(run(), 2, replace(REFERENCE, speedup=1.0))
        assert seen.full > seen.zero


class TestUsefulWork:
    """No more of it than the answer needs."""

    def test_all_of_it_up_to_some_room(self) -> None:
        seen = speedup(run(), 2, REFERENCE)
        assert seen.useful == seen.work == pytest.approx(1.73)

    def test_no_more_than_that_however_much_was_done(self) -> None:
        busy = run(wall=1.7, workers=(1.6, 1.6))
        assert speedup(busy, 2, REFERENCE).useful == pytest.approx(ROOM * 1.65)
        assert credit(speedup(busy, 2, REFERENCE)) == 0.0

    def test_in_a_self_check_nobody_knows_how_much_is_needed(self) -> None:
        busy = run(wall=1.7, workers=(1.6, 1.6))
        assert speedup(busy, 2, replace(REFERENCE, cpu_seconds=None)).useful == pytest.approx(3.33)

    def test_who_works_alone_beside_busy_workers_gains_nothing(self) -> None:
        beside = run(wall=1.8, client=1.65, workers=(0.8, 0.8))
        after = run(wall=2.6, client=1.65, workers=(0.8, 0.8))
        for sham in (beside, after):
            assert credit(speedup(sham, 2, REFERENCE)) == 0.0

    def test_one_worker_that_does_it_all_beside_a_busy_one_gains_nothing(self) -> None:
        assert credit(speedup(run(wall=1.7, workers=(1.65, 1.6)), 2, REFERENCE)) == 0.0


class TestEarly:
    """Work before GO is work all the same, beyond what making the input takes."""

    def test_what_making_the_input_takes_is_nobodys(self) -> None:
        usual = reference(EX02)
        assert usual.summary is not None
        seen = replace(timed(EX02, "hypatia"), setup_cpu=EARLY * usual.summary.setup_cpu)
        assert speedup(seen, 2, usual).alone == pytest.approx(
            speedup(replace(seen, setup_cpu=0.0), 2, usual).alone
        )

    def test_more_is_done_alone(self) -> None:
        usual = reference(EX02)
        assert usual.summary is not None
        seen = timed(EX02, "hypatia")
        early = replace(seen, setup_cpu=EARLY * usual.summary.setup_cpu + 1.0)
        without = speedup(replace(seen, setup_cpu=0.0), 2, usual)
        assert speedup(early, 2, usual).alone == pytest.approx(without.alone + 1.0)
        assert credit(speedup(early, 2, usual)) < 1.0 == credit(without)


class TestReference:
    """The best of its tries: other work only ever adds to it."""

    def test_the_least_work_and_the_most_speedup_count(self) -> None:
        quick, slow = timed(EX02, "hypatia"), timed(EX02, "zeno")
        assert least_work([slow, quick]) == min(least_work([quick]), least_work([slow]))
        assert most_speedup([slow, quick], 2) == most_speedup([quick], 2)
