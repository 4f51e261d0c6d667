"""The speedup of a timed run, and the share of the points that it earns. Pure."""

from collections.abc import Sequence
from dataclasses import replace
from math import fsum

from autograder.model import Reference, Run, Speedup
from autograder.speedup.quiet_time import quiet_seconds, without_cpu, work

__all__ = ["EARLY", "ROOM", "SHARE", "UNKNOWN", "ZERO", "credit", "measured", "speedup"]

ROOM = 1.05
"""Times the reference solution's work that counts as useful. Right programs used 0.35 to 1.41 times
the reference's, with the more the busier the machine; those over this lose nothing by it."""

ZERO = 1.25
"""Speedup up to which nothing is earned. Serial and sham programs of which no worker does it all
(`tampering.unshared`) had 1.24 and less in the corpus, beside the same other work as the reference
solution; all such samples of the class had 1.19 and less."""

SHARE = 0.7
"""Share of the reference solution's speedup that earns all points. Right programs of the corpus and
of the sample class reached 0.71 of it and more."""

EARLY = 1.5
"""Times the reference solution's CPU seconds that may be used while the input is made. In the
corpus that took 0.76 to 1.67 times as long as in the reference solution's run, of some 0.2 s."""

UNKNOWN = Reference(1.0, None, 0, 0, 0, 0, serial_seconds=None, same_round=True)
"""Nothing to stand beside: the reference solution itself."""


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
    early = 0.0  # CPU seconds used while the input was made, beyond what that takes
    if reference.summary is not None:
        early = max(run.setup_cpu - EARLY * reference.summary.setup_cpu, 0.0)
    alone, each = work(run)
    alone += early
    spared = min(alone, reference.alone)
    most = None if reference.cpu_seconds is None else ROOM * reference.cpu_seconds
    useful = alone + fsum(each)
    useful = (useful if most is None else min(useful, most)) - spared
    quiet = quiet_seconds(run, workers, early) - spared
    return Speedup(
        workers=workers,
        wall=run.done - run.go,
        without_cpu=without_cpu(run),
        alone=alone,
        each=each,
        spared=spared,
        quiet=quiet,
        useful=useful,
        most=most,
        speedup=max(useful / quiet, 0.0) if quiet > 0.0 else 1.0,
        zero=ZERO,
        full=max(SHARE * reference.speedup, ZERO + 0.05),
    )


def credit(found: Speedup) -> float:
    """Return the share of the points, 0 to 1, rising evenly from `zero` to `full`."""
    return min(max((found.speedup - found.zero) / (found.full - found.zero), 0.0), 1.0)


def measured(runs: Sequence[Run], workers: int) -> tuple[float, float, float]:
    """Return speedup, work and what was done alone, of several runs of the reference solution.

    Other work only ever adds seconds, so the least of each counts, and the best speedup.
    """
    every = [work(run) for run in runs]
    least = min(alone + fsum(each) for alone, each in every)
    alone = min(alone for alone, _ in every)
    own = replace(UNKNOWN, alone=alone)
    return max(speedup(run, workers, own).speedup for run in runs), least, alone
