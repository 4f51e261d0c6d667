"""Measure what the recorder costs: graphs of 1,000 tasks with and without it, in turn.

The tasks do nothing, so nothing hides the cost. Two numbers come out. The first is the ratio
of the seconds that a graph takes with the recorder to those of the same graph without it, in
pairs whose order changes, so that a machine that gets slower is no argument. The second is the
share of a run's seconds that the scheduler spends inside the recorder, which hardly depends on
what else the machine does.

    python benchmarks/recorder_cost.py --pairs 30
"""

import statistics
import time
from collections.abc import Callable
from typing import Any

import click
import dask
from distributed import Client, LocalCluster
from rich.console import Console
from rich.progress import track

from autograder.evidence.recorder import Recorder, install

TASKS = 1_000


def nothing(*waited_for: object) -> None:
    """Do nothing."""


def graph() -> Any:
    """Make a graph of 500 tasks, 499 that take two each, and a last one."""
    layer = [dask.delayed(nothing)() for _ in range(TASKS // 2)]
    while len(layer) > 1:
        layer = [dask.delayed(nothing)(*layer[i : i + 2]) for i in range(0, len(layer), 2)]
    return dask.delayed(nothing)(layer[0])


def seconds(client: Client) -> float:
    """Run a new graph and take the time."""
    collection = graph()
    began = time.perf_counter()
    client.compute(collection, optimize_graph=False).result()
    return time.perf_counter() - began


class Watched:
    """Adds up the seconds spent in a function."""

    def __init__(self, function: Callable[..., Any]) -> None:
        self.function, self.seconds = function, 0.0

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """Call it."""
        began = time.perf_counter()
        try:
            return self.function(*args, **kwargs)
        finally:
            self.seconds += time.perf_counter() - began


class Recorded:
    """The cluster with a recorder, and again as it was."""

    def __init__(self, scheduler: Any) -> None:
        self.scheduler = scheduler
        self.handlers = dict(scheduler.handlers), dict(scheduler.stream_handlers)

    def __enter__(self) -> Recorder:
        return install(self.scheduler)

    def __exit__(self, *exception: object) -> None:
        self.scheduler.remove_plugin(Recorder.name)
        for mapping, before in zip(
            (self.scheduler.handlers, self.scheduler.stream_handlers), self.handlers, strict=True
        ):
            mapping.update(before)


@click.command()
@click.option("--pairs", default=30, show_default=True)
def main(pairs: int) -> None:
    """Print the ratio with its spread, and the share."""
    console = Console()
    ratios, shares = [], []
    dask.config.set({"distributed.worker.multiprocessing-method": "forkserver"})
    with (
        LocalCluster(n_workers=2, threads_per_worker=1, dashboard_address=":0") as cluster,
        Client(cluster) as client,
    ):
        seconds(client)  # warm-up
        for turn in track(range(pairs), "pairs", console=console):
            taken = {}
            for recorded in (turn % 2 == 0, turn % 2 == 1):
                if not recorded:
                    taken[False] = seconds(client)
                    continue
                with Recorded(cluster.scheduler):
                    taken[True] = seconds(client)
            ratios.append(taken[True] / taken[False])
            with Recorded(cluster.scheduler) as recorder:
                inside = [Watched(recorder.transition), Watched(recorder.update_graph)]
                recorder.transition, recorder.update_graph = inside
                whole = seconds(client)
                assert len(recorder.recording(0.0, time.time()).tasks) >= TASKS
            shares.append(sum(part.seconds for part in inside) / whole)
    for name, values in (("with / without", ratios), ("share inside the recorder", shares)):
        low, middle, high = statistics.quantiles(values, n=4)
        console.print(
            f"{name}: median {middle:.3f}, middle half {low:.3f} to {high:.3f}, "
            f"all {min(values):.3f} to {max(values):.3f}, n = {len(values)}"
        )


if __name__ == "__main__":
    main()
