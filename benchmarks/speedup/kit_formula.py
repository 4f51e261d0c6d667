"""The kit's own formula, in the form that ``judge.py`` asks for."""

from collections.abc import Sequence
from dataclasses import replace

from autograder.evidence.summary import summarise
from autograder.model import Reference, Run
from autograder.speedup.credit import UNKNOWN, measured
from autograder.speedup.decide import judge

__all__ = ["credit", "reference"]


def credit(run: Run, references: Sequence[Run], workers: int) -> tuple[float, bool]:
    """Return the share of the points, and whether the program might be "not accepted"."""
    verdict = judge(run, workers, reference(references, workers))
    return verdict.credit, bool(verdict.contradiction) and verdict.credit > 0.0


def reference(runs: Sequence[Run], workers: int) -> Reference:
    """Return what some runs of the reference solution are judged against."""
    speedup, work, alone = measured(runs, workers)
    return replace(
        UNKNOWN, speedup=speedup, cpu_seconds=work, alone=alone, summary=summarise(runs[-1])
    )
