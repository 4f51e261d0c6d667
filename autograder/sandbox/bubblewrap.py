"""The contents of a box, and the bubblewrap command that builds it.

The box has its own user, pid, mount, network, ipc and uts namespaces, no capabilities, limits on
each process and a filter of system calls. It contains the operating system's ``/usr``, the Python
environment and the kit, all read-only; a private ``/tmp``, ``/dev/shm`` and home that vanish with
it; and the few folders that a caller binds. Nothing else exists there: no course, no other
submissions, no gradebook, no environment variable of the grader. The only way out is the folder of
the Jupyter connection to the kernel; bubblewrap's ``--unshare-all`` leaves only a private loopback
network.
"""

import importlib.util
import os
import re
import resource
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
from autograder.sandbox import cgroups, processes, refusal, scratch, seccomp
from autograder.sandbox.wall import SCRATCH_BYTES, Lack, Sandbox, Started
from autograder.sandbox.withhold_oracle import INSTRUCTOR_PACKAGE

__all__ = [
    "HOME", "KIT", "SCRATCH", "Bubblewrap", "BubblewrapBox", "Sandbox", "can_forbid_namespaces",
    "command", "counts_processes_by_box", "environment", "group_for", "interpreter", "packages",
    "process_limits", "refuse_exposed", "require", "scratch_for",
]  # fmt: skip

HOME = "/home/student"
KIT = "/opt/dask-scaling-kit"
"""Where the packages ``autograder`` and ``cluster`` are in the box, read-only."""

SCRATCH = ("/tmp", "/dev/shm", HOME)
"""The private folders of a box, in memory and deleted with it; apart from the folders that a caller
binds, nothing else is writable."""

_PASSED_ON = ("LANG", "LC_ALL", "TZ", "OPENBLAS_CORETYPE", "OPENBLAS_L2_SIZE")
"""The grader's variables that are passed through, because they affect floating-point results, which
must match the oracle's."""

_THREADS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMEXPR_NUM_THREADS")


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
    line += ["--ro-bind", "/usr", "/usr", "--proc", "/proc", "--dev", "/dev"]
    for name in ("bin", "sbin", "lib", "lib32", "lib64"):
        if Path("/", name).is_symlink():
            line += ["--symlink", f"usr/{name}", f"/{name}"]
        else:
            line += ["--ro-bind-try", f"/{name}", f"/{name}"]
    for path in ("/etc/ld.so.cache", "/etc/alternatives", "/etc/localtime", "/etc/fonts"):
        line += ["--ro-bind-try", path, path]
    for place, room in _rooms(sandbox.scratch_bytes).items():
        line += ["--size", str(room), "--tmpfs", place]
    for folder in interpreter():
        line += ["--ro-bind", str(folder), str(folder)]
    for package in (autograder, cluster):
        code = Path(str(package.__file__)).parent
        line += ["--ro-bind", str(code), f"{KIT}/{package.__name__}"]
    line += _hide_exercises()
    for source, target in sandbox.readable.items():
        line += ["--ro-bind", str(source), target]
    for folder in sandbox.writable:
        line += ["--bind", str(folder), str(folder)]
    for name, value in environment(sandbox).items():
        line += ["--setenv", name, value]
    # What bubblewrap builds the box on is memory without a size of its own. And to the kernel's
    # settings below /proc/sys, a box of root's is root: it asks for no capability there.
    line += ["--remount-ro", "/proc", "--remount-ro", "/dev", "--remount-ro", "/"]
    return [*line, "--chdir", sandbox.workdir, "--", *_limits(sandbox), *argv]


def _hide_exercises() -> list[str]:
    """Hide the exercises that come with the kit, and the solutions if they are installed.

    The cases of an exercise contain the right answers.
    """
    folders = [Path(str(autograder.__file__)).parent / "exercises"]
    solutions = importlib.util.find_spec(INSTRUCTOR_PACKAGE)
    if solutions is not None:
        folders += map(Path, solutions.submodule_search_locations or ())
    bound = (*interpreter(), Path("/usr"))
    places = [f"{KIT}/autograder/exercises"]
    places += [str(f) for f in folders if any(f.is_relative_to(place) for place in bound)]
    return [word for place in places for word in ("--tmpfs", place, "--remount-ro", place)]


@cache
def can_forbid_namespaces() -> bool:
    """Tell whether this bubblewrap, 0.8 or newer, can."""
    told = subprocess.run(["bwrap", "--help"], capture_output=True, text=True, check=False)
    return "--disable-userns" in told.stdout + told.stderr


_LIMITS = {
    "core": (resource.RLIMIT_CORE, 0),
    "fsize": (resource.RLIMIT_FSIZE, scratch.FILE_BYTES),
    "nofile": (resource.RLIMIT_NOFILE, 4096),
    "stack": (resource.RLIMIT_STACK, 8 << 20),
    "memlock": (resource.RLIMIT_MEMLOCK, 8 << 20),
}
"""Limits on each process of a box, by the names of prlimit's options."""
# Linux's alone; elsewhere, the doctor says that there is no box.
if hasattr(resource, "RLIMIT_MSGQUEUE"):
    _LIMITS["msgqueue"] = (resource.RLIMIT_MSGQUEUE, 0)


def _limits(sandbox: Sandbox) -> list[str]:
    """Return the beginning of a command line that sets the limits of every process after it."""
    prlimit = shutil.which("prlimit", path="/usr/bin:/bin")
    if prlimit is None:
        return []
    allowed = process_limits()
    line = [prlimit, *(f"--{name}={allowed[number]}" for name, (number, _) in _LIMITS.items())]
    if counts_processes_by_box():
        # One more than the watchdog lets pass, so that the watchdog sees it.
        line.append(f"--nproc={sandbox.processes + 2}")
    return [*line, "--"]


def process_limits() -> dict[int, int]:
    """Return the limits on each process of a box, by the numbers of `resource`."""
    most = {}
    for number, wanted in _LIMITS.values():
        allowed = resource.getrlimit(number)[1]
        most[number] = wanted if allowed == resource.RLIM_INFINITY else min(wanted, allowed)
    return most


def counts_processes_by_box() -> bool:
    """Tell whether RLIMIT_NPROC, set in a box, counts only the processes of that box.

    Linux does so from 5.14 on (commit 21d1c5e386bc, "Reimplement RLIMIT_NPROC on top of
    ucounts"); before, it counts those of the user on the whole machine. Root is exempt.
    """
    version = tuple(int(part) for part in re.findall(r"\d+", os.uname().release)[:2])
    return version >= (5, 14) and os.geteuid() != 0


def environment(sandbox: Sandbox, home: str = HOME, kit: str = KIT) -> dict[str, str]:
    """Return the environment of programs in the box.

    Parameters
    ----------
    sandbox : Sandbox
    home, kit : str
        Where the home folder and the kit's packages are in the box.
    """
    passed_on = {name: os.environ[name] for name in _PASSED_ON if name in os.environ}
    return {
        "LANG": "C.UTF-8",
        **passed_on,
        **dict.fromkeys(_THREADS, "1"),
        "HOME": home,
        "USER": "student",
        "LOGNAME": "student",
        "PATH": f"{Path(sys.prefix, 'bin')}:/usr/bin:/bin",
        "PYTHONPATH": kit,
        "PYTHONDONTWRITEBYTECODE": "1",
        "MPLBACKEND": "module://matplotlib_inline.backend_inline",
        **sandbox.environment,
    }


_PACKAGES = ("site-packages", "dist-packages")


def packages() -> tuple[Path, ...]:
    """Return the folders with this Python's packages."""
    return tuple(path for path in map(Path, sys.path) if path.name in _PACKAGES and path.is_dir())


@cache
def interpreter() -> tuple[Path, ...]:
    """Return the folders that Python needs outside ``/usr``, outermost only."""
    found = {Path(sys.prefix), Path(sys.base_prefix), Path(sys.executable).resolve().parent.parent}
    # A .pth file may lend packages from elsewhere.
    found |= set(packages())
    found = {path for path in found if not path.is_relative_to("/usr")}
    return tuple(sorted(p for p in found if not any(p != q and p.is_relative_to(q) for q in found)))


def refuse_exposed(course: Path) -> None:
    """Refuse a course in a folder that every box can read.

    Raises
    ------
    HarnessError
        If it is inside the system's or Python's own folders, which boxes can read completely.
    """
    for folder in (Path("/usr"), *interpreter()):
        if course.resolve().is_relative_to(folder.resolve()):
            raise HarnessError(
                f"The course is in {course}, and boxes can read all of {folder}: students' code "
                "would see solutions and gradebook. Move the course elsewhere."
            )


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

    def end(self, root: int, timeout: float = 10.0) -> bool:
        """Kill every process of the box; return whether none is left."""
        return processes.end(root, timeout)

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
