"""A door between the grader and a kernel that limits the length of messages.

ZeroMQ limits the size of each frame of a message, but not the number of frames, and keeps them all
until the last one arrives. So the frames are counted before ZeroMQ reads them, according to its
protocol ZMTP 3 (https://rfc.zeromq.org/spec/23/). If a message grows too long the connection is
cut: the grader's ZeroMQ drops the parts that it has, and reconnects.
"""

import asyncio
import os
import stat
import threading
from collections.abc import Iterable
from contextlib import suppress
from functools import partial
from pathlib import Path

from autograder.errors import HarnessError

__all__ = ["Counter", "Door"]

_GREETING = 64
"""Bytes that each side of a connection begins with (ZMTP 3.1, rfc.zeromq.org/spec/37)."""
_MAJOR = 10
"""Position of the version in a greeting. Before version 3, frames had a different format."""
_MORE, _LONG, _COMMAND = 1, 2, 4

_FRAME = 200
"""Overhead of a frame in bytes, in ZeroMQ and in Python."""

_CHUNK = 1 << 16
"""Bytes that are passed on at a time; more in one piece gains nothing, on a socket of as many."""

_RETRY_SECONDS = 0.02
"""Between two tries to connect to a kernel that is starting, which takes 3 seconds."""


class Counter:
    """Tracks the frames that one side of a connection sends."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._greeting = b""
        self._head = b""
        self._body = 0
        """Remaining bytes of the current frame."""
        self._size = 0
        """Of the message so far."""

    def allows(self, data: bytes) -> bool:
        """Account for sent bytes; tell whether they may be passed on."""
        at = _GREETING - len(self._greeting)
        if at > 0:
            self._greeting += data[:at]
            version = self._greeting[_MAJOR : _MAJOR + 1] or b"\x03"
            if not self._greeting.startswith(b"\xff") or version < b"\x03":
                return False
        while at < len(data):
            if self._body:
                step = min(self._body, len(data) - at)
                self._body -= step
                at += step
                continue
            self._head += data[at : at + 1]
            at += 1
            flags = self._head[0]
            whole = len(self._head) == (9 if flags & _LONG else 2)
            if whole and not self._frame(flags, int.from_bytes(self._head[1:], "big")):
                return False
        return True

    def _frame(self, flags: int, size: int) -> bool:
        self._head, self._body = b"", size
        if flags & _COMMAND:
            return size <= self._most
        self._size += size + _FRAME
        within = self._size <= self._most
        if not flags & _MORE:
            self._size = 0
        return within


class Door:
    """Sockets in the grader's own folder that lead to those of the same names in a box's.

    Parameters
    ----------
    folder : Path
        Where the kernel creates its sockets; the box can replace them by anything.
    names : iterable of str
        Of the sockets.
    most : int
        Bytes of a message from the kernel.
    """

    def __init__(self, folder: Path, names: Iterable[str], most: int) -> None:
        self._inner = folder
        self._most = most
        # Beside it, since what is in it the box could change.
        self.folder = folder.with_name(f"{folder.name}-door")
        self.folder.mkdir(mode=0o700)
        self._names = tuple(names)
        self._loop = asyncio.new_event_loop()
        self._opened = threading.Event()
        self._error: OSError | None = None
        self._thread = threading.Thread(target=self._run, name="box-door", daemon=True)
        self._thread.start()
        self._opened.wait()
        if self._error is not None:
            raise HarnessError(f"The grader cannot create its sockets: {self._error}.")

    def close(self) -> None:
        """Cut all connections and remove the sockets."""
        if not self._loop.is_closed():
            with suppress(RuntimeError):
                self._loop.call_soon_threadsafe(self._end.set)
            self._thread.join()
        for name in self._names:
            (self.folder / name).unlink(missing_ok=True)
        with suppress(OSError):
            self.folder.rmdir()

    def _run(self) -> None:
        self._end = asyncio.Event()
        try:
            self._loop.run_until_complete(self._serve())
        except OSError as error:
            self._error = error
        finally:
            self._opened.set()
            self._loop.close()

    async def _serve(self) -> None:
        servers = [
            await asyncio.start_unix_server(partial(self._join, name), self.folder / name)
            for name in self._names
        ]
        self._opened.set()
        await self._end.wait()
        for server in servers:
            server.close()
        left = asyncio.all_tasks() - {asyncio.current_task()}
        for task in left:
            task.cancel()
        await asyncio.gather(*left, return_exceptions=True)

    async def _join(
        self, name: str, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        """Connect a connection of the grader's to one of the kernel's, until either ends."""
        inner = None
        try:
            inside, inner = await self._open(name)
            pumps = (
                asyncio.ensure_future(_pump(reader, inner, None)),
                asyncio.ensure_future(_pump(inside, writer, Counter(self._most))),
            )
            try:
                await asyncio.wait(pumps, return_when=asyncio.FIRST_COMPLETED)
            finally:
                for pump in pumps:
                    pump.cancel()
        except asyncio.CancelledError:
            pass  # The door is closed; Python 3.11 would log this as an error of ours.
        finally:
            for each in (writer, inner):
                if each is not None:
                    each.transport.abort()

    async def _open(self, name: str) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        """Connect to a socket of the kernel's, as soon as it is there."""
        while True:
            with suppress(OSError):
                # What is looked at is what is connected to: a link to another program's socket is
                # refused.
                place = os.open(self._inner / name, os.O_PATH | os.O_NOFOLLOW)
                try:
                    if stat.S_ISSOCK(os.fstat(place).st_mode):
                        return await asyncio.open_unix_connection(f"/proc/self/fd/{place}")
                finally:
                    os.close(place)
            await asyncio.sleep(_RETRY_SECONDS)


async def _pump(
    reader: asyncio.StreamReader, writer: asyncio.StreamWriter, counter: Counter | None
) -> None:
    with suppress(OSError):
        while data := await reader.read(_CHUNK):
            if counter is not None and not counter.allows(data):
                return
            writer.write(data)
            await writer.drain()
