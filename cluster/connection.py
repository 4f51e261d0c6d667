"""``connect()``: a Dask client, wherever the cluster is.

Only what starts a cluster is imported at the top: Distributed takes half a second and is
imported while the workers of a local cluster start.
"""

import os
import sys
import time
from typing import TYPE_CHECKING, Any
from weakref import WeakKeyDictionary

from cluster.errors import ClusterError

if TYPE_CHECKING:
    import distributed

    from cluster.profile import AddressProfile, BatchProfile, LocalProfile, Profile

__all__ = ["connect", "size_of", "use", "version_mismatch"]

_ANSWER_SECONDS = 5.0
"""Timeout for the answer of a running scheduler. Chosen: it takes milliseconds, and seconds while
it takes in a large graph."""

_START_SECONDS = 60.0
"""Timeout for workers that do not wait in a queue. On two idle cores that is 0.2 s after the
imports, which take 2 to 5 s there and longer from a busy file system."""

_NEWS_SECONDS = 60.0
"""Interval between messages while waiting for jobs."""

SIZE_VARIABLE = "DASK_SCALING_SIZE"
"""Environment variable with the size of a cluster that is known only by its address."""

_clients: dict[tuple[Any, ...], "distributed.Client"] = {}
"""Clients of this process by their cluster."""
_sizes: "WeakKeyDictionary[distributed.Client, str]" = WeakKeyDictionary()
_usual: dict[str, Any] = {"profile": None, "workers": None}
"""The defaults of ``connect()``."""


def use(profile: str | None, workers: int | None = None) -> None:
    """Set this process's defaults for ``connect()`` without arguments.

    Parameters
    ----------
    profile, workers
        As for `connect`.
    """
    _usual.update(profile=profile, workers=workers)


def size_of(client: "distributed.Client") -> str:
    """Return how large the data for a cluster may be.

    Parameters
    ----------
    client : distributed.Client
        Of any cluster.

    Returns
    -------
    str
        ``laptop``, ``node`` or ``cluster``: the size in the client's profile. For a cluster that is
        known only by its address, ``DASK_SCALING_SIZE`` in the environment, else ``laptop``.
    """
    return _sizes.get(client) or _size_told()


def _size_told() -> Any:
    from cluster.profile import SIZES

    told = os.environ.get(SIZE_VARIABLE, SIZES[0])
    if told not in SIZES:
        raise ClusterError(f"{SIZE_VARIABLE} is {told!r}: it must be one of {', '.join(SIZES)}.")
    return told


def connect(
    profile: str | None = None,
    *,
    workers: int | None = None,
    memory: str | None = None,
    timeout: float | None = None,
) -> "distributed.Client":
    """Connect to a Dask cluster, and start it if necessary.

    While the client is alive, further calls return the same client, so a notebook's cell can run
    twice. Closing a client ends the cluster that was started for it, and so does the end of this
    process, however it ends.

    Parameters
    ----------
    profile : str, optional
        Name of a profile in ``cluster/profiles``, path of a TOML file of the same format, or the
        address of a scheduler, ``tcp://host:port``. Default: the one set by `use`, else the address
        in ``DASK_SCHEDULER_ADDRESS``, else ``local``.
    workers : int, optional
        How many workers to start or, on a running cluster, to wait for. Default: the number set by
        `use` together with the profile, else the profile's.
    memory : str, optional
        Limit of each worker on this machine, such as ``"640 MB"``. Default: the profile's. It is
        always the profile's for jobs of a batch system, and a running cluster keeps the limit with
        which it was started.
    timeout : float, optional
        Seconds within which all workers have to arrive. Default: the profile's for a batch system,
        whose jobs first wait in a queue, else 60.

    Returns
    -------
    distributed.Client
        With that many workers.

    Raises
    ------
    ClusterError
        If there is no such profile, nothing listens at the address, the machine has no such
        batch system, workers are missing after ``timeout``, versions do not fit, or ``memory``
        is no size.
    """
    if profile is None and _usual["profile"] is not None:
        profile = _usual["profile"]
        workers = _usual["workers"] if workers is None else workers
    place = _resolve(profile)
    count = place.workers if workers is None else workers
    key = (place.address,) if place.kind == "address" else (place, count)
    if memory is not None and place.kind == "local":
        from cluster.profile import with_memory

        place = with_memory(place, memory)
    client = _clients.get(key)
    if client is None or not _is_alive(client):
        if client is not None:
            client.close()
        client = _clients[key] = _start(place, count, timeout)
    _sizes[client] = place.size
    _mend_link()
    return client


def _mend_link() -> None:
    """Warn once if the link to the dashboard is wrong."""
    from cluster.dashboard import mend_link

    wrong = mend_link()
    if wrong:
        # On stdout: nbgrader takes stderr for a failure.
        print(f"Note: {wrong}")


def _start(place: "Profile", workers: int, timeout: float | None) -> "distributed.Client":
    if timeout is None:
        timeout = getattr(place, "timeout", _START_SECONDS)
    if place.kind == "local":
        return _connect_local(place, workers, timeout)
    if place.kind == "address":
        return _connect_address(place, workers, timeout)
    return _connect_batch(place, workers, timeout)


def version_mismatch(versions: dict[str, Any]) -> str:
    """Report incompatible versions of client, scheduler and workers, if any.

    Parameters
    ----------
    versions : dict
        As ``Client.get_versions()`` returns it. Dask and Distributed have to be equal, and Python's
        first two numbers (functions are sent as bytecode).
    """
    others = {"the scheduler": versions["scheduler"]}
    others |= {f"worker {address}": said for address, said in versions["workers"].items()}
    for who, said in others.items():
        for package in ("python", "dask", "distributed"):
            ours = _significant(package, versions["client"]["packages"].get(package))
            theirs = _significant(package, said["packages"].get(package))
            if ours != theirs:
                return f"{package} is {ours} here and {theirs} on {who}"
    return ""


def _significant(package: str, version: str | None) -> str:
    version = version or "missing"
    return ".".join(version.split(".")[:2]) if package == "python" else version


def _resolve(profile: str | None) -> "Profile":
    from cluster.profile import AddressProfile, load_profile

    address = os.environ.get("DASK_SCHEDULER_ADDRESS") if profile is None else profile
    if address and "://" in address:
        name = "DASK_SCHEDULER_ADDRESS" if profile is None else address
        return AddressProfile(name=name, kind="address", address=address, size=_size_told())
    if address and profile is None:
        raise ClusterError(
            f"DASK_SCHEDULER_ADDRESS is {address!r}, which is no address like "
            f"tcp://host:8786: correct it, or unset it for a cluster on this machine."
        )
    return load_profile(profile or "local")


def _is_alive(client: "distributed.Client") -> bool:
    return bool(client.status == "running")


def _connect_local(place: "LocalProfile", workers: int, timeout: float) -> "distributed.Client":
    from cluster.local import Server

    server = Server(place, workers)
    try:
        from cluster.client import Client

        return Client(server.wait(timeout), end=server.stop, timeout=_ANSWER_SECONDS)
    except BaseException:
        server.stop()
        raise


def _connect_address(place: "AddressProfile", workers: int, timeout: float) -> "distributed.Client":
    import distributed

    from cluster.client import without_polling

    try:
        current = distributed.Client.current()
    except ValueError:
        current = None
    if current is not None and _is_alive(current) and current.scheduler.address == place.address:
        return current
    start = time.monotonic()
    try:
        with without_polling():
            client = distributed.Client(place.address, timeout=min(timeout, _ANSWER_SECONDS))
    except (OSError, ValueError) as error:
        raise ClusterError(
            f"No Dask scheduler answers at {place.address} (from {place.name!r}): start one "
            f"there with `dask scheduler`, correct the address, or use connect('local')."
        ) from error
    try:
        left = timeout - (time.monotonic() - start)
        _wait_for_workers(client, workers, left, timeout, "the scheduler's log and dashboard")
        _check_versions(client)
    except BaseException:
        client.close()
        raise
    return client


def _connect_batch(place: "BatchProfile", workers: int, timeout: float) -> "distributed.Client":
    from cluster.batch import QUEUE_COMMAND, start_batch

    start = time.monotonic()
    started = start_batch(place, workers)
    try:
        from cluster.client import Client

        client = Client(started.cluster, end=started.end, timeout=_ANSWER_SECONDS)
        queue = QUEUE_COMMAND[place.kind]
        _tell_while_waiting(client, workers, timeout, f"{started.jobs} of {place.name!r}", queue)
        left = timeout - (time.monotonic() - start)
        _wait_for_workers(
            client,
            workers,
            left,
            timeout,
            f"{queue} and the jobs' output",
            "give a longer timeout, here or in the profile",
        )
        _check_versions(client)
    except BaseException:
        started.end()
        raise
    return client


def _tell_while_waiting(
    client: "distributed.Client", workers: int, timeout: float, jobs: str, queue: str
) -> None:
    """Report the progress at intervals, until everything has arrived or the time is up."""
    until, pause = time.monotonic() + timeout, 2.0
    while (left := until - time.monotonic()) > 0 and workers > 0:
        try:
            client.wait_for_workers(workers, timeout=min(pause, left))
            return
        except TimeoutError:
            pause, left = _NEWS_SECONDS, until - time.monotonic()
            if left > 0:
                print(
                    f"{_arrived(client)} of {workers} workers are there. Waiting for {jobs}, for "
                    f"{left:.0f} s more at most; {queue} shows where they are in the queue.",
                    flush=True,
                )


def _wait_for_workers(
    client: "distributed.Client",
    workers: int,
    left: float,
    timeout: float,
    look_at: str,
    longer: str = "give a longer timeout",
) -> None:
    if workers < 1:
        return
    try:
        client.wait_for_workers(workers, timeout=max(left, 0.1))
    except TimeoutError:
        raise ClusterError(
            f"{_arrived(client)} of {workers} workers arrived within {timeout:g} s: look at "
            f"{look_at}, ask for fewer workers, or {longer}."
        ) from None
    _arrived(client)  # asking is what brings the client's repr up to date


def _arrived(client: "distributed.Client") -> int:
    return len(client.scheduler_info(n_workers=-1)["workers"])


def _check_versions(client: "distributed.Client") -> None:
    mismatch = version_mismatch(client.get_versions())
    if mismatch:
        raise ClusterError(
            f"This process and the cluster do not fit together: {mismatch}; use one "
            f"environment for both (here it is {sys.prefix})."
        )
