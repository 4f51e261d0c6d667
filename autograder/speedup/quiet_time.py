"""How long a run takes on quiet workers, from what the operating system counted of it.

A stopwatch on a shared machine tells more about its neighbours than about the program. Two other
things hardly depend on them: for how long every process computed, and for how long it was ready to
compute and had no CPU (`man 5 proc`, ``schedstat``). Both are read outside the box, and nothing in
it can change them. ``docs/verdict.md`` explains the formula with an example.
"""

from math import fsum

from autograder.model import ProcessUsage, Role, Run

__all__ = ["quiet_seconds", "without_cpu", "work"]


def work(run: Run) -> tuple[float, tuple[float, ...]]:
    """Return what nobody shares, and what every worker did, in CPU seconds.

    The first is the work of all processes that are no workers: the notebook's, the scheduler,
    and whatever was started beside them.
    """
    alone = fsum(use.cpu_seconds for use in run.usage if use.role is not Role.WORKER)
    return alone, tuple(use.cpu_seconds for use in _workers(run))


def without_cpu(run: Run) -> float | None:
    """Return the seconds in which a run may have stood still for want of a CPU.

    Processes may have waited at the same time or one after another, which the kernel does not say;
    they are taken to have waited one after another, in favour of the program. Of the workers, which
    run side by side, only the one that waited longest counts. Work cannot be hidden there:
    `quiet_seconds` never falls below what was computed.

    Returns
    -------
    float or None
        At most the seconds from GO to done; None where the kernel does not count them.
    """
    delays = [use.delay for use in run.usage if use.role is not Role.WORKER]
    delays.append(max((use.delay or 0.0 for use in _workers(run)), default=0.0))
    if any(use.delay is None for use in run.usage):
        return None
    return min(fsum(delay or 0.0 for delay in delays), run.done - run.go)


def quiet_seconds(run: Run, workers: int, early: float = 0.0) -> float:
    """Return how long a run takes where no other work has a CPU.

    Parameters
    ----------
    run : Run
        With the usage of its processes.
    workers : int
        Of the cluster, each of one thread.
    early : float
        CPU seconds that belong to the run and were used before it began; nobody shares them.

    Returns
    -------
    float
        Seconds: the wall clock less what the run waited for a CPU, within what the CPU
        times themselves say. It is never less than what was done alone and an equal share of the
        rest (Amdahl 1967), and no process takes less than it computed.
    """
    alone, each = work(run)
    alone += early
    shared = fsum(each)
    # Nothing is faster than this, however the work is dealt out.
    least = max(alone + shared / workers, max((use.cpu_seconds for use in run.usage), default=0.0))
    busiest = alone + max(each, default=0.0)
    stood_still = without_cpu(run)
    if stood_still is None:
        return max(least, busiest)
    by_clock = max(run.done - run.go + early - stood_still, busiest)
    # Where a neighbour held up one worker, the others did more of the work: then the number of
    # processes that computed at a time, while they could, says more than the busiest one.
    at_a_time = min(_computing(run), float(workers))
    by_number = (alone + shared) / max(at_a_time, 1e-9)
    return max(least, min(by_clock, by_number))


def _computing(run: Run) -> float:
    """Return how many processes computed at a time, on average, while they had a CPU to do so."""
    wall = run.done - run.go
    return fsum(
        min(use.cpu_seconds / max(wall - (use.delay or 0.0), 1e-3), 1.0) for use in run.usage
    )


def _workers(run: Run) -> list[ProcessUsage]:
    """Return the workers in the order of their numbers: worker-10 comes after worker-9."""
    found = (use for use in run.usage if use.role is Role.WORKER)
    return sorted(found, key=lambda use: (len(use.name), use.name))
