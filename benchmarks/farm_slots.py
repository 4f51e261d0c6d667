"""The same marks in 1, 2 and 4 slots, and how many boxes a minute k slots make beside one.

A class of samples, each with code of its own, is observed by ``autograder observe`` in one slot, in
two and in four, each time from the beginning except for the reference solution and one student, and
recorded by nbgrader. A slot has one core here, so that two fit a machine of two cores; in real ones
there are two. For one slot the command may use a single core; four slots have two cores between
them, which nobody should do, and which shows only whether marks change: they cannot be twice as
fast as two.

The boxes of a minute are counted from the first evidence to the last, without what starts once.
Slots' efficiency is that of k slots ÷ k × that of one, in turn within each repeat.

    python benchmarks/farm_slots.py --students 8 --repeats 3 [--slots 1 --slots 2] [--stressors 2]
"""

import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import click
from rich.console import Console
from rich.table import Table

sys.path.insert(0, str(Path(__file__).parents[1] / "tests" / "support"))

from farm_kills import gradebook, make

BURN = "while True: pass"


def run(course: Path, *arguments: str, cores: set[int] | None = None) -> None:
    """Run a module's command in a course, on some cores only."""
    done = subprocess.run(
        [sys.executable, "-m", *arguments],
        cwd=course,
        env={**os.environ, "PYTHONWARNINGS": "ignore"},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        preexec_fn=lambda: os.sched_setaffinity(0, cores) if cores else None,
        check=False,
    )
    if done.returncode:
        raise SystemExit(f"{arguments}: {done.stdout[-3000:]}")


def evidence(course: Path) -> set[Path]:
    """Return the evidence that is there."""
    return set(course.glob("evidence/*/round-*/evidence-*.json"))


def boxes_a_minute(new: set[Path], slots: int) -> float:
    """Return the rate at which evidence came, once all slots were at work."""
    when = sorted(path.stat().st_mtime for path in new)
    return 60 * (len(when) - slots) / (when[-1] - when[slots - 1])


@contextmanager
def stressors(count: int) -> Iterator[None]:
    """Burn CPU beside."""
    burning = [subprocess.Popen([sys.executable, "-c", BURN]) for _ in range(count)]
    try:
        yield
    finally:
        for process in burning:
            process.kill()
            process.wait()


@click.command()
@click.option("--exercise", default="ex02_parallel_prediction", show_default=True)
@click.option("--students", default=8, show_default=True)
@click.option("--slots", "counts", type=int, multiple=True, default=(1, 2, 4), show_default=True)
@click.option("--repeats", default=3, show_default=True)
@click.option("--stressors", "burners", default=0, show_default=True, help="Burn CPU beside.")
def main(exercise: str, students: int, counts: tuple[int, ...], repeats: int, burners: int) -> None:
    """Measure and print."""
    rates: dict[int, list[float]] = defaultdict(list)
    cores = sorted(os.sched_getaffinity(0))
    marks = None
    began = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="slots-") as folder, stressors(burners):
        course = Path(folder, "course")
        make(course, students + 1, exercise)
        run(course, "autograder", "observe", exercise, "--student=student00", "--jobs=1")
        first = evidence(course)
        for repeat in range(repeats):
            for slots in counts:
                for path in evidence(course) - first:
                    path.unlink()
                allowed = {cores[0]} if slots == 1 else set(cores)
                asked = (f"--jobs={slots}", "--force-slots")
                run(course, "autograder", "observe", exercise, *asked, cores=allowed)
                rates[slots].append(boxes_a_minute(evidence(course) - first, slots))
                shutil.rmtree(course / "autograded", ignore_errors=True)
                run(course, "nbgrader", "autograde", exercise)
                found = gradebook(course)
                marks = marks or found
                other = sorted(set(found) ^ set(marks))
                print(
                    f"repeat {repeat + 1}, {slots} slots: {rates[slots][-1]:.1f} boxes a minute; "
                    f"{len(found)} marks, {f'OTHERS: {other}' if other else 'the same'}",
                    flush=True,
                )
    table = Table("slots", "boxes a minute: median (least to most)", "efficiency", "n")
    for slots, values in rates.items():
        pairs = zip(values, rates[counts[0]], strict=True)
        efficiency = [mine / (slots / counts[0] * one) for mine, one in pairs]
        table.add_row(
            str(slots),
            f"{statistics.median(values):.1f} ({min(values):.1f} to {max(values):.1f})",
            f"{statistics.median(efficiency):.2f} ({min(efficiency):.2f} to {max(efficiency):.2f})",
            str(len(values)),
        )
    Console().print(table)
    print(
        f"{students} submissions to {exercise}, {len(cores)} cores, {burners} stressors, load "
        f"{os.getloadavg()[0]:.1f}, {time.monotonic() - began:.0f} s in all"
    )


if __name__ == "__main__":
    main()
