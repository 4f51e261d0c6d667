"""The processes of a box as the operating system counts them, read from outside.

Nothing here asks the box: process numbers, parents, CPU time and memory come from ``/proc``
of the machine. Who is who is settled once, before the first line of the student's code has
run, from the file that the box's own cluster wrote; later the family tree decides.
"""

import time
from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import psutil

from autograder.model import Role

__all__ = [
    "Account",
    "Roles",
    "Snapshot",
    "end",
    "identify",
    "names",
    "reset_peak",
    "resident",
    "snapshot",
    "tree",
]

Identity = tuple[int, float]
"""Process number and start time: together they are never used twice."""


@dataclass(frozen=True, slots=True)
class Roles:
    """Which processes of the box are the cluster's; all others are the client's."""

    scheduler: int
    workers: Mapping[int, str]
    """Names by process number, of the workers that the box started with."""
    helpers: frozenset[int] = frozenset()
    """Of the scheduler's: the fork server that workers come from, and the like."""


@dataclass(frozen=True, slots=True)
class Account:
    """What one process has used since it started."""

    role: Role
    name: str
    cpu_seconds: float
    peak_memory: int
    """Since it started, or since `reset_peak`."""
    memory: int = 0
    """Resident bytes now."""


Snapshot = Mapping[Identity, Account]


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
    outside = {_number_inside(process.pid): process.pid for process in processes}
    try:
        named = {outside[pid]: f"worker-{i}" for i, pid in enumerate(workers)}
        at = outside[scheduler]
        helpers = {p.pid for p in processes if _parent(p) == at and p.pid not in named}
        return Roles(at, named, frozenset(helpers))
    except KeyError as error:
        raise ProcessLookupError(f"the box has no process {error}") from None


def snapshot(root: int, roles: Roles) -> Snapshot:
    """Read what every process of the box has used so far."""
    processes = tree(root)
    parents = {process.pid: _parent(process) for process in processes}
    accounts: dict[Identity, Account] = {}
    for process in processes:
        try:
            times = process.cpu_times()
            role, name = _role(process.pid, roles, parents)
            spent = times.user + times.system
            if process.pid not in roles.helpers:
                # Of ended children, too: a process that was waited for has no entry any more.
                # What the fork server waits for are workers that died.
                spent += times.children_user + times.children_system
            identity = (process.pid, process.create_time())
            accounts[identity] = Account(role, name, spent, *resident(process.pid))
        except (psutil.NoSuchProcess, OSError):
            continue
    return accounts


def names(root: int, roles: Roles) -> dict[int, str]:
    """Return the name of every process of the box, by its number."""
    processes = tree(root)
    parents = {process.pid: _parent(process) for process in processes}
    return {process.pid: _role(process.pid, roles, parents)[1] for process in processes}


def reset_peak(pid: int | str = "self") -> None:
    """Let a process's peak of memory begin anew, where the kernel allows it."""
    with suppress(OSError):
        Path(f"/proc/{pid}/clear_refs").write_text("5")


def end(root: int, timeout: float = 10.0) -> bool:
    """Kill every process of the box; return whether none is left.

    Parameters
    ----------
    root : int
        The box's outermost process.
    timeout : float
        Seconds to wait for the last of them.
    """
    processes = tree(root)
    with suppress(psutil.NoSuchProcess):
        processes.append(psutil.Process(root))
    for process in reversed(processes):
        with suppress(psutil.NoSuchProcess):
            process.kill()
    until = time.monotonic() + timeout
    while any(_is_alive(process) for process in processes):
        if time.monotonic() > until:
            return False
        time.sleep(0.01)
    return True


def _is_alive(process: psutil.Process) -> bool:
    try:
        return bool(process.is_running() and process.status() != psutil.STATUS_ZOMBIE)
    except psutil.NoSuchProcess:
        return False


def _number_inside(pid: int) -> int | None:
    try:
        for line in Path(f"/proc/{pid}/status").read_text().splitlines():
            if line.startswith("NSpid:"):
                return int(line.split()[-1])
    except OSError:
        pass
    return None


def _parent(process: psutil.Process) -> int:
    try:
        return int(process.ppid())
    except psutil.NoSuchProcess:
        return 0


def _role(pid: int, roles: Roles, parents: Mapping[int, int]) -> tuple[Role, str]:
    if pid == roles.scheduler or pid in roles.helpers:
        return Role.SCHEDULER, "scheduler"
    ancestor = pid
    while ancestor:
        if ancestor in roles.workers:
            return Role.WORKER, roles.workers[ancestor]
        if ancestor in roles.helpers and not set(roles.workers) <= set(parents):
            return Role.WORKER, "worker-other"  # in place of one that died
        if ancestor == roles.scheduler:
            return Role.SCHEDULER, "scheduler"
        ancestor = parents.get(ancestor, 0)
    return Role.CLIENT, "client"


def resident(pid: int | str = "self") -> tuple[int, int]:
    """Return a process's peak of resident memory and what it holds now, in bytes."""
    sizes = {"VmHWM": 0, "VmRSS": 0}
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        name, _, value = line.partition(":")
        if name in sizes:
            sizes[name] = int(value.split()[0]) * 1024
    return sizes["VmHWM"], sizes["VmRSS"]
