"""The distributions of marks and speedups in a class."""

import statistics
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from xml.etree.ElementTree import Element

import numpy as np
from markupsafe import Markup

from autograder.formats import number
from autograder.report import svg
from autograder.report.classroom.class_data import Classroom, State

__all__ = ["Histogram", "of"]

WIDTH, HEIGHT = 480.0, 150.0
VIEW = (-12, -34, 504, 216)


@dataclass(frozen=True, slots=True)
class Histogram:
    """A distribution and its picture, which the page's style sheet colours."""

    name: str
    title: str
    unit: str
    svg: Markup


def of(classroom: Classroom) -> list[Histogram]:
    """Return the histograms of a class: of its marks, and of every function that is timed."""
    points = [entry.points for entry in classroom.entries if entry.points is not None]
    open_ = sum(entry.state is State.OPEN for entry in classroom.entries)
    unit = "points" + (f", {open_} with answers in words still to be marked" if open_ else "")
    step = 1.0 if classroom.max_points <= 20 else classroom.max_points / 10
    shown = [_histogram("marks", "Marks", unit, points, 0.0, classroom.max_points, step)]
    for place, timing in enumerate(classroom.timings):
        key = timing.exercise, timing.function
        values = [entry.speedups[key] for entry in classroom.entries if key in entry.speedups]
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
    """Count values into columns; a value at the upper end belongs to the last one."""
    columns = max(round((high - low) / step + 0.499), 1)
    # A hair above, so that 1.3 falls right of the edge at 1.3.
    places = np.clip((np.array(values) - low) / step + 1e-9, 0, columns)
    counts = np.histogram(places, bins=columns, range=(0, columns))[0].tolist()
    edges = [low + place * step for place in range(columns + 1)]
    parts = [
        f"{count} from {number(edges[place])} to {number(edges[place + 1])}"
        for place, count in enumerate(counts)
        if count
    ]
    if values:
        parts.append(f"median {statistics.median(values):.2f}".rstrip("0").rstrip("."))
    line = None
    # A ratio of seconds may be a hair above the number of workers.
    if mark is not None and low <= mark <= edges[-1] + 1e-9:
        line = (WIDTH * (mark - low) / (edges[-1] - low), f"reference {mark:.2f}")
        parts.append(line[1])
    description = f"{len(values)} students: {'; '.join(parts)}." if values else "Nobody yet."
    drawn = Markup(svg.drawing(VIEW, _draw(counts, edges, line), description))
    return Histogram(name, title, unit, drawn)


def _draw(
    counts: Sequence[int], edges: Sequence[float], mark: tuple[float, str] | None
) -> Iterator[Element]:
    """Draw the columns, their edges and a vertical line with its words; counts on top of all."""
    width, most = WIDTH / len(counts), max(*counts, 1)
    every = -(-len(counts) // 12)
    for place, edge in enumerate(edges):
        if place % every == 0 or place == len(counts):
            yield _text(place * width, 168, number(edge), "edge")
    for place, count in enumerate(counts):
        if count:
            tall, wide = HEIGHT * count / most, max(width - 2, 1)
            x, y = place * width + 1, HEIGHT - tall
            yield svg.element("rect", x=x, y=y, width=wide, height=tall, class_="bar")
    yield svg.element("line", x1=0, x2=WIDTH, y1=HEIGHT, y2=HEIGHT, class_="axis")
    if mark is not None:
        x, words = mark
        yield svg.element("line", x1=x, x2=x, y1=-20, y2=HEIGHT, class_="mark")
        yield _text(min(x, 430), -24, words, "word")
    for place, count in enumerate(counts):
        if count:
            yield _text(
                (place + 0.5) * width, HEIGHT - HEIGHT * count / most - 5, f"{count}", "count"
            )


def _text(x: float, y: float, words: str, kind: str) -> Element:
    return svg.element("text", words, x=x, y=y, text_anchor="middle", class_=kind)
