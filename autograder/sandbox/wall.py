"""The interface of a wall, the isolation between a box and the machine.

A wall builds boxes. Each is prepared first (`Wall.prepare`), since the location of its home and
folders depends on the wall; then a command is started in it (`Box.begin`), whose outermost process
is the box's *root*: all processes of the box descend from it, so they are found, measured and ended
through its id. `Wall.lacks` lists the attacks that a wall does not stop. `walls` lists the walls,
and chooses one.
"""

import os
from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

__all__ = [
    "DEFAULT", "SCRATCH_BYTES", "VARIABLE", "Box", "Lack", "Sandbox", "Started", "Wall", "kind",
    "name", "stated",
]  # fmt: skip

VARIABLE = "AUTOGRADER_WALL"
"""The environment variable that names the wall to use."""
DEFAULT = "bwrap"

SCRATCH_BYTES = 1 << 30
"""Minimum size of a box's temporary folder and of its home, where Dask spills. The input of all
exercises but two has 0.4 GB at the most; those two, of 1.3 GB, get more (`scratch_for`)."""


@dataclass(frozen=True, slots=True)
class Sandbox:
    """The contents of a box beyond the system, the Python environment and the kit.

    ``readable`` maps folders of the machine to their read-only path in the box, if the wall can
    move them (`Box.place`); a ``writable`` folder has the same path inside and outside.
    """

    writable: tuple[Path, ...] = ()
    readable: Mapping[Path, str] = field(default_factory=dict)
    environment: Mapping[str, str] = field(default_factory=dict)
    workdir: str = "/home/student"
    scratch_bytes: int = SCRATCH_BYTES
    """Size of ``/tmp`` and of the home; ``/dev/shm`` has half of it."""
    processes: int = 512
    """Processes and threads, where the kernel counts them by user namespace."""
    network: bool = False
    """True shares the machine's network; for ordinary assignments that need it."""


@dataclass(frozen=True, slots=True)
class Started:
    """A command that begins a box."""

    line: Sequence[str]
    files: tuple[int, ...] = ()
    """Descriptors that it inherits."""


@dataclass(frozen=True, slots=True)
class Lack:
    """A class of attacks that a wall does not stop."""

    name: str
    """Short, for tables."""
    what: str
    """One sentence."""
    attacks: tuple[str, ...] = ()
    """Attacks of the hostile corpus that show it."""


def name() -> str:
    """Return the name of the wall in use."""
    return os.environ.get(VARIABLE) or DEFAULT


def kind(*, boxed: bool) -> bool | str:
    """Return the mark of a wall in evidence: a name, or whether boxed."""
    return boxed and (name() == DEFAULT or name())


def stated(*, boxed: bool) -> dict[str, str]:
    """Return how evidence names its wall, if it is not the default."""
    wall = kind(boxed=boxed)
    return {"wall": wall} if isinstance(wall, str) else {}


class Box(Protocol):
    """One box, from its preparation until after its end."""

    @property
    def forks(self) -> bool:
        """Whether a process with its imports may be forked into it (`zygote`)."""

    @property
    def home(self) -> str:
        """The home folder, in the box."""

    @property
    def port(self) -> int:
        """Of the box's scheduler, on the loopback that the box has."""

    @property
    def private(self) -> Path | None:
        """The folder on disk with home and temporary files, if there is one."""

    def place(self, source: Path, target: str) -> str:
        """Return where a readable folder is in the box: at ``target``, if it can be moved."""

    def begin(self, sandbox: Sandbox, argv: Sequence[str]) -> AbstractContextManager[Started]:
        """Return the command that runs ``argv`` in the box, valid while it is started."""

    def end(self, root: int) -> bool:
        """Kill every process of the box; return whether none is left."""

    def close(self) -> None:
        """Release what was prepared, when no process of the box is left."""


class Wall(Protocol):
    """A way to make boxes."""

    @property
    def name(self) -> str:
        """As settings name it."""

    @property
    def made_of(self) -> str:
        """What it requires of the machine, in a few words."""

    @property
    def lacks(self) -> Sequence[Lack]:
        """Attacks that it does not stop. A wall with any gap is only used by name."""

    def require(self) -> None:
        """Raise a `HarnessError`, with what to change, if it cannot be built."""

    def recheck(self) -> None:
        """Forget the result of the last test, since the machine may have changed."""

    def prepare(self, folder: Path) -> Box:
        """Prepare a box whose folder, shared with the grader, is ``folder``."""
