"""Two ways to join a large table with a small one: a shuffle and a broadcast."""

from autograder.author.drawing import Drawing


def draw() -> str:
    """Return the picture."""
    d = Drawing(720, 330)
    d.text(170, 28, "shuffle: every ride may travel", anchor="middle", bold=True)
    d.text(550, 28, "broadcast: only the list travels", anchor="middle", bold=True)
    for left in (20, 400):
        for number in range(2):
            d.box(left + 160 * number, 44, 140, 240, f"worker {number + 1}")
    for number in range(2):
        left = 30 + 160 * number
        d.box(left, 76, 120, 74, fill="green" if number else "blue")
        d.text(left + 60, 118, "rides", anchor="middle")
        d.box(left, 200, 120, 74, fill="yellow")
        stations = "S30 to S59" if number else "S00 to S29"
        d.text(left + 60, 224, "rides and list", anchor="middle", size=12)
        d.text(left + 60, 246, stations, anchor="middle", size=12)
        d.arrow(left + 40 + 40 * number, 152, left + 40 + 40 * number, 198)
        d.arrow(left + 80 - 40 * number, 152, 30 + 160 * (1 - number) + 20 + 80 * number, 198)
        left = 410 + 160 * number
        d.box(left, 76, 120, 74, fill="green" if number else "blue")
        d.text(left + 60, 118, "rides", anchor="middle")
        d.box(left, 240, 120, 34, fill="yellow")
        d.text(left + 60, 262, "the whole list", anchor="middle", size=12)
        d.arrow(left + 60, 238, left + 60, 152)
    d.arrow(532, 257, 568, 257, both=True)
    d.text(
        360,
        312,
        "which of them it is, Dask decides by the number of partitions, unless you say it",
        size=12,
        anchor="middle",
        colour="quiet",
    )
    return d.svg()
