"""A process that runs a scheduler and its workers, and ends with the process it serves.

Scheduler and nannies share this process; workers are forked from a forkserver that has already
loaded scikit-learn and dask-ml (``cluster.warm``), if the system allows that (``cluster.system``),
and otherwise started separately. No ``__main__`` is involved, so scripts without a main guard and
notebooks can get their workers from here.

**Start-up.** The imports take most of the time, about 2 s on one core. They are done once, in this
process, since the scheduler unpickles every graph and the models in it; then the forkserver is
forked from it, and the workers from the forkserver.

**End.** SIGTERM closes the cluster in order. The process it serves is watched by a thread, through
a pidfd if available, so that a busy scheduler notices, too. Neither of the usual ways works:
``PR_SET_PDEATHSIG`` follows the *thread* that started us, which in a notebook or a web
server may end long before its process, and a pipe on stdin stays open in whatever that
process forks, and is closed from the beginning under ``</dev/null``. Downwards it is
``PR_SET_PDEATHSIG`` after all (``cluster.warm``): however this process ends, the kernel kills
forkserver and workers with it. Elsewhere Dask's own way has to do: a thread of each worker
notices that the process of its nanny is gone.
"""

import argparse
import asyncio
import errno
import gc
import json
import multiprocessing
import os
import signal
import sys
import threading
from collections.abc import Sequence
from multiprocessing import forkserver, resource_tracker, util
from pathlib import Path
from typing import Any

from cluster import system, warm
from cluster.dashboard import mend_link
from cluster.files import replacing

__all__ = ["main", "write_atomically"]

_CLOSE_SECONDS = 5.0
"""Grace period for workers to close before they are killed; idle ones take 0.05 s."""


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command line; returns when the cluster has been closed."""
    options = _parse(arguments)
    # Ours is the scheduler; this one would be for the workers' own clients to find.
    os.environ.pop("DASK_SCHEDULER_ADDRESS", None)
    warm.import_all(options.warm.split(","))
    import dask

    dask.config.refresh()  # where it had been imported before
    # Comes before any thread.
    forkserver_pid = _start_forkserver() if system.forks_workers() else None
    stop = _Stop()
    threading.Thread(target=_watch, args=(options.parent, stop), daemon=True).start()
    try:
        asyncio.run(_serve(options, stop))
    except Exception as error:
        if options.ready is None:
            sys.exit(f"cluster: {_explain(error, options)}")
        write_atomically(options.ready, {"error": _explain(error, options)})
        sys.exit(1)
    finally:
        gc.collect()  # queues hold semaphores, which the resource tracker waits for
        if forkserver_pid is not None:
            os.kill(forkserver_pid, signal.SIGKILL)  # takes workers that did not close with it
            os.waitpid(forkserver_pid, 0)


def write_atomically(path: Path, record: Any) -> None:
    """Write a record as JSON so that a reader sees the whole of it or nothing."""
    with replacing(path) as file:
        file.write((json.dumps(record, indent=2) + "\n").encode())


def _parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m cluster")
    serve = parser.add_subparsers(required=True, metavar="serve").add_parser(
        "serve", help="run a scheduler and workers until SIGTERM or the parent's end"
    )
    add = serve.add_argument
    add("--workers", type=int, default=2, help="worker processes (%(default)s)")
    add("--threads", type=int, default=1, help="threads per worker (%(default)s)")
    add("--memory", default="1GB", help="memory limit per worker (%(default)s)")
    add("--host", default="127.0.0.1", help="address to listen at (%(default)s)")
    add("--port", type=int, default=8786, help="of the scheduler; 0 for any (%(default)s)")
    add("--dashboard", type=int, metavar="PORT", help="serve it; 0 for any port (off)")
    add("--preload", action="append", default=[], metavar="MODULE", help="into the scheduler")
    add("--worker-preload", action="append", default=[], metavar="MODULE",
        help="into every worker")  # fmt: skip
    add("--warm", default=",".join(warm.DEFAULT_MODULES), metavar="MODULE,…",
        help="imported before workers are forked (%(default)s)")  # fmt: skip
    add("--scheduler-file", metavar="FILE", help="where Dask writes the scheduler's identity")
    add("--ready", type=Path, metavar="FILE",
        help="JSON written when all workers are up: address, dashboard, pids")  # fmt: skip
    add("--parent", type=int, default=os.getppid(), metavar="PID",
        help="the process to end with (the one that started this)")  # fmt: skip
    return parser.parse_args(arguments)


class _Stop:
    """A request to close, from a signal or a thread, before or while the loop runs."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._event = asyncio.Event()
        self._requested = False

    def request(self) -> None:
        with self._lock:
            if self._requested:
                return
            self._requested = True
            if self._loop is not None:
                self._loop.call_soon_threadsafe(self._event.set)
        force = threading.Timer(2 * _CLOSE_SECONDS, os._exit, [1])
        force.daemon = True
        force.start()

    async def wait(self) -> None:
        with self._lock:
            self._loop = asyncio.get_running_loop()
            if self._requested:
                return
        await self._event.wait()


def _watch(parent: int, stop: _Stop) -> None:
    """Wait for the end of ``parent``, then ask to close."""
    system.wait_for_end(parent)
    stop.request()


def _start_forkserver() -> int:
    """Fork the process that workers are forked from, with all that is imported; returns its id.

    Multiprocessing would start a new interpreter for it, which imports all of it again.
    """
    multiprocessing.set_forkserver_preload([])
    resource_tracker.ensure_running()
    started: list[int] = []

    def fork(path: Any, args: Sequence[Any], passfds: Sequence[int]) -> int:
        parent = os.getpid()
        started.append(os.fork())
        if started[0] == 0:
            try:
                warm.become_forkserver(parent)
                # "from multiprocessing.forkserver import main; main(…)"
                exec(args[-1], {})
            finally:
                os._exit(1)
        return started[0]

    spawn, util.spawnv_passfds = util.spawnv_passfds, fork
    try:
        forkserver.ensure_running()
    finally:
        util.spawnv_passfds = spawn
    return started[0]


async def _serve(options: argparse.Namespace, stop: _Stop) -> None:
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.request)
    stopping = asyncio.ensure_future(stop.wait())
    cluster = _make_cluster(options)
    starting = asyncio.ensure_future(cluster)
    await asyncio.wait([starting, stopping], return_when=asyncio.FIRST_COMPLETED)
    if not starting.done():
        arrived = len(cluster.scheduler.workers) if cluster.scheduler else 0
        raise TimeoutError(f"stopped when {arrived} of {options.workers} workers had started")
    await starting
    if options.ready:
        write_atomically(options.ready, _describe(cluster, options))
    gone = asyncio.ensure_future(cluster.scheduler.finished())  # Client.shutdown()
    await asyncio.wait([gone, stopping], return_when=asyncio.FIRST_COMPLETED)
    await asyncio.wait([asyncio.ensure_future(cluster.close())], timeout=_CLOSE_SECONDS)


def _make_cluster(options: argparse.Namespace) -> Any:
    import dask
    import distributed.utils
    from distributed import LocalCluster

    warm.quieten_scheduler()
    mend_link()

    # Else it imports numpy, pandas and more into this process, for a preload list that
    # comes too late: the forkserver is running. Without effect if Distributed renames it.
    distributed.utils._forkserver_preload_set = True
    forked = system.forks_workers()
    into_workers = options.worker_preload if forked else [*options.worker_preload, warm.__name__]
    dask.config.set({
        "distributed.worker.multiprocessing-method": "forkserver" if forked else "spawn",
        "distributed.worker.preload": into_workers,
        "distributed.scheduler.preload": options.preload,
    })  # fmt: skip
    if options.dashboard is None:
        # There is a server on some port all the same; it serves nothing.
        dask.config.set({"distributed.scheduler.http.routes": [],
                         "distributed.worker.http.routes": []})  # fmt: skip
    return LocalCluster(
        n_workers=options.workers,
        threads_per_worker=options.threads,
        memory_limit=options.memory,
        host=options.host,
        scheduler_port=options.port,
        dashboard_address=f"{options.host}:{options.dashboard or 0}",
        scheduler_kwargs={
            "scheduler_file": options.scheduler_file,
            "dashboard": options.dashboard is not None,
        },
        asynchronous=True,
    )


def _describe(cluster: Any, options: argparse.Namespace) -> dict[str, Any]:
    return {
        "address": cluster.scheduler_address,
        "dashboard": None if options.dashboard is None else cluster.dashboard_link,
        "scheduler": os.getpid(),
        "workers": [cluster.workers[name].pid for name in sorted(cluster.workers)],
    }


def _explain(error: BaseException, options: argparse.Namespace) -> str:
    while error.__cause__ is not None:
        error = error.__cause__
    if isinstance(error, OSError) and error.errno == errno.EADDRINUSE:
        return f"port {options.port} of {options.host} is taken; give another, or 0 for any"
    if isinstance(error, TimeoutError):
        return str(error)
    return f"{type(error).__name__}: {error}"
