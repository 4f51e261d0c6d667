"""Read untrusted bytes in a process of its own, with limits on time, memory and result.

Parsing, validating, replaying and rendering what a student wrote can cost any amount of time and
memory: a line that a regular expression takes hours for, JSON that is thirty times its size once
it is parsed. So it happens in a *reader*, a process that may fail::

    text = read(render, source, what="ex02.ipynb")

What is trusted: the reader runs only functions of the kit, and what it returns is bytes of
bounded length. The caller parses them as data (JSON, a page) and never unpickles them, so that a
parser that was taken over cannot take over the grader. It could still lie about what it read, as
could the grader's own parser; but it holds no gradebook and outlives no call.

A reader is forked from a process that has loaded the kit's modules and runs nothing else
(`autograder.reader.process`): about 10 ms a call. The grader itself has threads, and a process
with threads cannot be forked safely.
"""

import atexit
import json
import os
import pickle
import signal
import socket
import subprocess
import sys
import threading
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
    memory_bytes: int = 256 << 20
    """Address space, beyond what the process and the arguments have when the function begins."""
    result_bytes: int = 64 << 20

    @property
    def wall_seconds(self) -> float:
        """After this a reader is ended that did not have the CPU: the machine is too busy."""
        return 10 * self.cpu_seconds + 60


_USUAL = Limits()

_LOCK = threading.Lock()
"""One call at a time: what is limited is the memory of all that is read."""


def read(
    function: Callable[..., bytes], *arguments: Any, what: str, limits: Limits = _USUAL
) -> bytes:
    """Call a function in a reader and return the bytes that it returns.

    Parameters
    ----------
    function : callable
        A function of a module, which the reader imports. It raises a `SubmissionError` for what
        cannot be read, and that is raised here, too.
    *arguments
        Anything that pickle can send to the reader.
    what : str
        What is read, as the student calls it: it begins the sentence about a limit.
    limits : Limits
        What it may use.

    Raises
    ------
    OversizeSubmission
        If a limit was passed.
    SubmissionError
        As the function raised it.
    HarnessError
        If the reader failed for any other reason.
    """
    request = pickle.dumps((function, arguments))
    with _LOCK:
        try:
            answer, end = _Process.current().ask(function.__module__, request, limits)
        except OSError as error:
            _Process.stop()
            raise HarnessError(f"{what} was not read: the reader is gone ({error}).") from error
        except BaseException:
            # Whatever it still says would be taken for the answer to the next question.
            _Process.stop()
            raise
    return _result(answer, end, what, limits)


def _result(answer: bytes, end: dict[str, Any], what: str, limits: Limits) -> bytes:
    """Return what the reader returned, or raise why it did not."""
    kind, _, said = answer.partition(b"\n")
    if end["status"] == 0 and kind == b"result":
        return said
    if len(answer) > limits.result_bytes or kind == b"result":
        raise OversizeSubmission(
            f"{what} becomes more than the {limits.result_bytes / 1e6:.0f} MB that may be read "
            "of it; make it smaller and hand it in again."
        )
    text = said.decode(errors="replace")
    if end["status"] == 0 and kind == b"submission":
        raise SubmissionError(text)
    if kind == b"memory" or _out_of_memory(end):
        raise OversizeSubmission(
            f"{what} takes more than the {limits.memory_bytes / 1e6:.0f} MB of memory that there "
            "are for reading it; make it smaller and hand it in again."
        )
    if end["status"] == -signal.SIGXCPU:
        raise OversizeSubmission(
            f"{what} takes more than the {limits.cpu_seconds} seconds of computing that there are "
            "for reading it; make it smaller and hand it in again."
        )
    if end["status"] == -signal.SIGALRM:
        raise HarnessError(
            f"{what} was not read in {limits.wall_seconds:.0f} seconds, of which the reader "
            f"computed {end['cpu']:.0f}. Grade it again when the machine is quieter."
        )
    last = (text or end["said"]).strip().splitlines()
    raise HarnessError(
        f"{what} was not read: the reader ended with status {end['status']}"
        f"{f' ({last[-1][:300]})' if last else ''}."
    )


def _out_of_memory(end: dict[str, Any]) -> bool:
    """Tell whether a reader died since it was given no more memory, which not all code says."""
    aborted = end["status"] in (-signal.SIGABRT, -signal.SIGSEGV, -signal.SIGBUS)
    # Rust's words.
    return aborted and ("memory allocation of" in end["said"] or bool(end["full"]))


class _Process:
    """The process that readers are forked from, as the grader sees it."""

    _current: "_Process | None" = None

    def __init__(self) -> None:
        self.owner = os.getpid()
        self.control, theirs = socket.socketpair()
        threads = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")
        with theirs:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "autograder.reader.process", str(theirs.fileno())],
                pass_fds=[theirs.fileno()],
                env={
                    **os.environ,
                    **dict.fromkeys(threads, "1"),
                    "PYTHONPATH": os.pathsep.join(path or os.getcwd() for path in sys.path),
                },
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                # Ctrl-C is the grader's to hear.
                start_new_session=True,
            )

    @classmethod
    def current(cls) -> "_Process":
        """Return the one of this process, started if need be."""
        known = cls._current
        if known is not None and (known.owner != os.getpid() or known.process.poll() is not None):
            cls.stop()
        if cls._current is None:
            cls._current = cls()
        return cls._current

    @classmethod
    def stop(cls) -> None:
        """End it: it ends by itself when nobody holds the other end of its socket."""
        known, cls._current = cls._current, None
        if known is None:
            return
        known.control.close()
        if known.owner == os.getpid():
            known.process.kill()
            known.process.wait()

    def ask(self, module: str, request: bytes, limits: Limits) -> tuple[bytes, dict[str, Any]]:
        """Let a new reader answer a request; return what it wrote, and how it ended."""
        ours, theirs = socket.socketpair()
        with ours:
            with theirs:
                head = {"module": module, "wall": limits.wall_seconds, **asdict(limits)}
                socket.send_fds(self.control, [json.dumps(head).encode()], [theirs.fileno()])
            # The reader ends itself before that.
            for each in (ours, self.control):
                each.settimeout(limits.wall_seconds + 60)
            with suppress(BrokenPipeError):
                ours.sendall(request)
                ours.shutdown(socket.SHUT_WR)
            answer = bytearray()
            with suppress(ConnectionResetError):
                while len(answer) <= limits.result_bytes and (chunk := ours.recv(1 << 20)):
                    answer += chunk
        said = self.control.recv(1 << 16)
        if not said:
            raise OSError(f"status {self.process.wait()}")
        return bytes(answer), json.loads(said)


atexit.register(_Process.stop)
