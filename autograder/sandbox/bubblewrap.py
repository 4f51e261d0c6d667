"""The contents of a box, and the bubblewrap command that builds it.

The box has its own user, pid, mount, network, ipc and uts namespaces, no capabilities, limits on
each process and a filter of system calls. It contains the programs and libraries of the operating
system and of the Python environment, and the kit, all read-only; a private ``/tmp``, ``/dev/shm``
and home that vanish with it; and the few folders that a caller binds. Nothing else exists there: no
course, no other submissions, no gradebook, no environment variable of the grader. The only way out
is the folder of the Jupyter connection to the kernel; bubblewrap's ``--unshare-all`` leaves only a
private loopback network.
"""

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import cache
from pathlib import Path

import autograder
import cluster
from autograder.errors import HarnessError
from autograder.sandbox import cgroups, processes, refusal, seccomp
from autograder.sandbox.contents import (
    LIMITS,
    environment,
    names_in_box,
    process_limits,
    readable,
    withheld,
)
from autograder.sandbox.wall import SCRATCH_BYTES, Lack, Sandbox, Started

__all__ = [
    "HOME", "KIT", "SCRATCH", "Bubblewrap", "BubblewrapBox", "can_forbid_namespaces", "command",
    "counts_processes_by_box", "group_for", "require", "scratch_for",
]  # fmt: skip

HOME = "/home/student"
KIT = "/opt/dask-scaling-kit"
"""Where the packages ``autograder`` and ``cluster`` are in the box, read-only."""

SCRATCH = ("/tmp", "/dev/shm", HOME)
"""The private folders of a box, in memory and deleted with it; apart from the folders that a caller
binds, nothing else is writable."""


def scratch_for(memory_bytes: int) -> int:
    """Return the size of each of the two large private folders, for processes of that memory."""
    return max(SCRATCH_BYTES, memory_bytes // 4)


def _rooms(scratch_bytes: int) -> dict[str, int]:
    return {place: scratch_bytes // (2 if place == "/dev/shm" else 1) for place in SCRATCH}


def group_for(sandbox: Sandbox, memory_bytes: int) -> cgroups.Group | None:
    """Create the control group of a box, or return None if that is not possible.

    Parameters
    ----------
    sandbox : Sandbox
        The contents of its private folders count as memory, too.
    memory_bytes : int
        For its processes.
    """
    scratch = sum(_rooms(sandbox.scratch_bytes).values())
    # The group counts bubblewrap's own two processes, too.
    return cgroups.make(memory_bytes + scratch, sandbox.processes + 2)


def command(sandbox: Sandbox, argv: Sequence[str], filter_: int | None = None) -> list[str]:
    """Return the command line that runs ``argv`` in the box.

    Parameters
    ----------
    sandbox : Sandbox
        What the box holds.
    argv : sequence of str
        A command whose program exists in the box.
    filter_ : int, optional
        File descriptor of a filter of system calls, which the command inherits.
    """
    bwrap = shutil.which("bwrap")
    if bwrap is None:
        raise HarnessError(_MISSING)
    line = [bwrap, "--unshare-all", "--die-with-parent", "--new-session", "--clearenv"]
    if can_forbid_namespaces():
        line += ["--unshare-user", "--disable-userns"]
    if filter_ is not None:
        line += ["--seccomp", str(filter_)]
    line += ["--cap-drop", "ALL", "--uid", "1000", "--gid", "1000", "--hostname", "box"]
    if sandbox.network:
        line += ["--share-net", "--ro-bind-try", "/etc/resolv.conf", "/etc/resolv.conf"]
    line += ["--proc", "/proc", "--dev", "/dev"]
    for name in ("bin", "sbin", "lib", "lib32", "lib64"):
        if Path("/", name).is_symlink():
            line += ["--symlink", f"usr/{name}", f"/{name}"]
        else:
            line += ["--ro-bind-try", f"/{name}", f"/{name}"]
    for path in ("/etc/ld.so.cache", "/etc/alternatives", "/etc/localtime", "/etc/fonts"):
        line += ["--ro-bind-try", path, path]
    for place, room in _rooms(sandbox.scratch_bytes).items():
        line += ["--size", str(room), "--tmpfs", place]
    for folder in readable():
        line += ["--ro-bind", str(folder), str(folder)]
    for package in (autograder, cluster):
        code = Path(str(package.__file__)).parent
        line += ["--ro-bind", str(code), f"{KIT}/{package.__name__}"]
    line += _hide_withheld()
    for source, target in sandbox.readable.items():
        line += ["--ro-bind", str(source), target]
    for folder in sandbox.writable:
        line += ["--bind", str(folder), str(folder)]
    for name, value in environment(sandbox, HOME, KIT).items():
        line += ["--setenv", name, value]
    # What bubblewrap builds the box on is memory without a size of its own. And to the kernel's
    # settings below /proc/sys, a box of root's is root: it asks for no capability there.
    line += ["--remount-ro", "/proc", "--remount-ro", "/dev", "--remount-ro", "/"]
    return [*line, "--chdir", sandbox.workdir, "--", *_limits(sandbox), *argv]


def _hide_withheld() -> list[str]:
    """Cover the folders that no box may read, under each name that they have there."""
    places = [f"{KIT}/autograder/exercises"]
    places += [str(name) for folder in withheld() for name in names_in_box(folder)]
    return [word for place in places for word in ("--tmpfs", place, "--remount-ro", place)]


@cache
def can_forbid_namespaces() -> bool:
    """Tell whether this bubblewrap, 0.8 or newer, can."""
    told = subprocess.run(["bwrap", "--help"], capture_output=True, text=True, check=False)
    return "--disable-userns" in told.stdout + told.stderr


def _limits(sandbox: Sandbox) -> list[str]:
    """Return the beginning of a command line that sets the limits of every process after it."""
    prlimit = shutil.which("prlimit", path="/usr/bin:/bin")
    if prlimit is None:
        return []
    allowed = process_limits()
    line = [prlimit, *(f"--{name}={allowed[number]}" for name, (number, _) in LIMITS.items())]
    if counts_processes_by_box():
        # One more than the watchdog lets pass, so that the watchdog sees it.
        line.append(f"--nproc={sandbox.processes + 2}")
    return [*line, "--"]


def counts_processes_by_box() -> bool:
    """Tell whether RLIMIT_NPROC, set in a box, counts only the processes of that box.

    Linux does so from 5.14 on (commit 21d1c5e386bc, "Reimplement RLIMIT_NPROC on top of
    ucounts"); before, it counts those of the user on the whole machine. Root is exempt.
    """
    version = tuple(int(part) for part in re.findall(r"\d+", os.uname().release)[:2])
    return version >= (5, 14) and os.geteuid() != 0


_UNPROTECTED = (
    "To run without protection: autograder grade --unboxed, or nbgrader autograde "
    "--BoxedExecute.boxed=False."
)

_MISSING = (
    "There is no box to run students' code in: bubblewrap (bwrap) was not found. Install it "
    f"(Debian, Ubuntu: apt install bubblewrap). {_UNPROTECTED}"
)


# Only success is remembered: what is missing may be installed while a server goes on.
@cache
def require() -> None:
    """Fail if no box can be built.

    Raises
    ------
    HarnessError
        With what to install or to change.
    """
    with seccomp.opened() as filter_:
        trial = subprocess.run(
            command(Sandbox(), [sys.executable, "-S", "-c", "pass"], filter_),
            pass_fds=() if filter_ is None else (filter_,),
            capture_output=True,
            text=True,
            check=False,
        )
    if trial.returncode == 0:
        return
    said = trial.stderr.strip() or f"exit status {trial.returncode}"
    raise HarnessError(
        f"There is no box to run students' code in: bubblewrap is installed but failed ({said}). "
        f"{refusal.remedy(refusal.read())} {_UNPROTECTED}"
    )


class BubblewrapBox:
    """A box of this wall: nothing of it exists before it begins or after it ends."""

    forks = True
    home = HOME
    port = 8786
    private = None

    def place(self, source: Path, target: str) -> str:
        """Return where a readable folder is in the box."""
        return target

    @contextmanager
    def begin(self, sandbox: Sandbox, argv: Sequence[str]) -> Iterator[Started]:
        """Give the command that runs ``argv`` in the box."""
        with seccomp.opened() as filter_:
            files = () if filter_ is None else (filter_,)
            yield Started(command(sandbox, argv, filter_), files)

    def end(self, root: int) -> bool:
        """Kill every process of the box; return whether none is left."""
        return processes.end(root)

    def close(self) -> None:
        """There is nothing to release."""


class Bubblewrap:
    """The wall: namespaces, made by bubblewrap."""

    name = "bwrap"
    made_of = "bubblewrap, user namespaces"
    lacks: tuple[Lack, ...] = ()

    def require(self) -> None:
        """Fail if no box can be built."""
        require()

    def recheck(self) -> None:
        """Forget the result of the last test."""
        require.cache_clear()

    def prepare(self, folder: Path) -> BubblewrapBox:
        """Prepare a box."""
        return BubblewrapBox()
