"""The process that readers are forked from: it loads modules, forks and waits, nothing else.

    python -m autograder.reader.process DESCRIPTOR

The descriptor is a socket to the grader. Each message on it is a request: limits, the module to
load and how to prepare it, and another socket. A child sets the limits on itself, reads function
and arguments from that socket, calls the function and writes the result back; its exit status is
then reported on the first socket. When the grader is gone, so are the child and this process.
"""

import gc
import importlib
import json
import os
import pickle
import resource
import select
import signal
import socket
import sys
from contextlib import suppress
from pathlib import Path
from typing import Any

from autograder.errors import SubmissionError
from autograder.imports import leave_out_address_parsers

__all__ = ["main"]

_STDERR_BYTES = 4096
"""Only the last ones of a reader's standard error are passed on."""


def main() -> None:
    """Answer requests until the grader closes its end."""
    leave_out_address_parsers()
    control = socket.socket(fileno=int(sys.argv[1]))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    loaded: set[tuple[str, ...]] = set()
    while True:
        try:
            head, descriptors, _, _ = socket.recv_fds(control, 1 << 16, 1)
        except ConnectionError:
            return
        if not head:
            return
        limits = json.loads(head)
        wanted = tuple(limits["module"])
        if wanted not in loaded:
            loaded.add(wanted)
            with suppress(Exception):  # the child runs into it, too, and says so
                _load(*wanted)
        with socket.socket(fileno=descriptors[0]) as connection:
            child, stderr = _fork(control, connection, limits)
        end = _wait(child, stderr, control, limits)
        with suppress(OSError):
            control.sendall(json.dumps(end).encode())


def _load(name: str, *arguments: str) -> None:
    """Import a module, and let it do once what every child would otherwise repeat."""
    prepare = getattr(importlib.import_module(name), "prepare", None)
    if prepare is not None:
        prepare(*arguments)


def _fork(control: socket.socket, connection: socket.socket, limits: Any) -> tuple[int, int]:
    """Let a child answer; return its process id, and where its standard error can be read."""
    readable, writable = os.pipe()
    gc.freeze()
    child = os.fork()
    if child == 0:
        status = 1
        try:
            control.close()
            os.close(readable)
            os.dup2(writable, 2)
            os.close(writable)
            _answer(connection, limits)
            status = 0
        finally:
            os._exit(status)
    os.close(writable)
    return child, readable


def _wait(child: int, stderr: int, control: socket.socket, limits: Any) -> dict[str, Any]:
    """Wait for a child, and kill it if the grader is gone; return how it ended."""
    said = b""
    watched = [stderr, control.fileno()]
    while stderr in watched:
        for ready in select.select(watched, [], [])[0]:
            if ready != stderr:
                # The grader says nothing until it has its answer, so this is its end.
                os.kill(child, signal.SIGKILL)
                watched.remove(ready)
            elif chunk := os.read(stderr, 1 << 16):
                said = (said + chunk)[-_STDERR_BYTES:]
            else:
                watched.remove(stderr)
    os.close(stderr)
    _, status, usage = os.wait4(child, 0)
    resident = _pages(1)
    return {
        "status": os.waitstatus_to_exitcode(status),
        "cpu": usage.ru_utime + usage.ru_stime,
        "full": usage.ru_maxrss * 1024 > resident + 0.8 * limits["memory_bytes"] and resident > 0,
        "stderr": said.decode(errors="replace"),
    }


def _answer(connection: socket.socket, limits: Any) -> None:
    request = bytearray()
    while chunk := connection.recv(1 << 20):
        request += chunk
    try:
        function, arguments = pickle.loads(request)
        del request
        _set(limits)
        answer = b"result\n" + function(*arguments)
    except Exception as error:
        answer = _failed(error)
        del error
    connection.sendall(answer)


def _failed(error: BaseException) -> bytes:
    """Return the answer for what a function raised."""
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
    signal.setitimer(signal.ITIMER_REAL, limits["wall_seconds"])
    wanted = {resource.RLIMIT_CPU: limits["cpu_seconds"], resource.RLIMIT_FSIZE: 0}
    if size := _pages(0):
        wanted[resource.RLIMIT_AS] = size + limits["memory_bytes"]
    for number, most in wanted.items():
        allowed = resource.getrlimit(number)[1]
        soft = most if allowed == resource.RLIM_INFINITY else min(most, allowed)
        resource.setrlimit(number, (soft, allowed))


def _pages(field: int) -> int:
    """Return a number of ``/proc/self/statm`` in bytes; 0 where there is none, as on macOS."""
    try:
        return int(Path("/proc/self/statm").read_text().split()[field]) * resource.getpagesize()
    except OSError:
        return 0


if __name__ == "__main__":
    main()
