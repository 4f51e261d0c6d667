"""How long a run takes on quiet workers, from the operating system's counters.

A stopwatch on a shared machine says more about the neighbours than about the program. Two other
quantities hardly depend on them: for how long every process computed, and for how long it was ready
to compute and had no CPU (`man 5 proc`, ``schedstat``). Both are read outside the box, and nothing
in it can change them. ``docs/verdict.md`` explains the formula with an example.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator
from itertools import pairwise
from math import fsum

from autograder.evidence.summary import cpu_of
from autograder.model import CpuSample, Role, Run

__all__ = ["BESIDE", "IDLE_BESIDE", "quiet_seconds", "shared_seconds", "without_cpu", "work"]


BESIDE, IDLE_BESIDE = 5, 0.1
"""A process delays a run only if, in a quarter of a second before and after a step, it did at least
this share of the busiest process's work. An almost idle process may wait all the time for a CPU
that the box itself uses. From 0.3 on, right programs of the corpus lost points."""


def work(run: Run) -> tuple[float, tuple[float, ...]]:
    """Return the work done alone and the work of every worker, in CPU seconds.

    The first is the work of all processes that are no workers: the notebook's, the scheduler,
    and whatever was started beside them.
    """
    alone = cpu_of(run, Role.CLIENT, Role.SCHEDULER)
    workers = [use for use in run.usage if use.role is Role.WORKER]
    # By number: worker-10 comes after worker-9.
    workers.sort(key=lambda use: (len(use.name), use.name))
    return alone, tuple(use.cpu_seconds for use in workers)


def without_cpu(run: Run) -> float | None:
    """Return how long a run was delayed by lack of a CPU.

    Each step of a twentieth of a second counts the longest wait of any process that did some of the
    work around it (`IDLE_BESIDE`): if two processes wait at the same time, the run is delayed once.
    None where the kernel does not count it.
    """
    if not run.cpu:
        return None
    longest = (max((wait for *_, wait in row), default=0.0) for _, row in _steps(run))
    return min(fsum(longest), run.done - run.go)


def shared_seconds(run: Run) -> float:
    """Return how long the workers' part would take if no other work used a CPU.

    Workers that have something to do at the same moment share it equally. A worker has something to
    do while it computes, and while it is ready to and has no CPU (`IDLE_BESIDE`): where other work
    slows one worker down, the others get its tasks, which says nothing about the program. If the
    kernel does not count the waits, the busiest worker's CPU time.
    """
    each = {use.name: use.cpu_seconds for use in run.usage if use.role is Role.WORKER}
    if not run.cpu:
        return max(each.values(), default=0.0)
    steps = [
        [(min(ran + waited, max(length, ran)), ran) for name, ran, waited in row if name in each]
        for length, row in _steps(run)
    ]
    seen: dict[str, float] = defaultdict(float)
    _add(seen, run.cpu, 1)
    unseen = max((used - seen[name] for name, used in each.items()), default=0.0)
    return fsum(map(_shared, steps)) + max(unseen, 0.0)


def _shared(ready: Iterable[tuple[float, float]]) -> float:
    """Return how long the work of a step takes if it is shared.

    Each worker is given by the seconds in which it was ready, and its CPU seconds, used evenly in
    them. At what moments of the step it was ready is unknown: those that were ready for a shorter
    time are taken to have been so while the others were.
    """
    ordered, total, before = sorted(ready), 0.0, 0.0
    for number, (upto, _) in enumerate(ordered):
        if upto > before:
            rest = ordered[number:]
            total += (upto - before) * fsum(ran / long for long, ran in rest) / len(rest)
            before = upto
    return total


def _steps(run: Run) -> Iterator[tuple[float, list[tuple[str, float, float]]]]:
    """Yield the length of every step, and what each process ran and waited in it.

    A process that did next to nothing around the step waits for nothing (`IDLE_BESIDE`).
    """
    steps: dict[float, list[CpuSample]] = defaultdict(list)
    for sample in run.cpu:
        steps[sample.seconds].append(sample)
    times = sorted(steps)
    rows = [steps[ended] for ended in times]
    unseen = _unseen(run, len(rows))
    around: dict[str, float] = defaultdict(float)
    for row in rows[:BESIDE]:
        _add(around, row, 1)
    for number, (began, ended) in enumerate(pairwise((0.0, *times))):
        _add(around, rows[number + BESIDE] if number + BESIDE < len(rows) else (), 1)
        _add(around, rows[number - BESIDE - 1] if number > BESIDE else (), -1)
        window = min(number + BESIDE + 1, len(rows)) - max(number - BESIDE, 0)
        busiest = max(
            around.get(name, 0.0) + window * unseen.get(name, 0.0) for name in {*around, *unseen}
        )
        least = IDLE_BESIDE * busiest
        yield (
            ended - began,
            [(s.name, s.ran, s.waited if around[s.name] >= least else 0.0) for s in rows[number]],
        )


def _unseen(run: Run, steps: int) -> dict[str, float]:
    """Return the CPU time of every process that no sample contains, in seconds per step.

    Threads that lowered their own priority are in no sample.
    """
    seen: dict[str, float] = defaultdict(float)
    _add(seen, run.cpu, 1)
    return {use.name: max(use.cpu_seconds - seen[use.name], 0.0) / steps for use in run.usage}


def _add(around: dict[str, float], row: Iterable[CpuSample], times: int) -> None:
    for sample in row:
        around[sample.name] += times * sample.ran


def quiet_seconds(run: Run, workers: int, early: float = 0.0) -> float:
    """Return how long a run would take if no other work used a CPU.

    Parameters
    ----------
    run : Run
    workers : int
        Of the cluster, each of one thread.
    early : float
        CPU seconds that belong to the run but were used before it began; no worker shares them.

    Returns
    -------
    float
        Seconds: the wall clock minus the delay (`without_cpu`), but never less than the work done
        alone plus an equal share of the rest (Amdahl 1967), nor less than the workers' part takes
        (`shared_seconds`). If the delay is unknown, the work done alone plus the workers' part.
    """
    alone, each = work(run)
    alone += early
    shared = shared_seconds(run)
    stood_still = without_cpu(run)
    if stood_still is None:
        return alone + shared
    by_clock = run.done - run.go + early - stood_still
    return max(by_clock, alone + fsum(each) / workers, shared)
