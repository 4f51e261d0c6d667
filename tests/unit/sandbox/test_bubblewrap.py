"""The command line of a box: what it gives room for, and what it refuses."""

import sys
from pathlib import Path

import pytest

from autograder.errors import HarnessError
from autograder.sandbox import bubblewrap, cgroups


@pytest.mark.parametrize(("memory", "room"), [(2 * 10**9, 1 << 30), (16 * 10**9, 4 * 10**9)])
def test_private_folders_grow_with_the_memory_of_an_exercise(
    memory: int, room: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert bubblewrap.scratch_for(memory) == room
    box = bubblewrap.Sandbox(scratch_bytes=room, processes=100)
    line = bubblewrap.command(box, ["true"])
    sizes = {line[i + 3]: int(line[i + 1]) for i, word in enumerate(line) if word == "--size"}
    assert sizes == {"/tmp": room, bubblewrap.HOME: room, "/dev/shm": room // 2}
    made: list[tuple[int, int]] = []
    monkeypatch.setattr(cgroups, "make", lambda *limits: made.append(limits))
    bubblewrap.group_for(box, memory)
    assert made == [(memory + sum(sizes.values()), 102)]


def test_a_course_that_boxes_can_read_is_refused(tmp_path: Path) -> None:
    bubblewrap.refuse_exposed(tmp_path)
    for place in (Path("/usr/local/course"), Path(sys.prefix) / "course"):
        with pytest.raises(HarnessError, match="Move the course"):
            bubblewrap.refuse_exposed(place)
