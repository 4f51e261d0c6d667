"""The members of a zip or tar archive, and whether a student's archive can be read at all.

The head of an archive can cost any amount of time and memory, whatever its members hold: a zip
lists all of them at its end, and is read with the list; a tar describes a member in a member of any
size, and is read from end to end. So it is gone through in a reader first (`check`).
"""

import tarfile
import zipfile
import zlib
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import IO, NamedTuple

from autograder.errors import SubmissionError

__all__ = ["BROKEN", "LOCKED", "Member", "check", "members"]

BROKEN = (zipfile.BadZipFile, tarfile.TarError, zlib.error, EOFError, OSError, ValueError)
LOCKED = (RuntimeError, NotImplementedError)
"""Raised for a password, and for an unknown compression method."""


class Member(NamedTuple):
    """A file in an archive."""

    name: str
    size: int
    open: Callable[[], IO[bytes] | None]


def members(archive: Path) -> Iterator[Member]:
    """Yield the files in an archive, without links, devices and folders."""
    if zipfile.is_zipfile(archive):
        with zipfile.ZipFile(archive) as zipped:
            for info in zipped.infolist():
                if not info.is_dir():
                    # No more is read than the size that is told.
                    yield Member(info.filename, info.file_size, partial(zipped.open, info))
    else:
        with tarfile.open(archive) as tarred:
            for part in tarred:
                if part.isreg():
                    yield Member(part.name, part.size, partial(tarred.extractfile, part))


def check(archive: Path) -> bytes:
    """Go through an archive to its end, unpacking nothing; return nothing. In a reader.

    One that is broken is no matter of cost: what can be read of it is unpacked afterwards.

    Raises
    ------
    SubmissionError
        If it can be read in no way.
    """
    try:
        for _ in members(archive):
            pass
    except (*BROKEN, *LOCKED):
        pass
    except MemoryError:
        raise
    except Exception as error:
        raise SubmissionError(f"it cannot be read ({type(error).__name__})") from error
    return b""
