"""One level of one tree: each worker adds up its own rows, and the tables are added."""

from autograder.author.drawing import Drawing


def draw() -> str:
    """Return the picture."""
    d = Drawing(760, 330)
    d.text(20, 26, "One level of one tree, and the same again for the next level", bold=True)
    for top, name in ((45, "worker 0"), (190, "worker 1")):
        d.box(20, top, 130, 95, name, fill="green")
        d.text(30, top + 48, "its own rows")
        d.text(30, top + 70, "never leave it", size=12, colour="quiet")
        d.arrow(150, top + 47, 218, top + 47)
        d.text(184, top + 38, "add up", size=12, anchor="middle")
        d.box(220, top + 12, 110, 70, "sums", fill="blue")
        d.text(230, top + 62, "24 × 32 bins", size=12)
        d.box(610, top, 130, 95, name, fill="green")
        d.text(620, top + 48, "splits its rows")
        d.text(620, top + 70, "by that question", size=12, colour="quiet")
    d.box(400, 105, 140, 90, "both tables", fill="yellow")
    d.text(410, 153, "added: the sums")
    d.text(410, 175, "over all rows")
    d.arrow(330, 92, 398, 130)
    d.arrow(330, 237, 398, 175)
    d.arrow(540, 130, 608, 92)
    d.arrow(540, 175, 608, 237)
    d.text(600, 155, "the same best", size=12)
    d.text(600, 171, "question for both", size=12)
    d.arrow(675, 300, 85, 300)
    d.text(
        380, 318, "next level: nobody goes on before all are done", size=12, anchor="middle",
        colour="quiet",
    )  # fmt: skip
    return d.svg()
