"""A client that ends the cluster that was started for it, and clients that do not poll."""

import atexit
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import dask
import distributed

__all__ = ["NO_POLLING", "Client", "without_polling"]

NO_POLLING = {"distributed.client.scheduler-info-interval": "1 day"}
"""Dask's configuration of clients that do not poll."""


@contextmanager
def without_polling() -> Iterator[None]:
    """Have the clients that are made meanwhile ask about the cluster only when they are asked.

    By default a client also asks every two seconds, for totals alone, and ``scheduler_info()``
    returns what was heard last: if that is in between, there seem to be no workers (distributed
    2026.8.0, ``Client._update_scheduler_info``).
    """
    with dask.config.set(NO_POLLING):
        yield


class Client(distributed.Client):  # type: ignore[misc]
    """A ``distributed.Client`` that ends its cluster when it is closed, or at exit.

    Parameters
    ----------
    address : str or distributed.deploy.Cluster
        Where to connect to.
    end : callable
        Ends the cluster; called once or more.
    timeout : float
        Seconds to wait for the scheduler's answer.
    """

    def __init__(self, address: Any, *, end: Callable[[], None], timeout: float) -> None:
        self._end = end
        self._process = os.getpid()
        with without_polling():
            super().__init__(address, timeout=timeout)
        atexit.register(self.close)

    def close(self, *args: Any, **kwargs: Any) -> None:
        """Close the client, then its cluster."""
        self._finish(super().close, *args, **kwargs)

    def shutdown(self) -> None:
        """Shut the cluster down, then close the client."""
        self._finish(super().shutdown)

    def _finish(self, how: Callable[..., Any], *args: Any, **kwargs: Any) -> None:
        if os.getpid() != self._process:
            return  # a forked copy: the cluster is its parent's
        atexit.unregister(self.close)
        try:
            how(*args, **kwargs)
        finally:
            self._end()
