"""Memory of each process of a box over time, read from outside while a case runs."""

import resource
import time
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

from autograder.evidence import sampling
from autograder.model import MemorySample
from autograder.sandbox import processes

__all__ = ["reader", "sampled"]

_SECONDS = 0.1
"""Between two readings, each 0.7 ms of CPU for nine processes. Chosen: a block that is held for a
few tenths of a second is seen. The peak is judged by the kernel's own as well, which misses nothing
where it can be read."""

_MOST = 600
"""Maximum number of readings, a minute's: beyond it every second one is dropped, and the rate is
halved. Chosen: a picture has 420 pixels."""

_NEWCOMERS = 10
"""Number of readings between searches for new processes: one second, at the initial rate."""

Reader = Callable[[], Mapping[str, int]]


def reader(root: int, roles: processes.Roles) -> Reader:
    """Return a function that reads resident bytes by name, of all processes of each together."""
    names = sampling.known_names(root, roles, _NEWCOMERS)

    def read() -> Mapping[str, int]:
        of: dict[str, list[int]] = defaultdict(list)
        for pid, name in names().items():
            of[name].append(pid)
        held = {name: _together(pids) for name, pids in of.items()}
        return {name: nbytes for name, nbytes in held.items() if nbytes}

    return read


def _together(pids: Sequence[int]) -> int:
    """Return the memory of processes, counting once what several of them share."""
    if len(pids) == 1:
        return _resident(pids[0])
    largest = max(map(_resident, pids))
    try:
        return max(largest, sum(map(processes.proportional, pids)))
    except OSError:  # one of them has just ended, or the kernel does not tell
        return largest


def _resident(pid: int) -> int:
    with suppress(OSError, IndexError):
        pages = int(Path(f"{processes.view(pid)}/statm").read_text().split()[1])
        return pages * resource.getpagesize()
    return 0


@contextmanager
def sampled(
    read: Reader, seconds: float = _SECONDS, most: int = _MOST
) -> Iterator[list[MemorySample]]:
    """Read in a separate thread until the block ends; the list is complete after that."""
    kept: list[MemorySample] = []
    rows: list[list[MemorySample]] = []
    began, step = time.monotonic(), seconds

    def look() -> float:
        nonlocal rows, step
        now = time.monotonic() - began
        rows.append([MemorySample(now, name, held) for name, held in sorted(read().items())])
        if len(rows) >= most:
            rows, step = rows[::2], 2 * step
        return step

    try:
        with sampling.repeatedly(look, "memory"):
            yield kept
    finally:
        kept.extend(sample for row in rows for sample in row)
