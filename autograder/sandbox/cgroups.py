"""Control groups: the kernel's limits on a box's memory and processes, where available.

The watchdog polls ten times a second, and between two polls a program can grow. A control group
acts at once. Who may create one depends on the machine: root nearly always; an ordinary user with
the unified hierarchy (version 2), if the grader runs below the user's own systemd manager
(``systemd-run --user --scope nbgrader autograde …``); never with version 1. Without one only the
watchdog enforces the limits, with the same messages.
"""

import os
import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from autograder.files import PREFIX, own_prefix, owner_is_gone

__all__ = [
    "Group",
    "above",
    "breach",
    "cpu_seconds",
    "has_quota",
    "make",
    "remove",
    "sweep",
    "where",
]

ROOT = Path("/sys/fs/cgroup")
MEMBERSHIP = Path("/proc/self/cgroup")
_NEEDED = ("memory", "pids")
_NEAR = 0.95
"""Least share of its limit that a group has used when the kernel enforces that limit. Chosen: the
kernel charges 64 pages for each CPU in advance (``MEMCG_CHARGE_BATCH``), far less than the rest;
where a limit above the group's own stops a box within the rest, the box is blamed."""

_COUNTS = "cpuacct"
"""Of version 1, if available; version 2 counts CPU time in every group."""


@dataclass(frozen=True, slots=True)
class Group:
    """A control group of one box: a folder, or one per controller with version 1."""

    folders: tuple[Path, ...]

    @property
    def entrances(self) -> tuple[Path, ...]:
        """Files; a process that writes its id to all of them has joined."""
        return tuple(folder / "cgroup.procs" for folder in self.folders)


def where(root: Path = ROOT, membership: Path = MEMBERSHIP) -> tuple[Path, ...]:
    """Return the folders in which this process may create groups; none if it may not.

    Parameters
    ----------
    root, membership : Path
        Where the hierarchies are mounted, and the kernel's word on where this process is.
    """
    try:
        lines = membership.read_text().splitlines()
    except OSError:
        return ()
    own = {names: path for _, names, path in (line.split(":", 2) for line in lines)}
    if (root / "cgroup.controllers").exists():
        return _unified(root, own.get("", "/"))
    found = []
    for name in (*_NEEDED, _COUNTS):
        path = next((path for names, path in own.items() if name in names.split(",")), "/")
        inside = root / name / path.lstrip("/")
        parent = inside if inside.is_dir() else root / name
        if (parent / "cgroup.procs").exists() and os.access(parent, os.W_OK):
            found.append(parent)
        elif name in _NEEDED:
            return ()
    return tuple(found)


def _unified(root: Path, path: str) -> tuple[Path, ...]:
    """Return the nearest group above this process that we own and that delegates both limits.

    Its own group cannot: a group with processes in it cannot have children with limits.
    """
    own = root / path.lstrip("/")
    for parent in (own, *own.parents):
        if not parent.is_relative_to(root):
            break
        with suppress(OSError):
            handed_down = (parent / "cgroup.subtree_control").read_text().split()
            members = parent / "cgroup.procs"
            if set(_NEEDED) <= set(handed_down) and os.access(members, os.W_OK):
                return (parent,)
    return ()


def make(
    memory_bytes: int, processes: int, parents: tuple[Path, ...] | None = None
) -> Group | None:
    """Create a group with limits, or return None if that is not possible.

    Parameters
    ----------
    memory_bytes : int
        All memory, including files in the box's private folders.
    processes : int
        Processes and threads.
    parents : tuple of Path, optional
        As `where` returns them.
    """
    sweep()
    name = f"{own_prefix()}{time.monotonic_ns():x}"
    folders = tuple(parent / name for parent in (where() if parents is None else parents))
    if not folders:
        return None
    group = Group(folders)
    try:
        for folder in folders:
            folder.mkdir()
        unified = len(folders) == 1
        limits = {
            "memory.max" if unified else "memory.limit_in_bytes": memory_bytes,
            "pids.max": processes,
        }
        for file, value in limits.items():
            _find(group, file).write_text(str(value))
    except OSError:
        remove(group, timeout=0)
        return None
    # Without swap that is all the same; a machine may not count swap at all.
    for file, value in {"memory.swap.max": 0, "memory.memsw.limit_in_bytes": memory_bytes}.items():
        with suppress(OSError, StopIteration):
            _find(group, file).write_text(str(value))
    return group


def cpu_seconds(group: Group) -> float | None:
    """Return the CPU time of everything that was ever in a group, or None if it is not counted."""
    for folder in group.folders:
        with suppress(OSError, ValueError):
            return int((folder / "cpuacct.usage").read_text()) / 1e9
    used = _count(group, ("cpu.stat",), "usage_usec")
    return used / 1e6 if used else None


def has_quota(root: Path = ROOT, membership: Path = MEMBERSHIP) -> bool:
    """Tell whether this process has a quota below its processors' CPU time.

    Many containers have one: when it is used up, all processes wait although no other program runs.

    Parameters
    ----------
    root, membership : Path
        As for `where`.
    """
    return any(map(_is_limited, above("cpu", root, membership)))


def above(controller: str, root: Path = ROOT, membership: Path = MEMBERSHIP) -> Iterator[Path]:
    """Yield the groups whose limits apply to this process, its own first.

    In a container, its own group may be what is mounted; then some are not there.

    Parameters
    ----------
    controller : str
        Of version 1; in version 2 a group has all.
    root, membership : Path
        As for `where`.
    """
    try:
        lines = membership.read_text().splitlines()
    except OSError:
        return
    for line in lines:
        _, names, path = line.split(":", 2)
        if names and controller not in names.split(","):
            continue
        for mounted in {root / controller, root / names} if names else {root}:
            own = mounted / path.lstrip("/")
            yield from (each for each in (own, *own.parents) if each.is_relative_to(mounted))


def _is_limited(folder: Path) -> bool:
    for file, unlimited in (("cpu.max", "max"), ("cpu.cfs_quota_us", "-1")):
        with suppress(OSError, IndexError):
            if (folder / file).read_text().split()[0] != unlimited:
                return True
    return False


def breach(group: Group) -> str | None:
    """Return which limit the kernel enforced, if any.

    Returns
    -------
    str or None
        ``"memory"`` or ``"processes"`` for a limit of the group's own. ``"memory above"`` where a
        process was killed although the group had not come near its own: then it was the limit of a
        group above it, such as that of a job or a container.
    """
    if _count(group, ("memory.events", "memory.oom_control"), "oom_kill"):
        peak = _number(group, ("memory.peak", "memory.max_usage_in_bytes"))
        limit = _number(group, ("memory.max", "memory.limit_in_bytes"))
        elsewhere = peak is not None and limit is not None and peak < _NEAR * limit
        return "memory above" if elsewhere else "memory"
    if _count(group, ("pids.events",), "max"):
        return "processes"
    return None


def remove(group: Group, timeout: float = 10.0) -> bool:
    """Remove a group once its last process is gone; return whether it is."""
    until = time.monotonic() + timeout
    left = list(group.folders)
    while left:
        for folder in list(left):
            try:
                folder.rmdir()
            except FileNotFoundError:
                pass
            except OSError:
                continue
            left.remove(folder)
        if time.monotonic() > until:
            break
        time.sleep(0.01 if left else 0)
    return not left


@cache
def sweep() -> None:
    """Remove what killed graders have left, once per grader."""
    for parent in where():
        for folder in parent.glob(f"{PREFIX}*"):
            if owner_is_gone(folder.name):
                with suppress(OSError):
                    folder.rmdir()


def _find(group: Group, file: str) -> Path:
    return next(path for folder in group.folders if (path := folder / file).exists())


def _number(group: Group, files: tuple[str, ...]) -> int | None:
    for folder in group.folders:
        for file in files:
            with suppress(OSError, ValueError):
                return int((folder / file).read_text())
    return None


def _count(group: Group, files: tuple[str, ...], event: str) -> int:
    for folder in group.folders:
        for file in files:
            with suppress(OSError, ValueError):
                for line in (folder / file).read_text().splitlines():
                    name, _, number = line.partition(" ")
                    if name == event:
                        return int(number)
    return 0
