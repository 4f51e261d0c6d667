"""Grade machine learning with Dask: correctness and speedup, in a sandbox, with explanations.

Students use `check` in their notebooks; instructors use nbgrader with this kit's
configuration, or the ``autograder`` command.
"""

import os
from collections.abc import Callable
from typing import Any

__all__ = ["check"]


def check(function: Callable[..., Any] | None = None, only: str | None = None) -> None:
    """Check a function of an exercise, or everything filled in so far, and show the result.

    Parameters
    ----------
    function : callable, optional
        Your function, for example ``predict_large``; without it, all functions of the exercise.
    only : str, optional
        One check, for example ``"values"``; without it, all of the function's checks.

    Raises
    ------
    autograder.student.check.CheckFailed
        After showing the card, if something is not right yet, so that "Run All" and the
        Validate button notice. An unfilled blank counts as not right if it was requested by
        name.
    """
    # Imported when it is needed: a box's programs import this package, too, and start sooner.
    if os.environ.get("AUTOGRADER_GRADING"):
        print("The grader checks this itself, on data that nobody has seen.")
        return
    from autograder.student.check import check

    check(function, only)
