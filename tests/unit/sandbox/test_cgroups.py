"""Control groups: whose limit it was."""

import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from autograder.sandbox import cgroups

GB = 10**9


def files(folder: Path, peak: int | None, limit: int | str, *, unified: bool) -> cgroups.Group:
    names = ("memory.peak", "memory.max") if unified else (
        "memory.max_usage_in_bytes", "memory.limit_in_bytes",
    )  # fmt: skip
    (folder / ("memory.events" if unified else "memory.oom_control")).write_text("oom_kill 1\n")
    if peak is not None:
        (folder / names[0]).write_text(f"{peak}\n")
    (folder / names[1]).write_text(f"{limit}\n")
    return cgroups.Group((folder,))


@pytest.mark.parametrize("unified", [True, False])
@pytest.mark.parametrize(
    ("peak", "limit", "told"),
    [
        (4 * GB, 4 * GB, "memory"),
        (39 * GB // 10, 4 * GB, "memory"),
        (26 * GB // 10, 4 * GB, "memory above"),
        # A kernel that keeps no peak, or a group without a limit: there is no telling.
        (None, 4 * GB, "memory"),
        (26 * GB // 10, "max", "memory"),
    ],
)
def test_a_kill_far_below_its_own_limit_is_not_the_groups(
    peak: int | None, limit: int | str, told: str, unified: bool, tmp_path: Path
) -> None:
    assert cgroups.breach(files(tmp_path, peak, limit, unified=unified)) == told


HOG = "x = []\nwhile True: x.append(bytearray(b'1' * 1_000_000))"


def hog(group: cgroups.Group) -> None:
    enter = " ".join(f"echo $$ > {entrance};" for entrance in group.entrances)
    subprocess.run(["sh", "-c", f'{enter} exec {sys.executable} -S -c "{HOG}"'], check=False)


@pytest.mark.skipif(not cgroups.where(), reason="no control groups for this user")
def test_the_kernel_tells_a_limit_above_from_ones_own(tmp_path: Path) -> None:
    own = cgroups.make(100_000_000, 20)
    assert own is not None
    hog(own)
    assert cgroups.breach(own) == "memory"
    assert cgroups.remove(own)


@pytest.mark.skipif(
    not (cgroups.where() and Path("/sys/fs/cgroup/memory").is_dir()),
    reason="needs control groups of version 1",
)
def test_a_job_s_limit_is_not_the_box_s() -> None:
    parents = cgroups.where()
    job = tuple(parent / f"test-job-{os.getpid()}-{time.monotonic_ns()}" for parent in parents)
    for folder in job:
        folder.mkdir()
    box = None
    try:
        memory = next(folder for folder in job if (folder / "memory.limit_in_bytes").exists())
        (memory / "memory.limit_in_bytes").write_text("100000000")
        box = cgroups.make(1_000_000_000, 20, job)
        assert box is not None
        hog(box)
        assert cgroups.breach(box) == "memory above"
    finally:
        if box is not None:
            cgroups.remove(box)
        for folder in job:
            folder.rmdir()
