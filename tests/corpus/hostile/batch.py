"""Grade a class that has attackers in it, and watch what each of them leaves."""

import hashlib
import os
import re
import stat
import subprocess
import sys
import time
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

import psutil
from course import Course, with_scripts

from autograder.evidence import rounds, store
from autograder.files import PREFIX
from autograder.model import Evidence, Result
from autograder.sandbox import cgroups
from hostile.corpus import tiny

__all__ = ["Batch", "alive", "fingerprint", "grade"]

_BEGINS = re.compile(r"(\S+) \(\d+ of \d+[^)]*\): starting the box")
"""What the log says when a submission is run."""

_MOUNTS = Path("/proc/self/mounts")

MOST_SECONDS = 3600


@dataclass
class Batch:
    """A class of honest students, graded alone and among attackers."""

    quiet: Course
    mixed: Course
    attackers: Collection[str]
    before: Mapping[str, str]
    """What the files of the course were before the attackers were graded."""
    after: Mapping[str, str] = field(default_factory=dict)
    status: int = -1
    log: str = ""
    began: dict[str, float] = field(default_factory=dict)
    """When the first box of each student was started, on the monotonic clock."""
    ended: dict[str, float] = field(default_factory=dict)
    alive: dict[str, list[str]] = field(default_factory=dict)
    """Processes that were there when the next student's turn came."""
    memory: int = 0
    """The grader's own at its fullest, in bytes."""
    groups_left: list[Path] = field(default_factory=list)
    mounts: list[str] = field(default_factory=list)
    """What was mounted before and is not after, and the other way round."""

    @cached_property
    def results(self) -> dict[str, Result]:
        """What became of every submission."""
        return {result.student: result for result in store.results(self._round, "tiny")}

    def evidence(self, student: str) -> Evidence | None:
        """Return what was seen of a student's submission."""
        result = self.results.get(student)
        return store.load(self._round, result.evidence) if result and result.evidence else None

    @cached_property
    def _round(self) -> rounds.Round:
        return rounds.current(self.mixed.root / "evidence", tiny())


def grade(quiet: Course, mixed: Course, attackers: Collection[str], temporary: Path) -> Batch:
    """Grade the mixed class in one batch.

    Parameters
    ----------
    quiet, mixed : Course
        The honest ones, graded; and the same ones among the hostile.
    attackers : collection of str
        The hostile students.
    temporary : Path
        Where the grader's boxes have their folders.
    """
    batch = Batch(quiet, mixed, attackers, before=_course_files(mixed))
    process = subprocess.Popen(
        [sys.executable, "-m", "nbgrader", "autograde", "tiny"],
        cwd=mixed.root,
        env={**os.environ, "PATH": with_scripts(), "PYTHONWARNINGS": "ignore"},
        text=True, errors="replace", stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
    )  # fmt: skip
    mounted = set(_MOUNTS.read_text().splitlines())
    lines: list[str] = []
    boxes: set[str] = set()
    current, until = "", time.monotonic() + MOST_SECONDS
    with process, process.stdout or open(os.devnull) as log:
        for line in log:
            lines.append(line)
            assert time.monotonic() < until, "".join(lines[-50:])
            batch.memory = max(batch.memory, _peak(process.pid))
            begins = _BEGINS.search(line)
            if begins and begins[1] not in batch.began:
                _close(batch, current, boxes)
                current = begins[1]
                batch.began[current] = time.monotonic()
            elif "calling" in line or "running the notebook" in line:
                boxes |= {path.name for path in temporary.glob(f"{PREFIX}*")}
    batch.status, batch.log = process.wait(), "".join(lines)
    _close(batch, current, boxes)
    batch.after = _course_files(mixed)
    batch.mounts = sorted(mounted ^ set(_MOUNTS.read_text().splitlines()))
    batch.groups_left = [
        path for parent in cgroups.where() for path in parent.glob(f"{PREFIX}{process.pid}.*")
    ]
    return batch


def _close(batch: Batch, student: str, boxes: Collection[str]) -> None:
    if student:
        batch.ended[student] = time.monotonic()
        batch.alive[student] = alive(boxes)


def alive(boxes: Collection[str]) -> list[str]:
    """Return the processes of some boxes; the box of the next submission may be starting.

    Parameters
    ----------
    boxes : collection of str
        Names of their folders, or what their paths begin with. A process has its in its
        environment, or whoever started it has it among its arguments.
    """
    found = []
    for process in psutil.process_iter():
        try:
            words = Path(f"/proc/{process.pid}/environ").read_bytes().decode(errors="replace")
            words += " ".join(word for p in (process, *process.parents()) for word in p.cmdline())
            if any(box in words for box in boxes):
                found.append(f"{process.pid} {' '.join(process.cmdline())[:200]}")
        except (OSError, psutil.Error):
            continue
    return found


def _peak(pid: int) -> int:
    try:
        status = Path(f"/proc/{pid}/status").read_text()
    except OSError:
        return 0
    found = re.search(r"VmHWM:\s+(\d+) kB", status)
    return int(found[1]) * 1024 if found else 0


def _course_files(course: Course) -> dict[str, str]:
    return {
        f"{place}/{name}": said
        for place in ("source", "release", "exercises", "submitted", "feedback", "exchange")
        for name, said in fingerprint(course.root / place).items()
    }


def fingerprint(root: Path) -> dict[str, str]:
    """Return what every file below a folder holds, and whose it is."""
    return {
        str(path.relative_to(root)): f"{path.lstat().st_mode:o} {_digest(path)}"
        for path in sorted(root.rglob("*"))
        if not path.is_dir()
    }


def _digest(path: Path) -> str:
    status = path.lstat()
    if not stat.S_ISREG(status.st_mode) or status.st_size > 1 << 30:
        return str(status.st_size)
    return hashlib.sha256(path.read_bytes()).hexdigest()
