"""Memory over time: of client and workers between GO and done, with their limits."""

from autograder.formats import megabytes
from autograder.model import Run
from autograder.report import svg
from autograder.report.charts import Axes, Look, Scale, Series, legend, legend_size

__all__ = ["memory_over_time"]

WIDTH, HEIGHT = 420, 226
LOOKS = [("blue", ""), ("orange", "5 2"), ("green", "1 1.5"), ("sky", "7 2 1 2")]
"""Colour and dashes, so that the lines also differ in grey; further workers start over."""
LIMIT = Look(svg.PALETTE["vermillion"], dashes="6 4")
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
    series = []
    for number, name in enumerate(names):
        colour, dashes = LOOKS[number % len(LOOKS)]
        held = [(s.seconds, s.nbytes / 1e6) for s in run.memory if s.name == name]
        label = f"{name}: at most {max(mb for _, mb in held):.0f} MB"
        series.append(Series(label, Look(svg.PALETTE[colour], dashes=dashes), held))
    points = [point for each in series for point in each.points]
    axes = Axes(
        Scale(0.0, max((at for at, _ in points), default=0.0) or 1.0, 52, 402),
        Scale(0.0, 1.05 * max(limit / 1e6, *(mb for _, mb in points)), 182, 56),
    )
    label = f"a worker's limit: {megabytes(limit, 0)}"
    series.append(Series(label, LIMIT, axes.level(limit / 1e6)))
    drawn = [
        *svg.heading(16, "Memory over time", data),
        *axes.grid("seconds", "MB"),
        *axes.plot(series),
        *legend(series, 14, 218, 2),
    ]
    return svg.picture(
        "memory",
        (WIDTH, HEIGHT + legend_size(series, 2)[1]),
        drawn,
        title="Memory over time",
        description=f"{'; '.join([*(each.label for each in series), data])}.",
        salt=salt,
    )
