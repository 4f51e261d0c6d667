"""The pictures of a run, as inline SVG: task stream, speedup curve, memory."""

from autograder.report.curve import crossing, speedup_curve
from autograder.report.memory import memory_over_time
from autograder.report.stream import task_stream

__all__ = ["crossing", "memory_over_time", "speedup_curve", "task_stream"]
