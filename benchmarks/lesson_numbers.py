"""The numbers that the texts of the exercises name, beside what is measured here.

The texts name times, speedups, sizes, and what is faster than what. They may claim what holds on a
quiet machine and beside other programs. This runs each text with its solutions, in a process of its
own, and then a function for each number (``benchmarks/lessons``)::

    python benchmarks/lesson_numbers.py                            # all, beside 0 and 1 programs
    python benchmarks/lesson_numbers.py ex02_parallel_prediction --beside 0 2
    python benchmarks/lesson_numbers.py --printed ex06_find_whats_slow

Read the lines one by one: no program knows what a sentence means.
"""

import argparse
import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

from lessons.measure import RESULT
from lessons.text import SOLUTIONS

HERE = Path(__file__).parent
BURN = "while True: pass"
EXERCISES = tuple(sorted(path.stem for path in SOLUTIONS.glob("ex*.py")))


class Measured(NamedTuple):
    """What one run of a text has shown."""

    printed: str
    """By the cells; or why there is nothing else."""
    numbers: dict[str, str]
    """What was measured, by the words of the text."""


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure the numbers of the texts that are named, or of all."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0] if __doc__ else "")
    parser.add_argument("exercises", nargs="*", default=EXERCISES, metavar="EXERCISE")
    parser.add_argument(
        "--beside",
        nargs="+",
        type=int,
        default=[0, 1],
        metavar="N",
        help="beside how many programs that burn CPU (default: 0 1)",
    )
    parser.add_argument(
        "--printed", action="store_true", help="show what the cells have printed, too"
    )
    options = parser.parse_args(arguments)
    for name in options.exercises:
        if name not in EXERCISES:
            parser.error(f"there is no {name}, expected one of {', '.join(EXERCISES)}")
    for name in options.exercises:
        found = {}
        for count in options.beside:
            began = time.perf_counter()
            with burning(count):
                found[count] = run(name)
            took = time.perf_counter() - began
            print(f"== {name}, beside {count} programs that burn CPU: {took:.0f} s")
            if options.printed or not found[count].numbers:
                print("".join(f"   {line}\n" for line in found[count].printed.splitlines()))
        print(side_by_side(found), flush=True)


def run(name: str) -> Measured:
    """Run a text in a process of its own, and measure its numbers there."""
    done = subprocess.run(
        [sys.executable, "-m", "lessons.measure", name],
        cwd=SOLUTIONS.parent,
        env={**os.environ, "MPLBACKEND": "Agg", "PYTHONPATH": str(HERE)},
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode != 0:
        return Measured(f"{done.stderr}(ended with status {done.returncode})", {})
    # A worker may print after that.
    (line,) = (line for line in done.stdout.splitlines() if line.startswith(RESULT))
    found = json.loads(line.removeprefix(RESULT))
    return Measured(f"{found['printed']}{done.stderr}", dict(found["numbers"]))


def side_by_side(found: dict[int, Measured]) -> str:
    """Write each number of a text, and below it what was measured beside so many programs."""
    lines = []
    for says in next(iter(found.values())).numbers:
        lines.append(f"   {says}")
        for count, measured in found.items():
            value = measured.numbers.get(says, "not measured")
            lines.append(f"      beside {count}: " + value.replace("\n", "\n         "))
    return "\n".join([*lines, ""])


@contextmanager
def burning(count: int) -> Iterator[None]:
    """Keep so many cores busy meanwhile."""
    programs = [subprocess.Popen([sys.executable, "-c", BURN]) for _ in range(count)]
    try:
        yield
    finally:
        for program in programs:
            program.kill()
            program.wait()


if __name__ == "__main__":
    main()
