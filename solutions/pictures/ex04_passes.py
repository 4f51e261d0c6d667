"""Passes of k-means over the chunks, kept and not, with a gap in which the notebook decides."""

from autograder.author.drawing import Drawing


def draw() -> str:
    """Return the picture."""
    d = Drawing(760, 370)
    d.text(20, 28, "Kept by persist(): each file is read once", bold=True)
    _stream(d, 42, reads=1)
    d.text(20, 198, "Not kept: every pass reads every file again", bold=True)
    _stream(d, 212, reads=3)
    d.arrow(100, 355, 745, 355)
    d.text(745, 348, "time", anchor="end", size=12, colour="quiet")
    return d.svg()


def _stream(d: Drawing, top: float, reads: int) -> None:
    for row, name in enumerate(("worker 0", "worker 1", "notebook")):
        d.text(95, top + 40 * row + 21, name, anchor="end", size=13)
        d.box(100, top + 40 * row, 645, 32, fill="paper")
    left = 104.0
    for step in range(3):
        tasks = ["read"] * 2 * (step < reads) + ["sum"] * 2
        for task in tasks:
            for row in range(2):
                y = top + 40 * row
                d.box(left, y + 3, 38, 26, fill="blue" if task == "read" else "green")
                d.text(left + 19, y + 21, task, anchor="middle", size=12)
            left += 41
        d.box(left, top + 83, 42, 26, fill="yellow")
        d.text(left + 21, top + 101, "move", anchor="middle", size=12)
        left += 46
