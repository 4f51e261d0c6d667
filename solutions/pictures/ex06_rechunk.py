"""What a cut from rows to columns does to an array on two workers."""

from autograder.author.drawing import Drawing


def draw() -> str:
    """Return the picture."""
    d = Drawing(720, 270)
    d.text(40, 30, "blocks of rows", bold=True)
    d.text(480, 30, "blocks of columns", bold=True)
    for block in range(4):
        top = 45 + 48 * block
        d.box(40, top, 200, 40, fill=_worker(block))
        d.text(140, top + 25, f"recording {block}", anchor="middle", size=13)
        for column in range(3):
            d.arrow(243, top + 20, 477, 72 + 65 * column)
    for column in range(3):
        d.box(480, 47 + 65 * column, 200, 50, fill=_worker(column))
        words = f"samples {32 * column} to {32 * column + 31}, all beats"
        d.text(580, 76 + 65 * column, words, anchor="middle", size=13)
    d.text(40, 258, "blue: on worker 0, green: on worker 1", size=12, colour="quiet")
    d.text(680, 258, "an arrow is a piece of a block", size=12, colour="quiet", anchor="end")
    return d.svg()


def _worker(number: int) -> str:
    return "green" if number % 2 else "blue"
