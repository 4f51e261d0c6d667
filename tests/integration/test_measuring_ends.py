"""Measuring ends with the last byte believed: what a box announces moves no fact."""

import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import replace

import pytest
from hostile.corpus import ATTACKS, HONEST, tiny

from autograder import pipeline, reference_solution
from autograder.evidence import rounds
from autograder.evidence.summary import client_growth
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


Observed = Callable[..., Evidence]


@pytest.fixture(scope="module")
def round_(tmp_path_factory: pytest.TempPathFactory) -> rounds.Round:
    return rounds.public(tmp_path_factory.mktemp("round"), tiny())


@pytest.fixture(scope="module")
def observed(round_: rounds.Round) -> Observed:
    def observed(*sources: str) -> Evidence:
        cells = tuple(SubmittedCell(i, text, None, True) for i, text in enumerate(sources))
        submission = Submission("tiny", cells, frozenset(), "digest")
        return pipeline.observed(tiny(), submission, round_)

    return observed


@pytest.fixture(scope="module")
def honest(observed: Observed) -> Evidence:
    return observed(SETUP, HONEST["total"], HONEST["spread"])


@pytest.fixture
def credits(honest: Evidence, round_: rounds.Round) -> Callable[[Evidence], dict[str, float]]:
    """Judge evidence against an honest run of the same round."""
    measured = reference_solution.measure(tiny(), honest, round_)

    def credits(evidence: Evidence) -> dict[str, float]:
        graded = grade(tiny(), evidence, measured)
        return {item.finding.grade_id: item.finding.credit for item in graded.scored}

    return credits


@pytest.mark.parametrize("name", ["forge_done_early", "forge_hidden_child", "forge_own_load"])
def test_work_beside_the_clock_earns_no_speedup(
    name: str, observed: Observed, credits: Callable[[Evidence], dict[str, float]]
) -> None:
    attack = ATTACKS[name]
    more = [cell.source for cell in attack.cells]
    earned = credits(observed(SETUP, *more, HONEST["total"], attack.answers["spread"]))
    assert earned["total_values"] == 1.0
    assert earned["spread_speedup"] == 0.0


def test_honest_work_earns_all(
    honest: Evidence, credits: Callable[[Evidence], dict[str, float]]
) -> None:
    assert set(credits(honest).values()) == {1.0}


BEFORE = """import autograder.evidence.driver as driver
import time

real = driver.prepare

def prepare(*arguments):
    real(*arguments)
    held = np.ones(12_000_000)  # 96 MB
    until = time.process_time() + 1.5
    while time.process_time() < until:
        grind(held[:1000])
    del held

driver.prepare = prepare
"""


def test_what_is_used_before_the_call_and_after_the_input_counts(
    observed: Observed, honest: Evidence, round_: rounds.Round
) -> None:
    spread = next(check for check in tiny().checks if check.check == "speedup")
    work = replace(spread, check="work", grade_id="spread_work")
    exercise = replace(tiny(), checks=(*tiny().checks, work))
    measured = reference_solution.measure(exercise, honest, round_)
    early = observed(SETUP, BEFORE, HONEST["total"], HONEST["spread"])
    for evidence, credit in ((honest, 1.0), (early, 0.0)):
        graded = grade(exercise, evidence, measured)
        (found,) = (item.finding for item in graded.scored if item.finding.check == "work")
        assert found.credit == credit
        assert ("before the call" in found.got) == (credit == 0.0)
        grown = [client_growth(run) for run in evidence.runs]
        assert all((growth > 80e6) == (credit == 0.0) for growth in grown), grown


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
