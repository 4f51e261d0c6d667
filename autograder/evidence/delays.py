"""Time without a CPU of every process of a sandbox, read from outside while a case runs."""

import threading
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager

from autograder.evidence import facts
from autograder.sandbox import processes, run_queue

__all__ = ["Reader", "Reading", "add", "reader", "sampled"]

_SECONDS = 0.05
"""Between two readings: what a thread waited after the last one is lost when it ends."""

_NEWCOMERS = 20
"""Readings between two searches for new processes, which cost more than a reading."""

Reading = Mapping[str, run_queue.Threads]
"""The threads of all processes of a name, as in `ProcessUsage`."""

Reader = Callable[[], Reading]


def reader(root: int, roles: processes.Roles) -> Reader:
    """Return a function that reads the threads of every process of a sandbox."""
    known: dict[int, str] = {}
    turn = 0

    def read() -> Reading:
        nonlocal known, turn
        if turn % _NEWCOMERS == 0:
            known = facts.names(root, roles)
        turn += 1
        threads: dict[str, dict[int, run_queue.Turn]] = defaultdict(dict)
        for pid, name in known.items():
            threads[name].update(run_queue.read(pid))
        return threads

    return read


def add(delays: dict[str, float], before: Reading, after: Reading) -> None:
    """Add what every process waited between two readings, in seconds by name."""
    for name, threads in after.items():
        if threads:
            waited = run_queue.waited(before.get(name, {}), threads)
            delays[name] = delays.get(name, 0.0) + waited


@contextmanager
def sampled(read: Reader, seconds: float = _SECONDS) -> Iterator[dict[str, float]]:
    """Read in a thread of its own until the block ends; the delays are complete after that.

    Yields
    ------
    dict of str to float
        Seconds without a CPU by name. A name that the kernel told nothing of is not in it.
    """
    delays: dict[str, float] = {}
    over = threading.Event()
    last = read()
    add(delays, last, last)

    def run() -> None:
        nonlocal last
        while not over.wait(seconds):
            now = read()
            add(delays, last, now)
            last = now

    thread = threading.Thread(target=run, name="delays", daemon=True)
    thread.start()
    try:
        yield delays
    finally:
        over.set()
        thread.join()
        add(delays, last, read())
