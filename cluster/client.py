"""A client that ends the cluster that was started for it."""

import atexit
import os
from collections.abc import Callable
from typing import Any

import distributed

__all__ = ["Client"]


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
