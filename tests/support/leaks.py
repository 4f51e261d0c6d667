"""What a process has that it should give back: threads, children, descriptors, folders of boxes."""

import gc
import os
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

__all__ = ["nothing_left"]

PATIENCE = 15.0
"""Seconds in which what is ending may end."""


@contextmanager
def nothing_left() -> Iterator[None]:
    """Fail if, in the end, this process has more than it had.

    Daemon threads, the pools of libraries and the helpers of multiprocessing stay as long as the
    process; of descriptors, sockets count and files that are not of a package, such as
    matplotlib's fonts; not the pipes, polls and pairs of sockets of event loops, which are
    collected later.
    """
    before = _held()
    yield
    until = time.monotonic() + PATIENCE
    while (left := _held() - before) and time.monotonic() < until:
        gc.collect()  # what only a circle of references holds open is closed when it is collected
        time.sleep(0.05)
    assert not left, f"left behind: {', '.join(sorted(left))}"


_NOT_OURS = ("/dev/", "/proc/", *map(os.path.realpath, (sys.prefix, sys.base_prefix)))


def _held() -> set[str]:
    threads = {
        f"thread {thread.name} {thread.ident}"
        for thread in threading.enumerate()
        if not thread.daemon and thread is not threading.main_thread()
    }
    return threads | _children() | _descriptors() | _folders()


def _children() -> set[str]:
    found = set()
    for task in os.listdir("/proc/self/task"):
        with suppress(OSError):
            pids = Path(f"/proc/self/task/{task}/children").read_text().split()
            found |= {f"process {pid} {_name(pid)}" for pid in pids if not _is_helper(pid)}
    return found


def _is_helper(pid: str) -> bool:
    """Tell whether a process is one that is started once and kept."""
    with suppress(OSError):
        line = Path(f"/proc/{pid}/cmdline").read_bytes()
        return any(name in line for name in _KEPT)
    return True


_KEPT = (b"multiprocessing.resource_tracker", b"multiprocessing.forkserver",
         b"autograder.reader.process", b"tests/support/forked.py")  # fmt: skip


def _name(pid: str) -> str:
    with suppress(OSError):
        return Path(f"/proc/{pid}/comm").read_text().strip()
    return "gone"


def _descriptors() -> set[str]:
    found = set()
    pairs = _pairs()
    for number in os.listdir("/proc/self/fd"):
        with suppress(OSError):
            target = os.readlink(f"/proc/self/fd/{number}")
            ours = target.startswith(("/", "socket:")) and not target.startswith(_NOT_OURS)
            if ours and target not in pairs:
                found.add(f"descriptor {number} {target}")
    return found


def _pairs() -> set[str]:
    """Unix sockets without a name, by which an event loop wakes itself up."""
    lines = Path("/proc/net/unix").read_text().splitlines()[1:]
    return {f"socket:[{words[6]}]" for line in lines if len(words := line.split()) == 7}


def _folders() -> set[str]:
    return {f"folder {path}" for path in Path(tempfile.gettempdir()).glob(f"dsk-{os.getpid()}.*")}
