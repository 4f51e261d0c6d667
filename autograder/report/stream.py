"""The task stream: which worker ran what, and when only the student's process was at work."""

import math
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Patch, PathPatch
from matplotlib.path import Path

from autograder.model import Run
from autograder.report import svg
from autograder.report.terminal import clean, seconds

__all__ = ["task_stream"]

WIDTH, LEFT, RIGHT, LANE = 680, 84, 80, 34
MOST_BOXES = 2000
"""With more tasks and gaps neighbours are merged, which keeps the picture below 200 kB."""
MOST_LANES = 16
MOST_EDGES = 120
"""With more tasks in a lane, white edges would leave nothing of them."""

Style = tuple[str, str]
"""Colour and hatch."""
# The hatches tell the layers apart in grey as well.
LAYERS: tuple[Style, ...] = (
    (svg.PALETTE["blue"], ""),
    (svg.PALETTE["orange"], "////"),
    (svg.PALETTE["green"], "\\\\\\\\"),
    (svg.PALETTE["sky"], "+++"),
    (svg.PALETTE["vermillion"], "xxx"),
)
OTHER: Style = ("#8c959f", "---")
CLIENT: Style = ("#afb8c1", "|||")
IDLE: Style = ("#f3f4f6", "")


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
    """Seconds from GO to done."""
    lanes: dict[str, list[Box]]
    layers: list[tuple[str, float]]
    """With their seconds, the longest first."""
    alone: list[tuple[float, float]]
    """When no task was running anywhere."""
    tasks: int


def task_stream(run: Run, workers: tuple[str, ...] | None = None, *, salt: str = "") -> str:
    """Draw which task ran when and where.

    Parameters
    ----------
    run : Run
        Its recording is testimony: times that are not finite are left out, and what lies
        outside the run is cut off.
    workers : tuple of str, optional
        Lanes from top to bottom; those of the recording by default.
    salt : str, optional
        Makes the ids differ where one page shows the same picture twice.

    Returns
    -------
    str
        An ``<svg>`` element, 680 px wide at its natural size, below 200 kB.
    """
    stream = _stream(run, workers)
    lanes = list(stream.lanes.values())[:MOST_LANES]
    merge = stream.tasks + len(stream.alone) > MOST_BOXES
    styles = dict(zip((layer for layer, _ in stream.layers), LAYERS, strict=False))
    legend = [(_short(layer), style) for layer, style in styles.items()]
    legend += [("other", OTHER)] if len(stream.layers) > len(styles) else []
    legend += [("no task running", CLIENT)]
    needed = sum(38 + 6.4 * len(label) for label, _ in legend)
    columns = len(legend) if needed < WIDTH - LEFT else 3
    rows = len(lanes) + 1
    slices = min(400, MOST_BOXES // rows)
    height = 68 + LANE * rows + 17 * (math.ceil(len(legend) / columns) - 1)

    with svg.settings():
        figure = svg.figure(WIDTH, height)
        box = (LEFT / WIDTH, 40 / height, (WIDTH - LEFT - RIGHT) / WIDTH, LANE * rows / height)
        axes = figure.add_axes(box)
        for row, boxes in enumerate(lanes):
            _lane(axes, row, f"worker {row}", f"{_share(boxes, stream):.0%} busy", stream.length)
            by_style: dict[Style, list[Box]] = defaultdict(list)
            for one in _merged(boxes, stream.length, slices) if merge else boxes:
                by_style[styles.get(one.layer, OTHER)].append(one)
            edge = 0.7 if len(boxes) <= MOST_EDGES else 0.0
            for style, some in by_style.items():
                _draw(axes, row, some, style, edge)
        share = _total(stream.alone) / stream.length
        _lane(axes, rows - 1, "client", f"{share:.0%} alone", stream.length)
        gaps = [Box(start, stop, "") for start, stop in stream.alone]
        _draw(
            axes,
            rows - 1,
            _merged(gaps, stream.length, slices) if merge else gaps,
            CLIENT,
            edge=0.0,
        )
        if not stream.tasks:
            where = (stream.length / 2, max(rows - 2, 0) / 2)
            panel = {"facecolor": "w", "edgecolor": "none", "boxstyle": "round,pad=0.4"}
            axes.text(*where, "no task ran on the cluster", ha="center", va="center", bbox=panel)
        _dress(axes, stream.length, rows)
        _legend(figure, legend, columns, height)
        title = "Task stream: which worker ran what, and when"
        return svg.finish(figure, "stream", salt, title, _describe(stream, merge))


def _stream(run: Run, workers: tuple[str, ...] | None) -> Stream:
    length = max(run.done - run.go, 1e-6)
    lanes: dict[str, list[Box]] = {
        worker: [] for worker in (run.recording.workers if workers is None else workers)
    }
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
    tasks = "1 task" if stream.tasks == 1 else f"{stream.tasks} tasks"
    words = [f"{tasks} in {length} from GO to done."]
    if not stream.tasks:
        words = [f"No task ran on the cluster in the {length} from GO to done."]
    for row, boxes in enumerate(list(stream.lanes.values())[:MOST_LANES]):
        words.append(f"Worker {row} was busy {_share(boxes, stream):.0%} of the time.")
    if len(stream.lanes) > MOST_LANES:
        words.append(f"{len(stream.lanes) - MOST_LANES} more workers are not drawn.")
    alone = _total(stream.alone)
    words.append(f"For {seconds(alone)} ({alone / stream.length:.0%}) no task was running.")
    if stream.layers:
        layers = (f"{_short(n)} {seconds(s)}" for n, s in stream.layers[: len(LAYERS)])
        words.append(f"Seconds by layer: {', '.join(layers)}.")
    if merged:
        words.append("Neighbouring tasks are merged; a box is as high as its worker was busy.")
    return " ".join(words)


def _lane(axes: Axes, row: int, name: str, remark: str, length: float) -> None:
    _draw(axes, row, [Box(0.0, length, "")], IDLE, edge=0.0)
    beside: dict[str, Any] = {"transform": axes.get_yaxis_transform(), "va": "center"}
    axes.text(-0.014, row, name, ha="right", **beside)
    axes.text(1.014, row, remark, ha="left", color=svg.MUTED, fontsize=10, **beside)


def _draw(axes: Axes, row: int, boxes: Sequence[Box], style: Style, edge: float) -> None:
    """Draw the boxes of one lane and style as one path, which keeps the file small."""
    corners: list[tuple[float, float]] = []
    for box in boxes:
        low, high = row + 0.36, row + 0.36 - 0.72 * box.fill
        corners += [(box.start, low), (box.stop, low), (box.stop, high), (box.start, high)]
        corners += [(box.start, low)]
    codes = [Path.MOVETO, Path.LINETO, Path.LINETO, Path.LINETO, Path.CLOSEPOLY] * len(boxes)
    if boxes:
        axes.add_patch(PathPatch(Path(corners, codes), linewidth=edge, **_filled(style)))


def _filled(style: Style) -> dict[str, Any]:
    colour, hatch = style
    return {"facecolor": colour, "hatch": hatch or None, "hatchcolor": "w", "edgecolor": "w"}


def _dress(axes: Axes, length: float, rows: int) -> None:
    axes.set_xlim(0, length)
    axes.set_ylim(rows - 0.5, -0.5)
    axes.set_yticks([])
    axes.spines[["left", "right", "top"]].set_visible(False)
    axes.locator_params(axis="x", nbins=8)
    axes.tick_params(axis="x", length=3, labelsize=10)
    axes.set_xlabel("seconds since GO", fontsize=10, labelpad=2)


def _legend(
    figure: Figure, entries: Sequence[tuple[str, Style]], columns: int, height: float
) -> None:
    handles = [Patch(linewidth=0, **_filled(style)) for _, style in entries]
    legend = figure.legend(
        handles,
        # Matplotlib leaves out labels with a leading underscore, which many layers have.
        [f"x{i}" for i in range(len(entries))],
        loc="upper left",
        bbox_to_anchor=(LEFT / WIDTH, 1 - 10 / height),
        ncols=columns,
        frameon=False,
        fontsize=10,
        handlelength=1.6,
        handleheight=0.9,
        columnspacing=2,
        borderaxespad=0,
        borderpad=0,
    )
    for text, (label, _) in zip(legend.get_texts(), entries, strict=True):
        text.set_text(label)


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


def _short(name: str, limit: int = 22) -> str:
    name = clean(name).replace("\n", " ")
    return name if len(name) <= limit else name[: limit - 1] + "…"
