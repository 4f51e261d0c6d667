"""Grading a class while its processes are killed at random moments: nothing lost, nothing doubled.

A class hands in ex00, in which nothing is timed, so that marks hang on no clock. ``autograder
autograde`` observes it in two slots and records it. Meanwhile SIGKILL hits what the seed draws, at
a moment that it draws: the driver (Dask's scheduler is in it), a worker, a box, the zygote that
boxes are forked from, a reader, nbgrader while it records; with ``--slurm`` also whole jobs of a
SLURM on this machine. Whenever the command has ended, the same command is given again, until it
succeeds. Then the gradebook has to be that of a class in which nothing was killed, with as many
evidence files as there are codes, nothing half done beside them, and no process left. Then the next
class begins.

    python benchmarks/farm_kills.py --kills 100 --seed 1 --keep FOLDER [--seconds 390] [--slurm]

What was done stands in FOLDER: the same command goes on where the last one was stopped.
"""

import json
import os
import random
import re
import shutil
import signal
import sqlite3
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path

import click
import psutil

sys.path.insert(0, str(Path(__file__).parents[1] / "tests" / "support"))
sys.path.insert(0, str(Path(__file__).parents[1] / "tests" / "e2e" / "slurm"))

from course import begin, with_scripts
from nbformat import v4

from autograder.author.build import build
from autograder.author.samples import fill, read_samples
from autograder.exercise import catalogue
from autograder.files import PREFIX, write

PROJECT = Path(__file__).parents[1]
NAME = "ex00_first_steps"
SOON_SECONDS = 3.0
"""Within which a process is killed after one of its kind has been seen; a driver is killed within
the time that the whole class takes without any kill."""

LEFT_SECONDS = 20.0
"""Within which the processes of a killed driver are gone."""

ZYGOTE = "zygote_process.py serve"

KINDS = {
    "job": "slurmstepd",
    "recorder": "nbgrader_bridge.start_nbgrader autograde",
    "driver": "-m autograder autograde",
    "zygote": ZYGOTE,
    "reader": "autograder.reader.process",
    "worker": "multiprocessing.spawn|distributed.cli.dask_worker|dask worker",
    "box": "^\\S*bwrap ",
}
"""What is killed, by what stands in its command line."""

Row = tuple[str, ...]


class Wrong(Exception):
    """Something was lost, doubled or left."""


def make(root: Path, students: int, name: str) -> None:
    """Make a course in which a class has handed in; every code is another."""
    exercise = catalogue.find(name)
    assert exercise is not None
    os.environ["PATH"] = with_scripts()
    course = begin(root)
    course.write_source(name, build(PROJECT / "solutions" / f"{name}.py", exercise))
    course.release(name)
    samples = [one for one in read_samples(exercise, PROJECT / "samples") if not one.limits]
    for number in range(students):
        notebook = fill(samples[number % len(samples)], course.released(name))
        notebook.cells.append(v4.new_code_cell(f"mine = {number}", id=f"own-{number}"))
        course.hand_in(f"student{number:02d}", notebook, name)


def gradebook(root: Path) -> list[Row]:
    """Return every mark of a course."""
    with sqlite3.connect(f"file:{root / 'gradebook.db'}?mode=ro", uri=True) as database:
        found = database.execute(
            "select assignment.name, student.id, notebook.name, base_cell.name, grade.auto_score,"
            " grade.manual_score, grade.needs_manual_grade from grade"
            " join submitted_notebook on grade.notebook_id = submitted_notebook.id"
            " join submitted_assignment on submitted_notebook.assignment_id ="
            " submitted_assignment.id"
            " join student on submitted_assignment.student_id = student.id"
            " join notebook on submitted_notebook.notebook_id = notebook.id"
            " join assignment on notebook.assignment_id = assignment.id"
            " join base_cell on grade.cell_id = base_cell.id"
        ).fetchall()
    return sorted(tuple(map(str, row)) for row in found)


def check(root: Path, expected: list[Row], students: int) -> None:
    """Raise what is wrong with a class that was graded to its end."""
    if (found := gradebook(root)) != expected:
        odd = set(found) ^ set(expected)
        raise Wrong(f"the gradebook differs in {len(odd)} rows, as in {sorted(odd)[:2]}")
    evidence = list(root.glob("evidence/*/round-*/evidence-*.json"))
    if len(evidence) != students + 1:
        raise Wrong(f"{len(evidence)} evidence files of {students + 1} codes")
    for path in evidence:
        json.loads(path.read_bytes())
    if left := [*root.glob("evidence/*/*/waiting*"), *root.glob(f"**/.{PREFIX}*")]:
        raise Wrong(f"left: {', '.join(map(str, left))}")
    if (graded := len(list(root.glob("autograded/*/*/*.ipynb")))) != students:
        raise Wrong(f"{graded} graded notebooks of {students}")


class Processes:
    """Processes of the commands that were given, and no others."""

    def __init__(self, mark: str) -> None:
        self._mark = mark
        self._known: set[psutil.Process] = set()

    def there(self) -> list[psutil.Process]:
        """Return those that run now: by a mark in their environment, and what they started."""
        for process in psutil.process_iter():
            with suppress(psutil.Error):
                if process in self._known or process.environ().get("FARM_KILLS") == self._mark:
                    self._known |= {process, *process.children(recursive=True)}
        self._known = {process for process in self._known if _works(process)}
        return sorted(self._known, key=lambda process: process.pid)

    def by_kind(self) -> dict[str, list[psutil.Process]]:
        """Return those that may be killed."""
        found: dict[str, list[psutil.Process]] = {}
        for process in self.there():
            with suppress(psutil.Error):
                line = " ".join(process.cmdline())
                if ZYGOTE in line and _is_in_box(process):
                    continue
                for kind, pattern in KINDS.items():
                    if re.search(pattern, line):
                        found.setdefault(kind, []).append(process)
                        break
        return found


def _is_in_box(process: psutil.Process) -> bool:
    """Tell whether a process was forked from a zygote: it is a submission's then."""
    parent = process.parent()
    return parent is None or any(word in " ".join(parent.cmdline()) for word in (ZYGOTE, "bwrap "))


def _works(process: psutil.Process) -> bool:
    try:
        return bool(process.is_running() and process.status() != psutil.STATUS_ZOMBIE)
    except psutil.Error:
        return False


class Evenings:
    """Classes that are graded one after another, killed all the while.

    Parameters
    ----------
    keep : Path
        Folder for the courses and for what was done.
    seed, students : int
    options : tuple of str
        Of ``autograder autograde``.
    until : float
        When to stop, on the clock of `time.monotonic`.
    """

    def __init__(
        self, keep: Path, seed: int, students: int, options: tuple[str, ...], until: float
    ) -> None:
        self.keep, self.seed, self.students = keep, seed, students
        self.options, self.until = options, until
        self.course, self.state = keep / "course", keep / "done.json"
        self.kills: Counter[str] = Counter()
        self.classes = self.commands = 0
        if self.state.exists():
            done = json.loads(self.state.read_bytes())
            self.kills.update(done["kills"])
            self.classes, self.commands = done["classes"], done["commands"]
        os.environ["PATH"] = with_scripts()
        self.chance = random.Random(f"{seed} {self.commands}")
        self.processes = Processes(f"{keep}")
        self.usual = 0.0
        self.kinds = [kind for kind in KINDS if kind != "job" or "--profile" in options]

    def note(self) -> None:
        """Keep what was done."""
        said = {"kills": self.kills, "classes": self.classes, "commands": self.commands}
        write(self.state, json.dumps(said))

    def command(self) -> "subprocess.Popen[bytes]":
        """Give the command."""
        self.commands += 1
        scratch = self.keep / "t"
        scratch.mkdir(exist_ok=True)
        environment = {"FARM_KILLS": f"{self.keep}", "TMPDIR": str(scratch)}
        with open(self.keep / "log.txt", "ab") as log:
            return subprocess.Popen(
                [sys.executable, "-m", "autograder", "autograde", NAME, *self.options],
                cwd=self.course,
                env={**os.environ, "PYTHONWARNINGS": "ignore", **environment},
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )

    def run(self, most: int) -> None:
        """Go on until so many kills are done and the last class is graded, or time is up."""
        begun, expected = self._begun()
        if not self.course.exists():
            shutil.copytree(begun, self.course)
        while time.monotonic() < self.until:
            if self._grade(most):
                self._nothing_left()
                check(self.course, expected, self.students)
                self.classes += 1
                self.note()
                print(f"class {self.classes}: as without kills; so far {dict(self.kills)}")
                if self.kills.total() >= most:
                    return
                shutil.rmtree(self.course)
                shutil.copytree(begun, self.course)

    def _begun(self) -> tuple[Path, list[Row]]:
        """Make the class, and the gradebook that it has to get: nothing is killed here."""
        begun, expected = self.keep / "begun", self.keep / "expected.json"
        if not expected.exists():
            shutil.rmtree(begun, ignore_errors=True)
            make(begun, self.students, NAME)
            shutil.rmtree(self.course, ignore_errors=True)
            shutil.copytree(begun, self.course)
            began = time.monotonic()
            status = self.command().wait()
            if status:
                raise Wrong(f"the class is not graded without any kill: status {status}")
            known = {"seconds": time.monotonic() - began, "marks": gradebook(self.course)}
            write(expected, json.dumps(known))
            shutil.rmtree(self.course)
        known = json.loads(expected.read_bytes())
        self.usual = float(known["seconds"])
        return begun, [tuple(row) for row in known["marks"]]

    def _grade(self, most: int) -> bool:
        """Give the command once, kill meanwhile; return whether it came to its good end."""
        process = self.command()
        while self.kills.total() < most and self._runs(process):
            self._kill(process)
        while self._runs(process):
            time.sleep(0.2)
        if process.poll() is None:
            self._stop(process)
            return False
        self._alone()
        if process.returncode > 0:
            self._left_out()
        return process.returncode == 0

    def _runs(self, process: "subprocess.Popen[bytes]") -> bool:
        return process.poll() is None and time.monotonic() < self.until

    def _kill(self, process: "subprocess.Popen[bytes]") -> None:
        """Draw what is to be killed, wait until there is one, and kill one soon after."""
        kind = self.chance.choice(self.kinds)
        after = self.chance.uniform(0, self.usual if kind == "driver" else SOON_SECONDS)
        while kind not in self.processes.by_kind():
            if not self._runs(process):
                return
            time.sleep(0.1)
        until = min(time.monotonic() + after, self.until)
        while time.monotonic() < until and process.poll() is None:
            time.sleep(min(0.1, max(until - time.monotonic(), 0)))
        there = self.processes.by_kind().get(kind)
        if there and self._runs(process):
            with suppress(psutil.Error):
                self.chance.choice(there).kill()
                self.kills[kind] += 1
                self.note()
                print(f"  {self.kills.total()}: {kind}", flush=True)

    def _stop(self, process: "subprocess.Popen[bytes]") -> None:
        """Time is up: that is a driver's death, too, though not at a moment of the seed's."""
        process.kill()
        process.wait()
        self.note()
        self._nothing_left()

    def _alone(self) -> None:
        """Wait for nbgrader, which goes on alone where the driver was killed while it records."""
        until = time.monotonic() + 120
        while "recorder" in self.processes.by_kind() and time.monotonic() < until:
            time.sleep(0.2)

    def _nothing_left(self) -> None:
        self._alone()
        until = time.monotonic() + LEFT_SECONDS
        while (left := self.processes.there()) and time.monotonic() < until:
            time.sleep(0.2)
        if left:
            said = [" ".join(process.cmdline())[:200] for process in left if _works(process)]
            for process in left:
                with suppress(psutil.Error):
                    process.kill()
            if said:
                raise Wrong(f"processes are left: {said}")

    def _left_out(self) -> None:
        """Grade by itself whom the log names as left out after two killed graders, as it says."""
        log = (self.keep / "log.txt").read_text(errors="replace")[-20_000:]
        last = log[log.rfind("Next: nbgrader autograde") :]
        for student in sorted(set(re.findall(r"(student\d+) was left out", last))):
            print(f"  {student} was left out, and is graded by itself", flush=True)
            subprocess.run(
                [sys.executable, "-m", "nbgrader", "autograde", NAME, f"--student={student}",
                 "--force"],
                cwd=self.course, check=False, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
            )  # fmt: skip


@contextmanager
def places(keep: Path, *, slurm: bool) -> Iterator[tuple[str, ...]]:
    """Yield the options that say where the slots are."""
    if not slurm:
        yield ("--jobs", "2", "--force-slots")
        return
    from local_slurm import PROFILE, running

    with ExitStack() as leaving:
        leaving.enter_context(running())
        site = keep / "site.toml"
        site.write_text(f'{PROFILE}shared_directory = "{keep}"\n')
        yield ("--profile", str(site), "--jobs", "2", "--force-slots")


@click.command()
@click.option("--kills", default=100, show_default=True)
@click.option("--seed", default=1, show_default=True)
@click.option("--students", default=8, show_default=True)
@click.option("--seconds", default=3600.0, show_default=True, help="After which it stops.")
@click.option("--slurm", is_flag=True, help="In jobs of a SLURM on this machine; needs root.")
@click.option("--keep", type=click.Path(path_type=Path), required=True)
def main(kills: int, seed: int, students: int, seconds: float, slurm: bool, keep: Path) -> None:
    """Kill, and say what came of it."""
    keep = keep.absolute()
    keep.mkdir(parents=True, exist_ok=True)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    began = time.monotonic()
    with places(keep, slurm=slurm) as options:
        evenings = Evenings(keep, seed, students, options, began + seconds)
        try:
            evenings.run(kills)
        except Wrong as wrong:
            raise SystemExit(f"WRONG after {dict(evenings.kills)}: {wrong}") from None
    print(
        f"{evenings.kills.total()} kills {dict(evenings.kills)} in {evenings.commands} commands; "
        f"{evenings.classes} classes of {students} graded to their end, each with the gradebook "
        f"of a class without kills. Load {os.getloadavg()[0]:.1f}."
    )


if __name__ == "__main__":
    main()
