"""A wall of Landlock and a system-call filter, for machines without namespaces.

Containers with Docker's default profile cannot create namespaces or mounts, and so cannot run
bubblewrap. There Linux 6.12 and newer can still deny a process and its descendants the files, TCP
ports, signals and abstract sockets that they do not need (`landlock_calls`), and libseccomp the
system calls that Landlock does not cover (`seccomp.program`). The box uses the machine's paths:
read-only the operating system, Python and a copy of the kit without its exercises; and two private
folders, home and temporary files. Its cluster uses TCP ports that are reserved for it. It lacks the
protection of a private ``/proc``, network and IPC namespace; `LACKS` lists the gaps.
"""

import base64
import json
import os
import shutil
import socket
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import cache
from pathlib import Path

import autograder
import cluster
from autograder.errors import HarnessError
from autograder.sandbox import contents, landlock_calls, processes, scratch, seccomp
from autograder.sandbox.landlock_inside import PORTS, SOCKETS
from autograder.sandbox.wall import Lack, Sandbox, Started

__all__ = ["LACKS", "Landlock", "LandlockBox"]

_START, _INSIDE = "landlock_start.py", "landlock_inside.py"

_PORTS = 48
"""Ports reserved for each box: a cluster of two workers takes eight, and a second cluster of the
notebook's own takes as many."""

_SOCKETS = ("recorder.sock", *(f"kernel-{number}" for number in range(1, 6)))
"""In the box's folder: what the grader connects to."""

_SYSTEM = ("/bin", "/sbin", "/lib", "/lib32", "/lib64", "/etc/ld.so.cache",
           "/etc/alternatives", "/etc/localtime", "/etc/fonts")  # fmt: skip
_LOOKED_AT = ("/sys/fs/cgroup/cpu.max", "/sys/fs/cgroup/cpu", "/sys/devices/system/cpu",
              "/etc/mime.types", "/etc/os-release", "/etc/timezone")  # fmt: skip
"""Files that joblib and Python's library read if they exist, and whose refusal they do not
handle."""
_DEVICES = ("/dev/null", "/dev/zero", "/dev/full", "/dev/random", "/dev/urandom")
"""No terminals: a process that may open its own could also open the grader's."""

LACKS = (
    Lack(
        "names of files",
        "If it knows a path, it can see whether the file exists, its size and its time; never its "
        "contents, and never the list of a folder's files.",
        (
            "read_gradebook",
            "read_home",
            "read_proc_roots",
            "read_seeds",
            "read_solutions",
            "read_submissions",
        ),
    ),
    Lack(
        "the machine's processes",
        "It sees the numbers, names and command lines of all processes; never their memory, "
        "environment or files.",
        ("read_processes",),
    ),
    Lack(
        "names in the machine's network",
        "It sees its interfaces and open sockets; it can connect to none of them.",
        ("read_network", "read_sockets"),
    ),
    Lack(
        "connections from outside",
        "It cannot connect to anything, but anybody who can reach this machine, including its "
        "local users, can connect to the ports of its cluster.",
    ),
    Lack(
        "two boxes at once",
        "Two boxes that run at the same time can communicate through the names of their processes.",
    ),
    Lack(
        "the grader's user",
        "It has the grader's user id, even root's, though no capability.",
        ("write_standing",),
    ),
    Lack(
        "disk instead of memory",
        "Its home and its temporary files are on disk, in the folder for temporary files, and "
        "their size is only polled.",
    ),
    Lack(
        "the number of processes",
        "Without control groups it is only limited by polling, ten times a second.",
    ),
)


class LandlockBox:
    """A box of this wall."""

    forks = False

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self.private = folder.with_name(f"{folder.name}-own")
        self._reserved: list[socket.socket] = []
        self._sockets: dict[str, socket.socket] = {}
        try:
            for name in ("home", "tmp"):
                (self.private / name).mkdir(parents=True, mode=0o700)
            self._kit = _copy_kit(self.private / "kit")
            self._reserve()
            self._open_sockets()
        except BaseException:
            self.close()
            raise

    @property
    def home(self) -> str:
        """The home folder."""
        return str(self.private / "home")

    @property
    def port(self) -> int:
        """Of the box's scheduler."""
        return int(self._reserved[0].getsockname()[1])

    def place(self, source: Path, target: str) -> str:
        """Return the path of a readable folder, which cannot be moved."""
        return str(source)

    @contextmanager
    def begin(self, sandbox: Sandbox, argv: Sequence[str]) -> Iterator[Started]:
        """Give the command that runs ``argv`` in the box."""
        keep = [each.fileno() for each in self._sockets.values()]
        asked = {
            "argv": list(argv),
            "environment": self._environment(sandbox),
            "workdir": sandbox.workdir,
            "limits": contents.process_limits(),
            "paths": self._paths(sandbox),
            "ports": None if sandbox.network else self._ports(),
            "filter": base64.b64encode(_filter(network=sandbox.network)).decode(),
            "keep": keep,
        }
        with tempfile.TemporaryFile() as file:
            file.write(json.dumps(asked).encode())
            file.seek(0)
            script = str(Path(__file__).with_name(_START))
            line = [sys.executable, "-I", "-S", script, str(file.fileno()), str(os.getpid())]
            yield Started(line, (file.fileno(), *keep))
        # Connections are refused when the box is gone, and not kept waiting.
        self._close_sockets()

    def end(self, root: int) -> bool:
        """Kill every process of the box; return whether none is left."""
        return processes.dismiss(root) or processes.end(root)

    def close(self) -> None:
        """Release folders and ports."""
        self._close_sockets()
        for each in self._reserved:
            each.close()
        scratch.remove(self.private)

    def _ports(self) -> list[int]:
        return [each.getsockname()[1] for each in self._reserved]

    def _reserve(self) -> None:
        """Bind ports without listening: they are reserved, and only the box can listen on them."""
        for _ in range(_PORTS):
            each = socket.socket()
            self._reserved.append(each)
            each.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            each.bind(("0.0.0.0", 0))

    def _open_sockets(self) -> None:
        for name in _SOCKETS:
            each = socket.socket(socket.AF_UNIX)
            self._sockets[str(self._folder / name)] = each
            each.bind(str(self._folder / name))
            each.listen()

    def _close_sockets(self) -> None:
        for each in self._sockets.values():
            each.close()

    def _environment(self, sandbox: Sandbox) -> dict[str, str]:
        own = {
            "TMPDIR": str(self.private / "tmp"),
            SOCKETS: json.dumps({path: each.fileno() for path, each in self._sockets.items()}),
        }
        if not sandbox.network:
            own[PORTS] = json.dumps(self._ports()[1:])
        return {**contents.environment(sandbox, self.home, str(self._kit)), **own}

    def _paths(self, sandbox: Sandbox) -> dict[str, int]:
        """Return the box's access rights to files and folders."""
        found = dict.fromkeys(_DEVICES, landlock_calls.USE)
        found |= dict.fromkeys(("/proc", *_LOOKED_AT), landlock_calls.READ_FILES)
        hidden = contents.withheld()
        for folder in (*map(Path, _SYSTEM), *contents.readable()):
            found.update(_without(folder.resolve(), hidden))
        for source in (self._kit, *sandbox.readable):
            found[str(source)] = landlock_calls.READ
        if sandbox.network:
            found["/etc/resolv.conf"] = found["/etc/hosts"] = landlock_calls.READ
        for folder in (*sandbox.writable, self.private / "home", self.private / "tmp"):
            found[str(folder)] = landlock_calls.WRITE
        return found


def _copy_kit(target: Path) -> Path:
    """Copy the packages that a box needs, without exercises: their cases hold the answers."""
    for package in (autograder, cluster):
        code = Path(str(package.__file__)).parent
        shutil.copytree(
            code,
            target / package.__name__,
            ignore=lambda folder, names, code=code: (
                {"exercises"} & set(names) if Path(folder) == code else set()
            ),
        )
    shutil.copyfile(Path(__file__).with_name(_INSIDE), target / "sitecustomize.py")
    return target


def _without(folder: Path, hidden: Sequence[Path]) -> Mapping[str, int]:
    """Return rights to read a folder except some inside it: Landlock cannot revoke rights.

    Their siblings are listed one by one, and the names on the way there are visible. A link gives
    no right to what it leads to.
    """
    if folder in hidden:
        return {}
    if not any(path.is_relative_to(folder) for path in hidden):
        return {str(folder): landlock_calls.READ}
    found = {str(folder): landlock_calls.LIST}
    for path in (path for path in folder.iterdir() if not path.is_symlink()):
        found.update(_without(path, hidden))
    return found


def _filter(*, network: bool = False) -> bytes:
    program = seccomp.program(beside=True, network=network)
    if program is None:
        raise HarnessError(
            "The landlock wall needs libseccomp to refuse system calls, and it is missing: apt "
            "install libseccomp2."
        )
    return program


class Landlock:
    """The wall."""

    name = "landlock"
    made_of = "Landlock, libseccomp"
    lacks = LACKS

    def require(self) -> None:
        """Fail if it cannot be built."""
        _require()

    def recheck(self) -> None:
        """Forget the result of the last test."""
        _require.cache_clear()

    def prepare(self, folder: Path) -> LandlockBox:
        """Prepare a box."""
        return LandlockBox(folder)


# Only success is remembered.
@cache
def _require() -> None:
    offered = landlock_calls.abi()
    if offered < landlock_calls.ABI:
        raise HarnessError(
            "The landlock wall needs Linux 6.12 or newer, with Landlock among the kernel's "
            "security modules (lsm=landlock,… on its command line). It needs version "
            f"{landlock_calls.ABI} of Landlock; this kernel offers {offered or 'none'}."
        )
    folder = scratch.make()
    try:
        box = LandlockBox(folder)
        try:
            sandbox = Sandbox(workdir=box.home)
            with box.begin(sandbox, [sys.executable, "-S", "-c", "pass"]) as started:
                trial = subprocess.run(
                    started.line,
                    pass_fds=started.files,
                    env={},
                    capture_output=True,
                    text=True,
                    check=False,
                )
        finally:
            box.close()
    finally:
        scratch.remove(folder)
    if trial.returncode:
        said = trial.stderr.strip() or f"exit status {trial.returncode}"
        raise HarnessError(f"The landlock wall cannot be built: {said}.")
