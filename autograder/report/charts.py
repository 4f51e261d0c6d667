"""Charts: series of points on two scales, with a grid and a legend."""

import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from xml.etree.ElementTree import Element

from autograder.report.svg import MUTED, RULE, Fill, boxes, element, pixels, text, text_width

__all__ = ["Axes", "Look", "Scale", "Series", "legend", "legend_size"]

_ROW, _HANDLE, _GAP = 14, 22, 8
"""Of a legend: height of a row, width of its sample, space between sample and text."""


@dataclass(frozen=True, slots=True)
class Look:
    """How a series of points looks: its line, its markers, or both."""

    line: str = ""
    """Colour; empty for no line."""
    width: float = 1.4
    dashes: str = ""
    marker: str = ""
    """``circle``, ``square``, ``diamond`` or empty."""
    size: float = 5
    fill: str = "none"
    edge: str = "none"
    edge_width: float = 0.7


@dataclass(frozen=True, slots=True)
class Series:
    """What a legend names: an area, or points and how they look."""

    label: str
    look: Look | Fill
    points: Sequence[tuple[float, float]] = ()
    """As values, not pixels."""


@dataclass(frozen=True, slots=True)
class Scale:
    """From values to pixels."""

    low: float
    high: float
    start: float
    stop: float
    log: bool = False
    """Whether doublings are equally far apart."""

    def __call__(self, value: float) -> float:
        """Return the pixel of a value."""
        low, high, here = (math.log2(v) if self.log else v for v in (self.low, self.high, value))
        return self.start + (self.stop - self.start) * (here - low) / (high - low)

    def ticks(self, most: int = 8) -> list[tuple[float, str]]:
        """Return round values within the scale, and how they are written."""
        if self.log:
            first, last = math.ceil(math.log2(self.low)), math.floor(math.log2(self.high))
            every = max(-(-(last - first + 1) // most), 1)
            return [(2.0**n, f"{2.0**n:g}") for n in range(first, last + 1, every)]
        length = self.high - self.low
        power = 10.0 ** math.floor(math.log10(length / most))
        step = next(m * power for m in (1, 2, 2.5, 5, 10) if length / (m * power) <= most)
        digits = len(f"{step:.9f}".rstrip("0").partition(".")[2])
        first, last = math.ceil(self.low / step - 1e-9), math.floor(self.high / step + 1e-9)
        return [(n * step, f"{n * step:,.{digits}f}") for n in range(first, last + 1)]


@dataclass(frozen=True, slots=True)
class Axes:
    """Two scales, the grid and the labels around them."""

    x: Scale
    y: Scale

    def grid(
        self,
        x_label: str,
        y_label: str = "",
        x_ticks: Sequence[tuple[float, str]] | None = None,
    ) -> Iterator[Element]:
        """Draw grid, ticks and labels, by default at round values."""
        left, right, top, bottom = self.x.start, self.x.stop, self.y.stop, self.y.start
        for value, label in self.x.ticks() if x_ticks is None else x_ticks:
            x = self.x(value)
            d = f"M{pixels(x)} {pixels(top)}V{pixels(bottom)}"
            yield element("path", d=d, stroke=RULE, stroke_width=0.6)
            yield text(x, bottom + 15, label, fill=MUTED, text_anchor="middle")
        widest = 0.0
        for value, label in self.y.ticks(8 if self.y.log else 6):
            y = self.y(value)
            widest = max(widest, text_width(label))
            d = f"M{pixels(left)} {pixels(y)}H{pixels(right)}"
            yield element("path", d=d, stroke=RULE, stroke_width=0.6)
            yield text(left - 5, y + 3.5, label, fill=MUTED, text_anchor="end")
        yield text((left + right) / 2, bottom + 28, x_label, fill=MUTED, text_anchor="middle")
        if y_label:
            x, y = left - 12 - widest, (top + bottom) / 2
            yield text(
                x, y, y_label, fill=MUTED, text_anchor="middle",
                transform=f"rotate(-90 {pixels(x)} {pixels(y)})",
            )  # fmt: skip

    def plot(self, series: Iterable[Series]) -> Iterator[Element]:
        """Draw the points that are finite."""
        for each in series:
            finite = [(x, y) for x, y in each.points if math.isfinite(x) and math.isfinite(y)]
            placed = [(self.x(x), self.y(y)) for x, y in finite if y > 0 or not self.y.log]
            if isinstance(each.look, Look):
                yield from line(placed, each.look)
                yield from markers(placed, each.look)

    def level(self, value: float) -> list[tuple[float, float]]:
        """Return the points of a line at a value from left to right."""
        return [(self.x.low, value), (self.x.high, value)]

    def upright(self, value: float, colour: str) -> Element:
        """Mark a value by a quiet line from bottom to top."""
        d = f"M{pixels(self.x(value))} {pixels(self.y.stop)}V{pixels(self.y.start)}"
        return element("path", d=d, stroke=colour, stroke_width=0.8, stroke_opacity=0.5)

    def spread(self, x: float, low: float, high: float, colour: str) -> Element:
        """Draw an error bar."""
        here, top, bottom = pixels(self.x(x)), pixels(self.y(high)), pixels(self.y(low))
        d = f"M{here} {top}V{bottom}m-3 0h6M{here} {top}m-3 0h6"
        return element("path", d=d, fill="none", stroke=colour)

    def inside(self, elements: Iterable[Element]) -> Iterator[Element]:
        """Cut elements off at the edges."""
        clip = element("clipPath", id="axes")
        width, height = self.x.stop - self.x.start, self.y.start - self.y.stop
        clip.append(element("rect", x=self.x.start, y=self.y.stop, width=width, height=height))
        group = element("g", clip_path="url(#axes)")
        group.extend(elements)
        yield from (clip, group)


def line(points: Sequence[tuple[float, float]], look: Look) -> Iterator[Element]:
    """Draw the line of a series, if it has one, through points given in pixels."""
    if look.line and points:
        yield element(
            "polyline", points=" ".join(f"{pixels(x)},{pixels(y)}" for x, y in points), fill="none",
            stroke=look.line, stroke_width=look.width, stroke_dasharray=look.dashes or None,
        )  # fmt: skip


def markers(points: Sequence[tuple[float, float]], look: Look) -> Iterator[Element]:
    """Draw the markers of a series, if it has any, at points given in pixels."""
    if not look.marker or not points:
        return
    r, d = pixels(look.size / 2), pixels(look.size)
    shape = {
        "circle": f"m-{r} 0a{r} {r} 0 1 0 {d} 0a{r} {r} 0 1 0 -{d} 0z",
        "square": f"m-{r} -{r}h{d}v{d}h-{d}z",
        "diamond": f"m-{r} 0l{r} -{r} {r} {r} -{r} {r}z",
    }[look.marker]
    path = "".join(f"M{pixels(x)} {pixels(y)}{shape}" for x, y in points)
    yield element("path", d=path, fill=look.fill, stroke=look.edge, stroke_width=look.edge_width)


def legend(series: Sequence[Series], x: float, y: float, columns: int) -> Iterator[Element]:
    """Write entries under one another, in columns, the first of them at x and y."""
    for column in _columns(series, columns):
        for row, each in enumerate(column):
            middle = y + _ROW * (row + 0.5)
            if isinstance(each.look, Fill):
                yield boxes([(x, middle - 4.5, _HANDLE - 6, 9)], each.look, 0)
                yield text(x + _HANDLE - 2, middle + 3.5, each.label)
            else:
                yield from line([(x, middle), (x + _HANDLE, middle)], each.look)
                yield from markers([(x + _HANDLE / 2, middle)], each.look)
                yield text(x + _HANDLE + _GAP, middle + 3.5, each.label)
        x += max(map(_entry_width, column))


def legend_size(series: Sequence[Series], columns: int) -> tuple[float, float]:
    """Return the width and height that a legend takes."""
    laid_out = _columns(series, columns)
    width = sum(max(map(_entry_width, column)) for column in laid_out)
    return width, _ROW * len(laid_out[0])


def _columns(series: Sequence[Series], columns: int) -> list[Sequence[Series]]:
    rows = -(-len(series) // columns)
    return [series[first : first + rows] for first in range(0, len(series), rows)]


def _entry_width(series: Series) -> float:
    return _HANDLE + _GAP + text_width(series.label) + 12
