"""What a self-check passes the grader passes: samples checked in a notebook of their own.

The samples state what each check gets in a box, which ``test_samples.py`` and
``test_kept_evidence.py`` hold. Here the same notebook is run as a student does, on a cluster that
``connect()`` starts, and no check may be passed there that fails in the box. The other way round it
may be: a self-check judges by a typical run of the reference solution, and a laptop may be busy.

Some are run by ``make test`` and ``make test-all``, all others by ``make test-long``: each takes
the machine for itself, so all of them take more than an hour.
"""

import os
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import nbformat
import pytest
from in_a_box import CHEATS
from kept_evidence import sample_class
from nbclient import NotebookClient
from nbclient.exceptions import DeadKernelError
from nbformat import NotebookNode

from autograder.author.samples import fill
from autograder.model import Status

pytestmark = [pytest.mark.slow, pytest.mark.alone]

ORDINARY = frozenset({"ex03_incremental_training/atlas"})
"""Passed every check in a notebook once, and was stopped in a box without a word of memory."""

THOROUGH = frozenset(
    {
        *("ex01_distributed_training/atlas", "ex01_distributed_training/zeno"),
        *("ex02_parallel_prediction/atlas", "ex02_parallel_prediction/zeno"),
        *("ex03_incremental_training/selene", "ex03_incremental_training/tycho"),
        *("ex04_large_collections/zeno", "ex04_large_collections/tantalus"),
    }
)
"""One of each kind, for ``make test-all``."""

LEFT_OUT = {"who deceives a self-check on purpose deceives nobody else": CHEATS}
"""What a self-check may pass though the grader fails it, by the reason."""

CELL_SECONDS = 600
"""Limit for a cell. A check that waits for ever ends by itself, after the limit of each case."""


def _samples() -> Iterator[Any]:
    for name in sample_class():
        marks = []
        if name not in ORDINARY:
            marks = [pytest.mark.thorough if name in THOROUGH else pytest.mark.long]
        marks += [pytest.mark.skip(reason=why) for why, names in LEFT_OUT.items() if name in names]
        yield pytest.param(name, marks=marks)


@pytest.mark.parametrize("name", list(_samples()))
def test_what_a_self_check_passes_the_grader_passes(
    name: str, blank: Callable[[str], NotebookNode], tmp_path: Path
) -> None:
    exercise, sample = sample_class()[name]
    kinder = sorted(
        grade_id
        for grade_id in _passed(fill(sample, blank(exercise.name)), tmp_path)
        if sample.status.get(grade_id, Status.PASSED) not in (Status.PASSED, Status.PARTIAL)
    )
    assert not kinder, f"{name}: passed in the notebook, failed by the grader: {', '.join(kinder)}"


def _passed(notebook: NotebookNode, folder: Path) -> set[str]:
    """Run a notebook; return the ``grade_id`` of each grade cell that ended without an error.

    A sample may end its kernel, or never end itself: what has not run to its end is not passed.
    """
    passed = set()

    def note(cell: NotebookNode, cell_index: int, execute_reply: dict[str, Any]) -> None:
        about = cell.metadata.get("nbgrader", {})
        if about.get("grade") and execute_reply["content"]["status"] == "ok":
            passed.add(about["grade_id"])

    client = NotebookClient(
        notebook,
        timeout=CELL_SECONDS,
        interrupt_on_timeout=True,
        allow_errors=True,
        on_cell_executed=note,
        resources={"metadata": {"path": str(folder)}},
        kernel_name="python3",
    )
    with suppress(DeadKernelError):
        client.execute(env={**os.environ, "TMPDIR": str(folder)})
    return passed


def _grade_cell(grade_id: str, source: str) -> NotebookNode:
    cell = nbformat.v4.new_code_cell(source)
    cell.metadata["nbgrader"] = {"grade": True, "grade_id": grade_id}
    return cell


@pytest.mark.thorough
def test_only_what_ends_without_an_error_is_passed(tmp_path: Path) -> None:
    notebook = nbformat.v4.new_notebook(
        cells=[
            _grade_cell("right", "1 + 1"),
            _grade_cell("wrong", "1 / 0"),
            nbformat.v4.new_code_cell("2 + 2"),
            _grade_cell("fatal", "import os; os._exit(0)"),
            _grade_cell("after it", "3 + 3"),
        ]
    )
    assert _passed(notebook, tmp_path) == {"right"}


def test_samples_that_are_named_here_exist_and_whoever_forges_deceives() -> None:
    left_out = set().union(*LEFT_OUT.values())
    named = ORDINARY | THOROUGH
    assert named | left_out <= set(sample_class()) and not named & left_out
    forged = {n for n, (_, each) in sample_class().items() if Status.FORGED in each.status.values()}
    assert forged <= CHEATS
