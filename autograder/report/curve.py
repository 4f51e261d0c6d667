"""The speedup curve: what more workers would bring, against its bounds and plain scikit-learn.

Of the bounds (``autograder.replay.laws``) the work law is the ideal line, the span law a
level, and the greedy bound, which every greedy schedule reaches where nothing has a cost, the
line below them.
"""

import math
from typing import Any

from matplotlib.axes import Axes
from matplotlib.ticker import FuncFormatter, NullLocator

from autograder.model import Reference, SpeedupStudy
from autograder.replay import laws
from autograder.report import svg
from autograder.report.terminal import TIMES

__all__ = ["crossing", "speedup_curve"]

WIDTH, HEIGHT = 420, 300
SHOWN = 64
"""The curve goes as far as this, or as the crossing with scikit-learn; what comes after it is
flat for programs of the size of exercises, and would press the beginning together."""
SERIAL = "plain scikit-learn, one core"


def crossing(study: SpeedupStudy) -> int | None:
    """Find the least number of workers with which Dask overtakes plain scikit-learn.

    This is the COST of the configuration: McSherry, Isard, Murray, "Scalability! But at what
    COST?", HotOS 2015.

    Parameters
    ----------
    study : SpeedupStudy

    Returns
    -------
    int or None
        None where scikit-learn was not timed, or is ahead with all numbers replayed.
    """
    if study.serial_seconds is None:
        return None
    ahead = [p for p, makespan in study.makespans.items() if makespan < study.serial_seconds]
    return min(ahead, default=None)


def speedup_curve(
    study: SpeedupStudy, reference: Reference | None = None, *, salt: str = ""
) -> str:
    """Draw the replayed speedup over the number of workers, both axes logarithmic.

    Parameters
    ----------
    study : SpeedupStudy
    reference : Reference, optional
        Its speedup is marked at the study's number of workers.
    salt : str, optional
        Makes the ids differ where one page shows the same picture twice.

    Returns
    -------
    str
        An ``<svg>`` element, 420 px wide at its natural size.
    """
    one = study.makespans[1]
    overtakes = crossing(study)
    farthest = max(SHOWN, study.workers, overtakes or 0)
    workers = [p for p in sorted(study.makespans) if p <= farthest]
    replayed = [_ratio(one, study.makespans[p]) for p in workers]
    right = max(workers[-1], 2)
    bound = _ratio(one, study.span)
    marks = _marks(study, reference)
    least = [_ratio(one, laws.greedy_bound(study.work, study.span, p)) for p in workers]
    heights = [*replayed, *least, bound, *(height for height, _, _ in marks), 1.0]
    sentence = _overtaking(study, overtakes)

    with svg.settings():
        figure = svg.figure(WIDTH, HEIGHT)
        axes = figure.add_axes((40 / WIDTH, 92 / HEIGHT, 362 / WIDTH, 152 / HEIGHT))
        axes.plot([1, right], [1, right], color="#8c959f", lw=1, ls=(0, (4, 3)), label="ideal")
        if math.isfinite(bound):
            label = f"span bound: {_times(bound)}"
            axes.axhline(bound, color=svg.INK, lw=1, ls=(0, (1, 2)), label=label)
        dashes = (0, (3, 2, 1, 2, 1, 2))
        axes.plot(workers, least, color=svg.MUTED, lw=1, ls=dashes, label="greedy bound")
        if study.serial_seconds is not None:
            serial = _ratio(one, study.serial_seconds)
            heights.append(serial)
            colour, label = svg.PALETTE["vermillion"], f"{SERIAL}: {_times(serial)}"
            axes.axhline(serial, color=colour, lw=1.4, ls=(0, (7, 2, 1, 2)), label=label)
        label = f"replayed, P = {study.workers}: {_times(study.speedup)}"
        colour = svg.PALETTE["blue"]
        axes.plot(workers, replayed, color=colour, lw=2, marker="o", ms=5, label=label)
        for height, label, style in marks:
            axes.plot([study.workers], [height], ls="", label=label, **style)
        if overtakes is not None:
            axes.axvline(overtakes, color=svg.PALETTE["vermillion"], lw=0.8, alpha=0.5, zorder=0)
        low = min(height for height in heights if math.isfinite(height) and height > 0)
        _dress(axes, workers, max(low, 0.125), right)
        figure.text(16 / WIDTH, 1 - 24 / HEIGHT, "Speedup over one worker", weight="bold")
        figure.text(16 / WIDTH, 1 - 42 / HEIGHT, sentence, fontsize=10, color=svg.MUTED)
        figure.legend(
            loc="lower left",
            bbox_to_anchor=(14 / WIDTH, 10 / HEIGHT),
            ncols=2,
            frameon=False,
            fontsize=10,
            borderpad=0,
            borderaxespad=0,
            handlelength=1.8,
            labelspacing=0.3,
            columnspacing=1.2,
        )
        numbers = [f"{p}: {_times(s)}" for p, s in zip(workers, replayed, strict=True)]
        parts = [f"Replayed speedup by number of workers P: {', '.join(numbers)}"]
        parts += [f"span bound: {_times(bound)}", *(label for _, label, _ in marks)]
        if study.serial_seconds is not None:
            parts.append(f"{SERIAL}: {_times(_ratio(one, study.serial_seconds))}")
        title = "Speedup over the number of workers"
        return svg.finish(figure, "curve", salt, title, "; ".join([*parts, sentence]) + ".")


def _marks(
    study: SpeedupStudy, reference: Reference | None
) -> list[tuple[float, str, dict[str, Any]]]:
    """List the single points: height, label and look."""
    measured = _ratio(study.makespans[1], study.measured_seconds)
    look = {"marker": "s", "ms": 7, "mfc": svg.PALETTE["orange"], "mec": svg.INK, "mew": 0.7}
    marks = [(measured, f"measured, P = {study.workers}: {_times(measured)}", look)]
    if reference is not None:
        name = "reference" if reference.same_round else "typical reference"
        label = f"{name}, P = {study.workers}: {_times(reference.speedup)}"
        look = {"marker": "D", "ms": 9, "mfc": "none", "mec": svg.PALETTE["green"], "mew": 1.8}
        marks.append((reference.speedup, label, look))
    return [mark for mark in marks if math.isfinite(mark[0])]


def _dress(axes: Axes, workers: list[int], low: float, right: int) -> None:
    axes.set_xscale("log", base=2)
    axes.set_yscale("log", base=2)
    axes.set_xlim(2**-0.2, right * 2**0.2)
    axes.set_ylim(low / 1.35, right * 1.45)
    for axis in (axes.xaxis, axes.yaxis):
        axis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
        axis.set_minor_locator(NullLocator())
    axes.set_xticks(workers if len(workers) <= 8 else workers[::2])
    axes.grid(color=svg.RULE, lw=0.6)
    axes.set_axisbelow(True)
    axes.spines[:].set_visible(False)
    axes.tick_params(length=0, labelsize=10)
    axes.set_xlabel("workers P", fontsize=10, labelpad=2)


def _overtaking(study: SpeedupStudy, overtakes: int | None) -> str:
    if study.serial_seconds is None:
        return "replayed from the recorded task graph"
    if overtakes is None:
        most = max(study.makespans)
        return f"Dask overtakes plain scikit-learn: never in this range (P ≤ {most})"
    return f"Dask overtakes plain scikit-learn at P = {overtakes}"


def _ratio(numerator: float, denominator: float) -> float:
    return numerator / denominator if denominator > 0 else math.inf


def _times(ratio: float) -> str:
    return f"{ratio:.2f}{TIMES}" if math.isfinite(ratio) else "none"
