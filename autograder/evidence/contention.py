"""Whether other work on the machine left a run too little CPU, by what was seen of it."""

from autograder.evidence.summary import cpu_of, task_seconds
from autograder.model import Role, Run

__all__ = ["NEIGHBOURS", "is_contended"]

_BUSY_BELOW = 0.8
"""CPU seconds of the workers per second of recorded task time under which the machine was too
busy for the run to be a fair one. Measured on two cores: 0.89 to 1.03 on a quiet machine, 0.60
to 0.89 with one CPU burner beside, about 0.5 with two."""

_NO_SHARE = 0.1
"""CPU seconds per recorded second under which it was not the neighbours: with four of them that
compute all the time, a worker on two cores still gets a third."""

_ENOUGH_WORK = 0.2
"""Seconds of recorded task time from which the ratio means something: the operating system
counts in hundredths of a second."""

NEIGHBOURS = 0.1
"""Share of the machine's CPU that other work must have had, for the machine to be called busy.
Otherwise tasks that got no CPU did not ask for it: they slept, or waited for a lock. One
neighbour that computes all the time takes 0.3 to 0.5 of two cores beside a program that keeps both
busy; a quiet machine gave 0.00 to 0.05."""


def is_contended(run: Run) -> bool:
    """Tell whether other work left the workers too little CPU for a fair run."""
    if run.background_load is not None and run.background_load < NEIGHBOURS:
        return False
    recorded, spent = task_seconds(run.recording), cpu_of(run, Role.WORKER)
    return recorded > _ENOUGH_WORK and _NO_SHARE * recorded < spent < _BUSY_BELOW * recorded
