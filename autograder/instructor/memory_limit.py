"""How much memory this process may use: the smallest limit above it."""

import os
from contextlib import suppress
from pathlib import Path

import psutil

from autograder.sandbox import cgroups

__all__ = ["memory_limit"]


def memory_limit(groups: Path = cgroups.ROOT, membership: Path = cgroups.MEMBERSHIP) -> int:
    """Return the smallest limit of memory above this process, in bytes.

    Parameters
    ----------
    groups, membership : Path
        Where control groups are mounted, and the file that names this process's group.
    """
    found = [psutil.virtual_memory().total]
    with suppress(KeyError, ValueError):
        # Where no control group holds a job to it. 0 is the whole node.
        found += [int(os.environ["SLURM_MEM_PER_NODE"]) << 20 or found[0]]
    for folder in cgroups.above("memory", groups, membership):
        for name in ("memory.max", "memory.high", "memory.limit_in_bytes"):
            with suppress(OSError, ValueError):
                found.append(int((folder / name).read_text()))
    return min(found)
