"""Replacements that Python needs behind Landlock, without Unix sockets and ``/dev/shm``.

In a box this module is a ``sitecustomize``, which every interpreter imports at start; so it imports
nothing of the kit. It only adapts Python to the walls and is no wall itself: code that avoids it is
still refused by the kernel.

- Semaphores and shared memory of `multiprocessing` are in the temporary folder of the box, not in
  ``/dev/shm``, which all programs of a machine share.
- Its fork server is asked for processes over pairs of sockets: a socket with a path could lead
  anywhere.
- Sockets with a path that the grader connects to, the kernel's and the recorder's, were opened
  before the walls were up, and are taken over where a program binds their path.
- A program that asks for any port gets one of those that were reserved for the box.
- Dask's own address is the loopback's, and a notebook's ``!command`` runs without a terminal.
"""

import ctypes
import errno
import fcntl
import importlib.util
import json
import mmap
import os
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from types import SimpleNamespace
from typing import Any

__all__ = ["PORTS", "SOCKETS", "Meeting", "SemLock", "install"]

PORTS = "AUTOGRADER_BOX_PORTS"
"""Environment variable with the ports for programs that ask for any port."""
SOCKETS = "AUTOGRADER_BOX_SOCKETS"
"""Environment variable with the opened sockets: descriptors by path, in JSON."""

_RECURSIVE = 0
_SEMAPHORE_BYTES = 64
"""More than ``sem_t`` has on any architecture."""

_libc = ctypes.CDLL(None, use_errno=True)


_FOLDER = tempfile.gettempdir()


def _place(name: str) -> str:
    return os.path.join(_FOLDER, "shm-" + name.lstrip("/"))


class _Time(ctypes.Structure):
    _fields_ = (("seconds", ctypes.c_long), ("nanoseconds", ctypes.c_long))


class SemLock:
    """`_multiprocessing.SemLock`, on a semaphore in a file of the temporary folder."""

    SEM_VALUE_MAX = 2**31 - 1

    def __init__(self, kind: int, value: int, maxvalue: int, name: str, unlink: bool) -> None:
        path = _place(name)
        file = os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
        os.ftruncate(file, _SEMAPHORE_BYTES)
        self._open(file, kind, maxvalue, name)
        _libc.sem_init(self._at, 1, value)
        if unlink:
            os.unlink(path)
            self.name = None

    name: str | None

    def _open(self, file: int, kind: int, maxvalue: int, name: str) -> None:
        self._memory = mmap.mmap(file, _SEMAPHORE_BYTES)
        os.close(file)
        self._at = ctypes.byref(ctypes.c_char.from_buffer(self._memory))
        self.kind, self.maxvalue, self.name = kind, maxvalue, name
        self.handle = id(self)
        self._held, self._holder = 0, 0

    @classmethod
    def _rebuild(cls, handle: int, kind: int, maxvalue: int, name: str) -> "SemLock":
        found = cls.__new__(cls)
        found._open(os.open(_place(name), os.O_RDWR | os.O_CLOEXEC), kind, maxvalue, name)
        return found

    def acquire(self, block: bool = True, timeout: float | None = None) -> bool:
        """Acquire it; return whether that succeeded."""
        if self.kind == _RECURSIVE and self._is_mine():
            self._held += 1
            return True
        if not block:
            taken = bool(_libc.sem_trywait(self._at) == 0)
        elif timeout is None:
            while _libc.sem_wait(self._at) and ctypes.get_errno() == errno.EINTR:
                pass
            taken = True
        else:
            until = time.time() + max(timeout, 0.0)
            at = _Time(int(until), int(until % 1 * 1e9))
            while failed := bool(_libc.sem_timedwait(self._at, ctypes.byref(at))):
                if ctypes.get_errno() != errno.EINTR:
                    break
            taken = not failed
        if taken:
            self._held += 1
            self._holder = threading.get_ident()
        return taken

    def release(self) -> None:
        """Release it."""
        if self.kind == _RECURSIVE:
            if not self._is_mine():
                raise AssertionError("attempt to release recursive lock not owned by thread")
            if self._held > 1:
                self._held -= 1
                return
        elif self._get_value() >= self.maxvalue:
            raise ValueError("semaphore or lock released too many times")
        self._held -= 1
        _libc.sem_post(self._at)

    def __enter__(self) -> bool:
        return self.acquire()

    def __exit__(self, *exception: object) -> None:
        self.release()

    def _count(self) -> int:
        return self._held

    def _is_mine(self) -> bool:
        return self._held > 0 and self._holder == threading.get_ident()

    def _get_value(self) -> int:
        value = ctypes.c_int()
        _libc.sem_getvalue(self._at, ctypes.byref(value))
        return value.value

    def _is_zero(self) -> bool:
        return self._get_value() == 0

    def _after_fork(self) -> None:
        self._held = 0


class Meeting:
    """Replaces the module `socket` in `multiprocessing.forkserver`: clients connect over pairs.

    A client creates a pair of sockets and sends one of them through the server's door; the door is
    a pair, too, and inherited by all processes that may connect.
    """

    AF_UNIX = socket.AF_UNIX
    door: socket.socket | None = None

    @classmethod
    def socket(cls, family: int, fileno: int | None = None) -> "_End":
        """Make an end that is bound, or connects, or is the server's."""
        return _End(None if fileno is None else socket.socket(fileno=fileno))


class _End:
    """The socket operations of the fork server and its clients."""

    _address = ""

    def __init__(self, opened: "socket.socket | None") -> None:
        self._opened = opened

    def __enter__(self) -> "_End":
        return self

    def __exit__(self, *exception: object) -> None:
        if self._opened is not None:
            self._opened.close()

    def bind(self, address: str) -> None:
        self._opened, Meeting.door = socket.socketpair()
        self._address = address
        # It is given a mode, and removed in the end.
        open(address, "x").close()

    def listen(self) -> None:
        pass

    def fileno(self) -> int:
        assert self._opened is not None
        return self._opened.fileno()

    def getsockname(self) -> str:
        return self._address

    def connect(self, address: str) -> None:
        if Meeting.door is None:
            raise ConnectionRefusedError(errno.ECONNREFUSED, "the fork server is another's")
        self._opened, theirs = socket.socketpair()
        with theirs:
            socket.send_fds(Meeting.door, [b"!"], [theirs.fileno()])

    def accept(self) -> "tuple[socket.socket, str]":
        assert self._opened is not None
        _, files, _, _ = socket.recv_fds(self._opened, 1, 1)
        if not files:
            raise SystemExit  # whoever could have connected has ended
        return socket.socket(fileno=files[0]), ""

    def __getattr__(self, name: str) -> Any:
        return getattr(self._opened, name)


def _shm_open(path: str, flags: int, mode: int = 0o777) -> int:
    return os.open(_place(path), flags | os.O_CLOEXEC, mode)


def _unlink(name: str) -> None:
    os.unlink(_place(name))


def _bind_reserved(ports: Sequence[int]) -> None:
    """Bind sockets for any port to one of ``ports``."""
    original = socket.socket.bind

    def bind(self: socket.socket, address: Any) -> None:
        internet = self.family in (socket.AF_INET, socket.AF_INET6)
        if not internet or address[1] != 0 or self.type != socket.SOCK_STREAM:
            return original(self, address)
        lock = os.open(os.path.join(_FOLDER, "ports.lock"), os.O_CREAT | os.O_RDWR, 0o600)
        try:
            fcntl.flock(lock, fcntl.LOCK_EX)
            # The grader holds the ports, bound with this option, against other programs.
            self.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            for port in ports:
                with suppress(OSError):
                    original(self, (address[0], port, *address[2:]))
                    # With that option, only one that listens has a port for itself.
                    self.listen()
                    return None
        finally:
            os.close(lock)
        raise OSError(errno.EADDRINUSE, "all ports of this box are in use")

    socket.socket.bind = bind  # type: ignore[method-assign,assignment]


def _take_over(sockets: dict[str, int]) -> None:
    """Let programs that bind a path take over the socket opened for it."""

    def of_zmq(zmq: Any) -> None:
        original: Callable[..., Any] = zmq.Socket.bind

        def bind(self: Any, addr: Any) -> Any:
            opened = sockets.get(str(addr).removeprefix("ipc://"))
            if opened is not None:
                self.setsockopt(zmq.USE_FD, os.dup(opened))
            return original(self, addr)

        zmq.Socket.bind = bind

    def of_asyncio(module: Any) -> None:
        loop = module.SelectorEventLoop
        serve: Callable[..., Any] = loop.create_unix_server

        def create(self: Any, factory: Any, path: Any = None, **options: Any) -> Any:
            opened = sockets.get(str(path))
            if opened is None:
                return serve(self, factory, path, **options)
            return serve(self, factory, sock=socket.socket(fileno=os.dup(opened)), **options)

        loop.create_unix_server = create

    _after_import("zmq", of_zmq)
    _after_import("asyncio.unix_events", of_asyncio)


def _say_loopback(module: Any) -> None:
    """Make Dask, which asks a datagram socket for this machine's address, use the loopback."""
    module._get_ip = lambda host, port, family: "::1" if family == socket.AF_INET6 else "127.0.0.1"


def _run_without_terminal(module: Any) -> None:
    """Run a notebook's ``!command`` without a terminal, since there are none."""

    def system(self: Any, cmd: str) -> int:
        with subprocess.Popen(
            [self.sh, "-c", cmd],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
        ) as process:
            for line in process.stdout or ():
                print(line, end="", flush=True)
        return process.returncode

    module.ProcessHandler.system = system
    module.system = module.ProcessHandler().system


def _meet(module: Any) -> None:
    module.socket = Meeting


_changes: dict[str, Callable[[Any], None]] = {}


def _after_import(name: str, change: Callable[[Any], None]) -> None:
    """Change a module as soon as it is imported."""
    if name in sys.modules:
        change(sys.modules[name])
    else:
        _changes[name] = change


class _Finder:
    """Finds modules through the other finders, and changes them after loading."""

    @staticmethod
    def find_spec(name: str, path: Any = None, target: Any = None) -> Any:
        change = _changes.pop(name, None)
        if change is None:
            return None
        spec = importlib.util.find_spec(name)
        if spec is None or spec.loader is None:
            return None
        loader: Any = spec.loader
        load = loader.exec_module

        def exec_module(module: Any) -> None:
            load(module)
            change(module)

        loader.exec_module = exec_module
        return spec


def install() -> None:
    """Change this interpreter."""
    native: Any = importlib.import_module("_multiprocessing")
    native.SemLock, native.sem_unlink = SemLock, _unlink
    shared: Any = SimpleNamespace(shm_open=_shm_open, shm_unlink=_unlink)
    sys.modules["_posixshmem"] = shared
    finder: Any = _Finder
    sys.meta_path.insert(0, finder)
    _after_import("multiprocessing.forkserver", _meet)
    _after_import("distributed.utils", _say_loopback)
    _after_import("IPython.utils._process_posix", _run_without_terminal)
    if PORTS in os.environ:
        _bind_reserved(json.loads(os.environ[PORTS]))
    # The first program's, which has them opened; others it starts by forking.
    opened = os.environ.pop(SOCKETS, None)
    if opened is not None:
        _take_over(json.loads(opened))


if __name__ == "sitecustomize":
    install()
