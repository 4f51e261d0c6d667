"""Whose fault it is: the two kinds of error, and nothing else.

A student's error costs the points of what it broke. An error of ours costs nobody a point:
the submission stays ungraded, the instructor reads why, and the batch goes on.
"""

__all__ = ["UNDEFINED", "HarnessError", "KitError", "SubmissionError"]

UNDEFINED = "the notebook defines no function called"
"""How the message of a call begins that could not be made: in the box it is said, outside known."""


class KitError(Exception):
    """Base of both kinds, so that a caller can catch what the kit raises on purpose.

    The message is one sentence that a person can act on: what it is about, what was
    expected, what came, what to do.
    """


class SubmissionError(KitError):
    """The submission cannot be graded as it is, through what the student handed in."""


class HarnessError(KitError):
    """The kit, its set-up or the machine failed; the student is not to blame."""
