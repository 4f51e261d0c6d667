"""What the watchdog ends a box for, where the kernel does not."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from hostile.corpus import tiny

from autograder.sandbox.cgroups import Group
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


FORKS = """
import os, sys, time
kept = bytearray(os.urandom(1 << 20)) * 100
for _ in range(5):
    if os.fork() == 0:
        if sys.argv[1] == "own":
            kept[::4096] = bytes(len(kept[::4096]))
        time.sleep(60)
        os._exit(0)
print("ready", flush=True)
time.sleep(60)
"""
"""Six processes of 100 MB, the same pages or pages of their own."""


@pytest.mark.parametrize(
    ("pages", "group", "named"),
    [("shared", True, False), ("own", True, True), ("shared", False, True)],
)
def test_pages_that_processes_share_count_once_where_the_kernel_holds_the_limit(
    pages: str, group: bool, named: bool, tmp_path: Path
) -> None:
    reasons: list[str] = []
    ended: list[int] = []
    limits = replace(tiny().limits, memory_bytes=400_000_000)
    with subprocess.Popen(
        [sys.executable, "-S", "-c", FORKS, pages], stdout=subprocess.PIPE, start_new_session=True
    ) as process:
        try:
            assert process.stdout is not None and process.stdout.readline() == b"ready\n"
            dog = Watchdog(
                process.pid,
                limits,
                tmp_path,
                reasons.append,
                group=Group((tmp_path,)) if group else None,
                end=ended.append,
            )
            time.sleep(1.5)
            dog.stop()
        finally:
            os.killpg(process.pid, signal.SIGKILL)
    assert [("of memory" in reason) for reason in reasons] == [True] * named


@pytest.mark.parametrize("ours", [True, False])
def test_time_that_the_grader_takes_is_no_breach(ours: bool, tmp_path: Path) -> None:
    breaches: list[str] = []
    failures: list[str] = []
    dog = Watchdog(
        os.getpid(),
        replace(tiny().limits, memory_bytes=10**15, processes=10**6),
        tmp_path,
        breaches.append,
        on_failure=failures.append,
        end=lambda root: True,
    )
    dog.allow(0.3, ours=ours)
    dog._thread.join(20)
    assert (len(breaches), len(failures)) == (int(not ours), int(ours)), (breaches, failures)
    assert ours or "more than the 30 seconds" in breaches[0]
