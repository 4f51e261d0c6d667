"""Memory over time: what client and workers held between GO and done, and what they may hold."""

from xml.etree.ElementTree import Element

from autograder.formats import megabytes
from autograder.model import Run
from autograder.report import svg

__all__ = ["memory_over_time"]

WIDTH, HEIGHT = 420, 226
LOOKS = [("blue", ""), ("orange", "5 2"), ("green", "1 1.5"), ("sky", "7 2 1 2")]
"""Colour and dashes, so that the lines differ in grey too; further workers begin anew."""
LIMIT = svg.Look(svg.PALETTE["vermillion"], dashes="6 4")
SHOWN = 8
"""Lines, the client's first: more would hide each other."""


def memory_over_time(run: Run, limit: int, *, salt: str = "") -> str:
    """Draw the memory of client and workers, sampled from outside.

    Parameters
    ----------
    run : Run
        With samples.
    limit : int
        Of one worker, in bytes.
    salt : str, optional
        Makes the ids differ where one page shows the same picture twice.

    Returns
    -------
    str
        An ``<svg>`` element, 420 px wide at its natural size.
    """
    names = sorted({s.name for s in run.memory if s.name != "scheduler"})[:SHOWN]
    data = f"the data: {megabytes(run.input_bytes, 0)}"
    samples = [[(s.seconds, s.nbytes / 1e6) for s in run.memory if s.name == n] for n in names]
    highest = [max(held for _, held in each) for each in samples]
    legend: list[tuple[svg.Look | svg.Fill, str]] = []
    lines: list[Element] = []
    axes = svg.Axes(
        svg.Scale(0.0, max([s.seconds for s in run.memory], default=0.0) or 1.0, 52, 402),
        svg.Scale(0.0, 1.05 * max(limit / 1e6, *highest), 182, 56),
    )
    for number, (name, held, most) in enumerate(zip(names, samples, highest, strict=True)):
        colour, dashes = LOOKS[number % len(LOOKS)]
        look = svg.Look(svg.PALETTE[colour], dashes=dashes)
        lines += axes.plot(held, look)
        legend.append((look, f"{name}: at most {most:.0f} MB"))
    legend.append((LIMIT, f"a worker's limit: {megabytes(limit, 0)}"))
    labels = [label for _, label in legend]
    drawn = [
        *svg.heading(16, "Memory over time", data),
        *axes.grid("seconds", "MB"),
        *axes.level(limit / 1e6, LIMIT),
        *lines,
        *svg.legend(legend, 14, 218, 2),
    ]
    return svg.picture(
        "memory",
        (WIDTH, HEIGHT + svg.legend_size(labels, 2)[1]),
        drawn,
        title="Memory over time",
        description=f"{'; '.join([*labels, data])}.",
        salt=salt,
    )
