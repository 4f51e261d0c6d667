"""How long a box takes until its kernel and its cluster are ready, in both ways of starting one.

Both in turn, on the machine as it is: with its own imports, and forked from the zygote, which has
done its imports before the first of them. What is measured is `Session.__enter__`; the CPU time is
that of all processes of the box until then, by its control group or by their accounts.

    python benchmarks/box_start.py --repeats 5
"""

import os
import statistics
import time

import click
from rich.console import Console
from rich.table import Table

from autograder.errors import HarnessError
from autograder.evidence.in_sandbox import MODULES
from autograder.exercise import catalogue
from autograder.model import Exercise
from autograder.sandbox import machine_load, zygote
from autograder.sandbox.session import Session

WAYS = {"own imports": zygote.ANEW, "forked": ""}


def start(exercise: Exercise) -> tuple[float, float]:
    """Return the seconds, and the seconds of CPU, that a box takes until it is ready."""
    began = time.perf_counter()
    with Session(exercise, MODULES) as session:
        seconds = time.perf_counter() - began
        counted = session.box.cpu_seconds()
        cpu = machine_load.read(session.box.root, counted).ours - sum(os.times()[:2])
    return seconds, cpu


@click.command()
@click.option("--exercise", "name", default="ex02_parallel_prediction", show_default=True)
@click.option("--repeats", default=5, show_default=True)
def main(name: str, repeats: int) -> None:
    """Measure and print a table."""
    exercise = catalogue.find(name)
    if exercise is None:
        raise click.ClickException(f"There is no exercise {name}.")
    os.environ[zygote.START] = WAYS["forked"]
    began = time.perf_counter()
    if not zygote.is_ready():
        raise HarnessError(zygote.why_not())
    imports = time.perf_counter() - began
    found: dict[str, list[tuple[float, float]]] = {way: [] for way in WAYS}
    for number in range(repeats + 1):
        for way, value in WAYS.items():
            os.environ[zygote.START] = value
            if value != zygote.ANEW:
                zygote.is_ready()
            measured = start(exercise)
            # The first of each warms the file system's cache.
            if number:
                found[way].append(measured)
    table = Table("way", "seconds: median", "least to most", "CPU seconds: median", "least to most")
    for way, runs in found.items():
        cells = [way]
        for values in zip(*runs, strict=True):
            cells += [f"{statistics.median(values):.2f}", f"{min(values):.2f} to {max(values):.2f}"]
        table.add_row(*cells)
    Console().print(table)
    print(f"The zygote's own start took {imports:.2f} s, once. Load: {os.getloadavg()[0]:.1f}.")


if __name__ == "__main__":
    main()
