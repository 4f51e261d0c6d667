"""The numbers of ex00: tasks that sleep, chunks, and the tasks of a graph."""

from lessons.number import number
from lessons.text import Lesson


@number(
    "Eight tasks of a quarter of a second take two seconds in one process, and two workers with "
    "one thread each need about one second."
)
def _eight_tasks(lesson: Lesson) -> str:
    here, there = lesson(r"in this process: ([\d.]+) s"), lesson(r"on the cluster: +([\d.]+) s")
    return f"{here[0]:.2f} s and {there[0]:.2f} s"


@number("Eight chunks of a million numbers, 8 MB each.")
def _chunks(lesson: Lesson) -> str:
    x = lesson["x"]
    return f"{x.numblocks[0]} chunks of {x.chunks[0][0]:,} numbers, {x.blocks[0].nbytes / 1e6} MB"


@number("which makes 27.")
def _tasks_of_the_sum(lesson: Lesson) -> str:
    return f"{len(lesson['total'].__dask_graph__())} tasks"
