"""The walls that there are, and the one that boxes have.

Boxes have bubblewrap's unless `VARIABLE` names another one. A wall that lacks something
(`Wall.lacks`) is fit for marks only where the instructor says so, and naming it says so.
"""

from collections.abc import Mapping
from contextlib import suppress

from autograder.errors import HarnessError
from autograder.sandbox.bubblewrap import Bubblewrap
from autograder.sandbox.landlock import Landlock
from autograder.sandbox.wall import DEFAULT, VARIABLE, Wall, kind, name, stated

__all__ = ["DEFAULT", "VARIABLE", "WALLS", "chosen", "instead", "kind", "recheck", "require",
           "stated", "unheld"]  # fmt: skip

WALLS: Mapping[str, Wall] = {wall.name: wall for wall in (Bubblewrap(), Landlock())}


def chosen() -> Wall:
    """Return the wall that boxes have.

    Raises
    ------
    HarnessError
        If there is none of the name that the environment says.
    """
    wanted = name()
    if wanted not in WALLS:
        known = " or ".join(sorted(WALLS))
        raise HarnessError(f"{VARIABLE} is {wanted!r}: expected {known}.")
    return WALLS[wanted]


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
        f"The {wall.name} wall does not stop every attack ({lacks}): docs/trust.md says what that "
        "means; whether it is good enough for marks is your decision."
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
    for wall in WALLS.values():
        wall.recheck()
