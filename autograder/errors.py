"""Every exception that ``autograder`` raises on purpose, and whose fault each one is.

::

    Exception
    ├── KitError                      any of these; the message is for a person to act on
    │   ├── SubmissionError           the student's fault: costs the points of what it broke
    │   │   └── OversizeSubmission    to read it would cost too much time or memory
    │   ├── HarnessError              ours or the machine's: costs nobody a point
    │   │   └── ZygoteError           a box cannot be forked; it is started in the other way
    │   ├── InconsistentRecording     nobody's yet: the verdict decides what it means
    │   │   └── OversizeRecording
    │   └── CheckError                check() could not judge; nothing is graded there
    ├── AssertionError
    │   └── CheckFailed               check() judged: not passed yet
    └── ValueError
        └── ArgumentError             arguments that make no job script; ex05 turns it into words

    BaseException
    └── KeyboardInterrupt
        └── CheckInterrupted          the student stopped check()

A student's error costs the points of what it broke. An error of ours costs nobody a point:
the submission stays ungraded, the instructor reads why, and the batch goes on.

``cluster``, which knows nothing of grading, has an error of its own, `cluster.ClusterError`.
Exceptions with a private name never leave the module that defines them.
"""

__all__ = [
    "UNDEFINED",
    "ArgumentError",
    "CheckError",
    "CheckFailed",
    "CheckInterrupted",
    "HarnessError",
    "InconsistentRecording",
    "KitError",
    "OversizeRecording",
    "OversizeSubmission",
    "SubmissionError",
    "ZygoteError",
]

UNDEFINED = "the notebook defines no function called"
"""Prefix of the error for an undefined function: the driver writes it inside the box, the checks
look for it outside."""


class KitError(Exception):
    """Base of all kinds, so that a caller can catch what the kit raises on purpose.

    The message is one sentence that a person can act on: what it is about, what was
    expected, what was found, what to do.
    """


class SubmissionError(KitError):
    """The submission cannot be graded, because of what the student handed in."""


class OversizeSubmission(SubmissionError):
    """The submission takes more time or memory to read than any honest one."""


class HarnessError(KitError):
    """The kit, its set-up or the machine failed; the student is not to blame."""


class ZygoteError(HarnessError):
    """A box cannot be forked from the zygote; it can still be started without it."""


class InconsistentRecording(KitError):
    """The testimony contradicts itself: no run of any program could have left it.

    The recorder that the kit puts into the scheduler never writes such a record, so the
    verdict treats it as forged; it is neither a mistake of the student's nor a fault of ours.
    """


class OversizeRecording(InconsistentRecording):
    """A record that may be true, but is too large to replay."""


class CheckError(KitError):
    """The check could not run; the message says why and what to do."""

    def _render_traceback_(self) -> list[str]:
        # Called by IPython. A traceback would show the kit's own code.
        return str(self).splitlines()


class CheckFailed(AssertionError):
    """A check of the notebook is not passed; the card above the message says why."""

    def _render_traceback_(self) -> list[str]:
        return str(self).splitlines()


class CheckInterrupted(KeyboardInterrupt):
    """The student interrupted the check."""

    def _render_traceback_(self) -> list[str]:
        return [str(self)]


class ArgumentError(ValueError):
    """The arguments make no job script; the message goes on from "…Cluster"."""
