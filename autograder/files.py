"""Files and names of the grader's own: written whole, and swept up after one that was killed.

The name of a temporary file says which process made it. A folder may be shared with a container,
and evidence with another machine, so it says as well where that process number is valid.
"""

import hashlib
import os
import re
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import IO

from cluster.files import replacing

__all__ = [
    "PREFIX",
    "own_prefix",
    "owner_is_gone",
    "read_or_make",
    "sweep_files",
    "write",
    "writing",
]

PREFIX = "dsk-"


def own_prefix() -> str:
    """Return how the names of this grader's temporary files begin."""
    return f"{PREFIX}{os.getpid()}.{_here()}-"


@cache
def _here() -> str:
    """Tell where process numbers mean the same: this machine since it started, this namespace."""
    boot = Path("/proc/sys/kernel/random/boot_id").read_bytes()
    namespace = str(os.stat("/proc/self/ns/pid").st_ino).encode()
    return hashlib.sha256(boot + namespace).hexdigest()[:6]


def owner_is_gone(name: str) -> bool:
    """Tell whether the grader is gone whose process number is in a name, as far as we can see."""
    number = re.match(rf"{PREFIX}(\d+)\.{_here()}-", name)
    return number is not None and not Path("/proc", number[1]).exists()


@contextmanager
def writing(path: Path) -> Iterator[IO[bytes]]:
    """Open a file that takes the place of ``path`` once it is written, for its owner only."""
    with replacing(path, own_prefix()) as file:
        yield file


def write(path: Path, text: str) -> None:
    """Write a text in UTF-8, so that the file is there whole or not at all."""
    with writing(path) as file:
        file.write(text.encode())


def read_or_make(path: Path, make: Callable[[], str]) -> str:
    """Return the text of a file, which is made if it is not there.

    Of two graders that start together, one makes it and both read the same.
    """
    try:
        return path.read_text().strip()
    except FileNotFoundError:
        pass
    text = make()
    with tempfile.NamedTemporaryFile("w", dir=path.parent, prefix=own_prefix()) as file:
        file.write(text)
        file.flush()
        try:
            os.link(file.name, path)
        except FileExistsError:
            return path.read_text().strip()
    return text


def sweep_files(*places: Path) -> None:
    """Remove the files that graders which were killed while writing have left in some folders."""
    for place in places:
        for left in place.glob(f"{PREFIX}*"):
            if owner_is_gone(left.name):
                left.unlink(missing_ok=True)
