"""Find, freeze and end the processes of a box, and read their memory, from outside.

Nothing here relies on the box: process ids, parents and memory come from the machine's ``/proc``.
There a process is represented by its first thread. If that ends while others continue, the kernel
calls the process a zombie, and shows its memory and files at the remaining threads (`view`). Roles
are determined once, before any student code runs, from the file that the box's own cluster wrote;
later the process tree decides.
"""

import os
import signal
import time
from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import psutil

__all__ = [
    "Roles",
    "dismiss",
    "end",
    "freeze",
    "hides",
    "identify",
    "number_inside",
    "parent",
    "ran",
    "reset_peak",
    "resident",
    "thaw",
    "tree",
    "view",
    "went_on",
]

_WENT_ON = 0.01
"""CPU seconds above which a process was not frozen. A box whose cluster was at work had none while
it was stopped (30 times 0.1 s); hiding less than this in each call gains nothing."""

_FREEZE_SECONDS = 2.0
"""To stop every process of a box: a program that forks faster than it is stopped cannot be."""

_END_SECONDS = 10.0
"""For killed processes to be gone; one that is left then makes the box a failure of ours."""


@dataclass(frozen=True, slots=True)
class Roles:
    """Which processes of the box are the cluster's; all others are the client's."""

    scheduler: int
    workers: Mapping[int, str]
    """Names by process id, of the workers that the box started with."""
    helpers: frozenset[int] = frozenset()
    """Of the scheduler's: the fork server that workers come from, and the like."""


def tree(root: int) -> list[psutil.Process]:
    """Return all processes below ``root``; orphans too, since the box's first one adopts them."""
    try:
        return psutil.Process(root).children(recursive=True)
    except psutil.NoSuchProcess:
        return []


def identify(root: int, scheduler: int, workers: Iterable[int]) -> Roles:
    """Find the cluster's processes on this machine by their numbers inside the box.

    Parameters
    ----------
    root : int
        The box's outermost process, in the machine's numbering.
    scheduler, workers : int, iterable of int
        In the box's numbering.

    Raises
    ------
    ProcessLookupError
        If one of them does not exist.
    """
    processes = tree(root)
    outside = {number_inside(process.pid): process.pid for process in processes}
    try:
        named = {outside[pid]: f"worker-{i}" for i, pid in enumerate(workers)}
        at = outside[scheduler]
        helpers = {p.pid for p in processes if parent(p) == at and p.pid not in named}
        return Roles(at, named, frozenset(helpers))
    except KeyError as error:
        raise ProcessLookupError(f"the box has no process {error}") from None


def view(pid: int | str) -> str:
    """Return where ``/proc`` shows the memory and the files of a process.

    Returns
    -------
    str
        Its own folder, or that of a thread which goes on where the first one has ended.
    """
    own = f"/proc/{pid}"
    if _state(own) in _GONE:
        with suppress(OSError):
            for thread in os.listdir(f"{own}/task"):
                if _state(f"{own}/task/{thread}") not in _GONE:
                    return f"{own}/task/{thread}"
    return own


def hides(pid: int) -> bool:
    """Tell whether a process hides its open files from the grader's user.

    A program can request that, or have an executable that its own user may not read. Then only root
    sees how much it has on disk. The first process of a box, bubblewrap's, is always like that.
    """
    try:
        os.scandir(f"{view(pid)}/fd").close()
    except PermissionError:
        return number_inside(pid) != 1
    except OSError:
        pass
    return False


_GONE = ("Z", "X", "")
"""States of ended or missing processes."""

_STILL = ("T", "t", *_GONE)


def _state(place: str) -> str:
    """Return the state of a process or thread, a letter; nothing for one that is gone."""
    try:
        with open(f"{place}/stat", "rb") as file:
            return file.read().rpartition(b")")[2].split(maxsplit=1)[0].decode()
    except (OSError, IndexError):
        return ""


def reset_peak(pid: int | str = "self") -> None:
    """Reset a process's peak of memory, if the kernel allows it."""
    with suppress(OSError):
        Path(f"{view(pid)}/clear_refs").write_text("5")


def freeze(root: int) -> bool:
    """Freeze every process of the box; return whether nothing in it runs any more.

    Parameters
    ----------
    root : int
        The box's outermost process, which is left alone.
    """
    until = time.monotonic() + _FREEZE_SECONDS
    quiet = 0
    # What was started while the processes were listed is seen when they are listed again.
    while quiet < 2:
        running = [process for process in tree(root) if not _stands_still(process)]
        quiet = 0 if running else quiet + 1
        _signal(running, signal.SIGSTOP)
        if time.monotonic() > until:
            return False
        time.sleep(0.001 if running else 0)
    return True


def ran(root: int) -> dict[int, float]:
    """Return the CPU seconds of every process of a box by its id, with the kernel's precision."""
    found = {}
    for process in tree(root):
        with suppress(OSError, ValueError, IndexError):
            found[process.pid] = (
                sum(
                    int(Path(f"/proc/{process.pid}/task/{thread}/schedstat").read_text().split()[0])
                    for thread in os.listdir(f"/proc/{process.pid}/task")
                )
                / 1e9
            )
    return found


def went_on(before: Mapping[int, float], after: Mapping[int, float]) -> bool:
    """Tell whether a frozen box continued to run.

    A process can arrange for the kernel to continue it: a timer can send it SIGCONT.

    Parameters
    ----------
    before, after : mapping of int to float
        As `ran` returns them. A process may be gone; none may be new.
    """
    return any(spent > before.get(pid, 0.0) + _WENT_ON for pid, spent in after.items())


def thaw(root: int) -> None:
    """Continue the processes of a frozen box."""
    _signal(tree(root), signal.SIGCONT)


def _signal(processes: Iterable[psutil.Process], number: signal.Signals) -> None:
    for process in processes:
        with suppress(psutil.NoSuchProcess):
            process.send_signal(number)


def _stands_still(process: psutil.Process) -> bool:
    """Tell whether all threads of a process are stopped or gone."""
    place = f"/proc/{process.pid}/task"
    try:
        return all(_state(f"{place}/{thread}") in _STILL for thread in os.listdir(place))
    except OSError:
        return True


def end(root: int) -> bool:
    """Kill every process of the box; return whether none is left.

    Parameters
    ----------
    root : int
        The box's outermost process.
    """
    processes = tree(root)
    with suppress(psutil.NoSuchProcess):
        processes.append(psutil.Process(root))
    for process in reversed(processes):
        with suppress(psutil.NoSuchProcess):
            process.kill()
    return _are_gone(processes)


def dismiss(root: int) -> bool:
    """Ask the outermost process of a box to end it; return whether it is gone.

    Parameters
    ----------
    root : int
        A process that ends all others first, and then itself.
    """
    try:
        process = psutil.Process(root)
        process.terminate()
    except psutil.NoSuchProcess:
        return True
    return _are_gone([process])


def _are_gone(processes: Iterable[psutil.Process]) -> bool:
    """Wait until some processes have ended; return whether they have."""
    until = time.monotonic() + _END_SECONDS
    while any(map(_is_alive, processes)):
        if time.monotonic() > until:
            return False
        time.sleep(0.01)
    return True


def _is_alive(process: psutil.Process) -> bool:
    try:
        return bool(process.is_running()) and _state(view(process.pid)) not in _GONE
    except psutil.NoSuchProcess:
        return False


def number_inside(pid: int) -> int | None:
    """Return a process's id inside its box; None if it is gone."""
    try:
        for line in Path(f"/proc/{pid}/status").read_text().splitlines():
            if line.startswith("NSpid:"):
                return int(line.split()[-1])
    except OSError:
        pass
    return None


def parent(process: psutil.Process) -> int:
    """Return the number of a process's parent; 0 for one that is gone."""
    try:
        return int(process.ppid())
    except psutil.NoSuchProcess:
        return 0


def proportional(pid: int) -> int:
    """Return a process's memory in bytes, with its share of what it has in common with others.

    Raises
    ------
    OSError
        If the kernel does not tell, or the process has ended.
    """
    for line in Path(f"{view(pid)}/smaps_rollup").read_text().splitlines():
        name, _, value = line.partition(":")
        if name == "Pss":
            return int(value.split()[0]) * 1024
    raise OSError(f"The kernel does not tell how much memory process {pid} shares.")


def resident(pid: int | str = "self") -> tuple[int, int]:
    """Return a process's peak and current resident memory, in bytes."""
    sizes = {"VmHWM": 0, "VmRSS": 0}
    for line in Path(f"{view(pid)}/status").read_text().splitlines():
        name, _, value = line.partition(":")
        if name in sizes:
            sizes[name] = int(value.split()[0]) * 1024
    return sizes["VmHWM"], sizes["VmRSS"]
