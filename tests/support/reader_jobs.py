"""What readers are asked to do in tests: a reader imports it by its name."""

import ctypes
import os
import signal
import sys
import time

from autograder.errors import SubmissionError


def echo(text: str) -> bytes:
    return text.encode()


def address_parsers() -> bytes:
    return str(sys.modules.get("rfc3987_syntax", "not asked for")).encode()


def length(content: bytes) -> bytes:
    return str(len(content)).encode()


def fill(count: int) -> bytes:
    return str(len(bytearray(count))).encode()


def hoard() -> bytes:
    found = []
    while True:
        found.append(bytearray(1 << 20))


def swallow() -> bytes:
    try:
        return hoard()
    except Exception as error:
        raise SubmissionError("it is no notebook") from error


def spin(seconds: float) -> bytes:
    until = time.process_time() + seconds
    while time.process_time() < until:
        pass
    return b"done"


def sleep(seconds: float) -> bytes:
    time.sleep(seconds)
    return b"done"


def long(count: int) -> bytes:
    return bytes(count)


def refuse(text: str) -> bytes:
    raise SubmissionError(text)


def break_(text: str) -> bytes:
    raise RuntimeError(text)


def crash() -> bytes:
    ctypes.string_at(0)
    return b""


def abort(text: str) -> bytes:
    print(text, file=sys.stderr, flush=True)
    os.abort()


def kill() -> bytes:
    os.kill(os.getpid(), signal.SIGKILL)
    return b""


def kill_parent() -> bytes:
    os.kill(os.getppid(), signal.SIGKILL)
    time.sleep(0.2)
    return b""


def write(path: str) -> bytes:
    with open(path, "wb") as file:
        file.write(b"x")
    return b"written"
