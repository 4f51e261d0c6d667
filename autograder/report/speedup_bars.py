"""How a speedup is computed: the seconds behind the mark, one bar each."""

from collections.abc import Iterator

from autograder.formats import seconds
from autograder.model import Speedup
from autograder.report import svg
from autograder.report.charts import Scale, Series, legend, legend_size
from autograder.report.svg import PALETTE, Fill

__all__ = ["speedup_bars"]

WIDTH, LEFT, RIGHT, TOP, ROW = 680, 76, 150, 58, 22
MOST = 8
"""Number of workers with a separate bar: those that did most."""

ALONE = Fill(PALETTE["vermillion"], "/")
SHARED = Fill(PALETTE["blue"])
SHARING = Fill(PALETTE["blue"], "|")
SPARED = Fill(PALETTE["orange"], "\\")
WAITING = Fill(svg.RULE, "x")
USEFUL = Fill(PALETTE["sky"], "+")
QUIET = Fill(PALETTE["green"], "-")
CLOCK = Fill(svg.QUIET)

Bar = tuple[str, list[tuple[float, float, Fill]], str]
"""What a bar is of, its pieces (from, to, look), and its number."""


def speedup_bars(found: Speedup, *, salt: str = "") -> str:
    """Draw what was done alone and by every worker, the clock, and the time on quiet workers.

    Parameters
    ----------
    found : Speedup
    salt : str, optional
        Makes the ids differ where one page shows the same picture twice.

    Returns
    -------
    str
        An ``<svg>`` element, 680 px wide at its natural size.
    """
    bars = list(_bars(found))
    longest = max((stop for _, pieces, _ in bars for _, stop, _ in pieces), default=0.0)
    time = Scale(0.0, longest or 1.0, LEFT, WIDTH - RIGHT)
    bottom = TOP + ROW * len(bars)
    entries = [
        Series("spared: work alone that the reference also needs", SPARED),
        Series("alone: work of notebook and scheduler", ALONE),
        Series("work of a worker", SHARED),
        Series("shared by the workers that had something to do", SHARING),
        Series("on the clock, without delays", CLOCK),
        Series("without a CPU: other programs had it", WAITING),
        Series("useful: all work, up to what the answer needs", USEFUL),
        Series("on quiet workers", QUIET),
    ]
    drawn = [
        svg.hatches(each.look for each in entries if isinstance(each.look, Fill)),
        *svg.heading(16, "How the speedup is calculated", _sum(found)),
    ]
    for number, (name, pieces, told) in enumerate(bars):
        middle = TOP + ROW * (number + 0.5)
        drawn.append(svg.text(LEFT - 8, middle + 4, name, font_size=svg.NORMAL, text_anchor="end"))
        for start, stop, fill in pieces:
            corner = (time(start), middle - 7, max(time(stop) - time(start), 0.0), 14)
            drawn.append(svg.boxes([corner], fill, 0))
        drawn.append(svg.text(WIDTH - RIGHT + 8, middle + 4, told, fill=svg.MUTED))
    drawn += legend(entries, 16, bottom + 8, 2)
    return svg.picture(
        "speedup",
        (WIDTH, bottom + 16 + legend_size(entries, 2)[1]),
        drawn,
        title="How the speedup is calculated",
        description="; ".join([*(f"{name}: {told}" for name, _, told in bars), _sum(found)]) + ".",
        salt=salt,
    )


def _bars(found: Speedup) -> Iterator[Bar]:
    alone = found.alone
    told = seconds(alone)
    if found.spared:
        told += f" (spared: {seconds(found.spared)})"
    yield "alone", [(0.0, found.spared, SPARED), (found.spared, alone, ALONE)], told
    # The recording numbers the workers in another way, so that they have no number here.
    for work in sorted(found.each, reverse=True)[:MOST]:
        yield "a worker", [(alone, alone + work, SHARED)], seconds(work)
    yield "shared", [(alone, alone + found.shared, SHARING)], seconds(found.shared)
    lost = found.without_cpu
    if lost is None:
        yield "clock", [(0.0, found.wall, CLOCK)], seconds(found.wall)
    else:
        ran = max(found.wall - lost, 0.0)
        pieces = [(0.0, ran, CLOCK), (ran, found.wall, WAITING)]
        yield "clock", pieces, f"{seconds(found.wall)} (less {seconds(lost)})"
    useful = found.spared + found.useful
    told = seconds(useful)
    if found.most is not None:
        told += f" (at most {seconds(found.most)})"
    yield "useful", [(0.0, found.spared, SPARED), (found.spared, useful, USEFUL)], told
    quiet = found.spared + found.quiet
    yield "quiet", [(0.0, found.spared, SPARED), (found.spared, quiet, QUIET)], seconds(quiet)


def _sum(found: Speedup) -> str:
    return (
        f"{found.useful:.2f} s of useful work / {found.quiet:.2f} s on quiet workers = "
        f"{found.speedup:.2f}; no points up to {found.zero:.2f}, all of them from {found.full:.2f}"
    )
