"""The numbers of ex09: slow ways to read a table, what a shuffle sends, and pandas beside Dask."""

import re

from lessons.number import number
from lessons.text import Lesson, best_of


@number("Row by row** costs most by far, about a thousand times as much.")
def _row_by_row(lesson: Lesson) -> str:
    day, places = lesson["day"], lesson["places"]
    by_column = best_of(5, lambda: lesson["distance"](*(day[place] for place in places)))
    return f"{lesson['by_row'] / by_column:,.0f} times {by_column * 1e3:.1f} ms"


@number("Many small partitions** cost many times as much")
def _crumbs(lesson: Lesson) -> str:
    few, many = (
        lesson(rf"a mean over the same rides, +{pieces} partitions: ([\d.]+) s")[0]
        for pieces in (4, 200)
    )
    return f"{many / few:.1f} times {few:.2f} s"


@number("every task costs a millisecond or more to hand out")
def _a_task(lesson: Lesson) -> str:
    (many,) = lesson(r"a mean over the same rides, +200 partitions: ([\d.]+) s")
    tasks = len(lesson["crumbs"].groupby("bike").mean().optimize().__dask_graph__())
    return f"{many / tasks * 1e3:.2f} ms for each of {tasks}"


@number("Three computes** take two to three times as long as one")
def _three(lesson: Lesson) -> str:
    return f"{lesson['three_runs'] / lesson['one_run']:.1f} times {lesson['one_run']:.2f} s"


@number("The rides have about 45 bytes each.")
def _a_ride(lesson: Lesson) -> str:
    return f"{lesson['size'] / len(lesson['rides']):.0f} bytes"


@number("With one partition, the workers send each other some kilobytes: the list, and a few sums.")
def _broadcast(lesson: Lesson) -> str:
    return f"{_sent(lesson, 1)[0] * 1e3:.0f} kB"


@number("With six, they send about half of the rides")
def _shuffled(lesson: Lesson) -> str:
    sent, rides = _sent(lesson, 6)
    return f"{sent:.1f} MB of {rides:.1f} MB: {sent / rides:.0%}"


def _sent(lesson: Lesson, partitions: int) -> tuple[float, ...]:
    """Return the megabytes that were sent, and those of the rides."""
    return lesson(rf"(?m)^{partitions} partitions: +([\d.]+) MB sent, .*are ([\d.]+) MB")


@number("Hundreds of thousands of rides have become some hundred rows.")
def _small(lesson: Lesson) -> str:
    return f"{len(lesson['rides']):,} rides, {len(lesson['table'])} rows"


@number("the same code runs, complains about nothing, and learns nothing.")
def _mixed(lesson: Lesson) -> str:
    return "; ".join(re.findall(r"AUC [\d.]+, with labels .* [\d.]+", lesson.printed))


@number("For a few files the difference is small, and pandas is simpler.")
def _alone(lesson: Lesson) -> str:
    (alone,), (spread,) = (
        lesson(rf"{name}: ([\d.]+) s") for name in ("pandas, one process", "Dask, 2 workers")
    )
    return f"pandas {alone:.2f} s, Dask {spread:.2f} s"
