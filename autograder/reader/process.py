"""The process that readers are forked from: it loads modules, forks and waits, nothing else.

    python -m autograder.reader.process DESCRIPTOR

It is given a socket. Each message on it is a question, with the socket of whoever asks: the
module to load, and limits. A child of this process sets the limits on itself, calls the function
and writes the answer to that socket; when it has ended, how it ended is said here.
"""

import gc
import importlib
import json
import os
import pickle
import resource
import signal
import socket
import sys
from contextlib import suppress
from pathlib import Path
from typing import Any

from autograder.errors import SubmissionError

__all__ = ["main"]

_SAID = 4096
"""Bytes of what a reader writes to its standard error that are passed on."""


def main() -> None:
    """Answer until the grader closes its end."""
    control = socket.socket(fileno=int(sys.argv[1]))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    while True:
        head, descriptors, _, _ = socket.recv_fds(control, 1 << 16, 1)
        if not head:
            return
        with socket.socket(fileno=descriptors[0]) as connection:
            limits = json.loads(head)
            with suppress(ImportError):  # which the child then says
                importlib.import_module(limits["module"])
            end = _fork(control, connection, limits)
        control.sendall(json.dumps(end).encode())


def _fork(control: socket.socket, connection: socket.socket, limits: Any) -> dict[str, Any]:
    """Let a child answer; return how it ended."""
    said, says = os.pipe()
    # Nobody reads it meanwhile: what does not fit is lost, and nobody waits.
    os.set_blocking(says, False)
    gc.freeze()
    child = os.fork()
    if child == 0:
        status = 1
        try:
            os.dup2(says, 2)
            control.close()
            _answer(connection, limits)
            status = 0
        finally:
            os._exit(status)
    os.close(says)
    connection.close()
    _, status, usage = os.wait4(child, 0)
    with open(said, "rb") as words:
        text = words.read().decode(errors="replace")[-_SAID:]
    return {
        "status": os.waitstatus_to_exitcode(status),
        "cpu": usage.ru_utime + usage.ru_stime,
        "full": usage.ru_maxrss * 1024 > _resident() + 0.8 * limits["memory_bytes"],
        "said": text,
    }


def _answer(connection: socket.socket, limits: Any) -> None:
    request = bytearray()
    while chunk := connection.recv(1 << 20):
        request += chunk
    function, arguments = pickle.loads(request)
    del request
    _set(limits)
    try:
        answer = b"result\n" + function(*arguments)
    except Exception as error:
        answer = _failed(error)
        del error
    connection.sendall(answer)


def _failed(error: BaseException) -> bytes:
    """Return the words for what a function raised."""
    cause: BaseException | None = error
    while cause is not None:
        if isinstance(cause, MemoryError):
            return b"memory\n"
        cause = cause.__cause__ or cause.__context__
    if isinstance(error, SubmissionError):
        return b"submission\n" + str(error).encode(errors="replace")
    return b"failed\n" + f"{type(error).__name__}: {error}".encode(errors="replace")


def _set(limits: Any) -> None:
    """Set limits on this process."""
    for ends in (signal.SIGXCPU, signal.SIGALRM):
        signal.signal(ends, signal.SIG_DFL)
    signal.setitimer(signal.ITIMER_REAL, limits["wall"])
    wanted = {
        resource.RLIMIT_CPU: limits["cpu_seconds"],
        resource.RLIMIT_FSIZE: 0,
    }
    if size := _size():
        wanted[resource.RLIMIT_AS] = size + limits["memory_bytes"]
    for number, most in wanted.items():
        allowed = resource.getrlimit(number)[1]
        soft = most if allowed == resource.RLIM_INFINITY else min(most, allowed)
        resource.setrlimit(number, (soft, allowed))


def _size() -> int:
    """Return this process's address space in bytes; 0 where nothing says it."""
    return _pages(0)


def _resident() -> int:
    return _pages(1)


def _pages(field: int) -> int:
    try:
        return int(Path("/proc/self/statm").read_text().split()[field]) * resource.getpagesize()
    except OSError:
        return 0


if __name__ == "__main__":
    main()
