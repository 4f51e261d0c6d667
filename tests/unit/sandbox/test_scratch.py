"""The folder of a box: where it is made."""

import tempfile
from pathlib import Path

import pytest

from autograder.errors import HarnessError
from autograder.sandbox import scratch


@pytest.fixture
def temporary(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The user's folder for temporary files, with a path too long for sockets in it."""
    folder = tmp_path / ("long" * 20)
    folder.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(folder))
    return folder


def test_a_long_path_is_left_for_a_short_one(temporary: Path) -> None:
    made = scratch.make()
    try:
        assert not made.is_relative_to(temporary)
        assert len(f"{made}/recorder.sock".encode()) < 107
    finally:
        scratch.remove(made)


def test_a_short_path_is_the_users(monkeypatch: pytest.MonkeyPatch) -> None:
    with tempfile.TemporaryDirectory(prefix="t-", dir="/tmp") as folder:
        monkeypatch.setattr(tempfile, "tempdir", folder)
        assert scratch.place() == Path(folder)


def test_without_a_short_path_one_sentence_says_so(
    temporary: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(scratch, "_SHORT_PLACES", ())
    with pytest.raises(HarnessError, match="TMPDIR"):
        scratch.place()
