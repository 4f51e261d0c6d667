"""A SLURM for the tests, and a loud word where there is none."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from local_slurm import SlurmUnavailable, running

WHY = pytest.StashKey[str]()


@pytest.fixture(scope="session")
def slurm(request: pytest.FixtureRequest) -> Iterator[Path]:
    """A SLURM of two cores on this machine; yields its ``slurm.conf``."""
    try:
        context = running()
        conf = context.__enter__()
    except SlurmUnavailable as reason:
        request.config.stash[WHY] = str(reason)
        pytest.skip(f"NO SLURM: {reason}")
    try:
        yield conf
    finally:
        context.__exit__(None, None, None)


def pytest_terminal_summary(
    terminalreporter: pytest.TerminalReporter, config: pytest.Config
) -> None:
    """Say at the end, whatever the options, that nothing was tried on a real batch system."""
    why = config.stash.get(WHY, None)
    if why is not None:
        terminalreporter.section("NOT TESTED ON A REAL BATCH SYSTEM", sep="!", red=True, bold=True)
        terminalreporter.line(f"The tests in tests/e2e/slurm were skipped: {why}.")
        terminalreporter.line("As root, run tests/e2e/slurm/install.sh, then these tests.")
