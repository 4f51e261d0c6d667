"""What not every system has: what Linux offers, what is done elsewhere, and what stays unknown.

Students work on macOS, too; the box and the measurements from outside need Linux. All names of
the standard library that only Linux has, and that a student's own process comes by, are here, so
that the rest of the kit reads the same on both. Where another system cannot answer, the answer is
"unknown", never a number.

The cluster is the difference that matters. On Linux workers are forked from a process that has
loaded scikit-learn (``cluster.serve``). macOS's own libraries, Accelerate among them, may not be
used after a fork, so there workers are started anew, as Dask does by itself on every system.
"""

import ctypes
import os
import select
import signal
import socket
import sys
import time
import uuid
from pathlib import Path
from typing import NamedTuple

import psutil

__all__ = [
    "O_PATH",
    "Numbers",
    "cores",
    "ends_with_parent",
    "forks_workers",
    "has_box",
    "is_idle_class",
    "numbers_valid_in",
    "processors",
    "tells_memory",
    "wait_for_end",
]


class Numbers(NamedTuple):
    """What process numbers are valid in: all three have to be the same."""

    machine: str
    boot: str
    """Another one whenever the machine starts; empty if unknown."""
    namespace: str


O_PATH: int = getattr(os, "O_PATH", 0)
"""Open the place, not the file. Elsewhere the file is opened, which for a socket fails."""

_PR_SET_PDEATHSIG = 1  # linux/prctl.h

_POLL_SECONDS = 0.5
"""Between two looks at whether a process has ended, where the kernel does not say so. Chosen: what
waits for it is the end of a cluster that nobody uses any more."""


def cores() -> int:
    """Return how many cores this process may use, or how many the machine has."""
    return len(processors())


def processors() -> frozenset[int]:
    """Return the numbers of the processors that this process may use, or all of the machine's."""
    if hasattr(os, "sched_getaffinity"):
        return frozenset(os.sched_getaffinity(0))
    return frozenset(range(os.cpu_count() or 1))


def forks_workers() -> bool:
    """Tell whether workers can be forked from a process that has loaded what they need."""
    return sys.platform == "linux"


def has_box() -> bool:
    """Tell whether this system has what the box for students' code is made of."""
    return sys.platform == "linux"


def tells_memory() -> bool:
    """Tell whether the peak of a process's memory can be read, and begun anew."""
    return Path("/proc/self/status").exists()


def wait_for_end(pid: int) -> None:
    """Return when a process has ended, which need not be a child of this one."""
    if hasattr(os, "pidfd_open"):
        try:
            descriptor = os.pidfd_open(pid)
        except ProcessLookupError:
            return
        except OSError:  # before Linux 5.3, or forbidden
            pass
        else:
            try:
                select.select([descriptor], [], [])
            finally:
                os.close(descriptor)
            return
    try:
        process = psutil.Process(pid)
        # Knows a process by its start as well: a number may be given to another one.
        while process.is_running() and process.status() != psutil.STATUS_ZOMBIE:
            time.sleep(_POLL_SECONDS)
    except psutil.NoSuchProcess:
        return


def ends_with_parent() -> None:
    """Have the kernel kill this process when the thread ends that started it, if it can do so."""
    if sys.platform == "linux":
        ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)


def is_idle_class(thread: int) -> bool:
    """Tell whether a thread, 0 for this one, runs only when no other wants the CPU.

    Raises
    ------
    OSError
        If there is no such thread.
    """
    if sys.platform == "linux":
        return os.sched_getscheduler(thread) == os.SCHED_IDLE
    else:
        return False


def numbers_valid_in() -> Numbers:
    """Name what process numbers are valid in: this machine, since it started, in this namespace.

    A machine is known by its id and its name together. Copies of a disk image have the same id,
    as containers of one image may, and computers that read one disk; all of them can work in one
    folder at the same time. It is assumed that no two of these have the same name as well. A
    container that gets another name whenever it starts is another machine each time.

    Elsewhere than on Linux the machine is known by its name and its network card, and its start is
    unknown. A number that no process has there now belonged to one that has ended, whenever it was
    given.
    """
    name = socket.gethostname()
    try:
        boot = Path("/proc/sys/kernel/random/boot_id").read_text().strip()
        namespace = os.stat("/proc/self/ns/pid").st_ino
    except OSError:
        return Numbers(f"{name} {uuid.getnode():x}", "", "")
    return Numbers(f"{name} {_machine_id()}", boot, f"{namespace}")


def _machine_id() -> str:
    """Return what systemd or D-Bus calls this machine; empty where neither has done so."""
    for place in ("/etc/machine-id", "/var/lib/dbus/machine-id"):
        try:
            if found := Path(place).read_text(errors="replace").strip():
                return found
        except OSError:
            continue
    return ""
