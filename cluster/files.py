"""Atomic writing of files, even if the writer is killed."""

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO

__all__ = ["replacing"]


@contextmanager
def replacing(path: Path, prefix: str = ".part-") -> Iterator[IO[bytes]]:
    """Open a file that replaces ``path`` when the block ends without an exception.

    Parameters
    ----------
    path : Path
        In a folder that exists. The new file is readable to its owner only.
    prefix : str
        Prefix of the unfinished file's name, in the same folder.
    """
    with tempfile.NamedTemporaryFile(dir=path.parent, prefix=prefix, delete=False) as file:
        try:
            yield file
            file.flush()
            os.fsync(file.fileno())
            os.replace(file.name, path)
        except BaseException:
            with suppress(OSError):
                os.unlink(file.name)
            raise
