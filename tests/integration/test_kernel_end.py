"""Who ends the kernel pays for it, and nobody else."""

import pytest
from hostile.corpus import HONEST, tiny

from autograder import pipeline
from autograder.evidence import rounds
from autograder.grading import grade
from autograder.model import Evidence, Submission, SubmittedCell

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("leaves_nothing")]

SETUP = "import numpy as np\n\ndef grind(block):\n    return np.array([block.sum()])"


@pytest.fixture
def observed(tmp_path_factory):
    exercise = tiny()

    def observed(*sources: str) -> Evidence:
        cells = tuple(SubmittedCell(i, text, None, True) for i, text in enumerate(sources))
        submission = Submission("tiny", cells, frozenset(), "digest")
        round_ = rounds.public(tmp_path_factory.mktemp("round"), exercise)
        return pipeline.observed(exercise, submission, round_)

    return observed


def credits(evidence: Evidence) -> dict[str, float]:
    exercise = tiny()
    graded = grade(exercise, evidence, exercise.typical)
    return {item.finding.grade_id: item.finding.credit for item in graded.scored}


def test_a_cell_that_exits_takes_nothing_from_the_functions(observed) -> None:
    evidence = observed(SETUP, HONEST["total"], "exit()")
    assert credits(evidence)["total_values"] == 1.0
    assert [cell.stopped for cell in evidence.cells] == [
        None,
        None,
        "it ended the notebook's kernel",
    ]
    (run,) = [run for run in evidence.runs if run.function == "total"]
    assert run.right and run.stopped is None


def test_a_function_that_exits_is_the_one_that_did(observed) -> None:
    leaves = "def spread(X):\n    exit()\n    return X"
    evidence = observed(SETUP, leaves, HONEST["total"])
    by_function = {run.function: run for run in evidence.runs}
    assert by_function["spread"].stopped == "it ended the notebook's kernel"
    assert by_function["total"].right and by_function["total"].stopped is None
