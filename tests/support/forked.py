"""Commands of Python's in processes of their own that need not import everybody else's packages.

nbgrader, scikit-learn and Dask take five seconds to import, and tests type some hundred commands.
Here one process imports them, once, and every command is a fork of it: a process with folder,
environment, arguments and outputs of its own, which imports the kit anew and ends as any other.

What is tested about the start of a process itself needs a real one, and gets it where the
environment says something that is read at Python's start or at an import; so does whoever asks.
"""

import atexit
import gc
import json
import os
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import traceback
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import IO, Any

__all__ = ["Command", "alike", "begin", "run", "starts_alike"]

PACKAGES = (
    "alembic.config", "alembic.script", "dask.array", "dask.dataframe", "dask_ml.wrappers",
    "distributed", "ipykernel.kernelapp", "jsonschema", "jupyter_client", "nbclient",
    "nbconvert.exporters", "nbconvert.preprocessors", "nbformat", "nbgrader.api",
    "nbgrader.apps.nbgraderapp", "nbgrader.converters", "nbgrader.exchange", "nbgrader.plugins",
    "nbgrader.server_extensions.formgrader.formgrader", "nh3", "numpy", "pandas", "psutil",
    "pydantic", "pytest", "rich.console", "rich.live", "rich.progress", "scipy.sparse",
    "sklearn.linear_model", "sklearn.pipeline", "sqlalchemy",
)  # fmt: skip
"""Nothing of the kit itself: which of its modules a command imports is the command's own."""

READ_AT_THE_START = ("DASK", "LD_", "MKL", "NUMBA", "OMP", "OPENBLAS", "PYTHON")
"""How the variables begin that a fork would hear of too late."""

QUIET = "PYTHONWARNINGS"
"""Of those, the one that a fork can obey."""


@dataclass(frozen=True, slots=True)
class Command:
    """A command that runs, or has run."""

    arguments: tuple[str, ...]
    pid: int
    way: socket.socket
    """Where its status will be told."""
    out: IO[bytes]
    error: IO[bytes]

    def wait(self, timeout: float = 900) -> subprocess.CompletedProcess[str]:
        """Return status and outputs at its end; end it if that takes too long."""
        with self.way, self.out, self.error:
            self.way.settimeout(timeout)
            try:
                status = int(self.way.recv(100))
            except TimeoutError:
                os.kill(self.pid, signal.SIGKILL)
                raise subprocess.TimeoutExpired(self.arguments, timeout) from None
            said = [_read(file) for file in (self.out, self.error)]
        return subprocess.CompletedProcess(self.arguments, status, *said)


def _read(file: IO[bytes]) -> str:
    file.seek(0)
    return file.read().decode()


def run(
    *arguments: str,
    cwd: Path,
    env: Mapping[str, str],
    timeout: float = 900,
    together: bool = True,
) -> subprocess.CompletedProcess[str]:
    """Do what ``python ARGUMENTS`` does, and wait for its end.

    Parameters
    ----------
    *arguments : str
        What `begin` can start.
    cwd, env, timeout
        As for `subprocess.run`.
    together : bool
        Whether both outputs are in ``stdout``.
    """
    if starts_alike(env):
        return begin(*arguments, cwd=cwd, env=env, together=together).wait(timeout)
    return subprocess.run(
        [sys.executable, *arguments], cwd=cwd, env=env, timeout=timeout, check=False, text=True,
        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT if together else subprocess.PIPE,
    )  # fmt: skip


def begin(*arguments: str, cwd: Path, env: Mapping[str, str], together: bool = False) -> Command:
    """Start what ``python ARGUMENTS`` does: ``-m`` and a module, ``-c`` and code, or a file."""
    assert starts_alike(env)
    out, apart = (tempfile.TemporaryFile() for _ in range(2))  # noqa: SIM115
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    with theirs:
        told = json.dumps({"arguments": arguments, "cwd": str(cwd), "env": dict(env)})
        files = [out.fileno(), (out if together else apart).fileno(), theirs.fileno()]
        socket.send_fds(_server()[0], [told.encode()], files)
    return Command(arguments, int(ours.recv(100)), ours, out, apart)


def starts_alike(env: Mapping[str, str]) -> bool:
    """Tell whether a fork would be as a process that is started in an environment."""

    def read(of: Mapping[str, str]) -> dict[str, str]:
        return {n: v for n, v in of.items() if n.startswith(READ_AT_THE_START) and n != QUIET}

    return read(env) == read(_server()[1]) and env.get(QUIET, "ignore") == "ignore"


def alike(env: Mapping[str, str]) -> dict[str, str]:
    """Return an environment in which a fork is as any other, whatever tests have set meanwhile."""
    others = {n: v for n, v in env.items() if not n.startswith(READ_AT_THE_START)}
    read = {n: v for n, v in _server()[1].items() if n.startswith(READ_AT_THE_START)}
    return others | {n: v for n, v in read.items() if n != QUIET}


_known: list[tuple[socket.socket, dict[str, str]]] = []


def _server() -> tuple[socket.socket, dict[str, str]]:
    """Return the way to the process that forks, and the environment that it was started in."""
    if not _known:
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        environment = dict(os.environ)
        with theirs:
            # It ends when this process does: then nobody has the other end any more.
            process = subprocess.Popen(
                [sys.executable, __file__, str(theirs.fileno())],
                env=environment, pass_fds=[theirs.fileno()], cwd="/", start_new_session=True,
                stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
            )  # fmt: skip
        _known.append((ours, environment))
        atexit.register(process.wait)
        atexit.register(ours.close)  # before that
    return _known[0]


# ------------------------------------------------------------------ the process that forks


def _serve(way: socket.socket) -> None:
    del sys.path[0]  # of this file, and no business of a command
    for name in PACKAGES:
        with suppress(ImportError):  # the student's half comes without nbgrader
            __import__(name)
    if "nbgrader.api" in sys.modules:
        _know_the_version_of_gradebooks()
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    gc.freeze()  # or each command would copy what it collects
    while True:
        told, files, _, _ = socket.recv_fds(way, 1 << 20, 3)
        if not told:
            return
        if os.fork():
            for file in files:
                os.close(file)
            continue
        way.close()
        _look_after(json.loads(told), files)
        return


def _know_the_version_of_gradebooks() -> None:
    """Let nbgrader know what it starts alembic for, which says the same every time."""
    import nbgrader.api
    from alembic.config import Config
    from alembic.script import ScriptDirectory
    from nbgrader.dbutil import _temp_alembic_ini

    with _temp_alembic_ini("sqlite://") as settings:
        version = ScriptDirectory.from_config(Config(settings)).get_current_head()
    nbgrader.api.get_alembic_version = lambda: version


def _look_after(told: dict[str, Any], files: list[int]) -> None:
    """Fork the command, and tell its number and its status; in the command, run it."""
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    out, error, answers = files
    pid = os.fork()
    if not pid:
        os.close(answers)
        os.dup2(out, 1)
        os.dup2(error, 2)
        os.close(out)
        os.close(error)
        _end(_status(told))
    os.write(answers, str(pid).encode())
    _, status = os.waitpid(pid, 0)
    with suppress(OSError):  # nobody waits any more
        os.write(answers, str(os.waitstatus_to_exitcode(status)).encode())
    os._exit(0)


def _status(told: dict[str, Any]) -> int:
    """Run the command; return what Python would end with."""
    try:
        _become(told)
    except SystemExit as ends:
        if ends.code is None or isinstance(ends.code, int):
            return ends.code or 0
        print(ends.code, file=sys.stderr)
        return 1
    except BaseException:
        traceback.print_exc()
        return 1
    return 0


def _end(status: int) -> None:
    """End as Python does, except that thousands of modules are not taken apart: for seconds."""
    threading._shutdown()  # type: ignore[attr-defined]
    atexit._run_exitfuncs()
    for stream in (sys.stdout, sys.stderr):
        with suppress(Exception):
            stream.flush()
    os._exit(status)


def _become(told: dict[str, Any]) -> None:
    import runpy
    import warnings

    import numpy as np

    os.chdir(told["cwd"])
    os.environ.clear()
    os.environ.update(told["env"])
    tempfile.tempdir = None
    np.random.seed()
    if QUIET in told["env"]:
        warnings.simplefilter("ignore")
    first, *others = told["arguments"]
    if first == "-m":
        sys.argv = others
        sys.path.insert(0, told["cwd"])
        runpy.run_module(others[0], run_name="__main__", alter_sys=True)
    elif first == "-c":
        sys.argv = ["-c", *others[1:]]
        sys.path.insert(0, "")
        main = sys.modules["__main__"] = ModuleType("__main__")
        exec(compile(others[0], "<string>", "exec"), main.__dict__)
    else:
        sys.argv = [first, *others]
        sys.path.insert(0, os.path.dirname(first))
        runpy.run_path(first, run_name="__main__")


if __name__ == "__main__":
    _serve(socket.socket(fileno=int(sys.argv[1])))
