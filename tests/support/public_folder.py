"""A folder for temporary files that other users can read."""

import os
import tempfile
from pathlib import Path

__all__ = ["for_everybody"]


def for_everybody() -> Path:
    """Return a folder for temporary files whose path every user can follow.

    That of whoever runs the tests need not be one: it may lie in a folder of theirs alone, as
    ``TMPDIR`` often does.

    Raises
    ------
    FileNotFoundError
        If there is none.
    """
    for name in (tempfile.gettempdir(), "/tmp", "/var/tmp"):
        place = Path(name).resolve()
        if os.access(place, os.W_OK) and all(p.stat().st_mode & 1 for p in (place, *place.parents)):
            return place
    raise FileNotFoundError("no folder for temporary files that every user can look into")
