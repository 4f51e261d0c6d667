"""From a matplotlib figure to an SVG element that fits into any page.

Figures are drawn through matplotlib's object interface inside `settings`, never through
pyplot, whose global state does not belong in a grader. `finish` makes a fragment of the
file: ids with a prefix of their own, no style sheet that would leak into the page, a white
panel that stays legible on a dark one, and a title and description for screen readers.
"""

import hashlib
import io
import re
import warnings
from contextlib import AbstractContextManager
from xml.etree import ElementTree

import matplotlib
from matplotlib.figure import Figure

from autograder.report.terminal import clean

__all__ = ["INK", "MUTED", "PALETTE", "RULE", "figure", "finish", "settings"]

INK, MUTED, RULE = "#24292f", "#57606a", "#d8dee4"
PALETTE = {
    "blue": "#0072B2",
    "orange": "#E69F00",
    "green": "#009E73",
    "sky": "#56B4E9",
    "vermillion": "#D55E00",
}
"""Told apart with any colour vision: Okabe and Ito, Color Universal Design, 2008."""

FONTS = "system-ui, -apple-system, 'Segoe UI', 'Helvetica Neue', Arial, sans-serif"
SVG, XLINK = "http://www.w3.org/2000/svg", "http://www.w3.org/1999/xlink"
ElementTree.register_namespace("", SVG)
ElementTree.register_namespace("xlink", XLINK)


def settings() -> AbstractContextManager[None]:
    """Matplotlib's settings while a picture is drawn and finished."""
    return matplotlib.rc_context(
        {
            "svg.fonttype": "none",
            "svg.hashsalt": "dask-scaling-kit",
            # Layers are named by students: a dollar sign in a name is no formula.
            "text.parse_math": False,
            # Measured with a wide font, so that texts fit with whatever the page has.
            "font.family": "sans-serif",
            "font.sans-serif": ["DejaVu Sans"],
            "font.size": 11,
            "hatch.linewidth": 0.8,
            "text.color": INK,
            "xtick.color": MUTED,
            "ytick.color": MUTED,
            "axes.labelcolor": MUTED,
            "axes.edgecolor": RULE,
        }
    )


def figure(width: float, height: float) -> Figure:
    """Make an empty figure of a size in pixels."""
    return Figure(figsize=(width / 72, height / 72), dpi=72)


def finish(drawn: Figure, name: str, salt: str, title: str, description: str) -> str:
    """Turn a figure into an SVG element.

    Parameters
    ----------
    drawn : Figure
        Made by `figure`; call within `settings`.
    name : str
        Of the kind of picture; begins its ids.
    salt : str
        Makes the ids differ where one page shows the same picture twice.
    title, description : str
        What screen readers say: what the picture is, and the numbers in it.

    Returns
    -------
    str
        ``<svg role="img">`` without an XML declaration; equal for equal input.
    """
    file = io.StringIO()
    with warnings.catch_warnings():
        # A glyph that the measuring font lacks: the reader's browser has fonts of its own.
        warnings.filterwarnings("ignore", message="Glyph .* missing from font")
        nothing = dict.fromkeys(("Date", "Creator", "Format", "Type"))
        drawn.savefig(file, format="svg", transparent=True, metadata=nothing)
    root = ElementTree.fromstring(file.getvalue())
    width, height = (72 * inches for inches in drawn.get_size_inches())
    content = f"{salt}\0{description}\0{file.getvalue()}".encode(errors="backslashreplace")
    digest = hashlib.sha256(content).hexdigest()[:10]
    prefix = f"dsk-{name}-{digest}-"

    for parent in root.iter():
        for child in list(parent):
            if child.tag == f"{{{SVG}}}style":
                parent.remove(child)
    for element in root.iter():
        _localise(element, prefix)
    panel = {"x": "0.5", "y": "0.5", "width": f"{width - 1:g}", "height": f"{height - 1:g}"}
    panel |= {"rx": "8", "fill": "#ffffff", "stroke": RULE}
    root.insert(0, ElementTree.Element(f"{{{SVG}}}rect", panel))
    for tag, text in (("desc", description), ("title", title)):
        label = ElementTree.Element(f"{{{SVG}}}{tag}", {"id": prefix + tag})
        label.text = clean(text)
        root.insert(0, label)
    root.attrib = {
        "viewBox": f"0 0 {width:g} {height:g}",
        "width": f"{width:g}",
        "height": f"{height:g}",
        "role": "img",
        "aria-labelledby": f"{prefix}title {prefix}desc",
        # What matplotlib's style sheet says, for this element instead of the whole page.
        "style": "max-width: 100%; height: auto; stroke-linejoin: round; stroke-linecap: butt",
    }
    return ElementTree.tostring(root, encoding="unicode")


def _localise(element: ElementTree.Element, prefix: str) -> None:
    """Prefix the ids that are referred to, drop the others, shorten numbers, set the font."""
    named = element.get("id")
    if named is not None:
        if element.tag == f"{{{SVG}}}g":
            del element.attrib["id"]
        else:
            element.set("id", prefix + named)
    target = element.get(f"{{{XLINK}}}href")
    if target is not None:
        element.set(f"{{{XLINK}}}href", "#" + prefix + target.removeprefix("#"))
    for name in ("style", "clip-path"):
        value = element.get(name)
        if value is not None:
            value = value.replace("url(#", f"url(#{prefix}")
            element.set(name, re.sub(r"font-family: [^;]+", f"font-family: {FONTS}", value))
    path = element.get("d")
    if path is not None:
        short = re.sub(r"\d+\.\d{2,}", lambda n: f"{float(n.group()):.2f}", path)
        element.set("d", re.sub(r"\s+", " ", short).strip())
    if element.text is not None and not element.text.strip():
        element.text = None
    element.tail = None
