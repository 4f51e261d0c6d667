"""The command line of a box: what it gives room for."""

import pytest

from autograder.sandbox import bubblewrap, cgroups
from autograder.sandbox.wall import Sandbox


@pytest.mark.parametrize(("memory", "room"), [(2 * 10**9, 1 << 30), (16 * 10**9, 4 * 10**9)])
def test_private_folders_grow_with_the_memory_of_an_exercise(
    memory: int, room: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert bubblewrap.scratch_for(memory) == room
    box = Sandbox(scratch_bytes=room, processes=100)
    line = bubblewrap.command(box, ["true"])
    sizes = {line[i + 3]: int(line[i + 1]) for i, word in enumerate(line) if word == "--size"}
    assert sizes == {"/tmp": room, bubblewrap.HOME: room, "/dev/shm": room // 2}
    made: list[tuple[int, int]] = []
    monkeypatch.setattr(cgroups, "make", lambda *limits: made.append(limits))
    bubblewrap.group_for(box, memory)
    assert made == [(memory + sum(sizes.values()), 102)]
