"""The accounts of a notebook and its cluster in steps, as the grader reads them from outside."""

import os
import subprocess
import sys
import time
from math import fsum

import pytest

from autograder.evidence import local_delays
from autograder.sandbox import run_queue

BURN = "import time\nwhile time.process_time() < 9: pass"

counted = pytest.mark.skipif(
    not run_queue.is_counted(), reason="this kernel does not count waits for a CPU"
)


def burn(seconds: float) -> None:
    until = time.thread_time() + seconds
    while time.thread_time() < until:
        pass


@counted
def test_the_notebook_and_its_workers_are_sampled_in_steps() -> None:
    with subprocess.Popen([sys.executable, "-c", BURN]) as worker:
        with local_delays.sampled({"client": os.getpid(), "worker-0": worker.pid}) as found:
            burn(0.3)
        worker.kill()
    ran = {
        name: fsum(sample.ran for sample in found.cpu if sample.name == name)
        for name in ("client", "worker-0")
    }
    assert ran["client"] == pytest.approx(0.3, abs=0.1) and ran["worker-0"] > 0.0
    assert len({sample.seconds for sample in found.cpu}) > 2
    assert 0.0 < found.seconds < 0.1


@counted
def test_the_sampling_itself_is_no_work_of_the_notebooks() -> None:
    with local_delays.sampled({"client": os.getpid()}) as found:
        time.sleep(0.5)
    assert fsum(sample.ran for sample in found.cpu) < found.seconds + 0.05


def test_without_processes_of_this_machine_nothing_is_sampled() -> None:
    with local_delays.sampled({}) as found:
        burn(0.1)
    assert (found.cpu, found.seconds) == ([], 0.0)


def test_where_the_kernel_does_not_count_nothing_is_sampled(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(run_queue, "is_counted", lambda: False)
    with local_delays.sampled({"client": os.getpid()}) as found:
        burn(0.1)
    assert found.cpu == []
