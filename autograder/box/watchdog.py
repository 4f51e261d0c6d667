"""Keeps a box within its memory, processes and disk, from outside, without control groups.

A thread looks at the box's processes ten times a second and ends the box when one limit is
passed. Between two looks a box can grow past the limit; the sizes of its file systems are
limited by the kernel at once.
"""

import os
import threading
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import psutil

from autograder.box import processes
from autograder.model import Limits

__all__ = ["Watchdog"]

_INTERVAL = 0.1
"""Seconds between two looks; one costs about a millisecond for ten processes."""


class Watchdog:
    """Watch a box until it is stopped.

    Parameters
    ----------
    root : int
        The box's outermost process.
    limits : Limits
        What the box may use.
    folder : Path
        The one folder of the machine's disk that the box can write to.
    on_breach : callable
        Called once, from the watchdog's thread, after the box was ended.
    """

    def __init__(self, root: int, limits: Limits, folder: Path, on_breach: Callable[[str], None]):
        self._root = root
        self._limits = limits
        self._folder = folder
        self._on_breach = on_breach
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._watch, name="box-watchdog", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Stop watching."""
        self._over.set()
        self._thread.join()

    def _watch(self) -> None:
        while not self._over.wait(_INTERVAL):
            breach = self._breach()
            if breach is not None:
                processes.end(self._root)
                self._on_breach(breach)
                return

    def _breach(self) -> str | None:
        memory = tasks = 0
        for process in processes.tree(self._root):
            try:
                usage = process.memory_info()
                # Shared pages would be counted once per process.
                memory += max(usage.rss - usage.shared, 0)
                tasks += process.num_threads()
            except psutil.NoSuchProcess:
                continue
        if memory > self._limits.memory_bytes:
            return (
                f"it used more than the {self._limits.memory_bytes / 1e9:.1f} GB of memory that "
                "a submission has"
            )
        if tasks > self._limits.processes:
            return (
                f"it started more than the {self._limits.processes} processes and threads that "
                "a submission has"
            )
        if _size(self._folder) > self._limits.answer_bytes:
            return (
                f"it wrote more than the {self._limits.answer_bytes / 1e6:.0f} MB to the disk that "
                "its functions may return"
            )
        return None


def _size(folder: Path) -> int:
    """Bytes on disk below a folder; sparse files count for what they occupy."""
    total = 0
    for place, _, names in os.walk(folder):
        for name in names:
            with suppress(OSError):
                total += os.lstat(os.path.join(place, name)).st_blocks * 512
    return total
