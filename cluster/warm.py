"""What workers need to have imported, and the process that they are forked from.

What is imported once is shared by all that are forked afterwards. Garbage collection is off
meanwhile, which takes 15 % off the imports, and what they left is frozen, so that a worker's
collections do not copy the pages it shares.
"""

import gc
import importlib
import logging
import os
import signal
import sys
from collections.abc import Iterable
from typing import Any

from cluster import system

__all__ = [
    "DEFAULT_MODULES",
    "become_forkserver",
    "dask_setup",
    "die_with_parent",
    "import_all",
    "quieten_scheduler",
]

DEFAULT_MODULES = (
    "dask_ml.wrappers",
    "dask_ml.cluster",
    "dask.array",
    "distributed.nanny",
    "numpy",
    "sklearn.ensemble",
    "sklearn.linear_model",
    "sklearn.neighbors",
    "sklearn.svm",
)


def die_with_parent(parent: int) -> None:
    """Have the kernel kill this process as soon as its parent is gone.

    The kernel means the parent's *thread* that started this process. That is safe only where
    that thread lives as long as its process: here the main thread of ``cluster.serve`` for
    the forkserver, and the only thread of the forkserver for the workers.

    Parameters
    ----------
    parent : int
        Process id of the parent, to notice if it has gone already.
    """
    system.ends_with_parent()
    if os.getppid() != parent:
        os.kill(os.getpid(), signal.SIGKILL)


def import_all(modules: Iterable[str]) -> None:
    """Import modules with garbage collection off, and freeze what they leave.

    Parameters
    ----------
    modules : iterable of str
        One that cannot be imported is named on stderr and left out.
    """
    gc.disable()
    for module in filter(None, modules):
        try:
            importlib.import_module(module)
        except Exception as error:
            # A worker without it still works, only slower; a forkserver that dies does not.
            print(f"cluster: not preloaded: {module} ({error})", file=sys.stderr)
    gc.enable()
    gc.freeze()


def _worker_dies_with_forkserver() -> None:
    global _forked_from
    # Once only: what a worker forks in turn inherits this hook but has another parent.
    if _forked_from:
        parent, _forked_from = _forked_from, 0
        die_with_parent(parent)


_forked_from = 0


def _is_no_farewell(record: logging.LogRecord) -> bool:
    """Tell whether a worker's log line is not about a scheduler that cannot be reached.

    Scheduler and workers are on one machine here and end together. A worker that was just
    sending a heartbeat then would show a student a traceback of the network, at the end of work
    that went well. Whatever else goes wrong with a heartbeat is told, and ends the worker.
    """
    return record.getMessage() != "Failed to communicate with scheduler during heartbeat."


def _is_no_renamed_source(record: logging.LogRecord) -> bool:
    """Tell whether a scheduler's log line is not about a task that was fused in another way.

    Dask fuses the tasks that read a chunk with what follows, so the same collection, computed
    twice, has other tasks under the same key (dask #9888). A student would see several lines about
    deadlocks amid right answers. The scheduler keeps what it knew, and goes on.
    """
    return not record.getMessage().startswith("Detected different `run_spec` for key")


def _is_no_replacement(record: logging.LogRecord) -> bool:
    """Tell whether a log line is not about a worker that died and is replaced.

    Where a check kills a worker to see what becomes of a student's work, that is as it should be;
    and nbgrader's Validate takes every line on stderr for a failure. What is said of a worker that
    ran out of memory stays.
    """
    said = record.getMessage()
    lost = said.startswith("Removing worker ") and "will be recomputed elsewhere" in said
    return not (lost or said.startswith("Restarting worker"))


def _is_no_slow_end(record: logging.LogRecord) -> bool:
    """Tell whether a log line is not about a worker that took long to end, and was killed.

    On a busy machine that is how a cluster ends whose work went well.
    """
    return not record.getMessage().startswith("Worker process still alive after ")


def quieten_scheduler() -> None:
    """Keep out of the notebook what scheduler and nannies log of what is as it should be."""
    logging.getLogger("distributed.scheduler").addFilter(_is_no_renamed_source)
    logging.getLogger("distributed.nanny").addFilter(_is_no_slow_end)
    for name in ("distributed.scheduler", "distributed.nanny"):
        logging.getLogger(name).addFilter(_is_no_replacement)


def dask_setup(worker: Any = None) -> None:
    """Keep a worker's last words out of the notebook (a Dask worker preload)."""
    logging.getLogger("distributed.worker").addFilter(_is_no_farewell)


def become_forkserver(parent: int) -> None:
    """Make this process, just forked, end with its parent, and its children with it.

    Parameters
    ----------
    parent : int
        Process id of the parent.
    """
    global _forked_from
    die_with_parent(parent)
    dask_setup()
    _forked_from = os.getpid()
    os.register_at_fork(after_in_child=_worker_dies_with_forkserver)
