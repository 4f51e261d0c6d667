"""Measure how long a replay of 100,000 tasks takes: on 1 and 2 workers, and the whole curve.

CPU seconds of this process, so that what else the machine does hardly counts.

    python benchmarks/replay_speed.py
"""

import time
from collections.abc import Callable

import click
from rich.console import Console
from rich.table import Table

from autograder.model import Recording, TaskRecord
from autograder.replay.makespan import CURVE
from autograder.replay.plan import make_plan
from autograder.replay.scheduler import DEFAULT, simulate

Before = Callable[[int, int], tuple[int, ...]]
"""Which tasks the i-th of n waits for."""

SHAPES: dict[str, Before] = {
    "flat": lambda i, n: (),
    "tree": lambda i, n: tuple(j for j in (2 * i - n, 2 * i - n + 1) if 0 <= j < i),
    "layers of 64, two before each": lambda i, n: (i - 64, i - 32) if i >= 64 else (),
    "one task before all": lambda i, n: (0, i - 64) if i >= 64 else (),
}


def record(tasks: int, before: Before) -> Recording:
    """Make the recording of a run on two workers."""

    def key(i: int) -> str:
        return f"('task-{i // 64}', {i % 64})"

    def task(i: int) -> TaskRecord:
        start, seconds = 1e9 + i / 1024, 1 / 1024
        return TaskRecord(
            key=key(i),
            layer="task",
            worker=f"tcp://{i % 2}",
            submitted=1e9,
            start=start,
            stop=start + seconds,
            compute_seconds=seconds,
            transfer_seconds=0.0,
            nbytes=1_000,
            dependencies=tuple(key(j) for j in before(i, tasks)),
            priority=(0, 1, i),
        )

    return Recording(tuple(task(i) for i in range(tasks)))


@click.command()
@click.option("--tasks", default=100_000, show_default=True)
@click.option("--farthest", default=1024, show_default=True, help="Most workers of the curve.")
def main(tasks: int, farthest: int) -> None:
    """Print CPU seconds by shape of the graph."""
    table = Table(title=f"CPU seconds to replay {tasks:,} tasks")
    for heading in ("graph", "plan", "P = 1", "P = 2", "all of it for 1 and 2", "the curve"):
        table.add_column(heading, justify="left" if heading == "graph" else "right")
    for name, before in SHAPES.items():
        recording = record(tasks, before)
        began = time.process_time()
        plan = make_plan(recording, 1e9, 1e9 + tasks / 1024)
        spent = {0: time.process_time() - began}
        for workers in (p for p in CURVE if p <= farthest):
            began = time.process_time()
            simulate(plan, workers, DEFAULT)
            spent[workers] = time.process_time() - began
        both = spent[0] + spent[1] + spent[2]
        columns = (spent[0], spent[1], spent[2], both, sum(spent.values()))
        table.add_row(name, *(f"{seconds:.1f} s" for seconds in columns))
    Console().print(table)


if __name__ == "__main__":
    main()
