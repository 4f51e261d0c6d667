"""What the cells of the exercises print, on a quiet machine and beside programs that burn CPU.

The texts name times, speedups and what is faster than what. They may claim what holds in both. This
runs each text as a script, solutions included, and prints what it prints::

    python benchmarks/lesson_numbers.py                            # all, beside 0 and 1 programs
    python benchmarks/lesson_numbers.py ex02_parallel_prediction --beside 0 2

Read the output beside the text, number by number: no program knows what a sentence means.
"""

import argparse
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

SOLUTIONS = Path(__file__).parents[1] / "solutions"
BURN = "while True: pass"


def main() -> None:
    """Run the texts that are named, or all."""
    known = sorted(path.stem for path in SOLUTIONS.glob("ex*.py"))
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0] if __doc__ else "")
    parser.add_argument("exercises", nargs="*", default=known, metavar="EXERCISE")
    parser.add_argument(
        "--beside",
        nargs="+",
        type=int,
        default=[0, 1],
        metavar="N",
        help="beside how many programs that burn CPU (default: 0 1)",
    )
    options = parser.parse_args()
    for name in options.exercises:
        if name not in known:
            parser.error(f"there is no {name}, expected one of {', '.join(known)}")
    for name in options.exercises:
        for count in options.beside:
            started = time.perf_counter()
            with burning(count):
                printed = run(name)
            took = time.perf_counter() - started
            print(f"== {name}, beside {count} programs that burn CPU: {took:.0f} s")
            print(printed, flush=True)


def run(name: str) -> str:
    """Run a text as a script and return what it prints, errors included."""
    done = subprocess.run(
        [sys.executable, str(SOLUTIONS / f"{name}.py")],
        cwd=SOLUTIONS.parent,
        env={**os.environ, "MPLBACKEND": "Agg"},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    ended = "" if done.returncode == 0 else f"(ended with status {done.returncode})\n"
    return "".join(f"   {line}\n" for line in done.stdout.splitlines()) + ended


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
