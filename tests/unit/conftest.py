"""What unit tests share: nothing is left behind, and a small cluster in the tests' own process."""

from collections.abc import Iterator

import pytest
from distributed import Client
from leaks import nothing_left


@pytest.fixture(scope="module", autouse=True)
def leaves_nothing_behind() -> Iterator[None]:
    """Fail a module that leaves threads, processes, open files or folders of boxes behind."""
    with nothing_left():
        yield


@pytest.fixture(scope="module")
def client() -> Iterator[Client]:
    with Client(
        n_workers=2, threads_per_worker=1, processes=False, dashboard_address=None
    ) as client:
        yield client
