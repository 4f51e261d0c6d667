"""A scaling study for people to read: a picture, a page, a table of numbers."""

import csv
import io
from collections.abc import Callable, Iterator, Sequence
from xml.etree.ElementTree import Element

from markupsafe import Markup

from autograder.formats import TIMES, counted
from autograder.model import ScalingPoint, ScalingStudy
from autograder.report import svg
from autograder.report.card import ENVIRONMENT
from autograder.report.charts import Axes, Look, Scale, Series, legend
from autograder.report.curve import IDEAL, ONE_CORE, REPLAYED
from autograder.report.svg import PALETTE

__all__ = ["page", "picture", "rows", "table", "text"]

WIDTH, HEIGHT, PANEL = 840, 340, 420
MEASURED = Look(svg.INK, width=1, marker="square", size=7, fill=PALETTE["orange"], edge=svg.INK)
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
    drawn = [*_draw_strong(study.strong), *(_draw_weak(study.weak) if study.weak else ())]
    return svg.picture(
        "scaling",
        (WIDTH if study.weak else PANEL, HEIGHT),
        drawn,
        title=f"Scaling of {study.function} on {study.profile}",
        description=_in_words(study),
        salt=study.exercise,
    )


def page(study: ScalingStudy) -> str:
    """Write the study as an HTML page that needs no other file."""
    return ENVIRONMENT.get_template("scaling.html").render(
        study=study,
        picture=Markup(picture(study)),
        columns=COLUMNS,
        rows=rows(study),
        repeats=len(study.strong[0].seconds),
        fewest=counted(study.strong[0].workers, "worker"),
        client_only=[counted(p.workers, "worker") for p in study.strong if p.tasks == 0],
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


def _spread(points: Sequence[ScalingPoint]) -> list[tuple[int, float, float]]:
    """Return the numbers of workers, each with the least and the largest ratio by the clock."""
    first = points[0].median
    return [(p.workers, first / max(p.seconds), first / min(p.seconds)) for p in points]


def _draw_strong(points: Sequence[ScalingPoint]) -> Iterator[Element]:
    first, last = points[0], points[-1]
    most = last.workers / first.workers
    serial = first.median / first.serial_seconds if first.serial_seconds else None
    heights = [1.0, 2.0, most, *_heights(points, _strong(points)), *([serial] if serial else [])]
    y = Scale(min(heights) / 1.15, max(heights) * 1.15, 236, 44, log=True)
    axes = Axes(_counts(points, 0), y)
    bounds = [Series("ideal", IDEAL, [(first.workers, 1.0), (last.workers, most)])]
    if serial:
        label = f"one core, without Dask: {serial:.2f}{TIMES}"
        bounds.append(Series(label, ONE_CORE, axes.level(serial)))
    yield from svg.heading(16, "Strong scaling: the same input")
    label = f"speedup over {counted(first.workers, 'worker')}"
    yield from _panel(axes, label, bounds, points, _strong(points))


def _draw_weak(points: Sequence[ScalingPoint]) -> Iterator[Element]:
    y = Scale(0.0, 1.1 * max(1.0, *_heights(points, _weak(points))), 236, 44)
    axes = Axes(_counts(points, PANEL), y)
    yield from svg.heading(PANEL + 16, "Weak scaling: the input grows with the workers")
    bounds = [Series("ideal", IDEAL, axes.level(1.0))]
    yield from _panel(axes, "efficiency", bounds, points, _weak(points))


def _counts(points: Sequence[ScalingPoint], left: float) -> Scale:
    low, high = points[0].workers * 2**-0.2, points[-1].workers * 2**0.2
    return Scale(low, high, left + 58, left + PANEL - 20, log=True)


def _heights(
    points: Sequence[ScalingPoint], ratios: Sequence[tuple[float, float]]
) -> Iterator[float]:
    """Yield every height that is drawn, ends of the spread included."""
    for _, low, high in _spread(points):
        yield from (low, high)
    for pair in ratios:
        yield from pair


def _panel(
    axes: Axes,
    label: str,
    bounds: Sequence[Series],
    points: Sequence[ScalingPoint],
    ratios: Sequence[tuple[float, float]],
) -> Iterator[Element]:
    """Draw grid, lines and legend of one kind of scaling."""
    counts = [point.workers for point in points]
    measured = [(count, ratio) for count, (ratio, _) in zip(counts, ratios, strict=True)]
    replayed = [(count, ratio) for count, (_, ratio) in zip(counts, ratios, strict=True)]
    clock = Series("measured: median, least to most", MEASURED, measured)
    series = [*bounds, Series("replayed", REPLAYED, replayed), clock]
    yield from axes.grid("workers", label, [(float(count), str(count)) for count in counts])
    yield from (axes.spread(*each, svg.INK) for each in _spread(points))
    yield from axes.plot(series)
    yield from legend(series, axes.x.start - 42, 274, 1)


def _in_words(study: ScalingStudy) -> str:
    sentences = []
    for kind, points, ratio in _kinds(study):
        what = "speedup" if kind == "strong" else "efficiency"
        numbers = [
            f"{p.workers}: {measured:.2f} measured, {replayed:.2f} replayed"
            for p, (measured, replayed) in zip(points, ratio(points), strict=True)
        ]
        sentences.append(
            f"{kind.capitalize()} scaling, {what} by number of workers: " + "; ".join(numbers)
        )
    return ". ".join(sentences)


def _crowded(study: ScalingStudy) -> str:
    """Name the cores of this machine if a local cluster had more workers than those."""
    cores = int(study.environment["cores"])
    most = study.strong[-1].workers
    return f"{cores} cores" if study.profile == "local" and most > cores else ""
