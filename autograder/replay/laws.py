"""Bounds that no schedule can beat, and the bound that a greedy one always meets.

For a program of work T₁ (seconds of all tasks together) and span T∞ (seconds of its longest chain),
every schedule on P workers takes at least T₁ / P, the *work law*, and at least T∞, the *span law*.
A greedy schedule on a cluster without overhead takes at most T₁ / P + T∞ (R. L. Graham, "Bounds for
certain multiprocessing anomalies", Bell System Technical Journal 45(9), 1966; R. P. Brent, "The
parallel evaluation of general arithmetic expressions", J. ACM 21(2), 1974). The client's thinking
is part of the span: it takes time but no worker.
"""

from math import fsum

from autograder.replay.plan import Plan

__all__ = ["span", "work"]


def work(plan: Plan) -> float:
    """Add up the compute time of all tasks, in seconds."""
    return fsum(plan.seconds)


def span(plan: Plan) -> float:
    """Return the seconds from GO to done on unboundedly many workers without overhead.

    It is the longest path through dependencies, the client's waiting, thinking and tail.
    """
    finished: list[float] = []
    prefix = [0.0]  # latest finish of the first 0, 1, 2, … tasks
    for i, seconds in enumerate(plan.seconds):
        release = prefix[plan.seen[i]] + plan.think[i]
        finished.append(max([release, *(finished[j] for j in plan.dependencies[i])]) + seconds)
        prefix.append(max(prefix[-1], finished[i]))
    return prefix[-1] + plan.tail
