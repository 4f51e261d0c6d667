"""Measure how well replayed makespans agree with the clock.

Graphs of sleeping tasks need no cores, so a small machine can hold 8 real workers. Each graph
is run on clusters of several sizes. The recording of each run is replayed on the same number
of workers, and those of the smallest cluster on the larger ones too, and held against the
seconds that the runs really took there. ``--costs`` measures the constants of
``autograder.measure.replay.DEFAULT`` instead.

Run it on a quiet machine: ``python benchmarks/replay_accuracy.py``, about a minute.
"""

import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import pairwise
from random import Random
from statistics import median
from typing import Any

import click
import dask
from distributed import Client, LocalCluster
from rich.console import Console
from rich.progress import track
from rich.table import Table

from autograder.measure.recorder import Recorder, install
from autograder.measure.replay import DEFAULT, replay
from autograder.model import Recording

SETTLING_SECONDS = 0.1
"""The scheduler hears of the last task a little after the client has its result."""


@dataclass(frozen=True, slots=True)
class Observation:
    """One run: its recording, and GO and done on the wall clock."""

    recording: Recording
    go: float
    done: float


# ------------------------------------------------------------------------------------ the graphs


def nap(seconds: float, *waited_for: object) -> float:
    """Sleep: a task that takes its time and no core."""
    time.sleep(seconds)
    return seconds


Graph = Callable[[Client, Random], None]


def seconds_of(random: Random) -> float:
    """Draw the duration of a task."""
    return random.uniform(0.03, 0.15)


def flat(client: Client, random: Random) -> None:
    """Run tasks without dependencies."""
    client.gather(client.map(nap, [seconds_of(random) for _ in range(40)], pure=False))


def tree(client: Client, random: Random) -> None:
    """Reduce 24 leaves in pairs."""
    layer = [dask.delayed(nap)(seconds_of(random)) for _ in range(24)]
    while len(layer) > 1:
        layer = [
            dask.delayed(nap)(seconds_of(random), *layer[i : i + 2])
            for i in range(0, len(layer), 2)
        ]
    client.compute(layer[0]).result()


def chain(client: Client, random: Random) -> None:
    """Run tasks each of which waits for the last."""
    last = dask.delayed(nap)(seconds_of(random))
    for _ in range(11):
        last = dask.delayed(nap)(seconds_of(random), last)
    client.compute(last, optimize_graph=False).result()


def rounds(client: Client, random: Random) -> None:
    """Map, reduce and think in the client, over and over, as iterative estimators do."""
    for _ in range(3):
        maps = [dask.delayed(nap)(seconds_of(random)) for _ in range(12)]
        client.compute(dask.delayed(nap)(0.02, *maps)).result()
        time.sleep(0.03)


def pipeline(client: Client, random: Random) -> None:
    """Take 10 items through 4 stages each."""
    items = []
    for _ in range(10):
        item = dask.delayed(nap)(seconds_of(random))
        for _ in range(3):
            item = dask.delayed(nap)(seconds_of(random), item)
        items.append(item)
    client.gather(client.compute(items, optimize_graph=False))


def tangled(client: Client, random: Random) -> None:
    """Run tasks that wait for up to three of those before them."""
    tasks: list[Any] = []
    for _ in range(40):
        before = random.sample(tasks, min(len(tasks), random.randint(0, 3)))
        tasks.append(dask.delayed(nap)(seconds_of(random), *before))
    client.gather(client.compute(tasks, optimize_graph=False))


GRAPHS: dict[str, Graph] = {
    "flat": flat,
    "tree": tree,
    "chain": chain,
    "rounds": rounds,
    "pipeline": pipeline,
    "random": tangled,
}


# --------------------------------------------------------------------------------------- the runs


@contextmanager
def recorded_cluster(workers: int) -> Iterator[tuple[Client, Recorder]]:
    """Start single-thread worker processes and a scheduler with a recorder."""
    with (
        LocalCluster(
            n_workers=workers, threads_per_worker=1, processes=True, dashboard_address=":0"
        ) as cluster,
        Client(cluster) as client,
    ):
        recorder = install(cluster.scheduler)
        client.gather(client.map(nap, [0.01] * 8 * workers, pure=False))  # warm-up
        yield client, recorder


def observe(client: Client, recorder: Recorder, graph: Graph, seed: int) -> Observation:
    """Run a graph once."""
    random = Random(seed)
    go = time.time()
    graph(client, random)
    done = time.time()
    time.sleep(SETTLING_SECONDS)
    return Observation(recorder.recording(go, done), go, done)


def compare(sizes: list[int], repeats: int, console: Console) -> Table:
    """Run all graphs on all clusters and tabulate the errors of the replay."""
    seen: dict[tuple[str, int, int], Observation] = {}
    for workers in track(sizes, "clusters", console=console):
        with recorded_cluster(workers) as (client, recorder):
            for name, graph in GRAPHS.items():
                for seed in range(repeats):
                    seen[name, seed, workers] = observe(client, recorder, graph, seed)
    smallest = min(sizes)
    pairs = [(n, n) for n in sizes] + [(smallest, n) for n in sizes if n != smallest]
    errors: dict[tuple[str, int, int], list[float]] = defaultdict(list)
    for name in GRAPHS:
        for seed in range(repeats):
            for recorded_on, workers in pairs:
                run, truth = seen[name, seed, recorded_on], seen[name, seed, workers]
                predicted = replay(run.recording, run.go, run.done, workers)
                error = predicted / (truth.done - truth.go) - 1
                errors[name, recorded_on, workers].append(error)
                errors["all", recorded_on, workers].append(error)
    table = Table(title="Replayed makespan against the clock (negative: replay is optimistic)")
    for heading in ("graph", "recorded on", "replayed on", "n", "median error", "worst error"):
        table.add_column(heading, justify="left" if heading == "graph" else "right")
    for recorded_on, workers in pairs:
        for name in (*GRAPHS, "all"):
            found = errors[name, recorded_on, workers]
            table.add_row(
                name,
                str(recorded_on),
                str(workers),
                str(len(found)),
                f"{median(found):+.1%}",
                f"{max(found, key=abs):+.1%}",
                end_section=name == "all",
            )
    return table


# -------------------------------------------------------------------------------------- the costs


def block(megabytes: int) -> bytes:
    """Make data to send."""
    return bytes(megabytes * 1_000_000)


def take(data: object, turn: int) -> int:
    """Take data from elsewhere."""
    return turn


def measure_costs() -> Table:
    """Measure what two workers cost, apart from the tasks."""
    with recorded_cluster(2) as (client, recorder):

        def submit_naps(client: Client, random: Random) -> None:
            client.gather(client.map(nap, [0.01] * 200, pure=False))

        def submit_nothings(client: Client, random: Random) -> None:
            client.gather(client.map(nap, [0.0] * 3000, pure=False))

        def submit_chain(client: Client, random: Random) -> None:
            last = dask.delayed(nap)(0.0)
            for _ in range(100):
                last = dask.delayed(nap)(0.0, last)
            client.compute(last, optimize_graph=False).result()

        here, there = list(client.scheduler_info(n_workers=-1)["workers"])

        def send(megabytes: int) -> Graph:
            def graph(client: Client, random: Random) -> None:
                for turn in range(20):
                    data = client.submit(block, megabytes, workers=[here], pure=False)
                    client.submit(take, data, turn, workers=[there], pure=False).result()

            return graph

        by_worker = defaultdict(list)
        for task in observe(client, recorder, submit_naps, 0).recording.tasks:
            by_worker[task.worker].append(task)
        gaps = [b.start - a.stop for tasks in by_worker.values() for a, b in pairwise(tasks)]
        nothings = observe(client, recorder, submit_nothings, 0)
        linked = observe(client, recorder, submit_chain, 0).recording.tasks
        sent = {}
        for megabytes in (0, 20):
            tasks = observe(client, recorder, send(megabytes), 0).recording.tasks
            sent[megabytes] = median(t.transfer_seconds for t in tasks if t.transfer_seconds)

    table = Table(title="Costs of a cluster of two workers")
    for heading in ("cost", "measured", "in use"):
        table.add_column(heading, justify="left" if heading == "cost" else "right")
    hop = median(b.start - a.stop for a, b in pairwise(linked))
    each = (nothings.done - nothings.go) / len(nothings.recording.tasks)
    for cost, measured, used in (
        ("between two tasks of a worker", median(gaps), DEFAULT.task_seconds),
        ("from a task to its dependent", hop, 2 * DEFAULT.message_seconds),
        ("per empty task, all included (a ceiling)", each, DEFAULT.scheduler_seconds),
        ("transfer of nothing", sent[0], DEFAULT.latency_seconds),
    ):
        table.add_row(cost, f"{1e3 * measured:.2f} ms", f"{1e3 * used:.2f} ms")
    bandwidth = 20e6 / (sent[20] - sent[0])
    table.add_row("bandwidth", f"{bandwidth / 1e6:.0f} MB/s", f"{DEFAULT.bandwidth / 1e6:.0f} MB/s")
    return table


@click.command()
@click.option("--workers", default="2,4,8", show_default=True, help="Sizes of the clusters.")
@click.option("--repeats", default=2, show_default=True, help="Graphs of each kind.")
@click.option("--costs", is_flag=True, help="Measure the cluster's costs instead.")
def main(workers: str, repeats: int, costs: bool) -> None:
    """Compare replayed makespans with the clock."""
    console = Console()
    dask.config.set({"distributed.worker.multiprocessing-method": "forkserver"})
    if costs:
        console.print(measure_costs())
        return
    sizes = sorted({int(size) for size in workers.split(",")})
    console.print(compare(sizes, repeats, console))


if __name__ == "__main__":
    main()
