"""Replays of recordings made by hand, at no cost unless said, and what bounds them."""

import heapq
from collections.abc import Iterable, Sequence
from dataclasses import replace

from hypothesis import settings
from hypothesis import strategies as st
from recordings import GO, task

from autograder.model import Recording, TaskRecord
from autograder.replay import laws
from autograder.replay.plan import make_plan
from autograder.replay.scheduler import FREE, Costs, Placement, simulate

__all__ = [
    "MEGABYTE_A_SECOND",
    "chain",
    "graphs",
    "greedy",
    "listed",
    "longest_path",
    "makespan",
    "max_stop",
    "span",
    "speedup",
    "unhurried",
    "work",
]

# A busy machine is no reason to fail.
unhurried = settings(deadline=None)


def listed(recording: Recording, done: float, workers: int, costs: Costs = FREE) -> float:
    """Replay by greedy list scheduling, on a cluster that costs nothing unless said."""
    return simulate(make_plan(recording, GO, done), workers, costs, Placement.GREEDY)


def makespan(tasks: Iterable[TaskRecord], workers: int, done: float | None = None) -> float:
    """Replay by list scheduling at no cost; done at the last stop unless said."""
    tasks = tuple(tasks)
    return listed(
        Recording(tasks), max(t.stop for t in tasks) if done is None else GO + done, workers
    )


def span(recording: Recording, done: float) -> float:
    return laws.span(make_plan(recording, GO, done))


def work(recording: Recording) -> float:
    return laws.work(make_plan(recording, GO, max_stop(recording)))


def max_stop(recording: Recording) -> float:
    return max(t.stop for t in recording.tasks)


def speedup(tasks: Sequence[TaskRecord], workers: int, done: float | None = None) -> float:
    return makespan(tasks, 1, done) / makespan(tasks, workers, done)


def chain(n: int, *, skew: float = 0.0) -> list[TaskRecord]:
    """Make a chain in one graph; every other worker's clock is ``skew`` seconds behind."""
    return [
        task(f"t{i}", i - skew * (i % 2) + skew, 1.0, *([f"t{i - 1}"] if i else []))
        for i in range(n)
    ]


def greedy(durations: Iterable[float], workers: int) -> float:
    """List scheduling of independent tasks, for comparison."""
    free = [0.0] * workers
    for seconds in durations:
        heapq.heapreplace(free, free[0] + seconds)
    return max(free)


MEGABYTE_A_SECOND = replace(FREE, bandwidth=1e6)


@st.composite
def graphs(draw):
    """Draw a graph of one submission, recorded on more workers than tasks."""
    tasks: list[TaskRecord] = []
    for i in range(draw(st.integers(1, 25))):
        before = draw(st.sets(st.integers(0, i - 1), max_size=3)) if i else set()
        start = max((tasks[j].stop - GO for j in before), default=0.0)
        seconds = draw(st.integers(0, 40)) / 8
        tasks.append(task(f"t{i}", start, seconds, *(f"t{j}" for j in sorted(before))))
    return tasks


def longest_path(tasks: Iterable[TaskRecord]) -> float:
    finish: dict[str, float] = {}
    for t in tasks:
        finish[t.key] = t.compute_seconds + max((finish[d] for d in t.dependencies), default=0.0)
    return max(finish.values())
