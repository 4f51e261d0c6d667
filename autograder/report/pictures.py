"""The pictures of a run, as inline SVG: task stream and speedup curve."""

from autograder.report.curve import crossing, speedup_curve
from autograder.report.stream import task_stream

__all__ = ["crossing", "speedup_curve", "task_stream"]
