"""A timed case is fixed work: right solutions use about the CPU seconds of the reference's.

Useful work counts towards a speedup, and no more of it than the answer needs: that is κ times
what client and workers used for the reference solution in the same round. Seen in the kept
evidence of all right samples.
"""

from collections.abc import Iterator
from statistics import median

import pytest
from kept_evidence import exercise_of, kept, sample_class

from autograder.evidence.reference_again import at_the_moment
from autograder.evidence.summary import cpu_used

MOST, LEAST = 1.25, 0.8
"""Of the reference solution's CPU seconds. A right sample may use less, if its algorithm is faster;
half of them have to do what the reference does."""

TIMED = sorted(
    {
        (exercise.name, case.name)
        for exercise, _ in sample_class().values()
        for case in exercise.cases
        if case.timed
    }
)


def right(name: str, timed: str) -> Iterator[str]:
    """Yield the samples with full points in every check of a timed function."""
    exercise = exercise_of(name)
    (function,) = (case.function for case in exercise.cases if case.name == timed)
    points = {c.grade_id: c.points for c in exercise.checks if c.function == function}
    for found, sample in sample_class().values():
        if found == exercise and points.items() <= dict(sample.verdict).items():
            yield sample.student


def shares(name: str, timed: str) -> dict[str, float]:
    """Return the CPU seconds of right samples, each in its largest run, in the reference's."""
    found = {}
    for student in right(name, timed):
        one = kept(name, student)
        runs = [run for run in one.evidence.runs if run.case == timed]
        usual = at_the_moment(one.reference, exercise_of(name).timed, runs)
        assert runs and usual.cpu_seconds, f"{name}/{student} was not timed on {timed}"
        found[student] = max(map(cpu_used, runs)) / usual.cpu_seconds
    return found


@pytest.mark.parametrize(("name", "timed"), TIMED)
def test_right_samples_use_the_cpu_seconds_of_the_reference(name: str, timed: str) -> None:
    found = shares(name, timed)
    assert len(found) >= 3
    over = {student: round(share, 2) for student, share in found.items() if share > MOST}
    assert not over
    assert LEAST <= median(found.values()) <= MOST
