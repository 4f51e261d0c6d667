"""The sample class through the whole pipeline: every student gets just the verdict stated."""

from collections.abc import Callable
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

import nbformat
import pytest
from nbformat import NotebookNode

from autograder import pipeline
from autograder.exercise import catalogue
from autograder.model import Grade, Status
from autograder.report import terminal
from autograder.verdict.bounds import cpu_speedup
from samples import FOLDER, brief, pour, released, samples

pytestmark = [
    pytest.mark.slow,
    pytest.mark.alone,
    pytest.mark.usefixtures("leaves_nothing"),
]

SAMPLES = {
    f"{folder.name}/{sample.student}": (found, sample)
    for folder in sorted(FOLDER.iterdir())
    if (found := catalogue.find(folder.name)) is not None
    for sample in samples(found)
}
EX02 = "ex02_parallel_prediction"


@pytest.fixture(scope="session")
def blank(source: Path) -> Callable[[str], NotebookNode]:
    """The released notebook of an exercise, by its name, without the cells to try things in."""

    @cache
    def blank(name: str) -> NotebookNode:
        found = catalogue.find(name)
        assert found is not None
        return brief(released(found, source))

    return blank


@pytest.mark.parametrize("name", SAMPLES)
def test_verdict(
    name: str,
    open_bench: Callable[[str], pipeline.Bench],
    blank: Callable[[str], NotebookNode],
    record_property: Callable[[str, Any], None],
) -> None:
    answered, sample = SAMPLES[name]
    bench = open_bench(answered.name)
    limits = replace(bench.exercise.limits, **sample.limits)
    bench = replace(bench, exercise=replace(bench.exercise, limits=limits))
    graded = pipeline.grade(pour(sample, blank(answered.name)), bench)
    for key, value in _numbers(graded).items():
        record_property(key, value)
    report = terminal.render(graded)
    found = {item.finding.grade_id: item for item in graded.scored}
    status = {check: _if_quiet(item.finding.status) for check, item in found.items()}
    assert status == sample.status, report
    # A part of the points is never the same twice; the status holds it between none and all.
    whole = {check for check, said in status.items() if said is not Status.PARTIAL}
    points = {check: item.points for check, item in found.items() if check in whole}
    assert points == {check: sample.verdict[check] for check in whole}, report
    named = {check: [m.name for m in item.finding.mistakes] for check, item in found.items()}
    assert {check: names[0] for check, names in named.items() if names} == sample.mistakes, report
    for check, fragment in sample.says.items():
        assert fragment in f"{found[check].finding.expected}\n{found[check].finding.got}", report


def _if_quiet(status: Status) -> Status:
    return Status.PARTIAL if status is Status.BUSY else status


def test_same_evidence_gives_the_same_grade(
    bench: pipeline.Bench, blank: Callable[[str], NotebookNode], monkeypatch: pytest.MonkeyPatch
) -> None:
    notebook = pour(SAMPLES[f"{EX02}/hypatia"][1], blank(EX02))
    first = pipeline.grade(notebook, bench)

    def refuse(*args: object, **kwargs: object) -> None:
        raise AssertionError("a second box was started")

    monkeypatch.setattr(pipeline, "observe", refuse)
    again = pipeline.grade(notebook, bench)
    assert again == first
    assert again.evidence == first.evidence


def test_other_code_is_run_again(
    bench: pipeline.Bench, blank: Callable[[str], NotebookNode], monkeypatch: pytest.MonkeyPatch
) -> None:
    class Observed(Exception):
        pass

    def observe(*args: object, **kwargs: object) -> None:
        raise Observed

    monkeypatch.setattr(pipeline, "observe", observe)
    notebook = pour(SAMPLES[f"{EX02}/galois"][1], blank(EX02))
    notebook.cells.append(nbformat.v4.new_code_cell("nothing_else = 1"))
    with pytest.raises(Observed):
        pipeline.grade(notebook, bench)


def _numbers(graded: Grade) -> dict[str, Any]:
    """What to look at when a verdict is not the one expected."""
    assert graded.evidence is not None
    found = catalogue.find(graded.exercise)
    timed = {case.name for case in found.cases if case.timed} if found else set()
    runs = [run for run in graded.evidence.runs if run.case in timed]
    study = next((item.finding.study for item in graded.scored if item.finding.study), None)
    return {
        "points": graded.points,
        "tries": len(runs),
        "replayed": round(study.speedup, 3) if study else None,
        "cpu_bound": round(cpu_speedup(runs[-1], 2), 3) if runs else None,
        "wall": round(runs[-1].done - runs[-1].go, 2) if runs else None,
        "client_cpu": round(study.client_cpu, 2) if study else None,
        "worker_cpu": " ".join(f"{cpu:.2f}" for cpu in study.worker_cpu) if study else None,
        "phases": {name: round(value, 1) for name, value in graded.evidence.phases.items()},
    }
