"""The simulated evening: what follows from its numbers, and that nothing is lost in it."""

import math
import random
from dataclasses import replace

import pytest
from farm_simulation import (
    ARRIVAL_SECONDS,
    Costs,
    Crowd,
    Farm,
    Site,
    Work,
    arrivals,
    enough,
    gains,
    measured,
    simulate,
)  # fmt: skip

NOTHING = Costs(
    call=0, read=0, passed_over=0, record=0, arrive=0, file_calls=0, round_=0, round_slot=0, give=0
)
CALM = Site(nodes=1, slots=1, job_wait=0, walltime=math.inf, failures=0)
FEW = Crowd(students=20, exercises=2, equal=0, hung=0)
WORK = Work({"ex01": [4.0], "ex02": [6.0]})


def farm(work: dict[int, float], site: Site = CALM, costs: Costs = NOTHING, seed: int = 0) -> Farm:
    return Farm(0.0, work, 240.0, site, costs, random.Random(seed))


def test_one_slot_takes_the_sum_and_two_take_half() -> None:
    work = {number: 5.0 for number in range(10)}
    assert farm(work).run() == pytest.approx(50.0)
    assert farm(work, replace(CALM, slots=2)).run() == pytest.approx(25.0)
    assert farm(work, replace(CALM, nodes=2)).run() == pytest.approx(25.0)


def test_slots_that_wait_are_held_and_not_busy() -> None:
    ran = farm({0: 10.0, 1: 4.0}, replace(CALM, slots=2))
    assert ran.run() == pytest.approx(10.0)
    assert (ran.held, ran.busy) == (pytest.approx(20.0), pytest.approx(14.0))


def test_no_more_jobs_than_there_is_to_do() -> None:
    ran = farm({number: 1.0 for number in range(4)}, replace(CALM, nodes=50, slots=2))
    ran.run()
    assert ran.held == pytest.approx(4.0)


def test_what_starts_takes_its_time() -> None:
    costs = replace(NOTHING, arrive=3, file_calls=1000)
    site = replace(CALM, slots=2, job_wait=60, file_rate=100, cached=0.25)
    # The first slot is there after 60 + 10 + 3 s, the second 5 s of file calls later.
    assert farm({0: 8.0, 1: 2.0}, site, costs).run() == pytest.approx(81.0)
    assert farm({0: 8.0, 1: 8.0}, site, costs).run() == pytest.approx(86.0)


def test_driver_goes_round_before_a_slot_gets_more() -> None:
    costs = replace(NOTHING, round_=1.0, give=0.5)
    # It goes round, gives, 2 s of work, goes round and takes the outcome, gives, …, takes it.
    assert farm({0: 2.0, 1: 2.0}, CALM, costs).run() == pytest.approx(1 + 2.5 + 1.5 + 2.5 + 1.5)


def test_slots_that_import_too_long_are_dismissed() -> None:
    costs = replace(NOTHING, file_calls=1000)
    rate = 1000 / (0.6 * ARRIVAL_SECONDS)
    site = replace(CALM, slots=3, file_rate=rate, cached=0.5)
    ran = farm({number: 60.0 for number in range(6)}, site, costs)
    ran.run()
    assert ran.dismissed == 2 and len(ran.queue.done) == 6


def test_lost_nodes_and_ends_of_jobs_lose_nothing() -> None:
    work = {number: 20.0 for number in range(400)}
    site = Site(nodes=4, slots=5, job_wait=30, walltime=900, failures=6.0)
    ran = farm(work, site)
    calm = farm(work, replace(site, failures=0, walltime=math.inf))
    assert ran.run() > calm.run()
    assert sorted([*ran.queue.done, *ran.queue.aside]) == sorted(work)
    assert len(set(ran.queue.done)) == len(ran.queue.done)


def test_every_student_gets_marks_whatever_happens() -> None:
    site = Site(nodes=2, slots=3, walltime=900, failures=2.0)
    found = simulate(WORK, site, replace(FEW, hung=0.1), Costs(), seed=3)
    assert len(found.waits) == FEW.students and min(found.waits) > 0
    assert 0 < found.busy < 1


def test_a_call_after_the_deadline_is_one_call() -> None:
    found = simulate(WORK, CALM, FEW, replace(NOTHING, record=0.5), after=True)
    assert found.calls == 1
    assert found.ended == pytest.approx(20 * (4 + 6) + 40 * 0.5)
    # Who came last waits no longer than until all is over; who came first waits from then.
    assert max(found.waits) <= FEW.hour + found.ended
    assert found.quantile(0.5) <= found.quantile(0.95) <= max(found.waits)


def test_reading_counts_in_every_call_and_recording_once() -> None:
    some = simulate(WORK, CALM, FEW, replace(NOTHING, call=30, read=0.1))
    none = simulate(WORK, CALM, FEW, replace(NOTHING, call=30))
    assert some.quantile(0.5) > none.quantile(0.5)


def test_equal_codes_are_observed_once() -> None:
    copied = simulate(WORK, CALM, replace(FEW, equal=1.0), replace(NOTHING, record=1), after=True)
    assert copied.ended == pytest.approx(40.0) and copied.slot_hours == 0


def test_the_storm_grows_towards_the_deadline() -> None:
    came = arrivals(Crowd(students=1000), random.Random(0))
    assert came == sorted(came) and came[0] >= 0 and came[-1] <= 3600
    last = sum(when > 2700 for when in came)
    # 1 − e⁻¹ of 1 − e⁻⁴: 64 %.
    assert 600 < last < 690


@pytest.mark.parametrize(
    ("costs", "site", "part"),
    [
        (NOTHING, CALM, "running the submissions"),
        (replace(NOTHING, record=100), CALM, "recording"),
        (replace(NOTHING, read=50), replace(CALM, slots=20), "reading what was handed in"),
        (NOTHING, replace(CALM, slots=20, job_wait=600), "waiting for jobs"),
        (replace(NOTHING, arrive=600), replace(CALM, slots=20), "imports"),
        (replace(NOTHING, give=100), replace(CALM, slots=20), "the driver"),
    ],
)
def test_the_part_without_which_students_wait_least_is_named(
    costs: Costs, site: Site, part: str
) -> None:
    assert next(iter(gains(WORK, site, FEW, costs))) == part


def test_enough_is_the_smallest_that_is_hardly_slower() -> None:
    assert enough({1: 100.0, 5: 21.0, 10: 20.0, 50: 20.0}) == 5
    assert enough({1: 100.0, 5: 23.0, 10: 20.0, 50: 19.5}) == 10


def test_the_same_seed_gives_the_same_evening() -> None:
    site = Site(nodes=2, slots=3, failures=1.0)
    first, again, other = (simulate(WORK, site, FEW, Costs(), seed=seed) for seed in (1, 1, 2))
    assert first == again != other


def test_what_was_measured_is_of_every_exercise_of_the_twelve() -> None:
    costs = Costs()
    work = measured(costs)
    assert len(work.seconds) == 12
    assert all(len(values) >= 10 and min(values) >= costs.box for values in work.seconds.values())
