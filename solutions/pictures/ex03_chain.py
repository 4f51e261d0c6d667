"""The chain of Incremental: one worker learns from night after night, the other reads ahead."""

from autograder.author.drawing import Drawing

READ, FIT, GAP = 74, 34, 4


def draw() -> str:
    """Return the picture."""
    d = Drawing(760, 330)
    d.text(20, 30, "The graph", bold=True)
    for night in range(5):
        left = 30 + 145 * night
        d.box(left, 48, 100, 30, fill="blue")
        d.text(left + 50, 68, f"read {night + 1}", anchor="middle", size=13)
        d.box(left, 112, 100, 30, fill="green")
        d.text(left + 50, 132, f"fit {night + 1}", anchor="middle", size=13)
        d.arrow(left + 50, 78, left + 50, 110)
        if night < 4:
            d.arrow(left + 100, 127, left + 143, 127)
    d.text(158, 104, "model", anchor="middle", size=12, colour="quiet")
    d.text(20, 190, "On two workers", bold=True)
    d.box(560, 176, 16, 16, fill="blue")
    d.text(582, 189, "read", size=13)
    d.box(640, 176, 16, 16, fill="green")
    d.text(662, 189, "fit", size=13)
    # One worker reads nights 1, 3, 5 and 7; the other 2, 4 and 6, and learns in between.
    rows = (
        [("read", 1), ("read", 3), ("fit", 2), ("read", 5), ("fit", 4), ("read", 7), ("fit", 6)],
        [("read", 2), ("fit", 1), ("read", 4), ("fit", 3), ("read", 6), ("fit", 5), ("read", 8)],
    )
    for row, tasks in enumerate(rows):
        top, left = 205 + 44 * row, 105
        d.text(95, top + 22, f"worker {row}", anchor="end", size=13)
        d.box(100, top, 640, 34, fill="paper")
        for kind, night in tasks:
            width = READ if kind == "read" else FIT
            d.box(left, top + 3, width, 28, fill="blue" if kind == "read" else "green")
            d.text(left + width / 2, top + 22, f"{night}", anchor="middle", size=13)
            left += width + GAP
    d.arrow(100, 312, 740, 312)
    d.text(735, 305, "time", anchor="end", size=12, colour="quiet")
    return d.svg()
