"""Control groups: where there are any, and what the kernel counted and stopped in one."""

import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from autograder.sandbox import cgroups


def _version_2(root: Path) -> Path:
    (root / "cgroup.controllers").parent.mkdir(parents=True)
    (root / "cgroup.controllers").write_text("cpu memory pids")
    own = root / "user.slice" / "app.slice" / "run-1.scope"
    own.mkdir(parents=True)
    for place, handed in ((own, ""), (own.parent, "memory pids"), (own.parent.parent, "cpu")):
        (place / "cgroup.subtree_control").write_text(handed)
        (place / "cgroup.procs").write_text("")
    member = root.parent / "member"
    member.write_text("0::/user.slice/app.slice/run-1.scope\n")
    return member


def test_version_2_takes_the_nearest_group_that_hands_limits_down(tmp_path: Path) -> None:
    root = tmp_path / "cgroup"
    member = _version_2(root)
    assert cgroups.where(root, member) == (root / "user.slice" / "app.slice",)
    (root / "user.slice" / "app.slice" / "cgroup.subtree_control").write_text("memory")
    assert cgroups.where(root, member) == ()


def test_version_1_needs_both_controllers(tmp_path: Path) -> None:
    root, member = tmp_path / "cgroup", tmp_path / "member"
    member.write_text("8:pids:/\n4:memory:/here\n0::/\n")
    (root / "memory" / "here").mkdir(parents=True)
    (root / "memory" / "here" / "cgroup.procs").write_text("")
    assert cgroups.where(root, member) == ()
    (root / "pids").mkdir()
    (root / "pids" / "cgroup.procs").write_text("")
    assert cgroups.where(root, member) == (root / "memory" / "here", root / "pids")
    (root / "cpuacct").mkdir()
    (root / "cpuacct" / "cgroup.procs").write_text("")
    assert cgroups.where(root, member)[2:] == (root / "cpuacct",)


@pytest.mark.parametrize(
    "files, seconds",
    [
        ({"cpuacct.usage": "1500000000\n"}, 1.5),
        ({"cpu.stat": "usage_usec 2500000\nuser_usec 2000000\n"}, 2.5),
        ({"memory.events": "oom_kill 0\n"}, None),
    ],
)
def test_the_kernel_counts_the_cpu_time_of_a_group(
    files: dict[str, str], seconds: float | None, tmp_path: Path
) -> None:
    for name, text in files.items():
        (tmp_path / name).write_text(text)
    assert cgroups.cpu_seconds(cgroups.Group((tmp_path,))) == seconds


@pytest.mark.parametrize(
    "files, told",
    [
        ({"memory.events": "low 0\noom 3\noom_kill 1\n"}, "memory"),
        ({"memory.oom_control": "under_oom 0\noom_kill 2\n"}, "memory"),
        ({"pids.events": "max 5\n"}, "processes"),
        ({"memory.events": "oom_kill 0\n", "pids.events": "max 0\n"}, None),
        ({}, None),
    ],
)
def test_what_the_kernel_had_to_stop_is_read(
    files: dict[str, str], told: str | None, tmp_path: Path
) -> None:
    for name, text in files.items():
        (tmp_path / name).write_text(text)
    assert cgroups.breach(cgroups.Group((tmp_path,))) == told


@pytest.mark.skipif(not cgroups.where(), reason="no control groups for this user")
def test_a_group_stops_a_fork_bomb_and_is_removed() -> None:
    group = cgroups.make(1 << 30, 20)
    assert group is not None
    code = "import os, time\nfor _ in range(8):\n  try: os.fork()\n  except OSError: pass\n"
    enter = " ".join(f"echo $$ > {entrance};" for entrance in group.entrances)
    subprocess.run(["sh", "-c", f"{enter} exec {sys.executable} -c '{code}'"], check=False)
    assert cgroups.breach(group) == "processes"
    assert cgroups.remove(group)


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


@pytest.mark.parametrize(
    ("file", "text", "limited"),
    [
        ("own/cpu.max", "max 100000", False),
        ("own/cpu.max", "200000 100000", True),
        ("cpu.max", "50000 100000", True),
        ("cpu/own/cpu.cfs_quota_us", "-1", False),
        ("cpu/own/cpu.cfs_quota_us", "200000", True),
        ("cpu,cpuacct/cpu.cfs_quota_us", "200000", True),
        ("other/cpu.max", "200000 100000", False),
    ],
)
def test_a_quota_of_cpu_time_is_seen(file: str, text: str, limited: bool, tmp_path: Path) -> None:
    root, member = tmp_path / "cgroup", tmp_path / "member"
    member.write_text("5:cpu,cpuacct:/own\n3:memory:/other\n0::/own/inner\n")
    (root / file).parent.mkdir(parents=True)
    (root / file).write_text(text)
    assert cgroups.has_quota(root, member) is limited


def test_where_nothing_is_said_there_is_no_quota(tmp_path: Path) -> None:
    assert not cgroups.has_quota(tmp_path, tmp_path / "nothing")
