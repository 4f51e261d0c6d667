"""Modules that are loaded by name, where the grader itself does not import them.

They are imported inside a sandbox: the driver by the kernel, the recorder by the scheduler, the
clock by each worker.
"""

__all__ = ["DRIVER", "ONE_CLOCK", "RECORDER"]

DRIVER = "autograder.evidence.driver"
RECORDER = "autograder.evidence.recorder"
ONE_CLOCK = "autograder.evidence.one_clock"
