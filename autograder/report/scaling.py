"""A scaling study for people: a picture, a page of its own, a table of numbers."""

import csv
import io
from collections.abc import Callable, Sequence
from typing import Any

from markupsafe import Markup
from matplotlib.axes import Axes
from matplotlib.ticker import FuncFormatter, NullLocator

from autograder.model import ScalingPoint, ScalingStudy
from autograder.report import svg
from autograder.report.card import ENVIRONMENT
from autograder.report.terminal import TIMES

__all__ = ["page", "picture", "rows", "table", "text"]

WIDTH, HEIGHT, PANEL = 840, 340, 420
COLUMNS = {
    "scaling": "scaling",
    "workers": "workers",
    "input": "input size",
    "seconds": "measured, s",
    "least": "least",
    "most": "most",
    "replayed": "replayed, s",
    "ratio": "measured ratio",
    "replayed_ratio": "replayed ratio",
    "serial": "scikit-learn, s",
    "tasks": "tasks",
}
"""What the table's columns are called on the page, by their names in the CSV."""


def rows(study: ScalingStudy) -> list[dict[str, str]]:
    """Return the numbers of a study, a row for each point, by the names in `COLUMNS`.

    ``ratio`` is the speedup over the smallest cluster in strong scaling, and the efficiency in
    weak scaling.
    """
    return [
        {
            "scaling": kind,
            "workers": str(point.workers),
            "input": f"{point.factor:g}",
            "seconds": f"{point.median:.3f}",
            "least": f"{min(point.seconds):.3f}",
            "most": f"{max(point.seconds):.3f}",
            "replayed": f"{point.replayed:.3f}",
            "ratio": f"{measured:.3f}",
            "replayed_ratio": f"{replayed:.3f}",
            "serial": f"{point.serial_seconds:.3f}",
            "tasks": str(point.tasks),
        }
        for kind, points, ratio in _kinds(study)
        for point, (measured, replayed) in zip(points, ratio(points), strict=True)
    ]


def table(study: ScalingStudy) -> str:
    """Write the numbers of a study as CSV, with a line of names."""
    file = io.StringIO()
    writer = csv.DictWriter(file, COLUMNS, lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows(study))
    return file.getvalue()


def text(study: ScalingStudy) -> str:
    """Write the numbers of a study for terminals."""
    names = ("scaling", "workers", "input", "seconds", "replayed", "ratio", "replayed_ratio")
    lines = [[COLUMNS[name] for name in names], *([row[n] for n in names] for row in rows(study))]
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    return "\n".join(
        "  ".join(word.rjust(width) for word, width in zip(line, widths, strict=True))
        for line in lines
    )


def picture(study: ScalingStudy) -> str:
    """Draw a study: speedup for strong scaling, efficiency for weak, measured and replayed.

    Returns
    -------
    str
        An ``<svg>`` element; without weak scaling it is half as wide.
    """
    width = WIDTH if study.weak else PANEL
    with svg.settings():
        figure = svg.figure(width, HEIGHT)
        strong = _axes(figure, width, 0, "Strong scaling: the same input")
        _draw_strong(strong, study.strong)
        if study.weak:
            weak = _axes(figure, width, PANEL, "Weak scaling: the input grows with the workers")
            _draw_weak(weak, study.weak)
        title = f"Scaling of {study.function} on {study.profile}"
        return svg.finish(figure, "scaling", study.exercise, title, _in_words(study))


def page(study: ScalingStudy) -> str:
    """Write the study as an HTML page that needs no other file."""
    return ENVIRONMENT.get_template("scaling.html").render(
        study=study,
        picture=Markup(picture(study)),
        columns=COLUMNS,
        rows=rows(study),
        repeats=len(study.strong[0].seconds),
        fewest=_workers(study.strong[0].workers),
        client_only=[_workers(p.workers) for p in study.strong if p.tasks == 0],
        crowded=_crowded(study),
    )


def _strong(points: Sequence[ScalingPoint]) -> list[tuple[float, float]]:
    """Return the speedups over the smallest cluster: by the clock, replayed."""
    first = points[0]
    return [(first.median / p.median, p.replayed_fewest / p.replayed) for p in points]


def _weak(points: Sequence[ScalingPoint]) -> list[tuple[float, float]]:
    """Return the efficiencies: the time on the smallest cluster over that on this one."""
    first = points[0]
    return [(first.median / p.median, first.replayed / p.replayed) for p in points]


_Ratios = Callable[[Sequence[ScalingPoint]], list[tuple[float, float]]]


def _kinds(study: ScalingStudy) -> list[tuple[str, Sequence[ScalingPoint], _Ratios]]:
    kinds: list[tuple[str, Sequence[ScalingPoint], _Ratios]] = [
        ("strong", study.strong, _strong),
        ("weak", study.weak, _weak),
    ]
    return [kind for kind in kinds if kind[1]]


def _spread(points: Sequence[ScalingPoint]) -> tuple[list[float], list[float]]:
    """Return how far the ratios by the clock reach down and up from their medians."""
    first = points[0].median
    down = [first / p.median - first / max(p.seconds) for p in points]
    up = [first / min(p.seconds) - first / p.median for p in points]
    return down, up


def _draw_strong(axes: Axes, points: Sequence[ScalingPoint]) -> None:
    counts = [point.workers for point in points]
    ideal = [count / counts[0] for count in counts]
    axes.plot(counts, ideal, color="#8c959f", lw=1, ls=(0, (4, 3)), label="ideal")
    serial = points[0].median / points[0].serial_seconds if points[0].serial_seconds else None
    if serial:
        colour = svg.PALETTE["vermillion"]
        label = f"plain scikit-learn, one core: {serial:.2f}{TIMES}"
        axes.axhline(serial, color=colour, lw=1.4, ls=(0, (7, 2, 1, 2)), label=label)
    _lines(axes, points, _strong(points))
    axes.set_xscale("log", base=2)
    axes.set_yscale("log", base=2)
    axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
    axes.yaxis.set_minor_locator(NullLocator())
    axes.set_ylabel(f"speedup over {_workers(counts[0])}", fontsize=10)
    _finish(axes, counts)


def _draw_weak(axes: Axes, points: Sequence[ScalingPoint]) -> None:
    counts = [point.workers for point in points]
    axes.axhline(1.0, color="#8c959f", lw=1, ls=(0, (4, 3)), label="ideal")
    _lines(axes, points, _weak(points))
    axes.set_xscale("log", base=2)
    axes.set_ylim(0, max(1.1, *(1.1 * ratio for pair in _weak(points) for ratio in pair)))
    axes.set_ylabel("efficiency", fontsize=10)
    _finish(axes, counts)


def _lines(
    axes: Axes, points: Sequence[ScalingPoint], ratios: Sequence[tuple[float, float]]
) -> None:
    counts = [point.workers for point in points]
    measured, replayed = zip(*ratios, strict=True)
    blue = svg.PALETTE["blue"]
    axes.plot(counts, replayed, color=blue, lw=2, marker="o", ms=5, label="replayed")
    axes.errorbar(
        counts,
        measured,
        yerr=_spread(points),
        color=svg.INK,
        lw=1,
        capsize=3,
        marker="s",
        ms=7,
        mfc=svg.PALETTE["orange"],
        mec=svg.INK,
        mew=0.7,
        label="measured: median, least to most",
    )


def _axes(figure: Any, width: float, left: float, title: str) -> Axes:
    figure.text((left + 16) / width, 1 - 24 / HEIGHT, title, weight="bold")
    axes: Axes = figure.add_axes(
        ((left + 58) / width, 104 / HEIGHT, (PANEL - 78) / width, 196 / HEIGHT)
    )
    return axes


def _finish(axes: Axes, counts: Sequence[int]) -> None:
    axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
    axes.xaxis.set_minor_locator(NullLocator())
    axes.set_xlim(counts[0] * 2**-0.2, counts[-1] * 2**0.2)
    axes.set_xticks(counts)
    axes.set_xlabel("workers", fontsize=10, labelpad=2)
    axes.grid(color=svg.RULE, lw=0.6)
    axes.set_axisbelow(True)
    axes.spines[:].set_visible(False)
    axes.tick_params(length=0, labelsize=10)
    axes.legend(
        loc="upper left",
        bbox_to_anchor=(-0.12, -0.2),
        frameon=False,
        fontsize=10,
        borderpad=0,
        labelspacing=0.3,
    )


def _in_words(study: ScalingStudy) -> str:
    said = []
    for kind, points, ratio in _kinds(study):
        what = "speedup" if kind == "strong" else "efficiency"
        numbers = [
            f"{p.workers}: {measured:.2f} measured, {replayed:.2f} replayed"
            for p, (measured, replayed) in zip(points, ratio(points), strict=True)
        ]
        said.append(
            f"{kind.capitalize()} scaling, {what} by number of workers: " + "; ".join(numbers)
        )
    return ". ".join(said)


def _crowded(study: ScalingStudy) -> str:
    """Name the cores of this machine if a local cluster had more workers than those."""
    cores = int(study.environment["cores"])
    most = study.strong[-1].workers
    return f"{cores} cores" if study.profile == "local" and most > cores else ""


def _workers(count: int) -> str:
    return "1 worker" if count == 1 else f"{count} workers"
