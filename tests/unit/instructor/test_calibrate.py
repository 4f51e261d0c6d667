"""Sizes for a machine: what is chosen."""

from dataclasses import replace

from autograder.instructor.calibrate import (
    AIM,
    LONG,
    SHORT,
    Trial,
    next_factor,
)
from autograder.model import Exercise


def test_a_run_of_the_right_length_stays(trial: Trial, ex02: Exercise) -> None:
    for wall in (SHORT, AIM):
        assert next_factor(replace(trial, wall=wall, work=1.9 * wall), ex02)[0] == 1.0


def test_a_short_run_gets_longer_and_a_long_one_shorter(trial: Trial, ex02: Exercise) -> None:
    factor, why = next_factor(replace(trial, wall=0.4, work=0.76), ex02)
    assert factor == 5.0 and "0.4 s on 2 workers is shorter than" in why
    # Without a limit in the way: ten times the author's limits.
    roomy = replace(ex02, limits=replace(ex02.limits, case_seconds=150.0))
    factor, why = next_factor(replace(trial, wall=2 * LONG, work=15.0), roomy)
    assert factor == 0.25 and "is longer than" in why
    # It goes on from what was tried.
    assert next_factor(replace(trial, factor=3.0, wall=8.0, work=15.0), roomy)[0] == 0.75


def test_the_limit_of_a_call_has_room_for_a_serial_program(trial: Trial, ex02: Exercise) -> None:
    factor, why = next_factor(replace(trial, wall=3.5, work=6.9), ex02)
    assert "third of the limit of 15 s" in why
    assert factor * 6.9 <= ex02.limits.case_seconds / 3
    # A little less work is left alone.
    assert next_factor(replace(trial, wall=2.5, work=4.9), ex02)[0] == 1.0


def test_a_short_run_is_not_made_longer_than_the_limit_allows(trial: Trial, ex02: Exercise) -> None:
    tight = replace(ex02, limits=replace(ex02.limits, case_seconds=3.0))
    factor, why = next_factor(replace(trial, wall=0.5, work=0.95), tight)
    assert factor == 1.0 and "allows no more" in why
    assert next_factor(replace(trial, wall=0.5, work=0.6), tight)[0] == 1.3


def test_memory_counts_where_a_case_was_made_larger(trial: Trial, ex02: Exercise) -> None:
    much = replace(trial, memory=3 * 10**9)
    assert next_factor(much, ex02)[0] == 1.0  # the author's own size is the author's business
    factor, why = next_factor(replace(much, factor=5.0), ex02)
    assert factor == 3.0 and "3.0 GB are more than half of the limit" in why


def test_a_run_that_was_stopped_is_made_much_smaller(trial: Trial, ex02: Exercise) -> None:
    stopped = replace(trial, wall=float("inf"), work=float("inf"), memory=0)
    assert next_factor(stopped, ex02)[0] == 0.25
