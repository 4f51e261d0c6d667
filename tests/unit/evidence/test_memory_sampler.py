"""Memory over time, as it is read from outside."""

import os
import subprocess
import sys
import time

from memory_runs import MB

from autograder.evidence import memory_sampler
from autograder.sandbox import processes
from autograder.sandbox.processes import Roles


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
