"""The checks: each judges one aspect of the evidence and reports it to the student.

A check is a function ``(exercise, spec, evidence, reference) -> Finding``; its name is the
``check`` of ``exercise.toml``, and the first line of its docstring is what a student reads about
it. `autograder.diagnose` explains "Kept evidence" beside a threshold.
"""

from collections.abc import Mapping

from autograder.checks.answers import once, request, rule, survives, values, workers
from autograder.checks.base import Check
from autograder.checks.data import lazy, memory, passes, reads_once, stays_distributed
from autograder.checks.moved import moved
from autograder.checks.no_answer import with_names
from autograder.checks.speed import speedup, timing
from autograder.checks.work import work

__all__ = ["CHECKS", "Check", "with_names"]

CHECKS: Mapping[str, Check] = {
    check.__name__: check
    for check in (
        *(values, lazy, speedup, rule, request, workers, survives, once),
        *(stays_distributed, reads_once, memory, timing, work, moved, passes),
    )
}
