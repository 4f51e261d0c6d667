"""CPU time over time of a notebook and its own cluster, where all of it runs on this machine.

A self-check reads the same accounts in the same steps as the grader does from outside a box.
"""

import os
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field

from autograder.evidence import delays
from autograder.model import CpuSample
from autograder.sandbox import run_queue

__all__ = ["Sampled", "sampled"]


@dataclass(slots=True)
class Sampled:
    """What was sampled during a block; complete after it."""

    cpu: list[CpuSample] = field(default_factory=list)
    """Empty where the kernel does not count."""
    seconds: float = 0.0
    """CPU seconds of the sampling, which this process did not spend on the block."""


@contextmanager
def sampled(pids: Mapping[str, int]) -> Iterator[Sampled]:
    """Sample processes until the block ends.

    Parameters
    ----------
    pids : mapping of str to int
        By the name that their samples get. If empty, nothing is sampled.
    """
    found = Sampled()
    if not (pids and run_queue.is_counted()):
        yield found
        return

    caller = threading.get_native_id()

    def read() -> delays.Reading:
        began = time.thread_time()
        threads = {name: dict(run_queue.read(pid)) for name, pid in pids.items()}
        reader = threading.get_native_id()
        for name, pid in pids.items():
            if pid == os.getpid() and reader != caller:
                threads[name].pop(reader, None)
        found.seconds += time.thread_time() - began
        return threads

    with delays.sampled(read) as cpu:
        yield found
    found.cpu = cpu
