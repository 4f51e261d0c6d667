"""The grader's own files: written atomically, and removed after a grader was killed.

The name of a temporary file says which process made it. A folder may be shared with a container,
and evidence with another machine, and a machine may be started again, so it says as well where that
process number is valid.
"""

import base64
import hashlib
import os
import re
import shutil
import stat
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from functools import cache
from pathlib import Path
from typing import IO

from cluster import system
from cluster.files import replacing

__all__ = [
    "PREFIX",
    "is_shared",
    "make_folder",
    "own_prefix",
    "owner_is_gone",
    "publish",
    "read_or_make",
    "share",
    "sweep_files",
    "text_of",
    "write",
    "writing",
]

PREFIX = "dsk-"

_SHARED = stat.S_ISGID | stat.S_IWGRP


def own_prefix() -> str:
    """Return the prefix of this grader's temporary files."""
    return f"{PREFIX}{os.getpid()}.{''.join(_here())}-"


@cache
def _here() -> system.Numbers:
    """Abbreviate where process ids are valid.

    The name of a socket has room for eleven letters in all (`autograder.sandbox.scratch`). Most are
    for the machine: if two had the same, a living grader would be taken for dead. An earlier boot
    that has the same as this one only means that a process id is looked up.
    """
    machine, boot, namespace = system.numbers_valid_in()
    return system.Numbers(_short(machine, 5), _short(boot, 3), _short(namespace, 3))


def _short(text: str, letters: int) -> str:
    return base64.b32encode(hashlib.sha256(text.encode()).digest()).decode().lower()[:letters]


def owner_is_gone(name: str) -> bool:
    """Tell whether the grader whose process id is in a name is gone, as far as we can see.

    No process outlives its machine's start, whatever namespace it was in. Of another machine, or of
    another namespace of this one, nothing is known.
    """
    number = re.match(rf"{PREFIX}(\d+)\.(\w{{5}})(\w{{3}})(\w{{3}})-", name)
    here = _here()
    if number is None or number[2] != here.machine:
        return False
    if number[3] != here.boot:
        return True
    if number[4] != here.namespace:
        return False
    try:
        # /proc may hide other users' processes (hidepid).
        os.kill(int(number[1]), 0)
    except PermissionError:
        return False
    except (ProcessLookupError, OverflowError):
        return True
    return False


def make_folder(path: Path) -> None:
    """Create a folder and its parents; each is shared with the group if its parent is."""
    if path.is_dir():
        return
    make_folder(path.parent)
    path.mkdir(exist_ok=True)
    if is_shared(path.parent):
        share(path)


def is_shared(folder: Path) -> bool:
    """Tell whether a folder's contents belong to its group: set-group-id, and group-writable."""
    return os.stat(folder).st_mode & _SHARED == _SHARED


def share(path: Path) -> None:
    """Share a folder or a file with its group; only its owner can do that."""
    status = os.stat(path)
    wanted = status.st_mode | (_SHARED | 0o050 if stat.S_ISDIR(status.st_mode) else 0o060)
    if wanted != status.st_mode and status.st_uid == os.geteuid():
        os.chmod(path, stat.S_IMODE(wanted))


@contextmanager
def writing(path: Path) -> Iterator[IO[bytes]]:
    """Open a file that replaces ``path`` once it is written.

    Only its owner can read it, or also the group if the folder is shared (`is_shared`).
    """
    with replacing(path, own_prefix()) as file:
        yield file
        _share_if_the_folder_is(Path(file.name))


def _share_if_the_folder_is(path: Path) -> None:
    if is_shared(path.parent):
        share(path)


def write(path: Path, text: str) -> None:
    """Write a text in UTF-8 atomically."""
    with writing(path) as file:
        file.write(text.encode())


def publish(path: Path, text: str, unfinished: Path | None = None) -> None:
    """Write a text in UTF-8 atomically, for whoever may read the file that was there.

    Parameters
    ----------
    path : Path
        A new file is readable to others as far as the umask and the folder say.
    text : str
    unfinished : Path, optional
        Folder on the same disk for the unfinished file, which stays there if the grader is killed;
        that of ``path`` if left out.
    """
    part = (unfinished or path.parent) / f"{own_prefix()}{path.name}"
    try:
        with open(part, "wb") as file:
            file.write(text.encode())
            file.flush()
            os.fsync(file.fileno())
        if path.exists():
            shutil.copymode(path, part)
        elif is_shared(path.parent):
            share(part)
        os.replace(part, path)
    except BaseException:
        with suppress(OSError):
            part.unlink()
        raise


def read_or_make(path: Path, make: Callable[[], str]) -> str:
    """Return the text of a file, which is created if it is missing.

    If two graders start together, one creates it and both read the same text. It gets its name
    once the text is on the disk: whenever the machine stops, nobody finds half of it.
    """
    with suppress(FileNotFoundError):
        return path.read_text(errors="replace").strip()
    text = make()
    with tempfile.NamedTemporaryFile("w", dir=path.parent, prefix=own_prefix()) as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
        _share_if_the_folder_is(Path(file.name))
        try:
            os.link(file.name, path)
        except FileExistsError:
            return path.read_text(errors="replace").strip()
    return text


def text_of(path: Path) -> str:
    """Return what a file says; nothing if it cannot be read."""
    try:
        return path.read_text(errors="replace")
    except OSError:
        return ""


def sweep_files(*places: Path) -> None:
    """Remove the files that killed graders have left half-written in some folders."""
    for place in places:
        for left in place.glob(f"{PREFIX}*"):
            if owner_is_gone(left.name):
                left.unlink(missing_ok=True)
