"""The zygote: a process that imports what every box needs, and is forked into boxes.

    python -I -S zygote_process.py start CONTROL LIMITS BWRAP EXECUTABLE MODULES

CONTROL is a socket to the grader. Each message on it passes another socket, on which a child, not
this process, reads the request; so nothing of one box is ever in the memory of the next. The child
enters a box (`enter_box`), and its grandchild becomes in it what
``python -m MODULE ARGUMENTS`` would be: with paths, environment, configuration and random numbers
of its own. When the grader is gone, so is this process.

It runs as a separate script, in a box's environment and not the grader's, and loads nothing of the
kit, which has another path in a box.
"""

import base64
import gc
import importlib
import json
import os
import resource
import runpy
import select
import signal
import socket
import sys
import time
from collections.abc import Callable, Collection, Sequence
from contextlib import suppress
from pathlib import Path
from types import ModuleType
from typing import Any

__all__ = ["NOWHERE", "main"]

NOWHERE = "/nonexistent"
"""The home of the zygote, without the user's own settings."""

_of_imports: dict[str, str] = {}
"""Variables that modules set when they are imported."""

_LOOK_SECONDS = 0.05
"""Interval between checks that the grader still exists. Chosen: the child that is waited for takes
milliseconds, so that one look is the rule."""

_KIT = ("autograder", "cluster")

_enter_box: ModuleType

_status: socket.socket | None = None
"""Socket for the exit status of a box's first program; closing it ends the box."""


def main(arguments: Sequence[str]) -> list[str]:
    """Serve the grader; returns in a process of a box, with the program to run."""
    step, *rest = arguments
    if step == "start":
        _start_anew(rest)
    global _enter_box
    _enter_box = importlib.import_module("enter_box")
    # The file's own folder, and the grader's.
    del sys.path[0], globals()["__file__"]
    os.chdir("/")
    control = socket.socket(fileno=int(rest[0]))
    os.set_inheritable(control.fileno(), False)
    os.close(int(rest[2]))
    os.waitpid(int(rest[3]), 0)
    before = dict(os.environ)
    _import_all(json.loads(rest[1]))
    _of_imports.update(set(os.environ.items()) - set(before.items()))
    unfit = _unfit(control)
    control.send(json.dumps({"unfit": unfit}).encode())
    while True:
        message, files, _, _ = socket.recv_fds(control, 1, 1)
        if not message:
            os._exit(0)
        child = os.fork()
        if child == 0:
            control.close()
            with socket.socket(fileno=files[0]) as connection:
                return _into_box(connection)
        os.close(files[0])
        _wait(child, control)


def _start_anew(arguments: Sequence[str]) -> None:
    """Restart with a box's limits, and from an interpreter that no box can change.

    A program can open the file that it was started from (``/proc/self/exe``), as it was when it
    started: if it could be written to then, it can be now. So another program opens it where the
    whole machine is read-only, and this one starts again from what that has opened.
    """
    control, limits, bubblewrap, executable, modules = arguments
    for number, most in json.loads(limits).items():
        resource.setrlimit(int(number), (most, most))
    ours, theirs = socket.socketpair()
    line = [bubblewrap, "--unshare-user", "--die-with-parent", "--ro-bind", "/", "/"]
    line += ["--proc", "/proc", "--", executable, "-I", "-S", "-c", _OPENS, executable]
    opener = os.fork()
    if opener == 0:
        os.dup2(theirs.fileno(), 0)
        os.execve(bubblewrap, line, os.environ)
    theirs.close()
    _, files, _, _ = socket.recv_fds(ours, 1, 1)
    os.set_inheritable(files[0], False)
    os.set_inheritable(int(control), True)
    # The place has its full path, by which libraries are found, for as long as that box is there.
    os.set_inheritable(ours.fileno(), True)
    name = os.path.basename(__file__)
    rest = [control, modules, str(ours.fileno()), str(opener)]
    os.execve(files[0], [executable, name, "serve", *rest], os.environ)


_OPENS = """
import os, socket, sys
connection = socket.socket(fileno=0)
socket.send_fds(connection, [b"!"], [os.open(sys.argv[1], os.O_RDONLY)])
connection.recv(1)
"""


def _import_all(modules: Sequence[str]) -> None:
    """Import as `cluster.warm.import_all` does."""
    gc.disable()
    for module in modules:
        try:
            importlib.import_module(module)
        except Exception as error:
            print(f"zygote: not imported: {module} ({error})", file=sys.stderr)
    gc.enable()
    gc.freeze()


def _unfit(control: socket.socket) -> str:
    """Return why this process is unfit for boxes; empty if it is fit."""
    if len(os.listdir("/proc/self/task")) > 1:
        return "a module that was imported has started a thread"
    opened = {name for name in os.listdir("/proc/self/fd") if os.path.exists(f"/dev/fd/{name}")}
    if left := opened - {"0", "1", "2", str(control.fileno())}:
        return f"a module that was imported keeps files open: {sorted(left)}"
    for line in Path("/proc/self/smaps").read_text().splitlines():
        # Memory that forks share would be shared by all boxes.
        if line.startswith("VmFlags:") and "sh" in line.split():
            return "a module that was imported shares memory with its forks"
    if loaded := [name for name in sys.modules if name.partition(".")[0] in _KIT]:
        return f"the environment imports the kit by itself: {loaded[0]}"
    if not os.statvfs("/proc/self/exe").f_flag & os.ST_RDONLY:
        return "a box could change the interpreter"
    return ""


def _wait(child: int, control: socket.socket) -> None:
    """Wait for a child, which takes milliseconds, and end with the grader."""
    pidfd = os.pidfd_open(child)
    try:
        while not select.select([pidfd], [], [], _LOOK_SECONDS)[0]:
            with suppress(BlockingIOError):
                # A further request may be waiting, and is left there.
                if not control.recv(1, socket.MSG_PEEK | socket.MSG_DONTWAIT):
                    os.kill(child, signal.SIGKILL)
                    os._exit(0)
    finally:
        os.close(pidfd)
    os.waitpid(child, 0)


def _into_box(connection: socket.socket) -> list[str]:
    """Become a process of a box; intermediate processes exit.

    A process that joins a process namespace stays outside; only its children are inside. So a child
    is created in the box, and a grandchild, which the box's first process adopts when its parent
    exits.
    """
    try:
        message, files, _, _ = socket.recv_fds(connection, 1 << 18, 2)
        request = json.loads(message)
        existed = {place for place in sys.path if os.path.exists(place)}
        _enter_box.join_namespaces(request["pid"], files[0], request["entrances"])
        child = os.fork()
        if child != 0:
            os._exit(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) & 0xFF)
        if os.fork() != 0:
            os._exit(0)
        os.setsid()
        _await_adoption()
        _keep(files[1], connection)
        _enter_box.put_up_walls(request["holder"], base64.b64decode(request["filter"]))
        if found := _enter_box.differences(request["holder"]):
            raise PermissionError(f"it is not confined like the box's holder: {', '.join(found)}")
        _as_if_started(request["program"], existed)
        connection.send(b"{}")
    except BaseException as error:
        said = {"error": f"{type(error).__name__}: {error}"[:2000]}
        connection.send(json.dumps(said).encode())
        os._exit(1)
    return list(request["program"])


def _await_adoption() -> None:
    until = time.monotonic() + 2
    while os.getppid() != 1:
        if time.monotonic() > until:
            raise TimeoutError("the box's first process has not adopted it")
        time.sleep(0.0002)


def _keep(status: int, connection: socket.socket) -> None:
    """Close every file but these two, and close the first in further forks."""
    global _status
    nothing = os.open(os.devnull, os.O_RDWR)
    for number in range(3):
        os.dup2(nothing, number)
    kept = sorted({status, connection.fileno()})
    for low, high in zip([2, *kept], [*kept, os.sysconf("SC_OPEN_MAX")], strict=True):
        os.closerange(low + 1, high)
    os.set_inheritable(status, False)
    _status = socket.socket(fileno=status)
    os.register_at_fork(after_in_child=_drop_status)


def _drop_status() -> None:
    global _status
    if _status is not None:
        _status.close()
        _status = None


def _as_if_started(program: Sequence[str], existed: Collection[str]) -> None:
    """Give the interpreter the state of one that was started here.

    Parameters
    ----------
    program : sequence of str
        The module, and its arguments.
    existed : collection of str
        The entries of ``sys.path`` that exist outside the box.
    """
    os.environ.update(_of_imports)
    own = [os.getcwd(), *filter(None, os.environ.get("PYTHONPATH", "").split(os.pathsep))]
    sys.path[:] = own + [p for p in sys.path if p not in existed or os.path.exists(p)]
    sys.path_importer_cache.clear()
    importlib.invalidate_caches()
    sys.argv[:] = ["-m", *program[1:]]
    sys.orig_argv[:] = [sys.executable, "-m", *program]
    sys.modules.pop("enter_box", None)
    time.tzset()
    _forget_numbers()
    _configure_dask()


def _forget_numbers() -> None:
    """Reseed what all forks would share; ``random`` and OpenSSL do so themselves."""
    for name, forget in _FORGET.items():
        if name in sys.modules:
            forget(sys.modules[name])


def _forget_machine(platform: Any) -> None:
    for cache in ("_uname_cache", "_platform_cache"):
        known = getattr(platform, cache, None)
        if isinstance(known, dict):
            known.clear()
        elif known is not None:
            setattr(platform, cache, None)


_FORGET: dict[str, Callable[[Any], Any]] = {
    "numpy": lambda numpy: numpy.random.seed(),
    "random": lambda random: random.seed(),
    "ssl": lambda ssl: ssl.RAND_add(os.urandom(32), 32.0),
    "uuid": lambda uuid: setattr(uuid, "_node", None),
    "platform": _forget_machine,
}


def _configure_dask() -> None:
    """Read Dask's configuration and its view of the machine again.

    Its modules have imported these by name.
    """
    config = sys.modules.get("dask.config")
    if config is None:
        return
    home = os.path.expanduser("~")
    paths = [path.replace(NOWHERE + "/etc", "/etc") for path in config.paths]
    config.paths[:] = [path.replace(NOWHERE, home) for path in paths]
    vars(config)["PATH"] = vars(config)["PATH"].replace(NOWHERE, home)
    config.refresh()
    found = {}
    for module, function, name in (
        ("dask.system", "cpu_count", "CPU_COUNT"),
        ("distributed.system", "memory_limit", "MEMORY_LIMIT"),
    ):
        if module in sys.modules:
            found[name] = getattr(sys.modules[module], function)()
    for module, loaded in list(sys.modules.items()):
        if module.partition(".")[0] in ("dask", "distributed"):
            for name, value in found.items():
                if name in vars(loaded):
                    setattr(loaded, name, value)


def _run(program: Sequence[str]) -> None:
    """Run a module as ``python -m`` does, and report its exit status to the box's holder."""
    own = os.getpid()
    status = 1
    try:
        runpy.run_module(program[0], run_name="__main__", alter_sys=True)
        status = 0
    except SystemExit as exit_:
        status = exit_.code if isinstance(exit_.code, int) else int(exit_.code is not None)
        raise
    finally:
        if os.getpid() == own and _status is not None:
            with suppress(OSError):  # the box is ending already
                _status.sendall(f"{status & 0xFF}\n".encode())


if __name__ == "__main__":
    _run(main(sys.argv[1:]))
