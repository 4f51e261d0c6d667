"""What a self-check passes the grader passes: samples checked in a notebook of their own.

The samples state what each check gets in a box, which ``test_samples.py`` and
``test_kept_evidence.py`` hold. Here the same notebook is run as a student does, on a cluster that
``connect()`` starts, and no check may be passed there that fails in the box. The other way round it
may be: a self-check judges by a typical run of the reference solution, and a laptop may be busy.

Left out are those who deceive on purpose: who deceives a self-check deceives nobody else.
"""

import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from in_a_box import CHEATS
from kept_evidence import sample_class
from nbclient import NotebookClient
from nbformat import NotebookNode

from autograder.author.samples import fill
from autograder.model import Status

pytestmark = [pytest.mark.slow, pytest.mark.alone]

ALWAYS = frozenset({"ex03_incremental_training/atlas"})
"""Passed every check in a notebook once, and was stopped in a box without a word of memory."""

THOROUGH = frozenset(
    {
        *("ex01_distributed_training/atlas", "ex01_distributed_training/zeno"),
        *("ex02_parallel_prediction/atlas", "ex02_parallel_prediction/zeno"),
        *("ex03_incremental_training/selene", "ex03_incremental_training/tycho"),
        *("ex04_large_collections/zeno", "ex04_large_collections/tantalus"),
    }
)
"""One of each kind: each takes the machine for itself, so all 190 would take half an hour."""


def _honest() -> Iterator[Any]:
    for name, (_, sample) in sample_class().items():
        if name in CHEATS or Status.FORGED in sample.status.values():
            continue
        if name in ALWAYS | THOROUGH:
            yield pytest.param(name, marks=() if name in ALWAYS else pytest.mark.thorough)


@pytest.mark.parametrize("name", list(_honest()))
def test_what_a_self_check_passes_the_grader_passes(
    name: str, blank: Callable[[str], NotebookNode], tmp_path: Path
) -> None:
    exercise, sample = sample_class()[name]
    notebook = fill(sample, blank(exercise.name))
    passed = {
        grade_id
        for grade_id, errors in _checked(notebook, tmp_path).items()
        if grade_id in sample.status and not errors
    }
    kinder = sorted(
        grade_id
        for grade_id in passed
        if sample.status[grade_id] not in (Status.PASSED, Status.PARTIAL)
    )
    assert not kinder, f"{name}: passed in the notebook, failed by the grader: {', '.join(kinder)}"


def _checked(notebook: NotebookNode, folder: Path) -> dict[str, list[str]]:
    """Run a notebook; return the errors of its grade cells, by ``grade_id``."""
    client = NotebookClient(
        notebook,
        timeout=300,
        allow_errors=True,
        resources={"metadata": {"path": str(folder)}},
        kernel_name="python3",
    )
    client.execute(env={**os.environ, "TMPDIR": str(folder)})
    return {
        cell.metadata.nbgrader.grade_id: [
            output.ename for output in cell.outputs if output.output_type == "error"
        ]
        for cell in notebook.cells
        if cell.cell_type == "code" and cell.metadata.get("nbgrader", {}).get("grade")
    }
