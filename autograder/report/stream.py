"""The task stream: which worker ran what, and when only the student's process worked."""

import math
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple
from xml.etree.ElementTree import Element

from autograder.formats import counted, one_line, seconds, shorten
from autograder.model import Run
from autograder.report import svg
from autograder.report.charts import Scale, Series, legend, legend_size
from autograder.report.svg import PALETTE, Fill

__all__ = ["task_stream"]

WIDTH, LEFT, RIGHT, LANE = 680, 84, 80, 34
MOST_BOXES = 2000
"""Above this number of tasks and gaps neighbours are merged, which keeps the picture below 200
kB."""
MOST_LANES = 16
"""Of workers that are drawn. Chosen: at 34 pixels each, the picture then fits a screen."""

_NAME = 22
"""Characters of a layer's name. Chosen: three of them then fit beside each other in the legend."""

MOST_EDGES = 120
"""Above this number of tasks in a lane, white edges would hide them."""

LAYERS = (
    Fill(PALETTE["blue"]),
    Fill(PALETTE["orange"], "/"),
    Fill(PALETTE["green"], "\\"),
    Fill(PALETTE["sky"], "+"),
    Fill(PALETTE["vermillion"], "x"),
)
OTHER, CLIENT, IDLE = Fill(svg.QUIET, "-"), Fill("#afb8c1", "|"), Fill("#f3f4f6")


class Box(NamedTuple):
    """A rectangle of a lane: seconds since GO, a layer, and how full it is (0 to 1)."""

    start: float
    stop: float
    layer: str
    fill: float = 1.0


@dataclass(frozen=True, slots=True)
class Stream:
    """What is drawn and described."""

    length: float
    """Seconds from the call to its last result."""
    lanes: dict[str, list[Box]]
    layers: list[tuple[str, float]]
    """With their seconds, the longest first."""
    alone: list[tuple[float, float]]
    """When no task was running anywhere."""
    tasks: int


def task_stream(run: Run, *, salt: str = "") -> str:
    """Draw which task ran when and where.

    Parameters
    ----------
    run : Run
        Its recording is testimony: times that are not finite are left out, and what lies
        outside the run is cut off.
    salt : str, optional
        Makes the ids differ where one page shows the same picture twice.

    Returns
    -------
    str
        An ``<svg>`` element, 680 px wide at its natural size, below 200 kB.
    """
    stream = _stream(run)
    lanes = list(stream.lanes.values())[:MOST_LANES]
    rows = len(lanes) + 1
    merge = stream.tasks + len(stream.alone) > MOST_BOXES
    slices = min(400, MOST_BOXES // rows) if merge else 0
    fills = dict(zip((layer for layer, _ in stream.layers), LAYERS, strict=False))
    entries = [Series(shorten(one_line(layer), _NAME), fill) for layer, fill in fills.items()]
    entries += [Series("other", OTHER)] if len(stream.layers) > len(fills) else []
    entries += [Series("no task running", CLIENT)]
    fits = legend_size(entries, len(entries))[0] < WIDTH - LEFT
    columns = len(entries) if fits else 3
    top = 14 + legend_size(entries, columns)[1]

    bottom = top + LANE * rows
    time = Scale(0.0, stream.length, LEFT, WIDTH - RIGHT)
    drawn = [svg.hatches((*LAYERS, OTHER, CLIENT)), *legend(entries, LEFT, 8, columns)]
    for row, boxes in enumerate(lanes):
        middle = top + LANE * (row + 0.5)
        drawn += _lane(middle, f"worker {row}", f"{_share(boxes, stream):.0%} busy")
        by_fill: dict[Fill, list[Box]] = defaultdict(list)
        for one in _merged(boxes, stream.length, slices) if merge else boxes:
            by_fill[fills.get(one.layer, OTHER)].append(one)
        edge = 0.7 if len(boxes) <= MOST_EDGES else 0.0
        drawn += [_boxes(time, middle, some, fill, edge) for fill, some in by_fill.items()]
    middle = bottom - LANE / 2
    drawn += _lane(middle, "client", f"{_total(stream.alone) / stream.length:.0%} alone")
    gaps = [Box(start, stop, "") for start, stop in stream.alone]
    gaps = _merged(gaps, stream.length, slices) if merge else gaps
    drawn += [_boxes(time, middle, gaps, CLIENT)] if gaps else []
    if not stream.tasks:
        drawn += _nothing((LEFT + WIDTH - RIGHT) / 2, top + LANE * max(rows - 1, 1) / 2)
    drawn += _time_axis(time, bottom)
    return svg.picture(
        "stream",
        (WIDTH, bottom + 40),
        drawn,
        title="Task stream: which worker ran what, and when",
        description=_describe(stream, merge),
        salt=salt,
    )


def _stream(run: Run) -> Stream:
    length = max(run.done - run.go, 1e-6)
    lanes: dict[str, list[Box]] = {worker: [] for worker in run.recording.workers}
    spent: dict[str, float] = defaultdict(float)
    for task in run.recording.tasks:
        # A task that waits for tasks of its own leaves the lane to them.
        start, stop = task.start - run.go, task.stop - task.away_seconds - run.go
        if math.isfinite(start) and math.isfinite(stop):
            box = Box(max(start, 0.0), min(stop, length), task.layer)
            if box.stop > box.start:
                lanes.setdefault(task.worker, []).append(box)
                spent[box.layer] += box.stop - box.start
    busy = _union(box for boxes in lanes.values() for box in boxes)
    edges = [0.0, *(edge for interval in busy for edge in interval), length]
    alone = [(a, b) for a, b in zip(edges[::2], edges[1::2], strict=True) if b > a]
    layers = sorted(spent.items(), key=lambda item: (-item[1], item[0]))
    return Stream(length, lanes, layers, alone, sum(map(len, lanes.values())))


def _describe(stream: Stream, merged: bool) -> str:
    """Put the numbers of the picture in sentences."""
    length = seconds(stream.length)
    words = [f"{counted(stream.tasks, 'task')} in {length} from the call to its last result."]
    if not stream.tasks:
        words = [f"No task ran on the cluster in the {length} from the call to its last result."]
    for row, boxes in enumerate(list(stream.lanes.values())[:MOST_LANES]):
        words.append(f"Worker {row} was busy {_share(boxes, stream):.0%} of the time.")
    if len(stream.lanes) > MOST_LANES:
        words.append(f"{len(stream.lanes) - MOST_LANES} more workers are not drawn.")
    alone = _total(stream.alone)
    words.append(f"For {seconds(alone)} ({alone / stream.length:.0%}) no task was running.")
    if stream.layers:
        shown = stream.layers[: len(LAYERS)]
        layers = (f"{shorten(one_line(name), _NAME)} {seconds(spent)}" for name, spent in shown)
        words.append(f"Seconds by layer: {', '.join(layers)}.")
    if merged:
        words.append("Neighbouring tasks are merged; a box is as high as its worker was busy.")
    return " ".join(words)


def _lane(middle: float, name: str, remark: str) -> Iterator[Element]:
    """Draw the ground of a lane, what it is of, and how busy it was."""
    right = WIDTH - RIGHT
    yield svg.boxes([(LEFT, middle - 0.36 * LANE, right - LEFT, 0.72 * LANE)], IDLE, 0)
    yield svg.text(LEFT - 8, middle + 4, name, font_size=svg.NORMAL, text_anchor="end")
    yield svg.text(right + 8, middle + 4, remark, fill=svg.MUTED)


def _boxes(
    time: Scale, middle: float, boxes: Sequence[Box], fill: Fill, edge: float = 0.0
) -> Element:
    low = middle + 0.36 * LANE
    return svg.boxes(
        [
            (time(box.start), low, time(box.stop) - time(box.start), -0.72 * LANE * box.fill)
            for box in boxes
        ],
        fill,
        edge,
    )


def _nothing(x: float, y: float) -> Iterator[Element]:
    yield svg.boxes([(x - 92, y - 11, 184, 22)], Fill("#ffffff"), 0)
    words = "no task ran on the cluster"
    yield svg.text(x, y + 4, words, font_size=svg.NORMAL, text_anchor="middle")


def _time_axis(time: Scale, y: float) -> Iterator[Element]:
    right = time.stop - time.start
    ticks = [(time(value), label) for value, label in time.ticks()]
    d = f"M{LEFT} {y}h{right}" + "".join(f"M{x:.2f} {y}v3" for x, _ in ticks)
    yield svg.element("path", d=d, fill="none", stroke=svg.RULE)
    for x, label in ticks:
        yield svg.text(x, y + 15, label, fill=svg.MUTED, text_anchor="middle")
    middle = (time.start + time.stop) / 2
    yield svg.text(middle, y + 29, "seconds since the call", fill=svg.MUTED, text_anchor="middle")


def _merged(boxes: Sequence[Box], length: float, count: int) -> list[Box]:
    """Merge the tasks of a lane: per slice of time the layer that filled most of it.

    A box is as high as its slice was busy, in quarters, so that many tasks with idle time
    between them do not look like one long task.
    """
    width = length / count
    slices: list[dict[str, float]] = [defaultdict(float) for _ in range(count)]
    for box in boxes:
        for i in range(int(box.start / width), min(int(box.stop / width) + 1, count)):
            slices[i][box.layer] += max(
                min(box.stop, (i + 1) * width) - max(box.start, i * width), 0.0
            )
    merged: list[Box] = []
    for i, layers in enumerate(slices):
        busy = sum(layers.values()) / width
        if busy < 0.02:
            continue
        layer = max(sorted(layers), key=layers.__getitem__)
        fill = min(math.ceil(4 * busy - 0.1), 4) / 4
        last = merged[-1] if merged else None
        if last and (last.stop, last.layer, last.fill) == (i * width, layer, fill):
            merged[-1] = last._replace(stop=(i + 1) * width)
        else:
            merged.append(Box(i * width, (i + 1) * width, layer, fill))
    return merged


def _union(boxes: Iterable[Box]) -> list[tuple[float, float]]:
    """Join intervals that touch or overlap."""
    joined: list[tuple[float, float]] = []
    for start, stop in sorted((box.start, box.stop) for box in boxes):
        if joined and start <= joined[-1][1]:
            joined[-1] = (joined[-1][0], max(stop, joined[-1][1]))
        else:
            joined.append((start, stop))
    return joined


def _total(intervals: Iterable[tuple[float, float]]) -> float:
    return sum(stop - start for start, stop in intervals)


def _share(boxes: Sequence[Box], stream: Stream) -> float:
    return _total(_union(boxes)) / stream.length
