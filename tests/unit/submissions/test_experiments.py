"""The experiments of the exercises' notebooks: all are left out of a solution, and only they."""

from dataclasses import replace
from pathlib import Path

import pytest
from nbformat import NotebookNode
from nbformat.v4 import new_code_cell

from autograder import pipeline, submissions
from autograder.author.samples import cleared
from autograder.exercise import catalogue
from autograder.model import Exercise
from autograder.submissions import left_out

WITH_EXPERIMENTS = (
    "ex01_distributed_training", "ex02_parallel_prediction", "ex04_large_collections",
)  # fmt: skip


@pytest.fixture(params=WITH_EXPERIMENTS)
def exercise(request: pytest.FixtureRequest, source: Path) -> Exercise:
    known = catalogue.find(request.param)
    assert known is not None
    return pipeline.marked(known, source / known.name / f"{known.name}.ipynb")


@pytest.fixture
def solution(exercise: Exercise, source: Path) -> NotebookNode:
    return submissions.read(source / exercise.name / f"{exercise.name}.ipynb")


def test_no_experiment_of_a_solution_runs(exercise: Exercise, solution: NotebookNode) -> None:
    parsed = submissions.parse(solution, exercise)
    out = [cell for cell in parsed.cells if cell.left_out]
    assert len(out) == len(exercise.experiments) >= 5
    assert not any(cell.runs for cell in out)
    runs = [cell for cell in parsed.cells if cell.runs]
    assert {cell.grade_id for cell in runs} >= set(exercise.functions)
    assert parsed.stateless


def test_no_tag_of_the_students_counts(exercise: Exercise, solution: NotebookNode) -> None:
    own = new_code_cell("mine = 1", metadata={"tags": [submissions.EXPERIMENT]})
    solution.cells.insert(3, own)
    (cell,) = [c for c in submissions.parse(solution, exercise).cells if c.index == 3]
    assert cell.runs and not cell.left_out


def test_one_is_known_by_its_text_and_not_by_its_tag(
    exercise: Exercise, solution: NotebookNode
) -> None:
    for cell in solution.cells:
        cell.metadata.pop("tags", None)
    assert any(cell.left_out for cell in submissions.parse(solution, exercise).cells)


def test_without_marks_everything_runs(exercise: Exercise, solution: NotebookNode) -> None:
    plain = submissions.parse(solution, replace(exercise, experiments=frozenset()))
    marked = submissions.parse(solution, exercise)
    assert not any(cell.left_out for cell in plain.cells)
    assert plain.digest != marked.digest
    whole = submissions.whole(marked)
    assert [c.runs for c in whole.cells] == [c.runs for c in plain.cells]
    assert whole.digest == marked.digest


def test_a_students_cell_with_a_name_of_an_experiment_makes_it_run(
    exercise: Exercise, solution: NotebookNode
) -> None:
    for cell in [c for c in solution.cells if submissions.EXPERIMENT in c.metadata.get("tags", ())]:
        (name, *_) = sorted(left_out._read(cell.source).bound - {"_"})
        changed = replace_last(solution, f"print({name})")
        ran = {c.source for c in submissions.parse(changed, exercise).cells if c.runs}
        assert cell.source in ran


def test_an_unsolved_notebook_has_the_same_experiments(
    exercise: Exercise, solution: NotebookNode
) -> None:
    parsed = submissions.parse(cleared(solution), exercise)
    assert sum(cell.left_out for cell in parsed.cells) == len(exercise.experiments)
    assert parsed.untouched == set(exercise.functions)


def replace_last(notebook: NotebookNode, text: str) -> NotebookNode:
    changed = notebook.copy()
    changed.cells = [*notebook.cells, new_code_cell(text)]
    return changed
