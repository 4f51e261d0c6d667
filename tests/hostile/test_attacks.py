"""Every attack of the corpus: no point beyond what its honest part earns, and nothing left."""

import os
import resource
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import psutil
import pytest
from nbformat import NotebookNode

from autograder import pipeline
from autograder.box import folder, groups
from autograder.errors import HarnessError
from autograder.model import Grade
from autograder.report import plain
from hostile.corpus import ATTACKS, Attack, pour

pytestmark = [
    pytest.mark.slow,
    pytest.mark.usefixtures("leaves_nothing", "untouched", "no_secret_leaves"),
]

MOST_MEMORY = 200 << 20
"""By which an attack may make the grader grow: with the 250 MB that it has, below 500 MB."""

MOST_SECONDS = 60 + 60 + 30
"""What the exercise gives a submission, the start of its last box, and the end of it."""


@pytest.fixture
def no_secret_leaves(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOSTILE_TEST_SECRET", "of the grader")


@pytest.mark.parametrize("name", ATTACKS)
def test_attack(
    name: str,
    prey: Path,
    tiny_bench: pipeline.Bench,
    record_property: Callable[[str, Any], None],
) -> None:
    attack = ATTACKS[name]
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    began = time.monotonic()
    graded = _grade(pour(attack, prey), tiny_bench)
    seconds = time.monotonic() - began
    grown = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - memory
    record_property("seconds", round(seconds, 1))
    record_property("grown", f"{grown / 1024:.0f} MB")
    report = "ungraded"
    if graded is None:
        record_property("points", "ungraded, since the machine was busy")
        assert attack.family != "honest"
    else:
        record_property("points", graded.points)
        report = f"{plain.render(graded)}\n{_told(graded)}"
        _judge(attack, graded, report)
    assert seconds < MOST_SECONDS
    assert grown * 1024 < MOST_MEMORY, report
    assert _alive(tempfile.gettempdir()) == []
    assert [p for parent in groups.where() for p in parent.glob(f"{folder.own_prefix()}*")] == []


def _grade(notebook: NotebookNode, bench: pipeline.Bench) -> Grade | None:
    """Grade; no grade where a limit of time was passed on a machine that others kept busy."""
    try:
        return pipeline.grade(notebook, bench)
    except HarnessError as error:
        assert "That is nobody's fault" in str(error)
        return None


def _judge(attack: Attack, graded: Grade, report: str) -> None:
    assert graded.points <= attack.most, report
    if attack.family == "honest":
        assert graded.points == attack.most, report
    assert "LEAK" not in _told(graded), report
    if attack.tries:
        assert _told(graded).count("TRIED") == len(attack.cells), report
    assert attack.says in report, report


def _told(graded: Grade) -> str:
    """Return what an attack printed and what became of its cells."""
    assert graded.evidence is not None
    return "\n".join(
        str(word)
        for cell in graded.evidence.cells
        for word in [*(output.get("text", "") for output in cell.outputs),
                     cell.failure.message if cell.failure else "", cell.stopped or ""]
    )  # fmt: skip


def _alive(folder: str) -> list[list[str]]:
    """Return the processes of boxes below a folder, whatever they call themselves."""
    found = []
    for process in psutil.process_iter():
        try:
            environment = Path(f"/proc/{process.pid}/environ").read_bytes()
            if process.pid != os.getpid() and folder.encode() in environment:
                found.append(process.cmdline())
        except (OSError, psutil.Error):
            continue
    return found
