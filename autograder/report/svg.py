"""Drawing: shapes, axes and legends as one SVG element that fits into any page.

Everything is in presentation attributes, so that a page's content policy may forbid inline styles
and no rule leaks out. `picture` adds what makes a drawing part of a page: ids with a prefix of
their own, a white panel that stays legible on a dark page, and a title and description for screen
readers.
"""

import hashlib
import math
import unicodedata
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from xml.etree import ElementTree
from xml.etree.ElementTree import Element

from autograder.formats import clean

__all__ = [
    "AXES",
    "INK",
    "MUTED",
    "PALETTE",
    "RULE",
    "Axes",
    "Fill",
    "Look",
    "Scale",
    "Series",
    "boxes",
    "drawing",
    "element",
    "heading",
    "legend",
    "legend_size",
    "line",
    "markers",
    "picture",
    "text",
]

INK, MUTED, RULE, AXES = "#24292f", "#57606a", "#d8dee4", "#8c959f"
PALETTE = {
    "blue": "#0072B2",
    "orange": "#E69F00",
    "green": "#009E73",
    "sky": "#56B4E9",
    "vermillion": "#D55E00",
}
"""Told apart with any colour vision: Okabe and Ito, Color Universal Design, 2008."""

FONTS = "system-ui, -apple-system, 'Segoe UI', 'Helvetica Neue', Arial, sans-serif"
SMALL, NORMAL = 10, 11
"""Sizes of text, in pixels."""
_ROW, _HANDLE, _GAP = 14, 22, 8
"""Of a legend: height of a row, width of its sample, space between sample and text."""

_HATCHES = {
    "/": "M-2 2 2 -2M-2 8 8 -2M4 8 8 4",
    "\\": "M-2 4 2 8M-2 -2 8 8M4 -2 8 2",
    "x": "M0 0 6 6M6 0 0 6",
    "+": "M3 0V6M0 3H6",
    "-": "M0 3H6",
    "|": "M3 0V6",
}
"""White lines on a tile of six by six pixels."""


@dataclass(frozen=True, slots=True)
class Fill:
    """How an area looks; the hatch tells it apart in grey as well."""

    colour: str
    hatch: str = ""
    """One of ``/ \\ x + - |``, or empty."""

    @property
    def paint(self) -> str:
        """The value of a ``fill`` attribute."""
        return f"url(#{self._id})" if self.hatch else self.colour

    @property
    def _id(self) -> str:
        return f"hatch-{list(_HATCHES).index(self.hatch)}-{self.colour.lstrip('#')}"

    def pattern(self) -> Element:
        """Return the tile that the paint of a hatched area refers to."""
        tile = element("pattern", id=self._id, width=6, height=6, patternUnits="userSpaceOnUse")
        tile.append(element("rect", width=6, height=6, fill=self.colour))
        lines = _HATCHES[self.hatch]
        tile.append(element("path", d=lines, stroke="#ffffff", stroke_width=0.8))
        return tile


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
            yield element(
                "path", d=f"M{_n(x)} {_n(top)}V{_n(bottom)}", stroke=RULE, stroke_width=0.6
            )
            yield text(x, bottom + 15, label, fill=MUTED, text_anchor="middle")
        widest = 0.0
        for value, label in self.y.ticks(8 if self.y.log else 6):
            y = self.y(value)
            widest = max(widest, _width(label, SMALL))
            yield element(
                "path", d=f"M{_n(left)} {_n(y)}H{_n(right)}", stroke=RULE, stroke_width=0.6
            )
            yield text(left - 5, y + 3.5, label, fill=MUTED, text_anchor="end")
        yield text((left + right) / 2, bottom + 28, x_label, fill=MUTED, text_anchor="middle")
        if y_label:
            x, y = left - 12 - widest, (top + bottom) / 2
            yield text(
                x, y, y_label, fill=MUTED, text_anchor="middle",
                transform=f"rotate(-90 {_n(x)} {_n(y)})",
            )  # fmt: skip

    def plot(self, series: Iterable[Series]) -> Iterator[Element]:
        """Draw the points that are finite."""
        for each in series:
            finite = [(x, y) for x, y in each.points if math.isfinite(x) and math.isfinite(y)]
            pixels = [(self.x(x), self.y(y)) for x, y in finite if y > 0 or not self.y.log]
            if isinstance(each.look, Look):
                yield from line(pixels, each.look)
                yield from markers(pixels, each.look)

    def level(self, value: float) -> list[tuple[float, float]]:
        """Return the points of a line at a value from left to right."""
        return [(self.x.low, value), (self.x.high, value)]

    def upright(self, value: float, colour: str) -> Element:
        """Mark a value by a quiet line from bottom to top."""
        d = f"M{_n(self.x(value))} {_n(self.y.stop)}V{_n(self.y.start)}"
        return element("path", d=d, stroke=colour, stroke_width=0.8, stroke_opacity=0.5)

    def spread(self, x: float, low: float, high: float, colour: str) -> Element:
        """Draw an error bar."""
        here, top, bottom = _n(self.x(x)), _n(self.y(high)), _n(self.y(low))
        d = f"M{here} {top}V{bottom}m-3 0h6M{here} {top}m-3 0h6"
        return element("path", d=d, fill="none", stroke=colour)

    def inside(self, elements: Iterable[Element], name: str = "axes") -> Iterator[Element]:
        """Cut elements off at the edges; several axes of a picture need different names."""
        clip = element("clipPath", id=name)
        width, height = self.x.stop - self.x.start, self.y.start - self.y.stop
        clip.append(element("rect", x=self.x.start, y=self.y.stop, width=width, height=height))
        group = element("g", clip_path=f"url(#{name})")
        group.extend(elements)
        yield from (clip, group)


def element(tag: str, words: str = "", **attributes: str | float | None) -> Element:
    """Make an element; ``_`` in a name stands for ``-``, and None for no attribute."""
    made = Element(tag)
    for name, value in attributes.items():
        if value is not None:
            written = value if isinstance(value, str) else _n(value)
            made.set(name.rstrip("_").replace("_", "-"), written)
    made.text = clean(words) or None
    return made


def text(x: float, y: float, words: str, **attributes: str | float | None) -> Element:
    """Write a line of text; small and in ink unless told otherwise."""
    look: dict[str, str | float | None] = {"font_size": SMALL, "fill": INK}
    return element("text", words, x=x, y=y, **look | attributes)


def heading(left: float, title: str, remark: str = "") -> Iterator[Element]:
    """Write a title into a picture, and a quieter line under it."""
    yield text(left, 24, title, font_size=NORMAL, font_weight="bold")
    if remark:
        yield text(left, 42, remark, fill=MUTED)


def boxes(corners: Iterable[tuple[float, float, float, float]], fill: Fill, edge: float) -> Element:
    """Draw rectangles (x, y, width, height) as one path, which keeps the file small."""
    d = "".join(f"M{_n(x)} {_n(y)}h{_n(w)}v{_n(h)}h{_n(-w)}z" for x, y, w, h in corners)
    stroke = "#ffffff" if edge else None
    return element("path", d=d, fill=fill.paint, stroke=stroke, stroke_width=edge or None)


def line(points: Sequence[tuple[float, float]], look: Look) -> Iterator[Element]:
    """Draw the line of a series, if it has one, through points given in pixels."""
    if look.line and points:
        yield element(
            "polyline", points=" ".join(f"{_n(x)},{_n(y)}" for x, y in points), fill="none",
            stroke=look.line, stroke_width=look.width, stroke_dasharray=look.dashes or None,
        )  # fmt: skip


def markers(points: Sequence[tuple[float, float]], look: Look) -> Iterator[Element]:
    """Draw the markers of a series, if it has any, at points given in pixels."""
    if not look.marker or not points:
        return
    r, d = _n(look.size / 2), _n(look.size)
    shape = {
        "circle": f"m-{r} 0a{r} {r} 0 1 0 {d} 0a{r} {r} 0 1 0 -{d} 0z",
        "square": f"m-{r} -{r}h{d}v{d}h-{d}z",
        "diamond": f"m-{r} 0l{r} -{r} {r} {r} -{r} {r}z",
    }[look.marker]
    path = "".join(f"M{_n(x)} {_n(y)}{shape}" for x, y in points)
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


def picture(
    name: str,
    size: tuple[float, float],
    elements: Iterable[Element],
    *,
    title: str,
    description: str,
    salt: str = "",
) -> str:
    """Make a picture of elements, to stand in any page.

    Parameters
    ----------
    name : str
        Of the kind of picture; begins its ids.
    size : tuple of float
        Width and height in pixels.
    elements : iterable of Element
        What is drawn, later over earlier. Fills and clips refer to ids by ``url(#id)``.
    title, description : str
        What screen readers say: what the picture is, and the numbers in it.
    salt : str
        Makes the ids differ where one page shows the same picture twice.

    Returns
    -------
    str
        ``<svg role="img">`` without an XML declaration; equal for equal input.
    """
    width, height = size
    panel = element(
        "rect", x=0.5, y=0.5, width=width - 1, height=height - 1, rx=8, fill="#ffffff", stroke=RULE
    )
    root = Element("svg")
    root.extend([element("title", title, id="title"), element("desc", description, id="desc")])
    root.extend([panel, *elements])
    drawn = ElementTree.tostring(root, encoding="unicode")
    content = f"{salt}\0{drawn}".encode(errors="backslashreplace")
    prefix = f"dsk-{name}-{hashlib.sha256(content).hexdigest()[:10]}-"
    for one in root.iter():
        for attribute in ("fill", "clip-path"):
            if one.get(attribute, "").startswith("url(#"):
                one.set(attribute, f"url(#{prefix}{one.attrib[attribute][5:]}")
        if "id" in one.attrib:
            one.set("id", prefix + one.attrib["id"])
    root.attrib = {
        "xmlns": "http://www.w3.org/2000/svg",
        "viewBox": f"0 0 {_n(width)} {_n(height)}",
        "width": _n(width),
        "height": _n(height),
        "role": "img",
        "aria-labelledby": f"{prefix}title {prefix}desc",
        "font-family": FONTS,
        "style": "max-width: 100%; height: auto",
    }
    return ElementTree.tostring(root, encoding="unicode")


def drawing(
    view: tuple[float, float, float, float], elements: Iterable[Element], label: str
) -> str:
    """Make a picture whose size, colours and ground are the page's."""
    root = element("svg", viewBox=" ".join(map(_n, view)), role="img", aria_label=clean(label))
    root.extend(elements)
    return ElementTree.tostring(root, encoding="unicode")


def _columns(series: Sequence[Series], columns: int) -> list[Sequence[Series]]:
    rows = -(-len(series) // columns)
    return [series[first : first + rows] for first in range(0, len(series), rows)]


def _entry_width(series: Series) -> float:
    return _HANDLE + _GAP + _width(series.label, SMALL) + 12


def _width(words: str, size: float) -> float:
    """Estimate the width of a text, in the widest of the usual fonts."""

    def share(character: str) -> float:
        if unicodedata.east_asian_width(character) in "WF":
            return 1.0
        if character in "iljtfrI.,:;'|!()[]- ":
            return 0.35
        return 0.9 if character in "mwMW@%×" else 0.61

    return size * sum(map(share, words))


def _n(value: float) -> str:
    return f"{value:.2f}".rstrip("0").rstrip(".") if value else "0"
