"""The right to grade a submission, held by one process at a time: a file beside its folder."""

import fcntl
import getpass
import os
import socket
import tempfile
import time
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from autograder.files import make_folder, own_prefix, owner_is_gone, text_of

__all__ = ["Claim", "claim_of"]

_CLAIM = "dask_scaling_kit_grading"
"""Suffix of a file beside the folder of a submission that is being graded; it names the grader."""

_KILLED = "dask_scaling_kit_killed"
"""Suffix of a file beside the folder of a submission, with a letter for each grader that was killed
while grading it."""


@dataclass(frozen=True, slots=True)
class Claim:
    """The right to grade a submission, held by one process at a time."""

    file: Path

    def take(self) -> str:
        """Take it; return who already holds it, or an empty text."""
        make_folder(self.file.parent)
        since = time.strftime("%d %B, %H:%M")
        text = f"{own_prefix()}\n{_user()} on {socket.gethostname()} since {since}"
        # Linked when it is on the disk: nobody reads half of it, not even after the machine has
        # stopped, and a full disk leaves nothing.
        with tempfile.NamedTemporaryFile(
            "w", dir=self.file.parent, prefix=f".{own_prefix()}"
        ) as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
            os.fchmod(file.fileno(), 0o644)  # others are to read who it is
            for _ in range(2):
                try:
                    os.link(file.name, self.file)
                    return ""
                except FileExistsError:
                    if not self.sweep():
                        break
        return text_of(self.file).partition("\n")[2] or "another grader"

    def sweep(self) -> bool:
        """Remove the claim of a grader that is gone; return whether there was one.

        If two graders find it dead, the second must not remove the first one's claim: the file is
        locked, and must still be the one that was read.
        """
        with suppress(OSError), open(self.file, errors="replace") as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            if not owner_is_gone(file.readline().strip()):
                return False
            if not os.path.samestat(os.fstat(file.fileno()), os.stat(self.file)):
                return False
            self.file.unlink()
            with suppress(OSError), self.killed.open("a") as killed:
                killed.write("x")
            return True
        return False

    @property
    def killed(self) -> Path:
        """The file that counts the graders killed while they held it, see `_KILLED`."""
        return self.file.with_name(self.file.name.replace(_CLAIM, _KILLED))

    def times_killed(self) -> int:
        """Return how many graders in a row were killed while they had it."""
        return len(text_of(self.killed))

    def release(self) -> None:
        """Release it, unless somebody has removed it and another grader holds it now."""
        if not text_of(self.file).startswith(own_prefix()):
            return
        with suppress(OSError):
            self.file.unlink(missing_ok=True)
            self.file.parent.rmdir()  # only if the submission left nothing there


def claim_of(folder: Path) -> Claim:
    """Return the right to grade the submission whose graded notebooks are in a folder."""
    return Claim(folder.with_name(f".{folder.name}.{_CLAIM}"))


def _user() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError):  # a container's user may have no name
        return "somebody"
