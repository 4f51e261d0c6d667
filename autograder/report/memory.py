"""Memory over time: what client and workers held between GO and done, and what they may hold."""

from autograder.model import Run
from autograder.report import svg

__all__ = ["memory_over_time"]

WIDTH, HEIGHT = 420, 270
LOOKS = [
    ("blue", "-"),
    ("orange", (0, (5, 2))),
    ("green", (0, (1, 1.5))),
    ("sky", (0, (7, 2, 1, 2))),
]
"""Colour and dashes, so that the lines differ in grey too; further workers begin anew."""
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
    data = f"the data: {_mb(run.input_bytes)}"
    peaks = []
    with svg.settings():
        figure = svg.figure(WIDTH, HEIGHT)
        axes = figure.add_axes((52 / WIDTH, 88 / HEIGHT, 350 / WIDTH, 130 / HEIGHT))
        for number, name in enumerate(names):
            seen = [(s.seconds, s.nbytes / 1e6) for s in run.memory if s.name == name]
            peaks.append(f"{name}: at most {max(held for _, held in seen):.0f} MB")
            colour, dashes = LOOKS[number % len(LOOKS)]
            axes.plot(
                *zip(*seen, strict=True), color=svg.PALETTE[colour], ls=dashes, label=peaks[-1]
            )
        label = f"a worker's limit: {_mb(limit)}"
        axes.axhline(limit / 1e6, color=svg.PALETTE["vermillion"], ls=(0, (6, 4)), label=label)
        axes.set_ylim(bottom=0)
        axes.set_xlim(left=0)
        axes.grid(color=svg.RULE, lw=0.6)
        axes.spines[:].set_visible(False)
        axes.tick_params(length=0, labelsize=10)
        axes.set_xlabel("seconds", fontsize=10, labelpad=2)
        axes.set_ylabel("MB", fontsize=10)
        figure.text(16 / WIDTH, 1 - 24 / HEIGHT, "Memory over time", weight="bold")
        figure.text(16 / WIDTH, 1 - 42 / HEIGHT, data, fontsize=10, color=svg.MUTED)
        figure.legend(
            loc="lower left",
            bbox_to_anchor=(14 / WIDTH, 8 / HEIGHT),
            ncols=2,
            frameon=False,
            fontsize=10,
            borderpad=0,
            borderaxespad=0,
        )
        told = "; ".join([*peaks, label, data])
        return svg.finish(figure, "memory", salt, "Memory over time", f"{told}.")


def _mb(size: int) -> str:
    return f"{size / 1e6:,.0f} MB"
