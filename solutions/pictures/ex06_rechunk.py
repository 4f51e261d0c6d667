"""What a cut from rows to columns does to an array on two workers."""

from autograder.author.drawing import Drawing


def draw() -> str:
    """Return the picture."""
    d = Drawing(720, 270)
    d.text(40, 30, "blocks of rows", bold=True)
    d.text(450, 30, "blocks of columns", bold=True)
    for block in range(4):
        top = 45 + 48 * block
        d.box(40, top, 200, 40, fill=_worker(block))
        d.text(140, top + 25, f"recording {block}", anchor="middle", size=13)
        for column in range(3):
            d.arrow(242, top + 20, 448 + 72 * column, 140 if column else 70 + 40 * block)
    for column in range(3):
        d.box(450 + 72 * column, 45, 64, 184, fill=_worker(column))
        d.text(482 + 72 * column, 142, f"{32 * column}–{32 * column + 31}", anchor="middle",
               size=13)  # fmt: skip
    d.text(40, 258, "blue: on worker 0, green: on worker 1", size=12, colour="quiet")
    d.text(690, 258, "each needs a piece of every block on the left", size=12, colour="quiet",
           anchor="end")  # fmt: skip
    return d.svg()


def _worker(number: int) -> str:
    return "green" if number % 2 else "blue"
