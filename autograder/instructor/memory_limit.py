"""How much memory this process may use: the smallest limit above it."""

import os
from contextlib import suppress
from pathlib import Path

import psutil

__all__ = ["memory_limit"]

_GROUPS, _MEMBERSHIP = Path("/sys/fs/cgroup"), Path("/proc/self/cgroup")


def memory_limit(groups: Path = _GROUPS, membership: Path = _MEMBERSHIP) -> int:
    """Return the smallest limit of memory above this process, in bytes.

    Parameters
    ----------
    groups, membership : Path
        Where control groups are mounted, and the kernel's word on where this process is.
    """
    found = [psutil.virtual_memory().total]
    with suppress(KeyError, ValueError):
        # Where no control group holds a job to it. 0 is the whole node.
        found += [int(os.environ["SLURM_MEM_PER_NODE"]) << 20 or found[0]]
    with suppress(OSError):
        for line in membership.read_text().splitlines():
            _, names, path = line.split(":", 2)
            if names and "memory" not in names.split(","):
                continue
            top = groups / "memory" if names else groups
            own = top / path.lstrip("/")
            for folder in (own, *own.parents):
                if not folder.is_relative_to(top):
                    break
                for name in ("memory.max", "memory.high", "memory.limit_in_bytes"):
                    with suppress(OSError, ValueError):
                        found.append(int((folder / name).read_text()))
    return min(found)
