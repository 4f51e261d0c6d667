"""Credit, to the last digit: useful work, the ramp and where it ends."""

from dataclasses import replace

import pytest
from kept_evidence import EX02, reference
from speedup_runs import REFERENCE, run, timed

from autograder.evidence.summary import EARLY
from autograder.model import Speedup
from autograder.speedup.credit import (
    ROOM,
    SHARE,
    ZERO,
    credit,
    measured,
    speedup,
)

FULL = SHARE * REFERENCE.speedup


def found(value: float, full: float = FULL) -> Speedup:
    return Speedup(2, 1.0, 0.0, 0.0, (0.5, 0.5), 0.5, 0.0, 1.0, 1.0, None, value, ZERO, full)


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

    def test_a_run_that_took_no_time_is_no_faster_than_a_serial_one(self) -> None:
        nothing = run((), wall=0.0, client=0.0, workers=(0.0, 0.0))
        assert speedup(nothing, 2, replace(REFERENCE, alone=0.0)).speedup == 1.0

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

    def test_the_least_work_and_the_best_speedup_count(self) -> None:
        quick, slow = timed(EX02, "hypatia"), timed(EX02, "zeno")
        both = measured([slow, quick], 2)
        assert both[0] == pytest.approx(measured([quick], 2)[0], rel=0.05)
        assert both[1] == min(measured([quick], 2)[1], measured([slow], 2)[1])

    def test_what_it_does_alone_is_spared_everybody(self) -> None:
        usual = replace(REFERENCE, alone=0.1)
        seen = speedup(run(client=0.03), 2, usual)
        assert seen.spared == pytest.approx(0.1) and seen.alone == pytest.approx(0.13)
        assert seen.useful == pytest.approx(seen.work - 0.1)
        # No more than a program has.
        assert speedup(run(client=0.0), 2, replace(usual, alone=9.0)).spared == pytest.approx(0.1)

    def test_serial_work_stays_serial_however_much_is_spared(self) -> None:
        serial = run((), wall=1.8, client=1.6, workers=(0.01, 0.01))
        for alone in (0.0, 0.2, 0.8):
            found = speedup(serial, 2, replace(REFERENCE, alone=alone))
            assert found.speedup < 1.1 and credit(found) == 0.0

    def test_less_work_has_the_same_seconds_for_starting(self) -> None:
        """A third of the work, as much to start: it is no less parallel for that."""
        fast = run(wall=0.35, client=0.1, workers=(0.22, 0.22))
        assert speedup(fast, 2, REFERENCE).speedup < 1.6
        assert speedup(fast, 2, replace(REFERENCE, alone=0.2)).speedup > 1.9
