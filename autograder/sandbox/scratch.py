"""The one folder on disk that a box can write to: create, measure, read and remove it.

A student's code owns everything in it and can create anything there: links, pipes, millions of
files, folders thousands deep or closed to their owner. So nothing here follows a link, recurses or
trusts a size.
"""

import errno
import os
import shutil
import stat
import subprocess
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from functools import cache
from itertools import islice
from pathlib import Path

from autograder.errors import HarnessError
from autograder.files import PREFIX, own_prefix, owner_is_gone
from autograder.sandbox import processes
from autograder.sandbox.wall import SCRATCH_BYTES
from cluster import system

__all__ = [
    "FILE_BYTES",
    "MOST_ENTRIES",
    "files",
    "in_flight",
    "listing",
    "make",
    "place",
    "read",
    "remove",
    "size",
    "sweep",
    "unlinked",
]  # fmt: skip

MOST_ENTRIES = 10_000
"""Files and folders that a box may create on disk; an honest one has a few dozen."""

FILE_BYTES = SCRATCH_BYTES
"""Size of a single file that a box can create: at most the smallest private folder."""

_MOST_DEPTH = 64
"""Of folders in each other. Chosen: honest boxes have a handful, and each level is one more folder
to open before its size is known."""

_PATH_BYTES = 60
"""Of the folder that boxes' folders are in. The name of a Unix socket has room for 107 bytes, and
``/dsk-<process>.<machine>-<random>/recorder.sock`` takes up to 47."""

_SHORT_PLACES = ("/tmp", "/var/tmp", "/dev/shm")


def make() -> Path:
    """Create the folder of one box, and remove those of killed graders."""
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
    """Remove the folders of killed graders, once per grader."""
    for left in place.glob(f"{PREFIX}*"):
        with suppress(OSError):
            if owner_is_gone(left.name) and left.lstat().st_uid == os.geteuid():
                remove(left)


def size(folder: Path, most: int = MOST_ENTRIES) -> tuple[int, int]:
    """Return bytes on disk and number of entries below a folder.

    Sparse files count by the space they occupy. Counting stops beyond the maximum number of
    entries, or a depth that no honest folder has, and the number shows that.
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
    """Yield the entries below a folder, and None if there are too many."""
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
    """Make a folder readable that its owner, the grader's user, has closed."""
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
    """Return the bytes of deleted files below a folder that still exist.

    Processes have them open or mapped. Their former path begins with that of the folder, inside and
    outside the box: bound folders cannot be renamed. A file that cannot be measured counts as the
    largest that a box may create.
    """
    device = os.stat(folder).st_dev
    number = f"{os.major(device):02x}:{os.minor(device):02x}"
    below = f"/{folder.name}/"
    found: dict[int, int] = {}
    for place in map(processes.view, pids):
        with suppress(OSError):
            for opened in os.scandir(f"{place}/fd"):
                with suppress(OSError):
                    status = os.stat(opened.path)
                    plain = stat.S_ISREG(status.st_mode) and status.st_dev == device
                    if plain and status.st_nlink == 0 and _lay_below(below, opened.path):
                        found[status.st_ino] = status.st_blocks * 512
        with suppress(OSError):
            for line in Path(f"{place}/maps").read_text(errors="replace").splitlines():
                if line.endswith(" (deleted)") and below in line:
                    span, _, _, where, inode, _ = line.split(maxsplit=5)
                    if where == number and int(inode) not in found:
                        found[int(inode)] = _mapped(place, span)
    return sum(found.values())


def _lay_below(below: str, opened: str) -> bool:
    """Tell whether an open file was below a folder; one with too long a path may have been."""
    try:
        return below in os.readlink(opened)
    except OSError as error:
        return error.errno == errno.ENAMETOOLONG


def _mapped(place: str, span: str) -> int:
    """Return the full size of a file that a process has mapped, even if only in part."""
    begin, end = (int(part, 16) for part in span.split("-"))
    try:
        whole = f"{place.partition('/task')[0]}/map_files/{begin:x}-{end:x}"
        return os.stat(whole).st_blocks * 512
    except OSError:  # an ordinary user may not look
        return FILE_BYTES


def in_flight(pids: Iterable[int]) -> int:
    """Return how many open files are in transit in the sockets of some processes.

    No process may hold them any more. Linux reports their number from 5.9 on.
    """
    found: dict[str, int] = {}
    for place in map(processes.view, pids):
        with suppress(OSError):
            for opened in os.scandir(f"{place}/fd"):
                with suppress(OSError, ValueError, IndexError):
                    name = os.readlink(opened.path)
                    if not name.startswith("socket:") or name in found:
                        continue
                    told = Path(f"{place}/fdinfo/{opened.name}").read_text()
                    found[name] = int(told.partition("scm_fds:")[2].split(maxsplit=1)[0])
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
    flags = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
    try:
        with _opened(folder, places) as at:
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
    return b""


def listing(folder: Path, name: str) -> list[str]:
    """Return what is in a folder below a box's; nothing for a link anywhere on the way.

    Parameters
    ----------
    folder : Path
        The box's folder itself.
    name : str
        Of the folder in it, relative to it.
    """
    try:
        with _opened(folder, Path(name).parts) as at, os.scandir(f"/proc/self/fd/{at}") as found:
            return [entry.name for entry in islice(found, MOST_ENTRIES)]
    except (OSError, ValueError):
        return []


@contextmanager
def _opened(folder: Path, places: Iterable[str]) -> Iterator[int]:
    """Open a folder through others without following links, only to look inside."""
    flags = system.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC
    at = os.open(folder, flags)
    try:
        for place in places:
            inner = os.open(place, flags | os.O_NOFOLLOW, dir_fd=at)
            os.close(at)
            at = inner
        yield at
    finally:
        os.close(at)


def remove(folder: Path) -> None:
    """Remove a folder with any contents, or whatever has replaced it."""
    with suppress(OSError, RecursionError):
        if stat.S_ISDIR(os.lstat(folder).st_mode):
            shutil.rmtree(folder)
        else:  # at a pipe, rmtree would wait
            os.unlink(folder)
    if not os.path.lexists(folder):
        return
    # Folders closed to their owner, and deeper ones than Python's recursion or a path goes.
    for command in (["chmod", "-R", "u+rwx", "--"], ["rm", "-rf", "--"]):
        subprocess.run([*command, str(folder)], capture_output=True, check=False)
