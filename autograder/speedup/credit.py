"""The speedup of a timed run, and the share of the points that it earns. Pure."""

from math import fsum

from autograder.model import Reference, Run, Speedup
from autograder.speedup.quiet_time import quiet_seconds, without_cpu, work

__all__ = ["EARLY", "ROOM", "SHARE", "ZERO", "credit", "least_work", "most_speedup", "speedup"]

ROOM = 1.15
"""Times the reference solution's work that counts as useful."""

ZERO = 1.25
"""Speedup up to which nothing is earned."""

SHARE = 0.8
"""Share of the reference solution's speedup that earns all points."""

EARLY = 1.5
"""Times the reference solution's CPU seconds that may be used while the input is made."""


def speedup(run: Run, workers: int, reference: Reference) -> Speedup:
    """Return the speedup of a run that gave the right answer, with all that it follows from.

    Parameters
    ----------
    run : Run
    workers : int
        Of the cluster.
    reference : Reference
        The reference solution on the same case. Without its work (in a self-check) all work counts
        as useful.
    """
    alone, each = work(run)
    early = _early(run, reference)
    alone += early
    useful = alone + fsum(each)
    if reference.cpu_seconds is not None:
        useful = min(useful, ROOM * reference.cpu_seconds)
    quiet = quiet_seconds(run, workers, early)
    return Speedup(
        workers=workers,
        wall=run.done - run.go,
        without_cpu=without_cpu(run),
        alone=alone,
        each=each,
        quiet=quiet,
        useful=useful,
        speedup=useful / quiet if quiet > 0.0 else 1.0,
        zero=ZERO,
        full=max(SHARE * reference.speedup, ZERO + 0.05),
    )


def credit(found: Speedup) -> float:
    """Return the share of the points, 0 to 1, rising evenly from `zero` to `full`."""
    return min(max((found.speedup - found.zero) / (found.full - found.zero), 0.0), 1.0)


def least_work(runs: list[Run]) -> float:
    """Return the CPU seconds of the run that needed fewest: other work only ever adds to them."""
    return min(alone + fsum(each) for alone, each in map(work, runs))


def most_speedup(runs: list[Run], workers: int) -> float:
    """Return the speedup of the best of some runs of the reference solution."""
    return max(least_work([run]) / quiet_seconds(run, workers) for run in runs)


def _early(run: Run, reference: Reference) -> float:
    """Return the CPU seconds that were used while the input was made, beyond what that takes."""
    if reference.summary is None:
        return 0.0
    return max(run.setup_cpu - EARLY * reference.summary.setup_cpu, 0.0)
