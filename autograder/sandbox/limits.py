"""Enforce a box's limits on memory, processes, disk and time, from outside.

A thread polls the box's processes ten times a second and ends the box when it exceeds a limit.
Between two polls a box can grow past the limit; the kernel limits its file systems at once, and
everything else if the box is in a control group. The thread then notices that the kernel
intervened, and gives the same reason.
"""

import errno
import os
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from autograder.model import Limits
from autograder.sandbox import bubblewrap, cgroups, processes, scratch

__all__ = ["MEMORY_FULL", "Watchdog"]

_INTERVAL = 0.1
"""Polling interval in seconds; a poll costs about a millisecond for ten processes."""

_UNLINKED = 10
"""Polls between two searches for deleted open files: a search takes up to 10 milliseconds."""

_MOST_FILES = 200_000
"""Entries in each of the box's private folders: one costs about a kilobyte of kernel memory, which
is not counted without a control group."""


_IN_FLIGHT = 64
"""Open files that may be in transit in sockets: their size is invisible, and the kernel counts them
for the grader's user, who could then pass none. While the workers of an honest cluster start there
are up to 20 (408 readings in four starts)."""


_OF_GRADER = (errno.EMFILE, errno.ENFILE, errno.ENOMEM)
"""What the grader itself, or its machine, has no more of."""

_MORE_MEMORY = "give the grader more memory than all limits of a submission add up to"

_MEMORY_ABOVE = (
    "the machine's own memory limit (of a job, a container or a slice) stopped it before it "
    f"reached the submission's own limit; {_MORE_MEMORY}"
)
MEMORY_FULL = f"the machine's memory was full, and it killed processes; {_MORE_MEMORY}"
"""For who sees that, where no control group tells."""

_HELD_UP = "the grader was held up between two of its calls"


class Watchdog:
    """Watch a box until it is stopped.

    Parameters
    ----------
    root : int
        The box's outermost process.
    limits : Limits
        The box's limits.
    folder : Path
        The one folder of the machine's disk that the box can write to.
    on_breach : callable
        Called once, from the watchdog's thread, before the box is ended.
    group : Group, optional
        The control group that the box is in.
    on_failure : callable, optional
        Called instead of ``on_breach`` if the machine stopped the box below its own limits. By
        default ``on_breach`` is called.
    seconds : float, optional
        After which the box is ended; by default the caller does that.
    entries : int
        Files and folders that may be in ``folder``.
    end : callable
        Ends the box whose outermost process it is given.
    private : Path, optional
        The folder on disk with the box's home and temporary files, if these are not in memory that
        the kernel limits.
    private_bytes : int
        Its limit.
    """

    def __init__(
        self,
        root: int,
        limits: Limits,
        folder: Path,
        on_breach: Callable[[str], None],
        group: cgroups.Group | None = None,
        seconds: float | None = None,
        on_failure: Callable[[str], None] | None = None,
        entries: int = scratch.MOST_ENTRIES,
        end: Callable[[int], object] = processes.end,
        private: Path | None = None,
        private_bytes: int = 0,
    ):
        self._root = root
        self._limits = limits
        self._folder = folder
        self._on_breach = on_breach
        self._on_failure = on_failure or on_breach
        self._group = group
        self._most_entries = entries
        self._end = end
        self._private = private
        self._private_bytes = private_bytes
        self._until = None if seconds is None else time.monotonic() + seconds
        self._ours = False
        self._rounds = self._unlinked = self._private_unlinked = self._in_flight = 0
        self._hidden: set[int] = set()
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._watch, name="box-watchdog", daemon=True)
        self._thread.start()

    def allow(self, seconds: float, *, ours: bool = False) -> None:
        """End the box in so many seconds, instead of when that was to be before.

        Parameters
        ----------
        seconds : float
        ours : bool
            Whether the grader works meanwhile, so that it is no breach of the submission's.
        """
        self._until, self._ours = time.monotonic() + seconds, ours

    def stop(self) -> None:
        """Stop watching."""
        self._over.set()
        self._thread.join()

    def _watch(self) -> None:
        while not self._over.wait(_INTERVAL):
            found = self._reason()
            if found is not None:
                tell, reason = found
                tell(reason)
                self._end(self._root)
                return

    def _reason(self) -> tuple[Callable[[str], None], str] | None:
        """Return whom to tell why the box has to end, if it has."""
        try:
            forced = None if self._group is None else cgroups.breach(self._group)
            breach = self._breach(forced)
        except Exception as error:
            # A watchdog that dies unheard would leave the box without limits.
            why = f"the grader could no longer watch it ({type(error).__name__}: {error})"
            ours = isinstance(error, MemoryError) or getattr(error, "errno", 0) in _OF_GRADER
            return (self._on_failure if ours else self._on_breach), why
        if forced == "memory above":
            return self._on_failure, _MEMORY_ABOVE
        if breach is not None:
            return self._on_breach, breach
        if self._until is None or time.monotonic() <= self._until:
            return None
        if self._ours:
            return self._on_failure, _HELD_UP
        wall = self._limits.wall_seconds
        return self._on_breach, f"it ran for more than the {wall:.0f} seconds it may take in all"

    def _breach(self, forced: str | None) -> str | None:
        limits = self._limits
        memory = tasks = 0
        inside = processes.tree(self._root)
        for process in inside:
            used, threads = _usage(process.pid)
            memory += used
            tasks += threads
        # Too many processes use much memory, too; much memory starts no process.
        if tasks > limits.processes or forced == "processes":
            return (
                f"it started more than the {limits.processes} processes and threads that a "
                "submission may have"
            )
        if memory > limits.memory_bytes and self._group is not None:
            # Forked processes share most of theirs. To tell takes time, in which the kernel holds
            # the limit; without a control group nothing does, and every page counts whole.
            memory = sum(_share_of_memory(process.pid) for process in inside)
        if memory > limits.memory_bytes or forced == "memory":
            return (
                f"it used more than the {limits.memory_bytes / 1e9:.1f} GB of memory that a "
                "submission may use"
            )
        occupied, entries = scratch.size(self._folder, self._most_entries)
        if self._rounds % _UNLINKED == 0:
            pids = [process.pid for process in inside]
            self._unlinked = scratch.unlinked(self._folder, pids)
            self._in_flight = scratch.in_flight(pids)
            before, self._hidden = self._hidden, {pid for pid in pids if processes.hides(pid)}
            if before & self._hidden:  # twice, since a process may have been starting
                return "one of its processes hides its open files from the grader"
            if self._private is not None:
                self._private_unlinked = scratch.unlinked(self._private, pids)
        self._rounds += 1
        if self._in_flight > _IN_FLIGHT:
            return "it hid open files in the queues of sockets"
        occupied += self._unlinked
        if occupied > limits.answer_bytes:
            return (
                f"it wrote more than the {limits.answer_bytes / 1e6:.0f} MB to the disk that "
                "its functions may return"
            )
        if self._private is not None and (breach := self._breach_of_private(self._private)):
            return breach
        if entries > self._most_entries or (inside and _files(inside[0].pid) > _MOST_FILES):
            return "it made more files and folders than a submission may"
        return None

    def _breach_of_private(self, folder: Path) -> str | None:
        occupied, entries = scratch.size(folder, scratch.MOST_ENTRIES)
        if occupied + self._private_unlinked > self._private_bytes:
            return (
                f"it wrote more than the {self._private_bytes / 1e9:.1f} GB that its home and its "
                "temporary files may take"
            )
        if entries > scratch.MOST_ENTRIES:
            return "it made more files and folders than a submission may"
        return None


def _usage(pid: int) -> tuple[int, int]:
    """Return a process's memory in bytes, without file-backed pages, and its threads."""
    memory = threads = 0
    with suppress(OSError), open(f"{processes.view(pid)}/status") as status:
        for line in status:
            # Shared memory is counted once per process that has it; honest code has little. What
            # was swapped out is held as well.
            if line.startswith(("RssAnon:", "RssShmem:", "VmSwap:")):
                memory += int(line.split()[1]) * 1024
            elif line.startswith("Threads:"):
                threads = int(line.split()[1])
    return memory, threads


def _share_of_memory(pid: int) -> int:
    """Return a process's memory in bytes, each page divided by the processes that share it.

    Reading it walks all pages, which takes milliseconds. Where it is refused, every page counts
    whole.
    """
    try:
        with open(f"{processes.view(pid)}/smaps_rollup") as rollup:
            lines = [line.split() for line in rollup]
    except OSError:
        return _usage(pid)[0]
    kinds = ("Pss_Anon:", "Pss_Shmem:", "SwapPss:")
    found = [int(line[1]) for line in lines if line[0] in kinds]
    return 1024 * sum(found) if len(found) == len(kinds) else _usage(pid)[0]


def _files(pid: int) -> int:
    """Return how many files the fullest of a box's private folders holds; 0 without a box."""
    most = 0
    for place in bubblewrap.SCRATCH:
        with suppress(OSError):
            inside = f"/proc/{pid}/root{place}"
            if not _is_the_machines(inside, place):
                room = os.statvfs(inside)
                most = max(most, room.f_files - room.f_ffree)
    return most


def _is_the_machines(inside: str, place: str) -> bool:
    """Tell whether a folder is on the same file system as the machine's folder of that path.

    It is without a box, and in one that bubblewrap is still building: in its namespaces, but not
    yet in its own root.
    """
    with suppress(FileNotFoundError):
        return os.stat(inside).st_dev == os.stat(place).st_dev
    return False
