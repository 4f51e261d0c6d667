"""What this machine can and cannot do for grading, and how to repair it.

Readings of the machine are taken once (`read`) and interpreted separately (`examine`), so that
tests can try every kind of machine. Modelled on the preflight script of ioi/isolate, which says
whether a machine is fit for timing.
"""

import importlib.metadata
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from enum import StrEnum
from functools import partial
from pathlib import Path

import psutil
from packaging.requirements import Requirement

from autograder.errors import HarnessError
from autograder.instructor.memory_limit import memory_limit
from autograder.sandbox import bubblewrap, cgroups, run_queue, seccomp, walls, zygote

__all__ = [
    "Level", "Line", "Readings", "examine", "processor_numbers", "read", "worst",
]  # fmt: skip

_KIT = "dask-scaling-kit"
"""As a package."""
_GRADERS = {"extra": "grader"}
"""The name in pyproject.toml for what grading needs in addition."""


class Level(StrEnum):
    """How much a line matters."""

    GOOD = "good"
    WEAK = "weak"
    """Grading goes on, with less protection or noisier seconds."""
    BAD = "bad"
    """Grading is refused, or its marks are unreliable."""


@dataclass(frozen=True, slots=True)
class Readings:
    """Readings of the machine."""

    box_refused: str
    """Why there is no box; empty if there is one."""
    root: bool
    groups: bool
    seccomp: bool
    namespaces_forbidden: bool
    prlimit: bool
    processes_counted: bool
    """By the kernel, for the box of an ordinary user alone."""
    temporary_free: int
    """Bytes in the folder for temporary files."""
    socket_room: int
    """Bytes that are left for the name of a socket there."""
    cores: int
    """Cores that this process may use."""
    siblings: bool
    """Whether two of them share a physical core."""
    memory: int
    """Free bytes, or the limit above this process if that is less."""
    swap_used: int
    load: float
    """Processes that are running or waiting for a core, on average over a minute."""
    busy: float
    """Share of the machine's CPU that was at work during the reading, 0 to 1."""
    delays_counted: bool
    """Whether the kernel counts the time that a process waits for a CPU."""
    governors: frozenset[str]
    """Of the clock frequency; empty where the machine does not report them."""
    forked: bool
    """Whether boxes should be forked from a process that has done their imports."""
    fork_refused: str
    """Why they are not, although they should be; empty if they are."""
    missing: tuple[str, ...]
    """Packages that grading needs."""
    untested: tuple[str, ...]
    """Packages, and the versions of them that the kit was not tested with for grading."""
    wall: str = walls.DEFAULT
    """The wall that boxes have."""
    lacks: tuple[str, ...] = ()
    """What it does not stop."""


@dataclass(frozen=True, slots=True)
class Line:
    """One result."""

    topic: str
    """``protection``, ``timing``, ``packages`` or ``course``."""
    level: Level
    what: str
    remedy: str = ""


def read(seconds: float = 1.0) -> Readings:
    """Read the state of the machine.

    Parameters
    ----------
    seconds : float
        How long to observe the CPU.
    """
    refused = ""
    wall = walls.WALLS[walls.DEFAULT]
    try:
        wall = walls.chosen()
        walls.require()
    except HarnessError as error:
        refused = str(error)
    forks = wall.name == walls.DEFAULT
    temporary = _temporary()
    missing, untested = _packages()
    return Readings(
        box_refused=refused,
        root=os.geteuid() == 0,
        groups=_has_groups(),
        seccomp=seccomp.available(),
        namespaces_forbidden=not refused and (not forks or bubblewrap.can_forbid_namespaces()),
        prlimit=shutil.which("prlimit", path="/usr/bin:/bin") is not None,
        processes_counted=forks and bubblewrap.counts_processes_by_box(),
        temporary_free=shutil.disk_usage(temporary).free,
        socket_room=107 - len(f"{temporary}/dsk-1234567.12345678901-12345678/recorder.sock"),
        cores=len(os.sched_getaffinity(0)),
        siblings=_siblings(),
        memory=min(psutil.virtual_memory().available, memory_limit()),
        swap_used=psutil.swap_memory().used,
        load=os.getloadavg()[0],
        busy=psutil.cpu_percent(interval=seconds) / 100,
        delays_counted=run_queue.is_counted(),
        governors=frozenset(_texts("cpu*/cpufreq/scaling_governor")),
        forked=forks and zygote.wanted(),
        fork_refused=_fork_refused() if forks and zygote.wanted() and not refused else "",
        missing=missing,
        untested=untested,
        wall=wall.name,
        lacks=tuple(lack.name for lack in wall.lacks),
    )


def examine(found: Readings) -> list[Line]:
    """Interpret readings, protection first."""
    return [*_protection(found), *_timing(found), *_versions(found)]


def worst(lines: list[Line], topic: str) -> Level:
    """Return the worst level of a topic."""
    levels = {line.level for line in lines if line.topic == topic}
    return next(level for level in reversed(Level) if level in levels or level is Level.GOOD)


def _line(
    topic: str, good: bool, what: str, lacking: str, remedy: str, level: Level = Level.WEAK
) -> Line:
    return Line(topic, Level.GOOD, what) if good else Line(topic, level, lacking, remedy)


def _protection(found: Readings) -> Iterator[Line]:
    line = partial(_line, "protection")
    yield line(
        not found.box_refused,
        f"there is a box for students' code ({walls.WALLS[found.wall].made_of})",
        "there is no box, so nothing is graded",
        found.box_refused,
        Level.BAD,
    )
    if found.lacks and not found.box_refused:
        yield line(
            False,
            "",
            f"the {found.wall} wall does not stop every attack: {', '.join(found.lacks)}",
            "docs/trust.md says what that means; whether it is good enough for marks is your "
            f"decision. bubblewrap stops them: unset {walls.VARIABLE} where it can run",
        )
    yield line(
        found.groups,
        "the kernel limits the memory and processes of a box (control groups)",
        "memory limits are only polled, every 0.1 s (no control groups)",
        "use a system with control groups, in a container with /sys/fs/cgroup writable"
        if found.root
        else "grade with systemd-run --user --scope nbgrader autograde …, on a system with control "
        "groups version 2",
    )
    yield line(
        found.groups or found.processes_counted,
        "the kernel stops a fork bomb",
        "a fork bomb is only caught by polling, every 0.1 s",
        "grade as an ordinary user on Linux 5.14 or newer, or with control groups",
    )
    yield line(
        found.seccomp,
        "system calls that a box does not need are refused (libseccomp)",
        "a box may make every system call that needs no capability (no libseccomp)",
        "apt install libseccomp2",
    )
    yield line(
        found.namespaces_forbidden or found.seccomp,
        "a box cannot create namespaces",
        "a box can create namespaces",
        "bubblewrap 0.8 or newer, or apt install libseccomp2",
    )
    yield line(
        found.prlimit,
        "each process in a box has its limits (files, core dumps, stack)",
        "processes in a box only have the limits of the grader",
        "apt install util-linux",
    )
    yield line(
        not found.root,
        "the box belongs to an ordinary user",
        "outside the box, its user is root, though without capabilities",
        "grade as an ordinary user; it needs a Python environment that this user can read",
    )
    yield line(
        found.temporary_free > 2e9,
        f"{found.temporary_free / 1e9:.0f} GB are free for temporary files",
        f"only {found.temporary_free / 1e9:.1f} GB are free for temporary files",
        f"free space in {_temporary()}, or set TMPDIR",
    )
    yield line(
        found.socket_room >= 0,
        "the path of the folder for temporary files is short enough for sockets",
        "the path of the folder for temporary files is too long for sockets",
        "set TMPDIR to a folder with a short path, such as /tmp",
        Level.BAD,
    )


def _timing(found: Readings) -> Iterator[Line]:
    line = partial(_line, "timing")
    yield line(
        found.cores >= 2,
        f"{found.cores} cores for two workers",
        "only one core: two workers take turns, so no speedup can be measured",
        "use a machine, or a job, with at least two cores",
        Level.BAD,
    )
    yield line(
        not found.siblings,
        "no two of these cores share a physical core",
        "some cores share a physical core (SMT): two workers may only do 1.3 times the work of one",
        "use one thread per core, for example taskset -c 0,2 nbgrader autograde …, or switch SMT "
        "off in the firmware",
    )
    yield line(
        found.delays_counted,
        "the kernel counts how long a process waits for a core",
        "the kernel does not count how long a process waits for a core: delays by other programs "
        "cannot be measured",
        "use a kernel with CONFIG_SCHED_INFO, as distributions build it",
    )
    if found.forked and not found.box_refused:
        yield line(
            not found.fork_refused,
            "boxes are forked from a process that has already done the imports",
            f"every box does its own imports, about 1.5 s: {found.fork_refused}",
            f"nothing else differs; {zygote.START}={zygote.ANEW} silences this line",
        )
    elif not found.box_refused:
        why = f"since {zygote.START} is {zygote.ANEW}"
        if found.wall != walls.DEFAULT:
            why = f"as all boxes of the {found.wall} wall do"
        yield line(True, f"every box does its own imports, about 1.5 s, {why}", "", "")
    yield line(
        found.memory > 4e9,
        f"{found.memory / 1e9:.0f} GB of memory are free",
        f"only {found.memory / 1e9:.1f} GB of memory are free within the limits of the job or "
        "container, less than a submission may use",
        "end other programs, raise the limit, or grade on a larger machine",
    )
    yield line(
        found.swap_used < 100e6,
        "nothing is swapped out",
        f"{found.swap_used / 1e9:.1f} GB are swapped out, so programs may wait for memory",
        "end other programs; swapoff -a while grading",
    )
    yield line(
        found.busy < 0.2,
        "the machine is quiet",
        f"other programs are using {found.busy:.0%} of the CPU",
        "grade when the machine is quieter: correct work still passes, but its times are "
        "unreliable",
    )
    yield line(
        found.load < 0.5 * found.cores,
        f"the load of the last minute was {found.load:.1f}",
        f"the load of the last minute was {found.load:.1f} on {found.cores} cores",
        "see what else is running: top",
    )
    yield line(
        not found.governors & {"powersave", "ondemand", "conservative", "schedutil"},
        "the clock frequency does not follow the load, or the machine does not report it",
        f"the clock frequency follows the load ({', '.join(sorted(found.governors))})",
        "cpupower frequency-set -g performance",
    )


def _fork_refused() -> str:
    try:
        return zygote.trial()
    finally:
        zygote.stop()


def _has_groups() -> bool:
    # Permission is not enough: only creating one shows that it works.
    group = cgroups.make(1 << 30, 100)
    return group is not None and cgroups.remove(group)


def _siblings() -> bool:
    mine = os.sched_getaffinity(0)
    texts = _texts("cpu*/topology/thread_siblings_list")
    return any(len(processor_numbers(text) & mine) > 1 for text in texts)


def processor_numbers(text: str) -> set[int]:
    """Read a list of processors such as ``0-1,4``."""
    found: set[int] = set()
    for part in text.split(","):
        first, _, last = part.partition("-")
        found |= set(range(int(first), int(last or first) + 1))
    return found


def _texts(pattern: str) -> Iterator[str]:
    for path in Path("/sys/devices/system/cpu").glob(pattern):
        with suppress(OSError):
            yield path.read_text().strip()


def _versions(found: Readings) -> Iterator[Line]:
    remedy = f"pip install '{_KIT}[{_GRADERS['extra']}]', or make setup in a checkout"
    if found.missing:
        what = f"grading needs {', '.join(found.missing)}"
        yield Line("packages", Level.BAD, what, remedy)
    if found.untested:
        what = f"the kit was not tested for grading with {', '.join(found.untested)}"
        yield Line("packages", Level.WEAK, what, remedy)
    if not found.missing and not found.untested:
        yield Line("packages", Level.GOOD, "grading uses the versions that the kit was tested with")


def _packages() -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Return the packages that grading needs but lacks, and those in an untested version."""
    missing, untested = [], []
    for text in importlib.metadata.requires(_KIT) or ():
        need = Requirement(text)
        if need.marker is None or need.marker.evaluate() or not need.marker.evaluate(_GRADERS):
            continue
        try:
            version = importlib.metadata.version(need.name)
        except importlib.metadata.PackageNotFoundError:
            missing.append(need.name)
            continue
        if not need.specifier.contains(version, prereleases=True):
            untested.append(f"{need.name} {version} (but {need.specifier})")
    return tuple(missing), tuple(untested)


def _temporary() -> str:
    return tempfile.gettempdir()
