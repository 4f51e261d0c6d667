"""The grader's side of the zygote, which gives boxes an interpreter with its imports done.

A box spends most of its start-up on imports. The zygote (`zygote_process`) does them once for all
boxes of this process; it is started by `warm_up`, or by the first box, and ends with the grader, or
after some time without a box. Without it, `why_not` gives the reason, and boxes start by ``python
-m`` in the box; so they do if the environment demands it (`START`).
"""

import atexit
import base64
import json
import os
import shutil
import socket
import struct
import subprocess
import sys
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from autograder.errors import ZygoteError
from autograder.sandbox import bubblewrap, cgroups, contents, seccomp
from autograder.sandbox.pid1 import MODULES
from autograder.sandbox.wall import Sandbox
from autograder.sandbox.zygote_process import NOWHERE

__all__ = [
    "ANEW",
    "START",
    "Holder",
    "enter",
    "failed",
    "holder",
    "is_ready",
    "refuse",
    "stop",
    "trial",
    "wanted",
    "warm_up",
    "why_not",
]

START = "AUTOGRADER_BOX_START"
"""The variable that chooses: `ANEW` for imports in every box; else boxes are forked."""
ANEW = "anew"

_IMPORT_SECONDS = 60.0
"""Timeout for all imports, on a busy machine; 2 seconds on an idle one."""
_ENTER_SECONDS = 20.0
"""Timeout for a process to enter a box; 0.05 seconds on an idle machine."""

_IDLE_SECONDS = 300.0
"""Time after the last box: a server that grades occasionally should not keep its memory for
ever."""

_FURTHER = (
    "IPython.core.completerlib",
    "IPython.core.debugger",
    "IPython.core.logger",
    "IPython.core.oinspect",
    "IPython.extensions.storemagic",
    "distributed.protocol.numpy",
    "email.headerregistry",
    "ipykernel.ipkernel",
    "multiprocessing.popen_forkserver",
    "pydantic.type_adapter",
    "sqlite3",
    "tornado.platform.asyncio",
)
"""Further modules that the kernel and the cluster import when they start."""

_SCRIPT = "zygote_process.py"
_WAITS = ["/bin/sh", "-c", 'echo "$$"; read -r status; exit "${status:-1}"']
"""The holder of a box: prints its process id, and ends the box with a given status."""


_CREDENTIALS = struct.Struct("iII")
"""``struct ucred`` of sys/socket.h."""


@dataclass(frozen=True, slots=True)
class Holder:
    """The first program of a box: keeps it alive, and waits for its exit status."""

    command: Sequence[str]
    """To be run in the box."""
    ours: socket.socket
    theirs: socket.socket
    """Its standard input and output."""


@contextmanager
def holder() -> Iterator[Holder]:
    """Prepare the start of a box."""
    ours, theirs = socket.socketpair()
    with ours, theirs:
        ours.settimeout(_ENTER_SECONDS)
        # The kernel says who the sender of a message is, by its number in our numbering.
        ours.setsockopt(socket.SOL_SOCKET, socket.SO_PASSCRED, 1)
        yield Holder(_WAITS, ours, theirs)


def enter(
    process: "subprocess.Popen[bytes]",
    held: Holder,
    program: Sequence[str],
    group: cgroups.Group | None,
) -> None:
    """Run a module in a box that bubblewrap has started.

    Parameters
    ----------
    process : Popen
        bubblewrap.
    held : Holder
        Which it runs.
    program : sequence of str
        The module and its arguments.
    group : Group, optional
        The control group that the box is in.

    Raises
    ------
    ZygoteError
        If that failed; the box is then unusable.
    """
    held.theirs.close()
    try:
        outside, inside = _number(held.ours)
        pidfd = os.pidfd_open(outside)
        try:
            # bubblewrap has not been waited for, so that its number is still its own; its child
            # is the box's first process, and the holder is a child of that.
            family = (outside, _parent(outside), _parent(_parent(outside)))
            if process.poll() is not None or family[-1] != process.pid:
                raise ZygoteError("bubblewrap has ended")
            request = {
                "pid": outside,
                "holder": inside,
                "entrances": [] if group is None else [str(e) for e in group.entrances],
                "filter": base64.b64encode(seccomp.program() or b"").decode(),
                "program": list(program),
            }
            with _lock:
                running = _Zygote.running()
                if running is None:
                    raise ZygoteError(why_not())
                running.fork(json.dumps(request).encode(), [pidfd, held.ours.fileno()])
                running.end_when_idle()
        finally:
            os.close(pidfd)
    except (OSError, ValueError) as error:
        raise ZygoteError(f"{type(error).__name__}: {error}") from error


def _number(connection: socket.socket) -> tuple[int, int]:
    """Return the process id of a box's holder outside and inside the box."""
    said, outside = b"", 0
    while not said.endswith(b"\n"):
        chunk, ancillary, _, _ = connection.recvmsg(64, socket.CMSG_SPACE(_CREDENTIALS.size))
        if not chunk:
            raise ZygoteError("the box has ended")
        for level, kind, content in ancillary:
            if (level, kind) == (socket.SOL_SOCKET, socket.SCM_CREDENTIALS):
                outside = _CREDENTIALS.unpack(content[: _CREDENTIALS.size])[0]
        said += chunk
    return outside, int(said)


def _parent(pid: int) -> int:
    stat = Path(f"/proc/{pid}/stat").read_text()
    return int(stat.rpartition(")")[2].split()[1])


_lock = threading.RLock()
_refused = ""
_failures = 0
_MOST_FAILURES = 3
"""Boxes that did not get in, after which all do their own imports. Chosen: each costs its
submission `_ENTER_SECONDS` at the most, and one may be the machine's moment."""


def warm_up() -> None:
    """Start the zygote, if there is none, and do not wait for it."""
    with _lock:
        _Zygote.started()


def is_ready() -> bool:
    """Wait for the zygote; return whether there is one."""
    with _lock:
        return _Zygote.running() is not None


def wanted() -> bool:
    """Return whether boxes should be forked from the zygote."""
    return os.environ.get(START) != ANEW


def why_not() -> str:
    """Return why boxes do their own imports; nothing if they are forked."""
    return _refused if wanted() else f"{START} is {ANEW!r}"


def refuse(reason: str) -> None:
    """Make no further attempt in this process."""
    global _refused
    with _lock:
        _refused = reason
        _Zygote.stop()


def failed(reason: str) -> None:
    """Count a failed attempt to enter a box; after three, make no further attempt."""
    global _failures
    with _lock:
        _failures += 1
        if _failures >= _MOST_FAILURES:
            refuse(reason)


def stop() -> None:
    """End the zygote; the next box starts another one."""
    with _lock:
        _Zygote.stop()


class _Zygote:
    """The process, as seen by the grader."""

    _known: "_Zygote | None" = None

    def __init__(self, conditions: Any, modules: Sequence[str]) -> None:
        self.conditions = conditions
        self._modules = modules
        self._ready: bool | None = None
        self._idle: threading.Timer | None = None
        self._control, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self._control.settimeout(_IMPORT_SECONDS)
        limits = {int(n): most for n, most in contents.process_limits().items()}
        bwrap = shutil.which("bwrap") or "bwrap"
        with theirs:
            self.process = subprocess.Popen(
                [sys.executable, "-I", "-S", _SCRIPT, "start", str(theirs.fileno()),
                 json.dumps(limits), bwrap, sys.executable, json.dumps(list(modules))],
                pass_fds=[theirs.fileno()],
                env=_environment(),
                cwd=Path(__file__).parent,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                # Ctrl-C is for the grader, with which this process ends.
                start_new_session=True,
            )  # fmt: skip

    @classmethod
    def started(cls, modules: Sequence[str] = (*MODULES, *_FURTHER)) -> "_Zygote | None":
        """Return this process's zygote, which may still be importing."""
        if _refused or not wanted():
            return None
        conditions = _conditions()
        known = cls._known
        if known is not None and (
            known.conditions != conditions or known.process.poll() is not None
        ):
            cls.stop()
        if cls._known is None:
            try:
                cls._known = cls(conditions, modules)
            except OSError as error:
                refuse(str(error))
        return cls._known

    @classmethod
    def running(cls) -> "_Zygote | None":
        """Return this process's zygote when its imports are done."""
        known = cls.started()
        if known is None:
            return None
        if known._ready is None:
            try:
                unfit = json.loads(known._control.recv(1 << 16) or b'{"unfit": "it has ended"}')
                known._ready = not unfit["unfit"]
                if unfit["unfit"]:
                    refuse(str(unfit["unfit"]))
            except OSError as error:
                refuse(f"its imports: {error}")
        return cls._known

    @classmethod
    def stop(cls) -> None:
        """Close the connection, on which the process ends."""
        known, cls._known = cls._known, None
        if known is None:
            return
        if known._idle is not None:
            known._idle.cancel()
        known._control.close()
        if known._ready is None:
            known.process.kill()  # in the middle of its imports it does not listen
        try:
            known.process.wait(5)
        except subprocess.TimeoutExpired:
            known.process.kill()
            known.process.wait()

    def end_when_idle(self) -> None:
        """End it some time after its last box; a later box starts another one."""
        if self._idle is not None:
            self._idle.cancel()
        self._idle = threading.Timer(_IDLE_SECONDS, self._end)
        self._idle.daemon = True
        self._idle.start()

    def _end(self) -> None:
        with _lock:
            if type(self)._known is self:
                self.stop()

    def fork(self, request: bytes, files: Sequence[int]) -> None:
        """Let a child enter a box; returns when it is in."""
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        ours.settimeout(_ENTER_SECONDS)
        with ours:
            with theirs:
                socket.send_fds(self._control, [b"!"], [theirs.fileno()])
            socket.send_fds(ours, [request], files)
            try:
                answer = ours.recv(1 << 16)
            except OSError:
                # A child that hangs is killed with the process that it is a child of.
                self.stop()
                raise
        said = json.loads(answer or b'{"error": "it has ended"}')
        if "error" in said:
            raise ZygoteError(str(said["error"]))


def _environment() -> dict[str, str]:
    """Return the zygote's environment: a box's, without a home."""
    own = contents.environment(Sandbox(), NOWHERE, "")
    own["DASK_ROOT_CONFIG"] = f"{NOWHERE}/etc/dask"
    # PyArrow's allocator starts a thread. In a fork it is gone, and not started again.
    own["JE_ARROW_MALLOC_CONF"] = "background_thread:false"
    # In the box, the kit is somewhere else.
    del own["PYTHONPATH"]
    return own


def _conditions() -> Any:
    """Return the conditions of a zygote: if they change, a new one is needed."""
    places = [Path(sys.executable).resolve(), *contents.packages()]
    changed = [(str(place), place.stat().st_mtime_ns) for place in places]
    return _environment(), contents.process_limits(), changed


def trial() -> str:
    """Test the whole procedure with a trivial program.

    Returns
    -------
    str
        Why it failed; nothing if it succeeded.
    """
    if not is_ready():
        return why_not()
    with seccomp.opened() as filter_, holder() as held:
        line = bubblewrap.command(Sandbox(), held.command, filter_)
        with subprocess.Popen(
            line,
            stdin=held.theirs.fileno(),
            stdout=held.theirs.fileno(),
            pass_fds=() if filter_ is None else (filter_,),
            env=dict[str, str](),
            cwd="/",
        ) as process:
            try:
                enter(process, held, ("platform",), None)
                held.ours.close()
                status = process.wait(_ENTER_SECONDS)
                return f"a program ended with status {status}" if status else ""
            except (ZygoteError, subprocess.TimeoutExpired) as error:
                return str(error)
            finally:
                process.kill()


def _forget() -> None:
    """In a fork of the grader: the zygote is not ours, and the lock is not held here."""
    global _lock
    _lock = threading.RLock()
    if _Zygote._known is not None:
        _Zygote._known._control.close()
        _Zygote._known = None


os.register_at_fork(after_in_child=_forget)
atexit.register(_Zygote.stop)
