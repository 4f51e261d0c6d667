"""Clients that ask about the cluster only when they are asked."""

from collections.abc import Iterator

import distributed
import pytest

from cluster.client import Client, without_polling

SECONDS = 3600.0


@pytest.fixture(scope="module")
def address() -> Iterator[str]:
    with distributed.LocalCluster(
        n_workers=1, threads_per_worker=1, processes=False, dashboard_address=None
    ) as cluster:
        yield cluster.scheduler_address


def interval(client: distributed.Client) -> float:
    """Return the seconds after which a client asks the scheduler by itself."""
    return client._periodic_callbacks["scheduler-info"].callback_time / 1000


def test_the_kits_clients_do_not_poll(address: str) -> None:
    with Client(address, end=lambda: None, timeout=5) as ours:
        assert interval(ours) > SECONDS
        assert len(ours.scheduler_info(n_workers=-1)["workers"]) == 1
    with without_polling(), distributed.Client(address, set_as_default=False) as another:
        assert interval(another) > SECONDS


def test_other_clients_do(address: str) -> None:
    """Otherwise nobody has to prevent it."""
    with distributed.Client(address, set_as_default=False) as usual:
        assert interval(usual) < SECONDS
