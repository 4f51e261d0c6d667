"""A small cluster in the tests' own process, for what needs Dask and no protection."""

from collections.abc import Iterator

import pytest
from distributed import Client


@pytest.fixture(scope="module")
def client() -> Iterator[Client]:
    with Client(
        n_workers=2, threads_per_worker=1, processes=False, dashboard_address=None
    ) as client:
        yield client
