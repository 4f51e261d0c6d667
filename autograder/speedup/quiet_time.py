"""How long a run takes on quiet workers, from what the operating system counted of it.

A stopwatch on a shared machine tells more about its neighbours than about the program. Two other
things hardly depend on them: for how long every process computed, and for how long it was ready to
compute and had no CPU (`man 5 proc`, ``schedstat``). Both are read outside the box, and nothing in
it can change them. ``docs/verdict.md`` explains the formula with an example.
"""

from collections import defaultdict
from collections.abc import Iterable
from math import fsum

from autograder.evidence.summary import cpu_of
from autograder.model import CpuSample, Role, Run

__all__ = ["BESIDE", "IDLE_BESIDE", "quiet_seconds", "without_cpu", "work"]


BESIDE, IDLE_BESIDE = 5, 0.1
"""Steps before and after one, a quarter of a second each, and the share of what the busiest process
did in them below which a process holds nothing up. It may wait all the time for a moment on a CPU
that the box's own work has. From 0.3 on, right programs of the corpus lost points."""


def work(run: Run) -> tuple[float, tuple[float, ...]]:
    """Return what nobody shares, and what every worker did, in CPU seconds.

    The first is the work of all processes that are no workers: the notebook's, the scheduler,
    and whatever was started beside them.
    """
    alone = cpu_of(run, Role.CLIENT, Role.SCHEDULER)
    workers = [use for use in run.usage if use.role is Role.WORKER]
    # By number: worker-10 comes after worker-9.
    workers.sort(key=lambda use: (len(use.name), use.name))
    return alone, tuple(use.cpu_seconds for use in workers)


def without_cpu(run: Run) -> float | None:
    """Return for how long a run stood still for want of a CPU.

    In each step of a twentieth of a second that is as long as the process waited which waited
    longest, among those that did some of the work around it (`IDLE_BESIDE`): what two of them wait
    at the same time is lost once. None where the kernel does not count it.
    """
    if not run.cpu:
        return None
    steps: dict[float, list[CpuSample]] = defaultdict(list)
    for sample in run.cpu:
        steps[sample.seconds].append(sample)
    rows = [steps[ended] for ended in sorted(steps)]
    unseen = _unseen(run, len(rows))
    around: dict[str, float] = defaultdict(float)
    for row in rows[:BESIDE]:
        _add(around, row, 1)
    longest = []
    for number, row in enumerate(rows):
        _add(around, rows[number + BESIDE] if number + BESIDE < len(rows) else (), 1)
        _add(around, rows[number - BESIDE - 1] if number > BESIDE else (), -1)
        window = min(number + BESIDE + 1, len(rows)) - max(number - BESIDE, 0)
        busiest = max(
            around.get(name, 0.0) + window * unseen.get(name, 0.0) for name in {*around, *unseen}
        )
        least = IDLE_BESIDE * busiest
        longest.append(max((s.waited for s in row if around[s.name] >= least), default=0.0))
    return min(fsum(longest), run.done - run.go)


def _unseen(run: Run, steps: int) -> dict[str, float]:
    """Return what every process computed that is in no sample, in seconds a step.

    Threads that have put themselves behind all others are in none.
    """
    seen: dict[str, float] = defaultdict(float)
    _add(seen, run.cpu, 1)
    return {use.name: max(use.cpu_seconds - seen[use.name], 0.0) / steps for use in run.usage}


def _add(around: dict[str, float], row: Iterable[CpuSample], times: int) -> None:
    for sample in row:
        around[sample.name] += times * sample.ran


def quiet_seconds(run: Run, workers: int, early: float = 0.0) -> float:
    """Return how long a run takes where no other work has a CPU.

    Parameters
    ----------
    run : Run
    workers : int
        Of the cluster, each of one thread.
    early : float
        CPU seconds that belong to the run and were used before it began; nobody shares them.

    Returns
    -------
    float
        Seconds: the wall clock less the time in which the run stood still (`without_cpu`), and
        never less than what was done alone and an equal share of the rest (Amdahl 1967), nor than
        what the busiest worker computed. Where nobody knows for how long it stood still, what was
        done alone and by the busiest worker.
    """
    alone, each = work(run)
    alone += early
    busiest = max(each, default=0.0)
    stood_still = without_cpu(run)
    if stood_still is None:
        return alone + busiest
    by_clock = run.done - run.go + early - stood_still
    return max(by_clock, alone + fsum(each) / workers, busiest)
