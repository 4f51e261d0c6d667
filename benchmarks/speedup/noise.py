"""Other work on the machine: burners of CPU and of memory bandwidth, beside a measurement."""

import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager

__all__ = ["NOISES", "beside"]

_UNTIL = """
import os, sys, time
parent, until = os.getppid(), time.time() + 900
"""
"""Bounded, and gone with whoever started it, should nobody end it."""

_CPU = """
print("burns", flush=True)
while os.getppid() == parent and time.time() < until:
    sum(range(10_000))
"""

_MEMORY = """
import numpy as np
here, there = np.ones(16_000_000), np.empty(16_000_000)
print("burns", flush=True)
while os.getppid() == parent and time.time() < until:
    np.copyto(there, here)
"""
"""128 MB each way: more than any cache holds."""

NOISES = {"quiet": [], "1": [_CPU], "2": 2 * [_CPU], "4": 4 * [_CPU], "memory": [_MEMORY]}
"""Programs beside the measured one, by the name of the noise."""


@contextmanager
def beside(noise: str) -> Iterator[None]:
    """Have other work run while the block runs; it begins when all of it burns.

    Each program has a session of its own: where Linux groups processes by session to share out the
    CPU (``sched_autogroup``), four of them in one would take no more than one.
    """
    started = [
        subprocess.Popen(
            [sys.executable, "-c", _UNTIL + source], stdout=subprocess.PIPE, start_new_session=True
        )
        for source in NOISES[noise]
    ]
    try:
        for burner in started:
            assert burner.stdout is not None
            burner.stdout.readline()
        if started:
            time.sleep(0.3)  # The kernel's shares have settled by then.
        yield
    finally:
        for burner in started:
            burner.kill()
            burner.wait()
