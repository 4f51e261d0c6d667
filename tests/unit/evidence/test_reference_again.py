"""The reference solution's figures at the moment of a submission."""

from dataclasses import replace

import pytest
from kept_evidence import EX02, evidence, exercise_of, reference
from speedup_runs import TIMED, timed

from autograder.evidence.reference_again import at_the_moment, taken
from autograder.evidence.summary import cpu_used, crowd
from autograder.model import ReferenceRun

EXERCISE = exercise_of(EX02)
USUAL = reference(EX02)
SLOW = ReferenceRun(client_cpu=1.0, scheduler_cpu=0.5, worker_cpu=8.0, setup_cpu=3.0)
"""Slower than the reference solution was in its round, in all."""


def test_what_it_takes_is_read_from_its_run() -> None:
    run = next(one for one in evidence(EX02, "reference").runs if one.case == TIMED[EX02])
    found = taken(run)
    assert found.client_cpu + found.worker_cpu == pytest.approx(cpu_used(run))
    assert found.setup_cpu == run.setup_cpu and found.scheduler_cpu > 0.0


def test_where_it_did_not_run_again_nothing_changes() -> None:
    assert at_the_moment(USUAL, EXERCISE.timed, evidence(EX02, "hypatia").runs) == USUAL


def test_the_larger_number_of_seconds_counts() -> None:
    run = replace(timed(EX02, "hypatia"), reference=(SLOW,))
    found = at_the_moment(USUAL, EXERCISE.timed, [run])
    assert (found.cpu_seconds, found.alone) == (9.5, 1.5)
    assert found.summary is not None and found.summary.setup_cpu == 3.0
    assert found.case_cpu[run.case] == 9.0
    assert found.speedup == USUAL.speedup


def test_of_several_runs_the_least_counts_as_the_submissions_does() -> None:
    slower = [replace(SLOW, worker_cpu=8.0 * times, setup_cpu=3.0 * times) for times in (3, 1, 2)]
    run = replace(timed(EX02, "hypatia"), reference=tuple(slower))
    found = at_the_moment(USUAL, EXERCISE.timed, [run])
    assert (found.cpu_seconds, found.alone) == (9.5, 1.5)
    assert found.summary is not None and found.summary.setup_cpu == 3.0
    assert found.case_cpu[run.case] == 9.0


def test_a_faster_run_takes_nothing_away() -> None:
    run = replace(timed(EX02, "hypatia"), reference=(ReferenceRun(0.0, 0.0, 0.1, 0.0),))
    assert at_the_moment(USUAL, EXERCISE.timed, [run]) == USUAL


def test_of_an_untimed_case_only_its_own_seconds_count() -> None:
    run = next(one for one in evidence(EX02, "hypatia").runs if one.case not in EXERCISE.timed)
    found = at_the_moment(USUAL, EXERCISE.timed, [replace(run, reference=(SLOW,))])
    assert found.case_cpu[run.case] == 9.0
    assert replace(found, case_cpu=USUAL.case_cpu) == USUAL


@pytest.mark.parametrize(("usual", "now"), [(None, None), (0.5, 3.0), (4.0, 4.0)])
def test_what_the_input_takes_is_compared_where_it_is_known(
    usual: float | None, now: float | None
) -> None:
    run = replace(timed(EX02, "hypatia"), reference=(SLOW,))
    known = replace(USUAL, case_setup={} if usual is None else {run.case: usual})
    assert at_the_moment(known, EXERCISE.timed, [run]).case_setup.get(run.case) == now


@pytest.mark.parametrize(
    ("beside", "counts"), [(None, True), (0.0, True), (0.2, True), (0.3, False), (2.0, False)]
)
def test_a_run_beside_more_other_work_than_the_submission_had_does_not_count(
    beside: float | None, counts: bool
) -> None:
    run = replace(timed(EX02, "hypatia"), background_load=0.0)
    assert crowd(run) == 0.0
    now = at_the_moment(
        USUAL, EXERCISE.timed, [replace(run, reference=(replace(SLOW, crowd=beside),))]
    )
    assert now.cpu_seconds == (9.5 if counts else USUAL.cpu_seconds)


def test_the_least_is_that_of_the_runs_that_count() -> None:
    run = replace(timed(EX02, "hypatia"), background_load=0.0)
    faster, crowded = replace(SLOW, worker_cpu=9.0, crowd=0.1), replace(SLOW, crowd=1.0)
    now = at_the_moment(USUAL, EXERCISE.timed, [replace(run, reference=(crowded, faster))])
    assert now.cpu_seconds == 10.5
