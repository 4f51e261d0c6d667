"""The kept evidence of the sample class, judged again: every sample gets its stated verdict."""

from collections.abc import Callable
from pathlib import Path

import pytest
from chosen import IN_A_BOX
from judged import differences
from nbformat import NotebookNode
from recorded import DATA, REFERENCE, exercise_of, kept, sample_class, unfit

from autograder import grading, submissions
from autograder.model import Status
from autograder.report import terminal
from samples import pour

EXERCISES = sorted({name.split("/")[0] for name in sample_class()})
RENEW = "Record it again, which takes boxes and some minutes, with: make evidence"


@pytest.mark.parametrize("name", sample_class())
def test_kept_evidence_fits_the_sample(name: str, blank: Callable[[str], NotebookNode]) -> None:
    exercise, sample = sample_class()[name]
    notebook = pour(sample, blank(exercise.name))
    reason = unfit(exercise.name, sample.student, notebook, sample.limits)
    assert not reason, f"{name}: {reason}. {RENEW}"


@pytest.mark.parametrize("name", EXERCISES)
def test_kept_evidence_fits_the_reference_solution(name: str, source: Path) -> None:
    notebook = submissions.read(source / name / f"{name}.ipynb")
    reason = unfit(name, REFERENCE, notebook, {})
    assert not reason, f"{name}/{REFERENCE}: {reason}. {RENEW}"


@pytest.mark.parametrize("name", sample_class())
def test_kept_evidence_gets_the_stated_verdict(name: str) -> None:
    exercise, sample = sample_class()[name]
    found = kept(exercise.name, sample.student)
    graded = grading.grade(exercise, found.evidence, found.reference)
    assert differences(graded, sample) == [], terminal.render(graded)


@pytest.mark.parametrize("name", EXERCISES)
def test_the_reference_solution_gets_all_points(name: str) -> None:
    found = kept(name, REFERENCE)
    graded = grading.grade(exercise_of(name), found.evidence, found.reference)
    assert {item.finding.status for item in graded.scored} == {Status.PASSED}
    assert graded.points == graded.max_points


def test_nothing_is_kept_of_a_sample_that_is_no_more() -> None:
    known = {*sample_class(), *(f"{name}/{REFERENCE}" for name in EXERCISES)}
    found = {f"{path.parent.name}/{path.name}" for path in DATA.glob("*/*")}
    assert found == {f"{name}.json.xz" for name in known}


def test_kept_evidence_is_small() -> None:
    assert sum(path.stat().st_size for path in DATA.glob("*/*")) < 5e6


def test_what_a_box_had_to_stop_goes_through_one_in_every_test() -> None:
    stopped = {
        name
        for name, (exercise, sample) in sample_class().items()
        for found in [kept(exercise.name, sample.student).evidence]
        if any(each.stopped for each in (*found.runs, *found.cells))
    }
    assert stopped and stopped <= IN_A_BOX


def test_a_right_sample_of_every_exercise_goes_through_a_box_in_every_test() -> None:
    right = {
        exercise.name
        for exercise, sample in map(sample_class().__getitem__, IN_A_BOX)
        if set(sample.status.values()) == {Status.PASSED}
    }
    assert right == set(EXERCISES)
