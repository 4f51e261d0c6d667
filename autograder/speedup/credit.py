"""Credit for a speedup: from nothing at about serial speed to all at a share of the reference's."""

from autograder.evidence.summary import cpu_used
from autograder.model import Reference, Run

__all__ = ["LEAST_SHARE", "SHARE", "ZERO", "credit_for", "full_at", "ramp"]

ZERO = 1.1
"""Speedup up to which nothing is earned. Serial programs replay at 1.00 to 1.02, and the
operating system's hundredths of a second can lift the bound of the CPU times by some percent: 399
serial runs, quiet and beside burning programs, counted 1.00 to 1.09."""

SHARE = 0.8
"""Share of the reference solution's speedup that earns full credit. In 300 runs of ex01, ex02 and
ex04, quiet and beside burning programs, all right solutions but one in twenty reached 87 % and more
of it (``docs/verdict.md``); what needs less work is asked for less, too (`full_at`)."""

LEAST_SHARE = 0.5
"""Least part of the way from `ZERO` to full credit that a program has to go which needs less
work than the reference solution, to earn all of it (`full_at`)."""


def full_at(reference: Reference, run: Run, workers: int) -> float:
    """Return the speedup that earns full credit beside a reference solution's run.

    It is a share of the reference solution's, which amounts to an allowance of seconds: for
    starting, fetching, and waiting for the last task. A program that needs less work than the
    reference solution (in CPU seconds, a fact) is given the same seconds, which are a larger part
    of its time. Otherwise who saves work would be punished for it.
    """
    usual = max(SHARE * reference.speedup, ZERO + 0.1)
    own = cpu_used(run)
    if reference.cpu_seconds is None or not 0.0 < own < reference.cpu_seconds:
        return usual
    # Seconds per second of work: 1 / speedup is what a run takes, 1 / workers what it has to.
    allowed = (1 / usual - 1 / workers) * reference.cpu_seconds / own
    return min(usual, max(1 / (1 / workers + allowed), ZERO + LEAST_SHARE * (usual - ZERO)))


def credit_for(speedup: float, full: float) -> float:
    """Return the share of the points, 0 to 1, that a speedup earns."""
    return ramp(speedup, ZERO, full)


def ramp(seen: float, none: float, whole: float) -> float:
    """Rise linearly from 0 at ``none`` to 1 at ``whole``; clamped outside."""
    return min(max((seen - none) / (whole - none), 0.0), 1.0)
