"""The kept evidence of the sample class, judged again: every sample gets its stated verdict."""

import lzma
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from in_a_box import IN_A_BOX, RIGHT
from kept_evidence import (
    DATA,
    EX02,
    REFERENCE,
    SCHEMA,
    Kept,
    exercise_of,
    keep,
    kept,
    sample_class,
    unfit,
)  # fmt: skip
from nbformat import NotebookNode
from wording import faults

from autograder import grading, submissions
from autograder.author.samples import differences, fill
from autograder.model import Finding, Status
from autograder.report import terminal

EXERCISES = sorted({name.split("/")[0] for name in sample_class()})
RENEW = "Record it again, which takes boxes and some minutes, with: make evidence"


def readable(name: str, student: str) -> Kept:
    try:
        return kept(name, student)
    except (OSError, ValueError) as error:
        pytest.fail(f"{name}/{student} cannot be read: {type(error).__name__}. {RENEW}")


def titles_and_words(finding: Finding) -> list[str]:
    return [text for each in finding.mistakes for text in (each.title, each.explanation)]


@pytest.mark.parametrize("name", sample_class())
def test_kept_evidence_fits_the_sample(name: str, blank: Callable[[str], NotebookNode]) -> None:
    exercise, sample = sample_class()[name]
    notebook = fill(sample, blank(exercise.name))
    reason = unfit(exercise.name, sample.student, notebook, sample.limits)
    assert not reason, f"{name}: {reason}. {RENEW}"


@pytest.mark.parametrize("name", EXERCISES)
def test_kept_evidence_fits_the_reference_solution(name: str, source: Path) -> None:
    notebook = submissions.read(source / name / f"{name}.ipynb")
    reason = unfit(name, REFERENCE, notebook, {})
    assert not reason, f"{name}/{REFERENCE}: {reason}. {RENEW}"


@pytest.mark.parametrize("name", sample_class())
def test_kept_evidence_gets_the_stated_verdict(
    name: str, blank: Callable[[str], NotebookNode]
) -> None:
    exercise, sample = sample_class()[name]
    found = readable(exercise.name, sample.student)
    names = submissions.parse(fill(sample, blank(exercise.name)), exercise).names
    graded = grading.grade(exercise, found.evidence, found.reference, names=names)
    assert differences(sample, graded) == [], terminal.render(graded)
    for finding in (item.finding for item in graded.scored):
        # What was expected of a value, and what it was, is in the evidence as it was written then.
        kept_words = finding.check in ("values", "rule", "request", "workers")
        own = () if kept_words else (finding.expected, finding.got)
        for text in (*own, finding.advice, *titles_and_words(finding)):
            assert faults(text) == [], finding.grade_id
        assert faults(finding.advice, sentences=True) == [], finding.grade_id


@pytest.mark.parametrize("name", EXERCISES)
def test_the_reference_solution_gets_all_points(name: str, source: Path) -> None:
    found = readable(name, REFERENCE)
    notebook = submissions.read(source / name / f"{name}.ipynb")
    names = submissions.parse(notebook, exercise_of(name)).names
    assert not any(each.unread for each in names.values())
    graded = grading.grade(exercise_of(name), found.evidence, found.reference, names=names)
    assert {item.finding.status for item in graded.scored} == {Status.PASSED}
    assert graded.points == graded.max_points


def test_nothing_is_kept_of_a_sample_that_is_no_more() -> None:
    known = {*sample_class(), *(f"{name}/{REFERENCE}" for name in EXERCISES)}
    found = {f"{path.parent.name}/{path.name}" for path in DATA.glob("*/*")}
    assert found == {f"{name}.json.xz" for name in known}


def test_kept_evidence_is_small() -> None:
    """Some 16 kB each: a checkout of it is quick."""
    kept = [path.stat().st_size for path in DATA.glob("*/*")]
    assert sum(kept) < 20e3 * len(kept)


def test_what_a_box_had_to_stop_goes_through_one_in_every_test() -> None:
    stopped = {
        name
        for name, (exercise, sample) in sample_class().items()
        for found in [readable(exercise.name, sample.student).evidence]
        if any(each.stopped for each in (*found.runs, *found.cells))
    }
    assert stopped and stopped <= IN_A_BOX


def test_right_samples_that_go_through_a_box_in_every_test_are_right() -> None:
    for _, sample in map(sample_class().__getitem__, RIGHT):
        assert set(sample.status.values()) == {Status.PASSED}, sample.student


class TestWhatDoesNotFit:
    """Each thing that makes kept evidence unfit is said; what is as it was fits."""

    @pytest.fixture
    def answered(self, blank: Callable[[str], NotebookNode]) -> NotebookNode:
        return fill(sample_class()[f"{EX02}/hypatia"][1], blank(EX02))

    @pytest.fixture
    def said(
        self, answered: NotebookNode, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> Callable[..., str]:
        found = readable(EX02, "hypatia")
        monkeypatch.setattr("kept_evidence.DATA", tmp_path)
        fits = replace(
            found.evidence,
            digest=exercise_of(EX02).digest,
            submission=submissions.parse(answered, exercise_of(EX02)).digest,
        )

        def said(**changes: object) -> str:
            kept.cache_clear()
            limits = changes.pop("limits", {})
            keep(EX02, "hypatia", replace(fits, **changes), found.reference, limits)
            return unfit(EX02, "hypatia", answered, {})

        yield said
        kept.cache_clear()

    def test_what_is_as_it_was_fits(self, said: Callable[..., str]) -> None:
        assert said() == ""

    @pytest.mark.parametrize(
        ("changes", "reason"),
        [
            ({"schema": SCHEMA + 1}, f"with schema {SCHEMA + 1} of evidence, and today's is"),
            ({"digest": "another"}, "before a change of the exercise"),
            ({"submission": "another"}, "before a change of the submission"),
            ({"limits": {"cell_seconds": 5}}, "before a change of the sample's limits"),
        ],
    )
    def test_what_has_changed_is_named(
        self, said: Callable[..., str], changes: dict[str, object], reason: str
    ) -> None:
        assert reason in said(**changes)

    def test_what_is_not_there_or_broken(
        self, said: Callable[..., str], answered: NotebookNode, tmp_path: Path
    ) -> None:
        assert unfit(EX02, "hypatia", answered, {}) == "nothing is kept"
        assert said() == ""
        (path,) = (tmp_path / EX02).iterdir()
        for content in (b"no xz", lzma.compress(b"no json"), lzma.compress(b"{}")):
            path.write_bytes(content)
            assert "cannot be read" in unfit(EX02, "hypatia", answered, {})
