"""From evidence to the named mistake: why a function is not lazy, not fast, or raised.

A check says what is wrong; this package says what the student did. Counts, bytes and seconds are
judged against the reference solution's run, never against an absolute. What there is to know is
in one table (`TABLE`, and `FAILURES` for exceptions), which ``docs/mistakes.md`` shows to
instructors; the detectors stand in modules by subject, and a detector's docstring is the sign
that it goes by. (A mistake that a returned value gives away is in the exercise's own
description.)
"""

from autograder.diagnose.failures import FAILURES, explain
from autograder.diagnose.table import TABLE, Row
from autograder.model import Exercise, Mistake, Reference, Run, SpeedupStudy

__all__ = ["FAILURES", "TABLE", "Row", "diagnose", "explain"]


def diagnose(
    exercise: Exercise,
    run: Run,
    study: SpeedupStudy | None,
    reference: Reference,
    check: str = "",
) -> tuple[Mistake, ...]:
    """Name the mistake that a run shows.

    Parameters
    ----------
    exercise : Exercise
        What the run is of.
    run : Run
        The student's run.
    study : SpeedupStudy or None
        Its replay, where the speedup is judged.
    reference : Reference
        The reference solution on the same input.
    check : str
        Name of the check that lost points; by default ``speedup`` with a replay and ``lazy``
        without one.

    Returns
    -------
    tuple of Mistake
        The first of the table that fits, or nothing.
    """
    lost = check or ("lazy" if study is None else "speedup")
    for row in TABLE:
        if lost not in row.explains or exercise.technique not in (
            row.techniques or [exercise.technique]
        ):
            continue
        explanation = row.detect(exercise, run, study, reference)
        if explanation is not None:
            return (Mistake(row.name, row.title, explanation, row.see),)
    return ()
