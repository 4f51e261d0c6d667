"""What is in a box whatever its wall: variables, Python's own folders, limits on each process."""

import os
import resource
import sys
from functools import cache
from itertools import chain
from pathlib import Path

from autograder.errors import HarnessError
from autograder.sandbox import scratch, withhold_oracle
from autograder.sandbox.wall import Sandbox

__all__ = [
    "LIMITS", "environment", "names_in_box", "packages", "process_limits", "readable",
    "refuse_exposed", "withheld",
]  # fmt: skip

_PASSED_ON = ("LANG", "LC_ALL", "TZ", "OPENBLAS_CORETYPE", "OPENBLAS_L2_SIZE")
"""The grader's variables that are passed through, because they affect floating-point results, which
must match the oracle's."""

_THREADS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMEXPR_NUM_THREADS")

LIMITS = {
    "core": (resource.RLIMIT_CORE, 0),
    "fsize": (resource.RLIMIT_FSIZE, scratch.FILE_BYTES),
    "nofile": (resource.RLIMIT_NOFILE, 4096),
    "stack": (resource.RLIMIT_STACK, 8 << 20),
    "memlock": (resource.RLIMIT_MEMLOCK, 8 << 20),
}
"""Limits on each process of a box, by the names of prlimit's options."""
# Linux's alone; elsewhere, the doctor says that there is no box.
if hasattr(resource, "RLIMIT_MSGQUEUE"):
    LIMITS["msgqueue"] = (resource.RLIMIT_MSGQUEUE, 0)


def process_limits() -> dict[int, int]:
    """Return the limits on each process of a box, by the numbers of `resource`."""
    most = {}
    for number, wanted in LIMITS.values():
        allowed = resource.getrlimit(number)[1]
        most[number] = wanted if allowed == resource.RLIM_INFINITY else min(wanted, allowed)
    return most


def environment(sandbox: Sandbox, home: str, kit: str) -> dict[str, str]:
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


_PROGRAMS = ("bin", "sbin", "lib", "lib32", "lib64", "libx32", "libexec", "include")
_PYTHONS = (*_PROGRAMS, "ssl", "etc/ipython", "pyvenv.cfg")
"""What Python and its kernels read below a prefix: certificates, settings, what the prefix is."""


@cache
def readable() -> tuple[Path, ...]:
    """Return the folders that every box may read: programs and libraries, outermost only.

    Whatever else is below ``/usr`` or Python's prefix is in no box: a site's data and settings,
    nbgrader's exchange, a checkout of the kit, another environment.
    """
    prefixes = {sys.prefix, sys.base_prefix, str(Path(sys.executable).resolve().parent.parent)}
    found = {Path("/usr/share")}
    found |= {Path(prefix, name) for prefix in ("/usr", "/usr/local") for name in _PROGRAMS}
    found |= {Path(prefix, name) for prefix in prefixes for name in _PYTHONS}
    # A .pth file may lend packages from elsewhere.
    found = {path for path in found | set(packages()) if path.exists()}
    return tuple(sorted(p for p in found if not any(p != q and p.is_relative_to(q) for q in found)))


def withheld() -> tuple[Path, ...]:
    """Return the folders that no box may read, inside those that it may, by their real paths.

    The kit's exercises, whose cases hold the right answers, and its solutions, wherever Python
    finds packages; and packages that this Python does not use, which may hold the same.
    """
    used = packages()
    installed = (withhold_oracle.in_packages(place) for place in used)
    known = {path.resolve() for path in used}
    others = (path for folder in readable() for path in folder.glob("python*/*-packages"))
    unused = (path for path in others if path.resolve() not in known)
    found = chain(withhold_oracle.folders(), *installed, unused)
    return tuple(sorted({path.resolve() for path in found if path.is_dir()}))


def names_in_box(folder: Path) -> list[Path]:
    """Return the names by which a folder can be reached through what boxes may read.

    Parameters
    ----------
    folder : Path
        A real path. A prefix may be a link, and be readable under both names.
    """
    return [
        place / folder.relative_to(real)
        for place in readable()
        if folder.is_relative_to(real := place.resolve())
    ]


def refuse_exposed(what: str, path: Path) -> None:
    """Refuse something of a course that every box can read.

    Parameters
    ----------
    what : str
        The words for it at the beginning of a sentence, such as "The course".
    path : Path

    Raises
    ------
    HarnessError
        If it is inside the system's or Python's own folders, as far as boxes can read them.
    """
    place = path.resolve()
    if any(place.is_relative_to(folder) for folder in withheld()):
        return
    for folder in readable():
        if place.is_relative_to(folder.resolve()):
            raise HarnessError(
                f"{what} is in {path}, and boxes can read all of {folder}: students' code would "
                "see what is in it. Move it elsewhere."
            )
