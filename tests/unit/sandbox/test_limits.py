"""What the watchdog ends a box for, where the kernel does not."""

import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from hostile.corpus import tiny

from autograder.sandbox.limits import Watchdog


@pytest.fixture
def root() -> Iterator[int]:
    with subprocess.Popen(["sleep", "60"]) as process:
        yield process.pid
        process.kill()


@pytest.mark.parametrize(
    ("bytes_", "files", "words"),
    [(3_000_000, 1, "its home and its temporary files may take"), (0, 10_001, "files and folders")],
)
def test_home_and_temporary_files_on_the_disk_are_limited(
    bytes_: int, files: int, words: str, root: int, tmp_path: Path
) -> None:
    shared, private = tmp_path / "shared", tmp_path / "private"
    shared.mkdir()
    private.mkdir()
    reasons: list[str] = []
    ended: list[int] = []
    dog = Watchdog(
        root,
        tiny().limits,
        shared,
        reasons.append,
        end=ended.append,
        private=private,
        private_bytes=2_000_000,
    )
    try:
        time.sleep(0.3)
        assert reasons == []
        for number in range(files):
            (private / str(number)).write_bytes(b"x" * bytes_)
        until = time.monotonic() + 20
        while not ended and time.monotonic() < until:
            time.sleep(0.05)
    finally:
        dog.stop()
    assert ended == [root]
    assert len(reasons) == 1 and words in reasons[0]
