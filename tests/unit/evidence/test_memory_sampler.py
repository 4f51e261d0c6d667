"""Memory as a judged fact: how it is read, what is judged and how it is drawn."""

import os
import subprocess
import sys
import time
from dataclasses import replace

import pytest
from recordings import UNSEEN

from autograder.checks import CHECKS
from autograder.evidence import memory_sampler
from autograder.evidence.assemble import gather
from autograder.evidence.facts import Account, usage
from autograder.evidence.summary import client_growth
from autograder.exercise import catalogue
from autograder.model import Comparison, MemorySample, ProcessUsage, Recording, Role, Run, Status
from autograder.report.memory import memory_over_time
from autograder.sandbox import processes
from autograder.sandbox.processes import Roles

EX03 = catalogue.find("ex03_incremental_training")
MB = 10**6


def seen(growth: int = 60, workers: tuple[int, ...] = (510, 515), equal: bool = True) -> Run:
    """A run of 1,300 MB of data, all sizes in MB."""
    return Run(
        case="train_large",
        function="train",
        go=0.0,
        returned=1.0,
        done=1.0,
        usage=(
            ProcessUsage(Role.CLIENT, "client", 0.1, (400 + growth) * MB, 400 * MB),
            *(
                ProcessUsage(Role.WORKER, f"worker-{i}", 1.0, peak * MB, 200 * MB)
                for i, peak in enumerate(workers)
            ),
        ),
        recording=Recording(),
        answer={},
        comparison=Comparison(equal, "accuracy", "accuracy"),
        failure=None,
        **UNSEEN | {"input_bytes": 1300 * MB},
    )


def judged(run: Run):
    spec = next(spec for spec in EX03.checks if spec.check == "memory")
    reference = replace(EX03.typical, client_growth=20 * MB, same_round=True)
    return CHECKS["memory"](EX03, spec, gather(EX03, [run]), reference)


def test_blocks_in_flight_pass():
    assert judged(seen(growth=300)).status is Status.PASSED


@pytest.mark.parametrize(
    ("run", "said"),
    [
        (seen(growth=1300), "grew by 1300.0 MB"),
        (seen(growth=350), "grew by 350.0 MB"),
        (seen(workers=(510, 700)), "a worker held 700.0 MB"),
        (seen(workers=(510,)), "1 of the 2 workers did not live"),
        (seen(equal=False), "not right"),
    ],
)
def test_holding_the_data_fails(run, said):
    found = judged(run)
    assert (found.status, found.credit) == (Status.FAILED, 0.0) and said in found.got


def test_a_process_that_was_gone_before_the_end_counts_by_its_samples():
    run = replace(seen(), memory=(MemorySample(0.4, "client", 1700 * MB),))
    assert client_growth(seen()) == 60 * MB and client_growth(run) == 1300 * MB


def test_a_peak_from_before_go_is_not_this_run_s():
    before = {(7, 1.0): Account(Role.CLIENT, "client", 1.0, 900, 400)}
    same = {(7, 1.0): Account(Role.CLIENT, "client", 2.0, 900, 450)}
    higher = {(7, 1.0): Account(Role.CLIENT, "client", 2.0, 950, 450)}
    assert [(u.peak_memory, u.memory_at_go) for u in usage(before, same)] == [(450, 400)]
    assert [(u.peak_memory, u.memory_at_go) for u in usage(before, higher)] == [(950, 400)]


def test_samples_follow_a_real_process_and_stay_few():
    code = "import time; time.sleep(.4); x = bytearray(b'1') * 150_000_000; time.sleep(30)"
    child = subprocess.Popen([sys.executable, "-c", code])
    try:
        read = memory_sampler.reader(os.getpid(), Roles(0, {child.pid: "worker-0"}))
        with memory_sampler.sampled(read, 0.01, most=20) as samples:
            until = time.monotonic() + 10
            while processes.resident(child.pid)[1] < 150 * MB and time.monotonic() < until:
                time.sleep(0.02)
            time.sleep(1.0)
        held = [sample.nbytes for sample in samples if sample.name == "worker-0"]
        assert held[0] < 50 * MB < 150 * MB < held[-1] and len(held) <= 20
    finally:
        child.kill()
        child.wait()


def test_the_picture_says_its_numbers():
    rows = [(0.0, "client", 400), (0.1, "client", 460), (0.1, "worker-0", 510)]
    run = replace(seen(), memory=tuple(MemorySample(s, n, mb * MB) for s, n, mb in rows))
    drawn = memory_over_time(run, 640 * MB, salt="a")
    for said in ("client: at most 460 MB", "worker-0: at most 510 MB", "limit: 640 MB", "1300 MB"):
        assert said in drawn
    assert drawn != memory_over_time(run, 640 * MB, salt="b")
