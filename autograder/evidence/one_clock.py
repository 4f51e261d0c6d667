"""Stop Dask workers from shifting their times by an estimated difference of clocks.

Workers add to every time that they report what they take their clock to differ from the
scheduler's by. The difference is estimated from heartbeats, and on a busy machine it has been
seen off by a second, which moves tasks into a run that they were no part of. On one machine
there is only one clock, and nothing to add.

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
