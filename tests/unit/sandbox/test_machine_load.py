"""How much of the machine others use."""

import os
from dataclasses import replace
from typing import Any

import psutil
import pytest

from autograder.sandbox import machine_load


def test_only_processors_that_the_grader_may_use_count_as_busy(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    spent = {"now": 0.0}

    def cpu_times(percpu: bool) -> list[Any]:
        assert percpu
        busy = psutil._pslinux.scputimes
        zeros = dict.fromkeys(busy._fields, 0.0)
        return [busy(**zeros | {"user": seconds}) for seconds in (0.0, spent["now"])]

    monkeypatch.setattr(psutil, "cpu_times", cpu_times)
    for mine, share in (({0}, 0.0), ({0, 1}, 0.5)):
        spent["now"] = 0.0
        monkeypatch.setattr(os, "sched_getaffinity", lambda _, mine=mine: mine)
        before = replace(machine_load.read(os.getpid()), at=0.0)
        spent["now"] = 10.0
        after = replace(machine_load.read(os.getpid()), at=10.0)
        assert machine_load.others(before, after) == pytest.approx(share, abs=0.05)


def test_what_others_had_is_all_but_the_box_s() -> None:
    before = machine_load.Reading(at=1.0, busy=10.0, box=2.0, ours=3.0, stolen=0.0)
    after = machine_load.Reading(at=2.0, busy=12.0, box=2.5, ours=3.7, stolen=0.0)
    assert machine_load.taken(before, after) == pytest.approx(1.5)
    assert machine_load.taken(before, replace(after, box=9.0)) == 0.0
