"""Two task streams: computed chunk by chunk in a loop, and all chunks at once."""

from autograder.author.drawing import Drawing


def draw() -> str:
    """Return the picture."""
    d = Drawing(720, 270)
    for top, title in ((20, "A"), (140, "B")):
        d.text(22, top + 48, title, size=18, bold=True)
        for row in range(2):
            y = top + 38 * row
            d.text(115, y + 20, f"worker {row}", anchor="end", size=12)
            d.box(125, y, 570, 30, fill="paper")
            for task in range(8):
                if title == "A" and task % 2 == row:
                    d.box(128 + 70 * task, y + 2, 48, 26, fill="yellow")
                elif title == "B" and task < 4:
                    d.box(128 + 51 * task, y + 2, 48, 26, fill="yellow")
    d.arrow(125, 248, 690, 248)
    d.text(700, 240, "time", anchor="end", size=12, colour="quiet")
    return d.svg()
