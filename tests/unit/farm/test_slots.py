"""Whole cores, no more slots than there are cores for, and the smallest limit of memory."""

import os
from pathlib import Path

import psutil
import pytest

from autograder.errors import HarnessError
from autograder.farm import slots

SMT = [{0, 4}, {1, 5}, {2, 6}, {3, 7}]


def test_hyperthreads_of_a_core_count_once() -> None:
    assert slots.whole_cores(range(8), SMT) == [0, 1, 2, 3]
    assert slots.whole_cores([0, 1, 2, 3], [{0, 1}, {2, 3}]) == [0, 2]


def test_core_is_counted_by_the_thread_that_may_be_used() -> None:
    assert slots.whole_cores([4, 5, 1], SMT) == [1, 4]


def test_without_hyperthreads_every_processor_is_a_core() -> None:
    assert slots.whole_cores([3, 1], []) == [1, 3]


def test_cores_are_divided_and_what_is_left_is_nobodys() -> None:
    assert slots.places([0, 1, 2, 3, 4], 2) == [(0, 1), (2, 3)]
    assert slots.places([0], 2) == []


def test_forced_slots_share_what_there_is() -> None:
    assert slots.shared([0, 1], 2) == [(0,), (1,)]
    assert slots.shared([0], 2) == [(0,), (0,)]
    assert slots.shared([0, 1], 1) == [(0, 1)]
    assert slots.shared([0, 1], 3) == [(0,), (1,), (0,)]


GB = 10**9


def test_more_slots_than_cores_are_refused_with_what_there_could_be() -> None:
    slots.refuse_too_many(2, range(4), 2, 16 * GB, 4 * GB)
    with pytest.raises(HarnessError, match=r"4 cores, 2 for each.* may use 2 .*--jobs 1"):
        slots.refuse_too_many(2, range(2), 2, 16 * GB, 4 * GB)
    with pytest.raises(HarnessError, match="a larger machine, or --profile"):
        slots.refuse_too_many(1, range(1), 2, 16 * GB, 4 * GB)


def test_more_slots_than_memory_are_refused_with_what_there_could_be() -> None:
    assert slots.fitting(range(16), 2, 16 * GB, 4 * GB) == 4
    with pytest.raises(HarnessError, match=r"32\.0 GB .*may use 16\.0 GB.*--jobs 4"):
        slots.refuse_too_many(8, range(16), 2, 16 * GB, 4 * GB)


def test_cores_of_this_machine_are_some_that_this_process_may_use() -> None:
    here = slots.here()
    assert here and set(here) <= os.sched_getaffinity(0)


def group(root: Path, path: str, **limits: str) -> Path:
    """Write the limits of a control group, and what a process in it reads of its place."""
    folder = root / path
    folder.mkdir(parents=True, exist_ok=True)
    for name, value in limits.items():
        (folder / name.replace("__", ".")).write_text(value)
    return root


def test_smallest_limit_above_is_the_one_that_counts(tmp_path: Path) -> None:
    root = group(tmp_path / "fs", "", cgroup__controllers="memory")
    group(root, "job", memory__max="3000000")
    group(root, "job/step", memory__max="max")
    group(root, "job/step/task", memory__max="9000000")
    membership = tmp_path / "membership"
    membership.write_text("0::/job/step/task\n")
    assert slots.memory_limit(root, membership) == 3_000_000
    membership.write_text("0::/\n")
    assert slots.memory_limit(root, membership) == psutil.virtual_memory().total


def test_limit_of_control_groups_version_1_is_read(tmp_path: Path) -> None:
    root = group(tmp_path / "fs", "memory/slurm/job", memory__limit_in_bytes="5000000")
    membership = tmp_path / "membership"
    membership.write_text("5:cpu:/elsewhere\n4:memory:/slurm/job\n0::/\n")
    assert slots.memory_limit(root, membership) == 5_000_000


@pytest.mark.parametrize(("asked", "megabytes"), [("5120", 5120), ("0", None), ("all", None)])
def test_limit_that_slurm_names_counts_where_no_group_holds_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, asked: str, megabytes: int | None
) -> None:
    monkeypatch.setenv("SLURM_MEM_PER_NODE", asked)
    whole = psutil.virtual_memory().total
    wanted = whole if megabytes is None else megabytes << 20
    assert slots.memory_limit(tmp_path / "nothing", tmp_path / "nothing") == min(wanted, whole)


def test_without_control_groups_the_machine_is_the_limit(tmp_path: Path) -> None:
    missing = tmp_path / "nothing"
    assert slots.memory_limit(missing, missing) == psutil.virtual_memory().total
