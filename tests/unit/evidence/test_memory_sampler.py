"""Memory over time, as it is read from outside."""

import os
import signal
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


HOLDS = """
import os, sys, time
own = bytearray(b'1') * 100_000_000
children = int(sys.argv[1])
for _ in range(children):
    if os.fork() == 0:
        if sys.argv[2] == 'own':
            mine = bytearray(b'1') * 100_000_000
        break
os.write(1, b'ready\\n')
time.sleep(60)
"""


def held_by(children: int, what: str) -> int:
    """Return what a process with 100 MB and its children hold together, in MB."""
    told = subprocess.PIPE
    line = [sys.executable, "-c", HOLDS, str(children), what]
    with subprocess.Popen(line, stdout=told, text=True, start_new_session=True) as parent:
        try:
            for _ in range(children + 1):
                assert parent.stdout is not None and parent.stdout.readline() == "ready\n"
            pids = [parent.pid, *(process.pid for process in processes.tree(parent.pid))]
            assert len(pids) == children + 1
            return memory_sampler._together(pids) // MB
        finally:
            os.killpg(parent.pid, signal.SIGKILL)


def test_what_children_hold_is_added_up_and_what_they_share_is_counted_once():
    assert 100 <= held_by(0, "nothing") < 150
    assert 400 <= held_by(3, "own") < 500
    assert 100 <= held_by(3, "nothing") < 200
