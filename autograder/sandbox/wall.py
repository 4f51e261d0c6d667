"""What a box needs of a wall: of whatever shuts it off from the machine.

A wall makes boxes. Each is prepared first (`Wall.prepare`), since where its home and its folders
will be depends on the wall; then a command is started in it (`Box.begin`), whose outermost process
is the box's *root*: all processes of the box descend from it, however they were started, so that
they are found, counted and ended by that number. `Wall.lacks` says against which attacks a wall
does not hold. `walls` has the walls that there are, and chooses.
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
"""The environment variable that names the wall that boxes have."""
DEFAULT = "bwrap"

SCRATCH_BYTES = 1 << 30
"""Least room in a box's temporary folder and in its home, where Dask spills, each. The input of all
exercises but two has 0.4 GB at the most; those two, of 1.3 GB, get more (`scratch_for`)."""


@dataclass(frozen=True, slots=True)
class Sandbox:
    """What one box adds to the system, the Python environment and the kit.

    ``readable`` maps folders of the machine to where they are in the box, read-only, if the wall
    can move them (`Box.place`); a ``writable`` folder has the same path inside and outside.
    """

    writable: tuple[Path, ...] = ()
    readable: Mapping[Path, str] = field(default_factory=dict)
    environment: Mapping[str, str] = field(default_factory=dict)
    workdir: str = "/home/student"
    scratch_bytes: int = SCRATCH_BYTES
    """Room in ``/tmp`` and in the home, each; half of it in ``/dev/shm``."""
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
    """A class of attacks that a wall does not hold against."""

    name: str
    """Short, for tables."""
    what: str
    """One sentence."""
    attacks: tuple[str, ...] = ()
    """Attacks of the hostile corpus that show it."""


def name() -> str:
    """Return the name of the wall that boxes have."""
    return os.environ.get(VARIABLE) or DEFAULT


def kind(*, boxed: bool) -> bool | str:
    """Return what tells evidence of one wall from that of another: a name, or whether boxed."""
    return boxed and (name() == DEFAULT or name())


def stated(*, boxed: bool) -> dict[str, str]:
    """Return what evidence says of the wall that it was made behind, if it is not the default."""
    wall = kind(boxed=boxed)
    return {"wall": wall} if isinstance(wall, str) else {}


class Box(Protocol):
    """One box, from before its beginning until after its end."""

    @property
    def forks(self) -> bool:
        """Whether a process that has its imports may be forked into it (`zygote`)."""

    @property
    def home(self) -> str:
        """The home folder, in the box."""

    @property
    def port(self) -> int:
        """Of the box's scheduler, on the loopback that the box has."""

    @property
    def private(self) -> Path | None:
        """The folder of the machine's disk that holds home and temporary files, if one does."""

    def place(self, source: Path, target: str) -> str:
        """Return where a readable folder is in the box: at ``target``, if it can be moved."""

    def begin(self, sandbox: Sandbox, argv: Sequence[str]) -> AbstractContextManager[Started]:
        """Give the command that runs ``argv`` in the box, for the time in which it is started."""

    def end(self, root: int) -> bool:
        """Kill every process of the box; return whether none is left."""

    def close(self) -> None:
        """Give back what was prepared, when no process of the box is left."""


class Wall(Protocol):
    """A way to make boxes."""

    @property
    def name(self) -> str:
        """As settings name it."""

    @property
    def made_of(self) -> str:
        """What it needs of the machine, in a few words."""

    @property
    def lacks(self) -> Sequence[Lack]:
        """What it does not hold against. A wall that lacks anything is only used by name."""

    def require(self) -> None:
        """Refuse to go on where it cannot be built: a `HarnessError` with what to change."""

    def recheck(self) -> None:
        """Forget that it could be built: what was there a moment ago may be gone."""

    def prepare(self, folder: Path) -> Box:
        """Prepare a box whose folder, shared with the grader, is ``folder``."""
