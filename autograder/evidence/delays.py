"""Time without a CPU of every process of a sandbox, read from outside while a case runs."""

from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager

from autograder.evidence import sampling
from autograder.sandbox import processes, run_queue

__all__ = ["Reader", "Reading", "add", "reader", "sampled"]

_SECONDS = 0.05
"""Between two readings: what a thread waited after the last one is lost when it ends. A reading of
34 threads took 0.4 ms of CPU (median of 200, at most 0.5 ms), under a hundredth of one core."""

_NEWCOMERS = 20
"""Readings from one search for new processes to the next: one second."""

Reading = Mapping[str, run_queue.Threads]
"""The threads of all processes of a name, as in `ProcessUsage`."""

Reader = Callable[[], Reading]


def reader(root: int, roles: processes.Roles) -> Reader:
    """Return a function that reads the threads of every process of a sandbox."""
    names = sampling.known_names(root, roles, _NEWCOMERS)

    def read() -> Reading:
        threads: dict[str, dict[int, run_queue.Turn]] = defaultdict(dict)
        for pid, name in names().items():
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
    """Read until the block ends; the delays are complete after that.

    Yields
    ------
    dict of str to float
        Seconds without a CPU by name; names for which the kernel counts nothing are left out.
    """
    delays: dict[str, float] = {}
    last = read()
    add(delays, last, last)

    def look() -> float:
        nonlocal last
        now = read()
        add(delays, last, now)
        last = now
        return seconds

    with sampling.repeatedly(look, "delays", wait=seconds):
        yield delays
    look()
