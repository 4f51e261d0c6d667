"""Safely read everything that a box writes.

The student's code can write all of it. Only text and numbers of bounded size and the right format
are accepted; never code, never links.
"""

import json
import os
import socket
import stat
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np

from autograder import reader
from autograder.errors import SubmissionError
from autograder.model import Failure, Recording
from autograder.sandbox import recordings, scratch
from cluster import system

__all__ = [
    "Room",
    "answer",
    "arrays",
    "as_failure",
    "failure",
    "moment",
    "natural",
    "record",
    "recording",
    "testimony",
]

_RECORDER_SECONDS = 10.0
"""Timeout for the recorder's whole answer: on a busy machine 1.7 MB took 0.5 s. One that answers
drop by drop would hold up the class; left too early, a right run would have no record."""

_TESTIMONY_BYTES = 32 << 20
"""Of one recording, and of all of a submission together: they are held until its evidence is
written. A recording has about 400 bytes per task, and takes three times its size in memory (80 MB
for 27 MB of the worst), ten times while it is parsed. Chosen: the recorder itself stops there in
one call, and of the corpus the largest evidence of a submission, all in all, has 3.9 MB."""


@dataclass
class Room:
    """What the recordings of a submission may still take."""

    left: int = _TESTIMONY_BYTES
    """Bytes."""


_MOST_ARRAYS = 32
"""Parts of an answer that are read; any more are ignored. The most that one has is 16 (`load` of
ex07). All together are limited by bytes."""

_READING = reader.Limits(cpu_seconds=20, memory_bytes=512 << 20)
"""The largest record that the recorder writes, of 31 MB, takes 6 seconds on a busy
machine. Read again here, it takes a few times its size."""


def record(run: Path, name: str) -> dict[str, Any]:
    """Read a JSON object from a file below a box's folder; an empty one for anything else."""
    return _as_json(scratch.read(run, name, 1 << 20))


def failure(outputs: list[Any]) -> Failure | None:
    """Return the exception among the outputs of a cell, if there is one."""
    for output in outputs:
        if output.output_type == "error":
            lines = output.traceback if isinstance(output.traceback, list) else []
            told = {"kind": output.ename, "message": output.evalue}
            return as_failure(told | {"traceback": "\n".join(map(str, lines))})
    return None


def answer(told: Mapping[str, Any]) -> dict[str, Any]:
    """Keep the parts of the driver's report that have the right format."""
    shape = told.get("shape")
    kept: dict[str, Any] = {
        "lazy": told.get("lazy") is True,
        "shape": _numbers(shape) if isinstance(shape, list) else [],
    }
    for name in ("type", "dtype", "own_cluster"):
        value = told.get(name)
        kept[name] = value[:200] if isinstance(value, str) else None
    for name in ("blocks", "input_blocks", "kept", "opened"):
        value = told.get(name)
        kept[name] = value if isinstance(value, int) and abs(value) < 2**53 else None
    return kept


def recording(testimony: bytes, room: Room | None = None) -> Recording:
    """Read the recorder's answer; a malformed one counts as none.

    Every number is finite and has a size that a float and a file can hold.

    Raises
    ------
    SubmissionError
        If it is larger than the recorder's own can be, there is no room for it beside those of
        earlier calls, or it takes too much time or memory to read.
    """
    if not testimony:
        return Recording()
    what = "The record of what the cluster did"
    room = Room() if room is None else room
    if len(testimony) > room.left:
        raise SubmissionError(
            f"{what} has {len(testimony) / 1e6:.0f} MB, but the records of earlier calls have left "
            f"only {room.left / 1e6:.0f} MB for it."
        )
    room.left -= len(testimony)
    return recordings.load(reader.read(recordings.validated, testimony, what=what, limits=_READING))


def moment(said: object, go: float, done: float) -> float:
    """Return a time reported by the box, if it is between GO and done; otherwise done."""
    return said if isinstance(said, float) and go <= said <= done else done


def as_failure(told: Mapping[str, Any] | None) -> Failure | None:
    """Build a `Failure` from the driver's report, with text of bounded length."""
    if not told:
        return None
    cell, line = told.get("cell"), told.get("line")
    return Failure(
        kind=str(told.get("kind"))[:200],
        message=str(told.get("message"))[:2000],
        traceback=str(told.get("traceback"))[:8000],
        cell=cell if isinstance(cell, int) and 0 < cell < 10**6 else None,
        line=line if isinstance(line, int) and 0 < line < 10**6 else None,
    )


def arrays(run: Path, place: str, most: int) -> dict[str, np.ndarray]:
    """Read the arrays of a folder below a box's: `_MOST_ARRAYS`, of ``most`` bytes together."""
    names = sorted(name for name in scratch.listing(run, place) if name.endswith(".npy"))
    found = {}
    for name in names[:_MOST_ARRAYS]:
        content = scratch.read(run, f"{place}/{name}", most)
        most -= len(content)
        found[name.removesuffix(".npy")] = _as_array(content)
    return {name: array for name, array in found.items() if array is not None}


def natural(value: object) -> int:
    """Return a non-negative number; 0 for anything else."""
    return value if isinstance(value, int) and 0 <= value < 2**53 else 0


def testimony(path: Path, go: float, done: float, returned: float) -> bytes:
    """Ask a box's recorder for what ran between GO and done; empty if it does not answer."""
    request = json.dumps({"since": go, "until": done, "returned": returned}).encode() + b"\n"
    received = bytearray()
    until = time.monotonic() + _RECORDER_SECONDS
    try:
        with _opened_socket(path) as connection:
            connection.sendall(request)
            while chunk := connection.recv(1 << 20):
                received += chunk
                left = until - time.monotonic()
                if len(received) > _TESTIMONY_BYTES or left <= 0:
                    return b""
                connection.settimeout(left)
    except OSError:
        return b""
    return bytes(received)


@contextmanager
def _opened_socket(path: Path) -> Iterator[socket.socket]:
    """Connect to a socket that the box can replace at any moment."""
    # What is looked at is what is connected to: a link to another program's socket is refused.
    place = os.open(path, system.O_PATH | os.O_NOFOLLOW)
    try:
        if not stat.S_ISSOCK(os.fstat(place).st_mode):
            raise OSError(f"{path.name} is not a socket")
        with socket.socket(socket.AF_UNIX) as connection:
            connection.settimeout(_RECORDER_SECONDS)
            connection.connect(f"/proc/self/fd/{place}")
            yield connection
    finally:
        os.close(place)


def _as_json(content: bytes) -> dict[str, Any]:
    try:
        data = json.loads(content)
        # Half a surrogate pair could not be kept in any file.
        json.dumps(data, ensure_ascii=False).encode()
    except (ValueError, RecursionError):
        return {}
    return data if isinstance(data, dict) else {}


def _as_array(content: bytes) -> np.ndarray | None:
    try:
        array = np.load(BytesIO(content), allow_pickle=False)
    except Exception:
        # A header is parsed as Python, and fails in as many ways.
        return None
    # Elements without a size make an array of any length out of nothing.
    usable = isinstance(array, np.ndarray) and array.dtype.kind in "biufcUS" and array.itemsize > 0
    return array if usable else None


def _numbers(values: Sequence[object]) -> list[int | None]:
    return [n if isinstance(n, int) and abs(n) < 2**53 else None for n in values[:8]]
