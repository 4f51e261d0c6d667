"""Measuring ends with the last byte believed: what a box announces moves no fact."""

import subprocess
import sys
import time
from collections.abc import Callable

import pytest
from hostile.corpus import ATTACKS, HONEST, tiny

from autograder import pipeline
from autograder.evidence import rounds
from autograder.grading import grade
from autograder.model import Evidence, Submission, SubmittedCell
from autograder.sandbox import processes

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("leaves_nothing")]

SETUP = """import numpy as np

def grind(block):
    ground = block
    for _ in range(60):
        ground = np.cos(ground) + block
    return np.array([ground.sum()])
"""


@pytest.fixture
def observed(tmp_path_factory: pytest.TempPathFactory) -> Callable[..., Evidence]:
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


@pytest.mark.parametrize("name", ["forge_done_early", "forge_hidden_child", "forge_own_load"])
def test_work_beside_the_clock_earns_no_speedup(
    name: str, observed: Callable[..., Evidence]
) -> None:
    attack = ATTACKS[name]
    more = [cell.source for cell in attack.cells]
    evidence = observed(SETUP, *more, HONEST["total"], attack.answers["spread"])
    earned = credits(evidence)
    assert earned["total_values"] == 1.0
    assert earned["spread_speedup"] == 0.0


def test_honest_work_is_seen_whole(observed: Callable[..., Evidence]) -> None:
    evidence = observed(SETUP, HONEST["total"], HONEST["spread"])
    earned = credits(evidence)
    assert (earned["total_values"], earned["spread_values"]) == (1.0, 1.0)


BUSY = "import os, time\nwhile True:\n  os.fork() or os._exit(0)\n  time.sleep(0.0005)"


def test_what_forks_all_the_time_is_frozen_too() -> None:
    with subprocess.Popen([sys.executable, "-c", f"import os\nif os.fork() == 0:\n  {BUSY!r}\n"
                           f"  exec({BUSY!r})\nos.wait()"]) as process:  # fmt: skip
        try:
            until = time.monotonic() + 5
            while not processes.tree(process.pid) and time.monotonic() < until:
                time.sleep(0.01)
            assert processes.freeze(process.pid)
            before = {p.pid: p.cpu_times() for p in processes.tree(process.pid)}
            time.sleep(0.3)
            assert {p.pid: p.cpu_times() for p in processes.tree(process.pid)} == before != {}
            processes.thaw(process.pid)
            time.sleep(0.3)
            assert {p.pid: p.cpu_times() for p in processes.tree(process.pid)} != before
        finally:
            processes.end(process.pid)
