"""Start a box behind Landlock, and end all of its processes.

Usage: ``python -I -S landlock_start.py FILE PARENT``, FILE being a descriptor of what `main` reads.

Without a process namespace the kernel does not end a box, so two nested supervisors do::

    supervisor ── supervisor ── the box's first program ── everything else

Both adopt orphans, so that all of the box descends from them whatever it does. Both are in a
Landlock domain that no signal leaves, the box in one below: it cannot signal them, and
``kill(-1)`` of theirs reaches the box and nothing else. The kernel does that in one step, and
a process that is being killed cannot fork, so that nothing escapes it. Each supervisor ends the
box, and then itself, on SIGTERM, when the box's first program has ended, or when the other
supervisor is gone; the outer one also when the grader's thread is gone that started it. It exits
when nothing is left.

This program imports nothing of the kit but its two neighbours, and is run by its path.
"""

import base64
import ctypes
import importlib
import json
import os
import resource
import signal
import sys
from contextlib import suppress
from pathlib import Path
from typing import Any, NoReturn

sys.path.insert(0, str(Path(__file__).parent))
enter_box, landlock_calls = map(importlib.import_module, ("enter_box", "landlock_calls"))

__all__ = ["main"]

_PR_SET_PDEATHSIG, _PR_SET_CHILD_SUBREAPER = 1, 36
_CAP_SETPCAP = 8

_libc = ctypes.CDLL(None, use_errno=True)


def main(file: int, parent: int) -> NoReturn:
    """Begin a box.

    Parameters
    ----------
    file : int
        Of JSON: ``argv``, ``environment``, ``workdir``, ``limits`` (by number), ``paths`` (with
        their rights), ``ports`` (null for all), ``filter`` (of system calls, in base 64) and
        ``keep`` (descriptors).
    parent : int
        The process to end with.
    """
    with open(file, "rb") as opened:
        asked = json.load(opened)
    if os.getpid() != os.getsid(0):
        os.setsid()
    for _ in range(2):
        _die_with(parent)
        parent = os.getpid()
        landlock_calls.scope()
        _libc.prctl(_PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
        # What comes in the meantime is delivered when there is something that can be ended.
        signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTERM})
        child = os.fork()
        if child:
            _supervise(child, asked["keep"])
        signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGTERM})
    _die_with(parent)
    _become(asked)


def _die_with(parent: int) -> None:
    """Make the kernel send SIGTERM when the thread that started this process ends."""
    _libc.prctl(_PR_SET_PDEATHSIG, signal.SIGTERM, 0, 0, 0)
    if os.getppid() != parent:
        sys.exit("the grader has ended")


def _supervise(child: int, files: list[int]) -> NoReturn:
    """Wait for all descendants of this process; exit with the first program's status."""
    signal.signal(signal.SIGTERM, lambda *_: _end())
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGTERM})
    for file in files:
        os.close(file)
    status = 1
    with suppress(ChildProcessError):
        while True:
            pid, said = os.waitpid(-1, 0)
            if pid == child:
                code = os.waitstatus_to_exitcode(said)
                status = code if code >= 0 else 128 - code
                _end()
    os._exit(status)


def _end() -> None:
    with suppress(ProcessLookupError, PermissionError):
        os.kill(-1, signal.SIGKILL)


def _become(asked: dict[str, Any]) -> NoReturn:
    """Put up the walls around this process, and run the box's first program."""
    os.setsid()
    os.umask(0o022)
    for limit, most in asked["limits"].items():
        resource.setrlimit(int(limit), (most, most))
    landlock_calls.restrict(asked["paths"], asked["ports"])
    os.chdir(asked["workdir"])
    status = Path("/proc/self/status").read_text()
    effective = int(status.partition("CapEff:")[2].split()[0], 16)
    enter_box.give_up_capabilities(bounding=bool(effective & 1 << _CAP_SETPCAP))
    enter_box.refuse_calls(base64.b64decode(asked["filter"]))
    os.execve(asked["argv"][0], asked["argv"], asked["environment"])


if __name__ == "__main__":
    try:
        main(int(sys.argv[1]), int(sys.argv[2]))
    except OSError as error:
        sys.exit(f"a box behind Landlock cannot be started: {error}")
