"""What the driver says of a student's error, and how it leaves Dask's settings."""

from collections.abc import Iterator
from pathlib import Path

import dask
import distributed
import numpy as np
import pytest

from autograder.evidence import driver
from cluster.client import NO_POLLING


def told(function: object, *arguments: object) -> dict[str, str]:
    _, _, failure = driver.call_student(None, "case", "function", function, arguments)
    assert failure is not None
    return failure


def test_lines_of_libraries_are_left_out() -> None:
    def function(rows: int) -> object:
        return np.zeros(rows).reshape(7, 7)

    def parses(text: str) -> object:
        return dask.utils.parse_bytes(text)

    for failure in (told(function, 3), told(parses, "60 foo")):
        lines = [line for line in failure["traceback"].splitlines() if "File " in line]
        assert len(lines) == 1 and "test_driver_failures.py" in lines[0]
        assert "site-packages" not in failure["traceback"]


def test_lines_of_the_kit_are_left_out() -> None:
    from autograder.author import jobscript

    failure = told(jobscript.read, "PBS", '{"cores": "many"}')
    assert failure["kind"] == "ArgumentError" and "File " not in failure["traceback"]


def test_a_traceback_inside_of_a_message_is_left_out() -> None:
    def function() -> object:
        place = "site-packages/dask/array/core.py"
        raise ValueError(f"`dtype` inference failed.\n\nTraceback:\n------\n  File {place!r}")

    failure = told(function)
    assert failure["message"] == "`dtype` inference failed."
    assert failure["traceback"].endswith("ValueError: `dtype` inference failed.\n")
    assert "site-packages" not in failure["traceback"]


@pytest.fixture
def address(monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """Start a cluster that is another's, as the box's is, and undo what the driver changes."""
    monkeypatch.setattr(distributed.Client, "shutdown", distributed.Client.shutdown)
    with (
        dask.config.set({"scheduler-address": None, **NO_POLLING}),
        distributed.LocalCluster(
            n_workers=1, threads_per_worker=1, processes=False, dashboard_address=None
        ) as cluster,
    ):
        monkeypatch.setenv("DASK_SCHEDULER_ADDRESS", cluster.scheduler_address)
        yield cluster.scheduler_address


def test_a_client_of_the_students_own_starts_a_cluster_as_at_home(
    tmp_path: Path, address: str
) -> None:
    with dask.config.set(
        {"scheduler-address": "tcp://127.0.0.1:9", "temporary-directory": tmp_path}
    ):
        with pytest.raises(ValueError, match="n_workers"):
            distributed.Client(n_workers=1, processes=False, dashboard_address=None)
        driver.leave_clients_alone()
        assert dask.config.get("scheduler-address", None) is None
        with distributed.Client(
            n_workers=1, threads_per_worker=1, processes=False, dashboard_address=None
        ) as client:
            assert client.submit(sum, [1, 2]).result() == 3


def test_shutdown_ends_the_students_own_cluster_and_not_the_graders(address: str) -> None:
    driver.leave_clients_alone()
    with distributed.Client(address) as theirs:
        theirs.shutdown()
        assert theirs.status == "closed"
    with distributed.Client(address, timeout=5) as again:
        assert again.submit(sum, [1, 2]).result() == 3
    own = distributed.Client(
        n_workers=1, processes=False, dashboard_address=None, set_as_default=False
    )
    place = own.scheduler.address
    own.shutdown()
    with pytest.raises(OSError, match="Timed out"):
        distributed.Client(place, timeout=1)
