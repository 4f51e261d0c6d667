"""Drawing: shapes and texts as one SVG element that fits into any page.

Everything is in presentation attributes, so that a page's content policy may forbid inline styles
and no rule leaks out. `picture` adds what makes a drawing part of a page: ids with a prefix of
their own, a white panel that stays legible on a dark page, and a title and description for screen
readers.
"""

import hashlib
import unicodedata
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from xml.etree import ElementTree
from xml.etree.ElementTree import Element

from autograder.formats import clean

__all__ = [
    "INK",
    "MUTED",
    "NORMAL",
    "PALETTE",
    "QUIET",
    "RULE",
    "SMALL",
    "Fill",
    "boxes",
    "drawing",
    "element",
    "hatches",
    "heading",
    "picture",
    "pixels",
    "text",
    "text_width",
]

INK, MUTED, RULE, QUIET = "#24292f", "#57606a", "#d8dee4", "#8c959f"
PALETTE = {
    "blue": "#0072B2",
    "orange": "#E69F00",
    "green": "#009E73",
    "sky": "#56B4E9",
    "vermillion": "#D55E00",
}
"""Distinguishable with any colour vision: Okabe and Ito, Color Universal Design, 2008."""

FONTS = "system-ui, -apple-system, 'Segoe UI', 'Helvetica Neue', Arial, sans-serif"
SMALL, NORMAL = 10, 11
"""Sizes of text, in pixels."""

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


def hatches(fills: Iterable[Fill]) -> Element:
    """Define the tiles for those of some fills that are hatched."""
    defs = element("defs")
    defs.extend(fill.pattern() for fill in fills if fill.hatch)
    return defs


def element(tag: str, words: str = "", **attributes: str | float | None) -> Element:
    """Make an element; ``_`` in a name stands for ``-``, and None for no attribute."""
    made = Element(tag)
    for name, value in attributes.items():
        if value is not None:
            written = value if isinstance(value, str) else pixels(value)
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


def text_width(words: str) -> float:
    """Estimate the width of a small text, in the widest of the usual fonts."""

    def share(character: str) -> float:
        if unicodedata.east_asian_width(character) in "WF":
            return 1.0
        if character in "iljtfrI.,:;'|!()[]- ":
            return 0.35
        return 0.9 if character in "mwMW@%×" else 0.61

    return SMALL * sum(map(share, words))


def boxes(corners: Iterable[tuple[float, float, float, float]], fill: Fill, edge: float) -> Element:
    """Draw rectangles (x, y, width, height) as one path, which keeps the file small."""
    written = (map(pixels, (x, y, w, h, -w)) for x, y, w, h in corners)
    d = "".join("M{} {}h{}v{}h{}z".format(*each) for each in written)
    stroke = "#ffffff" if edge else None
    return element("path", d=d, fill=fill.paint, stroke=stroke, stroke_width=edge or None)


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
        "viewBox": f"0 0 {pixels(width)} {pixels(height)}",
        "width": pixels(width),
        "height": pixels(height),
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
    root = element("svg", viewBox=" ".join(map(pixels, view)), role="img", aria_label=clean(label))
    root.extend(elements)
    return ElementTree.tostring(root, encoding="unicode")


def pixels(value: float) -> str:
    """Write a length with at most two decimals."""
    return f"{value:.2f}".rstrip("0").rstrip(".") if value else "0"
