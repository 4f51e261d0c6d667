"""A worker is killed once, at a moment that the seed chooses, and only where the case says so."""

import os
import subprocess
import sys
import time
from dataclasses import replace

import pytest

from autograder.errors import HarnessError
from autograder.evidence import kills
from autograder.exercise import catalogue
from autograder.sandbox.processes import Roles

CASE = replace(catalogue.find("ex04_large_collections").cases[0], kill=(3, 5))


def test_the_seed_says_when_and_every_moment_is_chosen_by_some():
    assert {kills.moment(CASE, seed) for seed in range(40)} == {3, 4, 5}
    assert kills.moment(CASE, 7) == kills.moment(CASE, 7)


@pytest.fixture
def told(tmp_path):
    """What kills the worker, written down in place of killing it, and the file of the jobs."""
    asked = []

    def kill(pid):
        asked.append(pid)
        return f"worker-{pid}"

    return asked, kill, tmp_path / kills.ANNOUNCED


def watched(case, seed, told, lines, seconds=0.3):
    asked, kill, file = told
    file.write_bytes(b"")
    with kills.killing(case, seed, file.read_bytes, kill) as found:
        file.write_bytes(lines)
        until = time.monotonic() + seconds
        while not found and time.monotonic() < until:
            time.sleep(0.01)
        time.sleep(0.05)
    return found, asked


def test_the_worker_of_the_chosen_announcement_dies_once(told):
    case = replace(CASE, kill=(3, 3))
    found, asked = watched(case, 1, told, b"11\n12\n13\n14\n15\n", seconds=10)
    assert asked == [13]
    assert [(kill.worker, kill.after) for kill in found] == [("worker-13", 3)]
    assert found[0].seconds >= 0.0


def test_before_that_nobody_dies_and_half_a_line_is_none(told):
    case = replace(CASE, kill=(3, 3))
    assert watched(case, 1, told, b"11\n12\n13") == ([], [])


def test_a_moment_that_nobody_looked_for_is_nobodys_fault(told, monkeypatch):
    case = replace(CASE, kill=(2, 2))
    monkeypatch.setattr(kills, "_LOOK_SECONDS", 60.0)
    monkeypatch.setattr(kills, "_LATE_SECONDS", 0.02)
    with pytest.raises(HarnessError, match="No worker could be killed in time"):
        watched(case, 1, told, b"11\n12\n")
    assert watched(case, 1, told, b"11\n12") == ([], [])


def test_of_a_case_without_it_nobody_dies(told):
    assert watched(replace(CASE, kill=()), 1, told, b"11\n12\n13\n") == (None, [])


@pytest.mark.parametrize("line", [b"", b"-1", b"1e3", b"9" * 40, b"\xff", b"the scheduler"])
def test_what_is_no_number_names_nobody(line, told):
    found, asked = watched(replace(CASE, kill=(1, 1)), 1, told, line + b"\n", seconds=10)
    assert asked == [None] and len(found) == 1


def test_no_process_but_a_worker_is_killed():
    """Whatever number the file names: it is testimony."""
    sleeps = [sys.executable, "-c", "import time; time.sleep(60)"]
    others = [subprocess.Popen(sleeps) for _ in range(3)]
    scheduler, worker, bystander = (each.pid for each in others)
    try:
        kill = kills.killer(os.getpid(), Roles(scheduler, {worker: "worker-0"}))
        assert kill(bystander) == "worker-0"
        assert others[1].wait(10) == -9
        assert kill(bystander) is None
        assert others[0].poll() is None and others[2].poll() is None
    finally:
        for each in others:
            each.kill()
            each.wait()
