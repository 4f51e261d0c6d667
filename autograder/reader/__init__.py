"""Read untrusted bytes in a child process with limits on time, memory and result.

Parsing, validating or rendering what a student wrote can cost any amount of time and memory: a
line that takes a regular expression hours, JSON that grows thirtyfold when it is parsed. So it
happens in a *reader*, a process that may fail without harm::

    html = read(render, source, what="This cell")

The reader runs only functions of the kit, and its result is bytes of bounded length. The caller
parses them as data and never unpickles them: a parser that was taken over cannot take over the
grader.

A reader is forked for each call, in a few milliseconds, from a process that has loaded the kit's
modules and has a single thread (`autograder.reader.process`). The grader itself has threads, and
forking a process with threads is not safe.
"""

import atexit
import errno
import json
import os
import pickle
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import asdict, dataclass
from typing import Any

from autograder.errors import HarnessError, OversizeSubmission, SubmissionError

__all__ = ["Limits", "read"]


@dataclass(frozen=True, slots=True)
class Limits:
    """What one call of a reader may use."""

    cpu_seconds: int = 15
    """Chosen: a released notebook takes 2 ms to check, its code 9 ms to look through."""
    memory_bytes: int = 256 << 20
    """Address space on top of what the process has when the function begins, arguments included.
    Not limited on macOS, whose kernel does not count it."""
    result_bytes: int = 64 << 20
    """Chosen: what is read of a notebook is no longer than it, of 20 MB at the most."""

    @property
    def wall_seconds(self) -> float:
        """A reader that takes longer than this had no CPU: the machine is too busy."""
        return 10 * self.cpu_seconds + 60


_DEFAULT = Limits()

_HAND_OVER_SECONDS = 10.0
"""Time limit for passing an open file. The kernel counts all files of a user that are in transit,
and a box can have so many that nobody else can send one, until the watchdog ends it."""

_lock = threading.Lock()
"""One call at a time, so that one memory limit covers all threads together."""


def read(
    function: Callable[..., bytes],
    *arguments: Any,
    what: str,
    limits: Limits = _DEFAULT,
    prepared: tuple[str, ...] = (),
) -> bytes:
    """Call a function in a reader and return its result.

    Parameters
    ----------
    function : callable
        A function of a module, which the reader imports; a function ``prepare`` of that module is
        called before, to load what is loaded on first use. It raises a `SubmissionError` for
        unreadable input, which is raised here as well.
    *arguments
        Anything that can be pickled.
    what : str
        Name of the input for the student: the subject of the sentence about a limit.
    limits : Limits
    prepared : tuple of str
        Arguments of ``prepare``, which is called once for each: the kit's own or an author's files,
        and nothing of a student's, since it is called in the process that readers come from.

    Raises
    ------
    OversizeSubmission
        If a limit was exceeded.
    SubmissionError
        As the function raised it.
    HarnessError
        If the reader failed for any other reason.
    """
    request = pickle.dumps((function, arguments))
    with _lock:
        try:
            answer, end = _Server.running().ask((function.__module__, *prepared), request, limits)
        except OSError as error:
            _Server.stop()
            raise HarnessError(f"{what} was not read: the reader is gone ({error}).") from error
        except BaseException:
            # An answer that is still to come would be taken for that to the next request.
            _Server.stop()
            raise
    return _result(answer, end, what, limits)


def _result(answer: bytearray, end: dict[str, Any], what: str, limits: Limits) -> bytes:
    """Return the function's result, or raise the reason why there is none."""
    kind, _, _ = bytes(answer[:16]).partition(b"\n")
    if len(answer) > limits.result_bytes + 16:
        raise OversizeSubmission(
            f"{what} expands to more than {limits.result_bytes / 1e6:.0f} MB; make it smaller and "
            "submit it again."
        )
    if end["status"] == 0 and kind == b"result":
        return bytes(memoryview(answer)[len(kind) + 1 :])
    text = answer[len(kind) + 1 :].decode(errors="replace")
    if end["status"] == 0 and kind == b"submission":
        raise SubmissionError(text)
    if kind == b"memory" or _out_of_memory(end):
        raise OversizeSubmission(
            f"{what} takes more than {limits.memory_bytes / 1e6:.0f} MB of memory to read; make "
            "it smaller and submit it again."
        )
    if end["status"] == -signal.SIGXCPU:
        raise OversizeSubmission(
            f"{what} takes more than {limits.cpu_seconds} seconds of CPU time to read; make it "
            "smaller and submit it again."
        )
    if end["status"] == -signal.SIGALRM:
        raise HarnessError(
            f"{what} was not read in {limits.wall_seconds:.0f} seconds, of which the reader had "
            f"the CPU for {end['cpu']:.0f}. Grade it again when the machine is quieter."
        )
    last = (text or end["stderr"]).strip().splitlines()
    raise HarnessError(
        f"{what} was not read: the reader ended with status {end['status']}"
        f"{f' ({last[-1][:300]})' if last else ''}."
    )


def _out_of_memory(end: dict[str, Any]) -> bool:
    """Tell whether a reader crashed for lack of memory, as code outside Python does."""
    crashed = end["status"] in (-signal.SIGABRT, -signal.SIGSEGV, -signal.SIGBUS)
    rust = "memory allocation of" in end["stderr"]
    return crashed and (rust or bool(end["full"]))


class _Server:
    """The process that readers are forked from, as seen by the grader."""

    _running: "_Server | None" = None

    def __init__(self) -> None:
        self.control, theirs = socket.socketpair()
        threads = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")
        with theirs:
            self.process = subprocess.Popen(
                # -P: modules come from where the grader has its own, not from the current folder.
                [sys.executable, "-P", "-m", "autograder.reader.process", str(theirs.fileno())],
                pass_fds=[theirs.fileno()],
                env={
                    **os.environ,
                    **dict.fromkeys(threads, "1"),
                    "PYTHONPATH": os.pathsep.join(path or os.getcwd() for path in sys.path),
                },
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                # Ctrl-C is for the grader, which stops this process.
                start_new_session=True,
            )

    @classmethod
    def running(cls) -> "_Server":
        """Return this process's server, started if necessary."""
        if cls._running is not None and cls._running.process.poll() is not None:
            cls.stop()
        if cls._running is None:
            cls._running = cls()
        return cls._running

    @classmethod
    def stop(cls) -> None:
        """Close the connection, on which the process kills its reader and ends."""
        known, cls._running = cls._running, None
        if known is None:
            return
        known.control.close()
        try:
            known.process.wait(5)
        except subprocess.TimeoutExpired:
            known.process.kill()
            known.process.wait()

    def ask(
        self, module: tuple[str, ...], request: bytes, limits: Limits
    ) -> tuple[bytearray, dict[str, Any]]:
        """Let a new reader answer a request; return what it wrote, and how it ended."""
        ours, theirs = socket.socketpair()
        # The reader ends itself before that.
        for each in (ours, self.control):
            each.settimeout(limits.wall_seconds + 60)
        with ours:
            with theirs:
                head = {"module": module, "wall_seconds": limits.wall_seconds, **asdict(limits)}
                self._hand_over(json.dumps(head).encode(), theirs)
            answer = bytearray()
            with suppress(BrokenPipeError, ConnectionResetError):
                ours.sendall(request)
                ours.shutdown(socket.SHUT_WR)
                while len(answer) <= limits.result_bytes + 16 and (chunk := ours.recv(1 << 20)):
                    answer += chunk
        end = self.control.recv(1 << 16)
        if not end:
            raise OSError(f"status {self.process.wait()}")
        return answer, json.loads(end)

    def _hand_over(self, head: bytes, theirs: socket.socket) -> None:
        """Send a request with the socket that its answer goes to."""
        until = time.monotonic() + _HAND_OVER_SECONDS
        while True:
            try:
                socket.send_fds(self.control, [head], [theirs.fileno()])
                return
            except OSError as error:
                if error.errno != errno.ETOOMANYREFS or time.monotonic() > until:
                    raise
            time.sleep(0.1)


def _forget() -> None:
    """In a fork of the grader: its reader is not ours, and the lock is not held here."""
    global _lock
    _lock = threading.Lock()
    if _Server._running is not None:
        _Server._running.control.close()
        _Server._running = None


os.register_at_fork(after_in_child=_forget)
atexit.register(_Server.stop)
