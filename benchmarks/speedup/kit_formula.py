"""The kit's own formula, in the form that ``judge.py`` asks for."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

from autograder.evidence.reference_again import at_the_moment
from autograder.evidence.summary import summarise
from autograder.model import Reference, Run
from autograder.speedup.credit import UNKNOWN, measured, speedup
from autograder.speedup.credit import credit as share
from autograder.speedup.decide import is_doubtful
from autograder.speedup.tampering import unseen, unshared

__all__ = ["credit", "forget", "reference"]

_DONE: dict[tuple[object, ...], tuple[Any, object]] = {}


def credit(run: Run, references: Sequence[Run], workers: int) -> tuple[float, bool]:
    """Return the share of the points, and whether the program might be "not accepted"."""
    round_ = at_the_moment(_once(reference, references, workers), {run.case}, [run])
    found = speedup(run, workers, round_)
    earned = share(found)
    if unseen(found, round_) or unshared(run, found, round_):
        earned = 0.0
    return earned, earned > 0.0 and _once(is_doubtful, run)


def forget() -> None:
    """Forget what was measured, before the formula changes."""
    _DONE.clear()


def _once(function: Callable[..., Any], seen: Any, *more: int) -> Any:
    """Call a function once for what is judged many times, in all pairs of runs and rounds."""
    key = (function, id(seen), *more)
    if key not in _DONE:
        _DONE[key] = (function(seen, *more), seen)  # held, so that its id stays its own
    return _DONE[key][0]


def reference(runs: Sequence[Run], workers: int) -> Reference:
    """Return what some runs of the reference solution are judged against."""
    speedup, work, alone = measured(runs, workers)
    return replace(
        UNKNOWN, speedup=speedup, cpu_seconds=work, alone=alone, summary=summarise(runs[-1])
    )
