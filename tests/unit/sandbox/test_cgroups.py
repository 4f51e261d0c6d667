"""Control groups: where there are any, and what the kernel counted and stopped in one."""

import subprocess
import sys
from pathlib import Path

import pytest

from autograder.sandbox import (
    cgroups,
)


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
