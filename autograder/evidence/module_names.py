"""Names of the modules that are imported inside a sandbox, and not by the grader.

The driver is imported by the kernel, the recorder by the scheduler, the
clock by each worker.
"""

__all__ = ["DRIVER", "ONE_CLOCK", "RECORDER"]

DRIVER = "autograder.evidence.driver"
RECORDER = "autograder.evidence.recorder"
ONE_CLOCK = "autograder.evidence.one_clock"
