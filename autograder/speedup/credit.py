"""The speedup of a timed run, and the share of the points that it earns. Pure."""

from collections.abc import Sequence
from dataclasses import replace
from math import fsum

from autograder.evidence.summary import early_cpu
from autograder.model import Reference, Run, Speedup
from autograder.speedup.quiet_time import quiet_seconds, shared_seconds, without_cpu, work

__all__ = ["ROOM", "SHARE", "UNKNOWN", "ZERO", "credit", "measured", "speedup"]

ROOM = 1.05
"""Cap on useful work, as a multiple of the reference solution's. Right programs used 0.35 to 1.41
times the reference's, more on busier machines; those above this cap lose nothing by it."""

ZERO = 1.25
"""Speedup up to which nothing is earned. Serial and sham programs in which no worker does
everything (`tampering.unshared`) had 1.19 or less in the corpus, under the same load as the
reference solution; all such samples of the class had 1.20 or less."""

SHARE = 0.7
"""Share of the reference solution's speedup that earns all points. Right programs of the corpus and
of the sample class reached 0.71 of it or more. (One reached 0.69 on a case whose tasks were so
short that half as large chunks took a third more CPU: the case was changed.)"""

UNKNOWN = Reference(1.0, None, 0, 0, 0, 0, serial_seconds=None, same_round=True)
"""No reference: for the reference solution itself."""


def speedup(run: Run, workers: int, reference: Reference) -> Speedup:
    """Return the speedup of a run that gave the right answer, with the figures behind it.

    Parameters
    ----------
    run : Run
    workers : int
        Of the cluster.
    reference : Reference
        The reference solution on the same case. Without its work (in a self-check) all work counts
        as useful.
    """
    early = early_cpu(run, reference.summary.setup_cpu if reference.summary else None)
    alone, each = work(run)
    alone += early
    spared = min(alone, reference.alone)
    most = None if reference.cpu_seconds is None else ROOM * reference.cpu_seconds
    useful = alone + fsum(each)
    useful = (useful if most is None else min(useful, most)) - spared
    shared = shared_seconds(run)
    # What is spared may have been done while the workers computed.
    quiet = max(quiet_seconds(run, workers, early) - spared, shared)
    return Speedup(
        workers=workers,
        wall=run.done - run.go,
        without_cpu=without_cpu(run),
        alone=alone,
        each=each,
        shared=shared,
        spared=spared,
        quiet=quiet,
        useful=useful,
        most=most,
        speedup=max(useful / quiet, 0.0) if quiet > 0.0 else 1.0,
        zero=ZERO,
        full=max(SHARE * reference.speedup, ZERO + 0.05),
    )


def credit(found: Speedup) -> float:
    """Return the share of the points, 0 to 1, rising linearly from `zero` to `full`."""
    return min(max((found.speedup - found.zero) / (found.full - found.zero), 0.0), 1.0)


def measured(runs: Sequence[Run], workers: int) -> tuple[float, float, float]:
    """Return speedup, work and work done alone of several runs of the reference solution.

    Other work only ever adds seconds, so the least of each counts, and the best speedup.
    """
    every = [work(run) for run in runs]
    least = min(alone + fsum(each) for alone, each in every)
    alone = min(alone for alone, _ in every)
    own = replace(UNKNOWN, alone=alone)
    return max(speedup(run, workers, own).speedup for run in runs), least, alone
