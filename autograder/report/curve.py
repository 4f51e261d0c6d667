"""The speedup curve: the predicted speedup on more workers, its bounds, and plain scikit-learn.

Of the bounds (``autograder.replay.laws``) the work law is the ideal line and the span law a level.
"""

import math

from autograder.formats import TIMES
from autograder.model import Reference, SpeedupStudy
from autograder.report import svg
from autograder.report.charts import Axes, Look, Scale, Series, legend, legend_size
from autograder.report.svg import PALETTE

__all__ = ["IDEAL", "ONE_CORE", "REPLAYED", "crossing", "speedup_curve"]

WIDTH, HEIGHT = 420, 250
LEFT = 14
"""Where the legend begins."""
SHOWN = 64
"""The curve ends here, or at the crossing with scikit-learn; beyond that, it is flat for programs
of the exercises' size, and would compress the beginning."""
SERIAL = "one core, without Dask"
BUSY = 0.9
"""Share of their seconds from which tasks are taken to have computed all the time. In kept evidence
of right programs it was 0.92 to 1.04 on a quiet machine (0.73 where XGBoost's tasks wait for one
another), and 0.35 to 0.72 beside other programs."""

IDEAL = Look(svg.QUIET, width=1, dashes="4 3")
SPAN = Look(svg.INK, width=1, dashes="1 2")
ONE_CORE = Look(PALETTE["vermillion"], dashes="7 2 1 2")
REPLAYED = Look(PALETTE["blue"], width=2, marker="circle", fill=PALETTE["blue"])
MEASURED = Look(marker="square", size=7, fill=PALETTE["orange"], edge=svg.INK)
REFERENCE = Look(marker="diamond", size=12, edge=PALETTE["green"], edge_width=1.8)


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
    return _crossing(study, 1.0)


def _crossing(study: SpeedupStudy, share: float) -> int | None:
    """Find the crossing if the replayed seconds are multiplied by this share."""
    if study.serial_seconds is None:
        return None
    ahead = [p for p, found in study.makespans.items() if share * found < study.serial_seconds]
    return min(ahead, default=None)


def _computing(study: SpeedupStudy) -> float:
    """Return the share of the tasks' seconds in which the workers computed; 1 from `BUSY` on.

    The rest is waiting: for a core that another program had, for a lock or for a disk. A recorded
    task does not say which, and the seconds without Dask contain no such wait.
    """
    computed = sum(study.worker_cpu) / study.work if study.work > 0 else 1.0
    return computed if computed < BUSY else 1.0


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
    right = max(workers[-1], 2)
    replayed = [(p, _ratio(one, study.makespans[p])) for p in workers]
    bound = _ratio(one, study.span)
    serial = None if study.serial_seconds is None else _ratio(one, study.serial_seconds)
    points = _points(study, reference)

    heights = [speedup for _, speedup in replayed]
    heights += [1.0, bound, *(point.points[0][1] for point in points)]
    heights += [] if serial is None else [serial]
    low = min(height for height in heights if math.isfinite(height) and height > 0)
    axes = Axes(
        Scale(2**-0.2, right * 2**0.2, 40, 402, log=True),
        Scale(max(low, 0.125) / 1.35, right * 1.45, 208, 56, log=True),
    )
    longest = f"longest chain of tasks allows {_times(bound)}"
    series = [Series("ideal: P times as fast", IDEAL, [(1, 1), (right, right)])]
    if math.isfinite(bound):
        series.append(Series(longest, SPAN, axes.level(bound)))
    if serial is not None:
        series.append(Series(f"{SERIAL}: {_times(serial)}", ONE_CORE, axes.level(serial)))
    label = f"from your recorded tasks, P = {study.workers}: {_times(study.speedup)}"
    series += [Series(label, REPLAYED, replayed), *points]
    soonest = _crossing(study, _computing(study))
    crossed = []
    if overtakes is not None and overtakes == soonest:
        crossed = [axes.upright(overtakes, ONE_CORE.line)]

    sentence = _overtaking(study, soonest, overtakes)
    ticks = [(float(p), str(p)) for p in (workers if len(workers) <= 8 else workers[::2])]
    numbers = [f"{p}: {_times(speedup)}" for p, speedup in replayed]
    parts = [f"Speedup from the recorded tasks by number of workers P: {', '.join(numbers)}"]
    parts += [longest, *(point.label for point in points)]
    parts += [] if serial is None else [f"{SERIAL}: {_times(serial)}"]
    columns = 2 if LEFT + legend_size(series, 2)[0] <= WIDTH else 1
    return svg.picture(
        "curve",
        (WIDTH, HEIGHT + legend_size(series, columns)[1]),
        [
            *svg.heading(16, "Speedup over one worker", sentence),
            *axes.grid("workers P", x_ticks=ticks),
            *axes.inside([*crossed, *axes.plot(series)]),
            *legend(series, LEFT, 242, columns),
        ],
        title="Speedup over the number of workers",
        description="; ".join([*parts, sentence]) + ".",
        salt=salt,
    )


def _points(study: SpeedupStudy, reference: Reference | None) -> list[Series]:
    """Return the single points: the run's own speedup, and the reference's."""
    measured = _ratio(study.makespans[1], study.measured_seconds)
    found = [("measured", measured, MEASURED)]
    if reference is not None:
        name = "reference" if reference.same_round else "typical reference"
        found.append((name, reference.speedup, REFERENCE))
    return [
        Series(f"{name}, P = {study.workers}: {_times(height)}", look, [(study.workers, height)])
        for name, height, look in found
        if math.isfinite(height)
    ]


def _overtaking(study: SpeedupStudy, soonest: int | None, overtakes: int | None) -> str:
    """Say from which number of workers on Dask is ahead, or between which two it becomes so.

    Parameters
    ----------
    study : SpeedupStudy
    soonest : int or None
        The crossing if the tasks had never waited, and would not on other workers.
    overtakes : int or None
        The crossing if they would wait as long there.
    """
    if study.serial_seconds is None:
        return "your recorded tasks, scheduled again on other numbers of workers"
    if soonest != overtakes:
        waited = f"(tasks waited {1.0 - _computing(study):.0%} of their time)"
        if overtakes is None:
            return f"Dask may overtake one core from P = {soonest} on {waited}"
        return f"Dask overtakes one core at P = {soonest} to {overtakes} {waited}"
    if overtakes is None:
        most = max(study.makespans)
        return f"Dask overtakes one core without it: never in this range (P ≤ {most})"
    return f"Dask overtakes one core without it at P = {overtakes}"


def _ratio(numerator: float, denominator: float) -> float:
    return numerator / denominator if denominator > 0 else math.inf


def _times(ratio: float) -> str:
    return f"{ratio:.2f}{TIMES}" if math.isfinite(ratio) else "none"
