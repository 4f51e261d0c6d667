"""The one folder of the machine's disk that a box can write to: made, measured, read, removed.

A student's code owns everything in it and can make of it what it likes: links, pipes, millions
of files, folders thousands deep or closed to their owner. So nothing here follows a link,
recurses or trusts a size.
"""

import os
import shutil
import stat
import subprocess
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import suppress
from functools import cache
from pathlib import Path

from autograder.errors import HarnessError
from autograder.files import PREFIX, own_prefix, owner_is_gone
from cluster import system

__all__ = [
    "MOST_ENTRIES",
    "files",
    "make",
    "place",
    "read",
    "remove",
    "size",
    "sweep",
    "unlinked",
]  # fmt: skip

MOST_ENTRIES = 10_000
"""Files and folders that a box may make on the disk; an honest one has a few dozen."""

_MOST_DEPTH = 64

_PATH_BYTES = 60
"""Of the folder that boxes' folders are in. The name of a Unix socket has room for 107 bytes, and
``/dsk-<process>.<machine>-<random>/recorder.sock`` takes up to 46."""

_SHORT_PLACES = ("/tmp", "/var/tmp", "/dev/shm")


def make() -> Path:
    """Make the folder of one box, and remove those of graders that were killed."""
    where = place()
    sweep(where)
    return Path(tempfile.mkdtemp(prefix=own_prefix(), dir=where))


def place() -> Path:
    """Return where the folders of boxes are made: the first place whose path is short enough.

    Raises
    ------
    HarnessError
        If there is none.
    """
    for candidate in (tempfile.gettempdir(), *_SHORT_PLACES):
        short = len(os.fsencode(candidate)) <= _PATH_BYTES
        if short and os.path.isdir(candidate) and os.access(candidate, os.W_OK | os.X_OK):
            return Path(candidate)
    raise HarnessError(
        f"There is no folder for temporary files whose path has at most {_PATH_BYTES} letters, "
        "which sockets in it need. Set TMPDIR to one."
    )


@cache
def sweep(place: Path) -> None:
    """Remove folders that graders which were killed have left, once in a grader's life."""
    for left in place.glob(f"{PREFIX}*"):
        with suppress(OSError):
            if owner_is_gone(left.name) and left.lstat().st_uid == os.geteuid():
                remove(left)


def size(folder: Path, most: int = MOST_ENTRIES) -> tuple[int, int]:
    """Return bytes on disk and number of entries below a folder.

    Sparse files count for what they occupy. Beyond so many entries at most, or a depth that no
    honest folder has, counting stops and the number says so.
    """
    total = entries = 0
    for entry in _below(folder, most):
        if entry is None:
            return total, most + 1
        entries += 1
        with suppress(OSError):
            total += entry.stat(follow_symlinks=False).st_blocks * 512
    return total, entries


def files(folder: Path, most: int = MOST_ENTRIES) -> Iterator[str]:
    """Yield the names of plain files below a folder, relative to it, among so many at most."""
    for entry in _below(folder, most):
        if entry is not None and entry.is_file(follow_symlinks=False):
            yield os.path.relpath(entry.path, folder)


def _below(folder: Path, most: int) -> Iterator[os.DirEntry[str] | None]:
    """Yield what is below a folder, and None where there is too much of it."""
    entries = 0
    waiting = [(str(folder), 0)]
    while waiting:
        place, depth = waiting.pop()
        if depth > _MOST_DEPTH:
            yield None
            return
        if not _opened_to_owner(place):
            yield None
            return
        with suppress(OSError), os.scandir(place) as found:
            for entry in found:
                entries += 1
                if entries > most:
                    yield None
                    return
                yield entry
                with suppress(OSError):
                    if entry.is_dir(follow_symlinks=False):
                        waiting.append((entry.path, depth + 1))


def _opened_to_owner(place: str) -> bool:
    """Make a folder readable that its owner, who is the grader's user, has closed to himself."""
    for _ in range(2):
        try:
            os.scandir(place).close()
            return True
        except PermissionError:
            with suppress(OSError):
                if stat.S_ISDIR(os.lstat(place).st_mode):
                    os.chmod(place, 0o700, follow_symlinks=True)
        except OSError:
            return True  # gone
    return False


def unlinked(folder: Path, pids: Iterable[int]) -> int:
    """Return bytes of files that were below a folder, have no name any more, and are still there.

    Processes have them open or mapped. The path that they had begins with that of the folder, in
    the box as outside of it: bound folders cannot be renamed.
    """
    device = os.stat(folder).st_dev
    number = f"{os.major(device):02x}:{os.minor(device):02x}"
    below = f"/{folder.name}/"
    found: dict[int, int] = {}
    for pid in pids:
        with suppress(OSError):
            for opened in os.scandir(f"/proc/{pid}/fd"):
                with suppress(OSError):
                    status = os.stat(opened.path)
                    plain = stat.S_ISREG(status.st_mode) and status.st_dev == device
                    if plain and status.st_nlink == 0 and below in os.readlink(opened.path):
                        found[status.st_ino] = status.st_blocks * 512
        with suppress(OSError):
            for line in Path(f"/proc/{pid}/maps").read_text(errors="replace").splitlines():
                if line.endswith(" (deleted)") and below in line:
                    span, _, _, where, inode, _ = line.split(maxsplit=5)
                    if where == number:
                        begin, end = (int(part, 16) for part in span.split("-"))
                        found.setdefault(int(inode), end - begin)
    return sum(found.values())


def read(folder: Path, name: str, most: int) -> bytes:
    """Read a plain file below a box's folder.

    Parameters
    ----------
    folder : Path
        The box's folder itself, which the box cannot replace.
    name : str
        Of the file, relative to it.
    most : int
        Bytes.

    Returns
    -------
    bytes
        Nothing for a link anywhere on the way, a pipe, a device, or what is too large.
    """
    *places, file = Path(name).parts
    at = None
    try:
        at = os.open(folder, system.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC)
        for place in places:
            inner = os.open(
                place, system.O_PATH | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC, dir_fd=at
            )
            os.close(at)
            at = inner
        flags = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
        number = os.open(file, flags, dir_fd=at)
        try:
            # Opening a folder as a file fails, and would leave its descriptor open.
            status = os.fstat(number)
            if stat.S_ISREG(status.st_mode) and status.st_size <= most:
                with open(number, "rb", closefd=False) as opened:
                    return opened.read(most)
        finally:
            os.close(number)
    except (OSError, ValueError):
        pass
    finally:
        if at is not None:
            os.close(at)
    return b""


def remove(folder: Path) -> None:
    """Remove a folder whatever is in it."""
    with suppress(OSError, RecursionError):
        shutil.rmtree(folder)
    if not os.path.lexists(folder):
        return
    # Folders closed to their owner, and deeper ones than Python's recursion or a path goes.
    for command in (["chmod", "-R", "u+rwx", "--"], ["rm", "-rf", "--"]):
        subprocess.run([*command, str(folder)], capture_output=True, check=False)
