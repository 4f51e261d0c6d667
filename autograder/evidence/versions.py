"""What a run depends on besides the code: versions, and the machine."""

import importlib.metadata
import os
import platform
from collections.abc import Mapping
from functools import cache

__all__ = ["environment"]

_PACKAGES = ("dask", "distributed", "dask-ml", "scikit-learn", "numpy", "pandas")


def environment() -> dict[str, str]:
    """Return versions by package, the kind of processor and how many cores there are."""
    return {
        "python": platform.python_version(),
        **_versions(),
        "machine": platform.machine(),
        "cores": str(len(os.sched_getaffinity(0))),
        "kit": importlib.metadata.version("dask-scaling-kit"),
    }


# What is imported stays, whatever is installed meanwhile.
@cache
def _versions() -> Mapping[str, str]:
    return {name: importlib.metadata.version(name) for name in _PACKAGES}
