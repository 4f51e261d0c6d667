"""What a run depends on apart from the code: the versions of its packages, and the machine.

Versions belong to the key of evidence, so that other versions mean other evidence. The machine is
recorded beside it: evidence may be read on another machine.
"""

import importlib.metadata
import os
import platform
import re
import socket
from collections.abc import Mapping
from contextlib import suppress
from functools import cache
from pathlib import Path

from autograder.files import text_of
from cluster import system

__all__ = ["machine", "versions"]

_PACKAGES = ("dask", "distributed", "dask-ml", "scikit-learn", "numpy", "pandas")
_WHERE_INSTALLED = ("pyarrow", "xgboost", "xgboost-cpu")
"""Packages that only some exercises import, and not every environment has."""

_JOBS = ("SLURM_JOB_ID", "PBS_JOBID")


# What is imported stays, whatever is installed meanwhile.
@cache
def _installed() -> Mapping[str, str]:
    found = {name: importlib.metadata.version(name) for name in _PACKAGES}
    for name in _WHERE_INSTALLED:
        with suppress(importlib.metadata.PackageNotFoundError):
            found[name] = importlib.metadata.version(name)
    return found


def versions() -> dict[str, str]:
    """Return versions by package, those of Python and the kit among them."""
    return {
        "python": platform.python_version(),
        **_installed(),
        "kit": importlib.metadata.version("dask-scaling-kit"),
    }


def machine() -> dict[str, str]:
    """Describe the machine that this process runs on, as far as the system reports it.

    Returns
    -------
    dict of str to str
        ``machine`` (architecture), ``cores`` (that this process may use), ``host``, ``cpu``
        (model), ``load`` (average of the last minute), and ``job`` within one of a batch system.
    """
    told = {
        "machine": platform.machine(),
        "cores": str(system.cores()),
        "host": socket.gethostname(),
        "cpu": _cpu(),
        "load": f"{os.getloadavg()[0]:.2f}",
        "job": next((os.environ[name] for name in _JOBS if name in os.environ), ""),
    }
    return {name: value for name, value in told.items() if value}


def _cpu() -> str:
    found = re.search(r"^model name\s*:\s*(.+)$", text_of(Path("/proc/cpuinfo")), re.M)
    return found[1].strip() if found else ""
