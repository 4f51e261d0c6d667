"""The sample class through the whole pipeline: every student gets just the verdict stated.

What the verdict makes of evidence is tested on the kept one, in ``test_kept_evidence.py``;
``in_a_box.py`` says which samples go through a box in ``make test`` all the same.
"""

from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import nbformat
import pytest
from in_a_box import IN_A_BOX
from kept_evidence import EX02, sample_class
from nbformat import NotebookNode

from autograder import pipeline
from autograder.author.samples import differences, fill
from autograder.exercise import catalogue
from autograder.model import Grade
from autograder.report import terminal

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("leaves_nothing")]


def _marked() -> Iterator[Any]:
    for name, (exercise, _) in sample_class().items():
        marks = [] if name in IN_A_BOX else [pytest.mark.thorough]
        # What else runs on the machine changes no other fact.
        if any(case.timed for case in exercise.cases):
            marks.append(pytest.mark.alone)
        yield pytest.param(name, marks=marks)


@pytest.mark.parametrize("name", list(_marked()))
def test_verdict(
    name: str,
    open_context: Callable[[str], pipeline.GradingContext],
    blank: Callable[[str], NotebookNode],
    record_property: Callable[[str, Any], None],
) -> None:
    answered, sample = sample_class()[name]
    context = open_context(answered.name)
    limits = replace(context.exercise.limits, **sample.limits)
    context = replace(context, exercise=replace(context.exercise, limits=limits))
    graded = pipeline.grade(fill(sample, blank(answered.name)), context)
    for key, value in _numbers(graded).items():
        record_property(key, value)
    assert differences(sample, graded) == [], terminal.render(graded)


@pytest.mark.alone
def test_same_evidence_gives_the_same_grade(
    context: pipeline.GradingContext,
    blank: Callable[[str], NotebookNode],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    notebook = fill(sample_class()[f"{EX02}/hypatia"][1], blank(EX02))
    first = pipeline.grade(notebook, context)

    def refuse(*args: object, **kwargs: object) -> None:
        raise AssertionError("a second box was started")

    monkeypatch.setattr(pipeline, "observe", refuse)
    again = pipeline.grade(notebook, context)
    assert again == first
    assert again.evidence == first.evidence


@pytest.mark.alone
def test_other_code_is_run_again(
    context: pipeline.GradingContext,
    blank: Callable[[str], NotebookNode],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    class Observed(Exception):
        pass

    def observe(*args: object, **kwargs: object) -> None:
        raise Observed

    monkeypatch.setattr(pipeline, "observe", observe)
    notebook = fill(sample_class()[f"{EX02}/galois"][1], blank(EX02))
    notebook.cells.append(nbformat.v4.new_code_cell("nothing_else = 1"))
    with pytest.raises(Observed):
        pipeline.grade(notebook, context)


def _numbers(graded: Grade) -> dict[str, Any]:
    """What to look at when a verdict is not the one expected."""
    assert graded.evidence is not None
    found = catalogue.find(graded.exercise)
    timed = {case.name for case in found.cases if case.timed} if found else set()
    runs = [run for run in graded.evidence.runs if run.case in timed]
    study = next((item.finding.study for item in graded.scored if item.finding.study), None)
    speedup = next((item.finding.speedup for item in graded.scored if item.finding.speedup), None)
    return {
        "points": graded.points,
        "tries": len(runs),
        "replayed": round(study.speedup, 3) if study else None,
        "speedup": round(speedup.speedup, 3) if speedup else None,
        "wall": round(runs[-1].done - runs[-1].go, 2) if runs else None,
        "alone": round(speedup.alone, 2) if speedup else None,
        "each": " ".join(f"{cpu:.2f}" for cpu in speedup.each) if speedup else None,
        "phases": {name: round(value, 1) for name, value in graded.evidence.phases.items()},
    }
