"""What a run depends on besides the code: versions, and the machine."""

import importlib.metadata
import os
import platform

__all__ = ["environment"]

_PACKAGES = ("dask", "distributed", "dask-ml", "scikit-learn", "numpy", "pandas")


def environment() -> dict[str, str]:
    """Return versions by package, the kind of processor and how many cores there are."""
    versions = {name: importlib.metadata.version(name) for name in _PACKAGES}
    return {
        "python": platform.python_version(),
        **versions,
        "machine": platform.machine(),
        "cores": str(len(os.sched_getaffinity(0))),
        "kit": importlib.metadata.version("dask-scaling-kit"),
    }
