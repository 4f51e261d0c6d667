"""Stop Dask workers from shifting their times by an estimated difference of clocks.

Workers shift all reported times by the estimated difference between their clock and the
scheduler's. The estimate comes from heartbeats, and on a busy machine it has been wrong by a
second, which moves tasks into a run to which they do not belong. On one machine there is only one
clock, and nothing to shift.

Distributed's own tests replace the attribute in the same way (``distributed.utils_test``).
"""

from typing import Any

from distributed.comm import get_address_host
from distributed.diagnostics.plugin import WorkerPlugin

__all__ = ["OneClock", "dask_setup"]


class OneClock(WorkerPlugin):
    """Let workers on the scheduler's machine report times as they are."""

    name = "autograder-clock"
    idempotent = True

    def setup(self, worker: Any) -> None:
        """Begin; called by distributed when a client registers the plugin."""
        if get_address_host(worker.address) == get_address_host(worker.scheduler.address):
            dask_setup(worker)


def dask_setup(worker: Any) -> None:
    """Stop a worker from shifting its clock (a Dask worker preload)."""
    type(worker).scheduler_delay = property(lambda self: 0.0, lambda self, seconds: None)
