"""The available walls, and the one in use.

Boxes use bubblewrap unless `VARIABLE` names another wall. A wall with gaps (`Wall.lacks`) is only
fit for marks if the instructor decides so, by naming it.
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
    """Return the wall in use.

    Raises
    ------
    HarnessError
        If the environment names an unknown wall.
    """
    wanted = name()
    if wanted not in WALLS:
        known = " or ".join(sorted(WALLS))
        raise HarnessError(f"{VARIABLE} is {wanted!r}: expected {known}.")
    return WALLS[wanted]


def require() -> None:
    """Fail if the chosen wall cannot be built.

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
    """Name the attacks that a wall, by default the chosen one, does not stop, if any."""
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
    """Forget the results of earlier tests, since the machine may have changed."""
    for wall in WALLS.values():
        wall.recheck()
