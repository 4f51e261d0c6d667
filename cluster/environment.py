"""The environment of every worker, with reasons: the one place for these numbers.

BLAS and OpenMP size their thread pools when they are loaded, and glibc reads ``MALLOC_…`` at its
first allocation. The process from which workers are forked has done both long before a nanny could
set anything, so it sets them itself. The nanny then leaves them alone: existing variables take
precedence over ``distributed.nanny.pre-spawn-environ``.
"""

import ctypes
import os
from collections.abc import Mapping

__all__ = ["WORKER_ENVIRONMENT", "enter"]

WORKER_ENVIRONMENT: Mapping[str, str] = {
    # A worker's threads are Dask's to schedule: BLAS threads on top oversubscribe the cores.
    "OMP_NUM_THREADS": "1",
    "OPENBLAS_NUM_THREADS": "1",
    "MKL_NUM_THREADS": "1",
    "NUMEXPR_NUM_THREADS": "1",
    # Distributed's own trim threshold of 65536 gives every freed block back to the kernel and
    # pays for it in page faults: about 30 % of the run time of array work. With these two,
    # speedups on two cores went 1.20 → 1.45 (grid search), 1.43 → 1.71 (parallel prediction),
    # 1.16 → 1.37 (incremental training). Measure again: run the same work with and without.
    "MALLOC_TRIM_THRESHOLD_": str(2**30),
    "MALLOC_MMAP_THRESHOLD_": str(2**25),
}

_MALLOPT = {"MALLOC_TRIM_THRESHOLD_": -1, "MALLOC_MMAP_THRESHOLD_": -3}
"""Parameters of mallopt(3), from glibc's malloc.h."""


def enter() -> None:
    """Apply the environment to this process and its future children.

    Call it before NumPy is loaded, unless the thread variables are already set.
    """
    os.environ.update(WORKER_ENVIRONMENT)
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    # Other C libraries have neither the function nor the variables.
    if mallopt is not None:
        for name, parameter in _MALLOPT.items():
            mallopt(parameter, int(WORKER_ENVIRONMENT[name]))
