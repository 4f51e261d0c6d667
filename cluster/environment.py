"""What is in the environment of every worker, and why: the one place for these numbers.

The variables have to be there before the worker's process image starts: glibc reads
``MALLOC_…`` at its first allocation, BLAS and OpenMP size their thread pools when they are
loaded. The process that workers are forked from loads both long before a nanny could set
anything, so ``python -m cluster`` starts itself anew with them if need be. The nanny then
leaves them alone:
``distributed.nanny.pre-spawn-environ`` gives way to what the environment already has.
"""

from collections.abc import Mapping

__all__ = ["WORKER_ENVIRONMENT"]

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
