"""Pictures for notebooks, drawn by code: boxes, words and arrows as reproducible SVG.

A picture is a file ``solutions/pictures/<name>.py`` with a function ``draw`` that returns what
`Drawing.svg` returns. The builder embeds it in the notebook where the text says
``![alternative text](pictures/<name>.py)``.
"""

from dataclasses import dataclass, field
from html import escape

__all__ = ["COLOURS", "Drawing"]

COLOURS = {
    "paper": "#fbfbf8",
    "ink": "#1f2933",
    "quiet": "#52606d",
    "line": "#7b8794",
    "blue": "#d6e6f7",
    "green": "#d9efdc",
    "yellow": "#fdf0c8",
    "red": "#f8d9d5",
    "grey": "#e8ebee",
}
"""Light areas under dark words, on their own background: legible on light and dark pages."""

_FONT = "Helvetica, Arial, 'Liberation Sans', sans-serif"


@dataclass
class Drawing:
    """An SVG picture of shapes, drawn in the order in which they are added.

    Parameters
    ----------
    width, height : int
        In pixels; on a narrow page the picture shrinks as a whole.
    """

    width: int
    height: int
    _shapes: list[str] = field(default_factory=list)

    def box(
        self,
        x: float,
        y: float,
        width: float,
        height: float,
        label: str = "",
        *,
        fill: str = "grey",
        dashed: bool = False,
    ) -> None:
        """Add a box with rounded corners; its label stands inside, at the top left."""
        dashes = ' stroke-dasharray="5 4"' if dashed else ""
        self._shapes.append(
            f'<rect x="{x:g}" y="{y:g}" width="{width:g}" height="{height:g}" rx="5" '
            f'fill="{COLOURS[fill]}" stroke="{COLOURS["line"]}"{dashes}/>'
        )
        if label:
            self.text(x + 10, y + 20, label, bold=True)

    def text(
        self,
        x: float,
        y: float,
        words: str,
        *,
        size: int = 14,
        bold: bool = False,
        colour: str = "ink",
        anchor: str = "start",
    ) -> None:
        """Add a line of words; the anchor is ``start``, ``middle`` or ``end``."""
        weight = ' font-weight="bold"' if bold else ""
        self._shapes.append(
            f'<text x="{x:g}" y="{y:g}" font-size="{size}"{weight} fill="{COLOURS[colour]}" '
            f'text-anchor="{anchor}">{escape(words)}</text>'
        )

    def arrow(self, x1: float, y1: float, x2: float, y2: float, *, both: bool = False) -> None:
        """Add an arrow, with a head at both ends if wanted."""
        start = ' marker-start="url(#head)"' if both else ""
        self._shapes.append(
            f'<line x1="{x1:g}" y1="{y1:g}" x2="{x2:g}" y2="{y2:g}" stroke="{COLOURS["ink"]}" '
            f'stroke-width="1.5"{start} marker-end="url(#head)"/>'
        )

    def line(self, points: list[tuple[float, float]], *, colour: str = "ink") -> None:
        """Add a line through points, as for a curve."""
        path = " ".join(f"{x:g},{y:g}" for x, y in points)
        self._shapes.append(
            f'<polyline points="{path}" fill="none" stroke="{COLOURS[colour]}" stroke-width="2"/>'
        )

    def svg(self) -> str:
        """Return the picture."""
        head = (
            '<defs><marker id="head" viewBox="0 0 10 10" refX="9" refY="5" markerWidth="7" '
            'markerHeight="7" orient="auto-start-reverse">'
            f'<path d="M0 0L10 5L0 10z" fill="{COLOURS["ink"]}"/></marker></defs>'
        )
        paper = (
            f'<rect width="{self.width}" height="{self.height}" rx="8" fill="{COLOURS["paper"]}"/>'
        )
        return "\n".join(
            [
                f'<svg xmlns="http://www.w3.org/2000/svg" width="{self.width}" '
                f'height="{self.height}" viewBox="0 0 {self.width} {self.height}" '
                f'font-family="{_FONT}">',
                head,
                paper,
                *self._shapes,
                "</svg>\n",
            ]
        )
