"""How marks and speedups are spread over a class."""

import statistics
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from autograder.report.classroom.class_data import Classroom, State
from autograder.report.terminal import number

__all__ = ["Bar", "Histogram", "of"]

WIDTH, HEIGHT = 480.0, 150.0


@dataclass(frozen=True, slots=True)
class Bar:
    """One column of a histogram; lengths in the units of the drawing."""

    x: float
    y: float
    width: float
    height: float
    count: int
    label: str
    """The left edge, or empty where there is no room for one."""


@dataclass(frozen=True, slots=True)
class Histogram:
    """A distribution, ready to be drawn: 0 to 480 from left to right, 0 to 150 downwards."""

    name: str
    title: str
    unit: str
    bars: tuple[Bar, ...]
    last: str
    """The right edge."""
    mark: tuple[float, str] | None
    """A vertical line and its words."""
    description: str


def of(room: Classroom) -> list[Histogram]:
    """Return the histograms of a class: of its marks, and of every function that is timed."""
    points = [entry.points for entry in room.entries if entry.points is not None]
    open_ = sum(entry.state is State.OPEN for entry in room.entries)
    unit = "points" + (f", {open_} with words still to be marked" if open_ else "")
    step = 1.0 if room.max_points <= 20 else room.max_points / 10
    shown = [_histogram("marks", "Marks", unit, points, 0.0, room.max_points, step)]
    for place, timing in enumerate(room.timings):
        key = timing.exercise, timing.function
        values = [entry.speedups[key] for entry in room.entries if key in entry.speedups]
        top = max([float(timing.workers), *values])
        step = next(step for step in (0.1, 0.2, 0.5, 1.0, top) if (top - 1) / step <= 12)
        unit = f"times as fast as one worker, on {timing.workers}"
        title = f"Speedup of {timing.function}"
        shown.append(
            _histogram(f"speedup{place}", title, unit, values, 1.0, top, step, timing.reference)
        )
    return shown


def _histogram(
    name: str,
    title: str,
    unit: str,
    values: Sequence[float],
    low: float,
    high: float,
    step: float,
    mark: float | None = None,
) -> Histogram:
    """Count values into columns; what lies on the upper end belongs to the last one."""
    count = max(round((high - low) / step + 0.499), 1)
    # A hair above, so that 1.3 falls right of the edge at 1.3.
    places = Counter(min(int((value - low) / step + 1e-9), count - 1) for value in values)
    most = max(places.values(), default=1)
    width = WIDTH / count
    every = max(1, -(-count // 12))
    bars = tuple(
        Bar(
            x=place * width,
            y=HEIGHT - HEIGHT * places[place] / most,
            width=width,
            height=HEIGHT * places[place] / most,
            count=places[place],
            label=number(low + place * step) if place % every == 0 else "",
        )
        for place in range(count)
    )
    end = low + count * step
    parts = [
        f"{bar.count} from {number(low + place * step)} to {number(low + (place + 1) * step)}"
        for place, bar in enumerate(bars)
        if bar.count
    ]
    if values:
        parts.append(f"median {statistics.median(values):.2f}".rstrip("0").rstrip("."))
    line = None
    if mark is not None and low <= mark <= end:
        line = (WIDTH * (mark - low) / (end - low), f"reference {mark:.2f}")
        parts.append(line[1])
    description = f"{len(values)} students: {'; '.join(parts)}." if values else "Nobody yet."
    return Histogram(name, title, unit, bars, number(end), line, description)
