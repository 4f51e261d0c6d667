"""Accuracy on both seasons, night by night of the second: averaged weights, and the last ones."""

from autograder.author.drawing import Drawing

NIGHTS = (0, 1, 3, 6, 12, 18, 24)
AVERAGED = {
    "season 1": (0.956, 0.957, 0.957, 0.957, 0.957, 0.955, 0.955),
    "season 2": (0.493, 0.504, 0.524, 0.549, 0.587, 0.616, 0.637),
}
LAST = {
    "season 1": (0.936, 0.499, 0.504, 0.516, 0.500, 0.499, 0.492),
    "season 2": (0.488, 0.931, 0.932, 0.933, 0.930, 0.930, 0.930),
}
"""Means over six random orders of the nights, as the notebook has them on a laptop."""
LEFT, WIDTH, TOP, HEIGHT = 70, 270, 50, 190


def draw() -> str:
    """Return the picture."""
    d = Drawing(760, 310)
    for place, (title, curves) in enumerate(
        {"the mean of all weights (average=True)": AVERAGED, "the last weights": LAST}.items()
    ):
        left = LEFT + place * (WIDTH + 90)
        d.text(left, 30, title, bold=True)
        for value in (0.5, 0.75, 1.0):
            y = _y(value)
            d.line([(left, y), (left + WIDTH, y)], colour="grey")
            d.text(left - 8, y + 4, f"{value:g}", anchor="end", size=12, colour="quiet")
        for night in (0, 6, 12, 18, 24):
            d.text(_x(left, night), TOP + HEIGHT + 20, f"{night}", anchor="middle", size=12)
        for name, values in curves.items():
            points = [(_x(left, n), _y(v)) for n, v in zip(NIGHTS, values, strict=True)]
            d.line(points, colour="ink" if name == "season 1" else "line")
            d.text(
                left + WIDTH - 4,
                points[-1][1] + (18 if name == "season 1" and values[-1] > 0.9 else -8),
                f"{name}: {values[-1]:.2f}",
                anchor="end",
                size=13,
                colour="ink" if name == "season 1" else "quiet",
            )
        d.text(left + WIDTH, TOP + HEIGHT + 42, "nights of season 2 learnt", anchor="end", size=13)
    d.text(20, 298, "Accuracy on unseen stars; 0.5 is guessing", size=12, colour="quiet")
    return d.svg()


def _x(left: float, night: int) -> float:
    return left + WIDTH * night / 24


def _y(accuracy: float) -> float:
    return TOP + HEIGHT * (1.0 - accuracy) / 0.6
