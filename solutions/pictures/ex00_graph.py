"""The graph of ``(x + 1).sum()`` for an array in four chunks."""

from autograder.author.drawing import Drawing

STEPS = ("make the chunk", "add 1", "sum it up")


def draw() -> str:
    """Return the picture."""
    d = Drawing(720, 330)
    for chunk in range(4):
        left = 20 + 175 * chunk
        d.box(left, 20, 155, 210, dashed=True, fill="blue" if chunk % 2 else "green")
        d.text(left + 77, 42, f"chunk {chunk}", anchor="middle", bold=True)
        for step, words in enumerate(STEPS):
            top = 54 + 58 * step
            d.box(left + 15, top, 125, 32, fill="paper")
            d.text(left + 77, top + 21, words, anchor="middle")
            if step:
                d.arrow(left + 77, top - 26, left + 77, top - 2)
        d.arrow(left + 77, 202, 300 + 40 * chunk, 268)
    d.box(265, 270, 190, 34, fill="yellow")
    d.text(360, 292, "add up four numbers", anchor="middle")
    d.text(20, 292, "a box is a task,", size=12, colour="quiet")
    d.text(20, 308, "an arrow what it needs", size=12, colour="quiet")
    d.text(700, 292, "chains of one colour:", size=12, colour="quiet", anchor="end")
    d.text(700, 308, "on the same worker", size=12, colour="quiet", anchor="end")
    return d.svg()
