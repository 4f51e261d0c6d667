"""The walls that there are, and the one that boxes have.

Boxes have bubblewrap's unless `VARIABLE` names another one. A wall that lacks something
(`Wall.lacks`) is fit for marks only where the instructor says so, and naming it says so.
"""

import os
from collections.abc import Mapping
from contextlib import suppress

from autograder.errors import HarnessError
from autograder.sandbox import bubblewrap
from autograder.sandbox.bubblewrap import Bubblewrap
from autograder.sandbox.landlock import Landlock
from autograder.sandbox.wall import Wall

__all__ = ["DEFAULT", "VARIABLE", "WALLS", "chosen", "instead", "kind", "recheck", "require",
           "stated", "unheld"]  # fmt: skip

VARIABLE = "AUTOGRADER_WALL"
"""The environment variable that names the wall."""

WALLS: Mapping[str, Wall] = {wall.name: wall for wall in (Bubblewrap(), Landlock())}
DEFAULT = "bwrap"


def chosen() -> Wall:
    """Return the wall that boxes have.

    Raises
    ------
    HarnessError
        If there is none of the name that the environment says.
    """
    name = os.environ.get(VARIABLE) or DEFAULT
    if name not in WALLS:
        known = " or ".join(sorted(WALLS))
        raise HarnessError(f"{VARIABLE} is {name!r}: expected {known}.")
    return WALLS[name]


def kind(*, boxed: bool) -> bool | str:
    """Return what tells evidence of one wall from that of another: a name, or whether boxed."""
    if not boxed:
        return False
    wall = chosen()
    return True if wall.name == DEFAULT else wall.name


def stated(*, boxed: bool) -> dict[str, str]:
    """Return what evidence says of the wall that it was made behind, if it is not the default."""
    wall = kind(boxed=boxed)
    return {"wall": wall} if isinstance(wall, str) else {}


def require() -> None:
    """Refuse to go on where the chosen wall cannot be built.

    Raises
    ------
    HarnessError
        With what to install or to change, and the name of a wall that can be built.
    """
    wall = chosen()
    try:
        wall.require()
    except HarnessError as error:
        other = instead(wall)
        if other is None:
            raise
        raise HarnessError(f"{error} {_offer(other)}") from error


def _offer(wall: Wall) -> str:
    can = f"The {wall.name} wall can be built here: {VARIABLE}={wall.name}."
    return f"{can} {unheld(wall)}".strip()


def unheld(wall: Wall | None = None) -> str:
    """Say what a wall, by default the chosen one, does not hold against; nothing if it holds."""
    wall = wall or chosen()
    if not wall.lacks:
        return ""
    lacks = ", ".join(lack.name for lack in wall.lacks)
    return (
        f"The {wall.name} wall does not hold against everything ({lacks}): docs/trust.md says what "
        "that is, and whether it is fit for marks is for you to say."
    )


def instead(wall: Wall) -> Wall | None:
    """Return another wall that can be built here, if there is one."""
    for other in WALLS.values():
        if other is not wall:
            with suppress(HarnessError):
                other.require()
                return other
    return None


def recheck() -> None:
    """Forget what could be built: what was there a moment ago may be gone."""
    bubblewrap.require.cache_clear()
