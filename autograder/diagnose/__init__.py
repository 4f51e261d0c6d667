"""From evidence to the named mistake: why a function is not lazy or not fast, or why it raised.

A check says what is wrong; this package says what the student did. Counts, bytes and seconds are
compared with the reference solution's run, never with absolute limits. Each mistake is one screen:
a function that recognises it, with its title, numbers, words and pointer, in a module by subject.
``table.py`` has the order in which they are tried, ``failures.py`` what exceptions mean,
``arguments.py`` what the function's code reveals, and ``docs/mistakes.md`` shows all of it to
instructors. (Mistakes recognised by a returned value are in the exercise's own description.)

"Kept evidence: A to B" beside a threshold means that any value between the two gives every
sample of the class the same diagnosis (`benchmarks/thresholds.py`); if A or B is missing, so does a
tenth or ten times the value.
"""

from autograder.diagnose.arguments import NAMED, named
from autograder.diagnose.failures import FAILURES, NO_CALL, explain
from autograder.diagnose.rules import Observed, Rule
from autograder.diagnose.table import TABLE
from autograder.model import Exercise, Mistake, Reference, Run, SpeedupStudy

__all__ = ["FAILURES", "NAMED", "NO_CALL", "TABLE", "Rule", "diagnose", "explain", "named"]


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
        The first match of the table, if any.
    """
    lost = check or ("lazy" if study is None else "speedup")
    observed = Observed(exercise, run, study, reference)
    for rule in TABLE:
        if lost in rule.explains and (not rule.techniques or exercise.technique in rule.techniques):
            mistake = rule(observed)
            if mistake is not None:
                return (mistake,)
    return ()
