"""The members of a zip or tar archive, and whether a student's archive can be read at all.

Listing the members of an archive can take any amount of time and memory, whatever they contain: a
zip has a list of any length at its end; a tar can describe a member in another member of any size,
and has to be read from end to end. So a reader lists them first (`check`).
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
    """List an archive to its end without unpacking it; return nothing. Runs in a reader.

    A broken archive passes: whatever can be read of it is unpacked afterwards.

    Raises
    ------
    SubmissionError
        If it cannot be read at all.
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
