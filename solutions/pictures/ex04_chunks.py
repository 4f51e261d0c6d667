"""A chunked array is a recipe: its graph reads a file for each chunk, and scales it."""

from autograder.author.drawing import Drawing


def draw() -> str:
    """Return the picture."""
    d = Drawing(760, 330)
    d.text(25, 30, "X: 4 files, 4 chunks", bold=True)
    d.text(330, 30, "The graph of standardise(X)", bold=True)
    for file in range(4):
        top = 45 + 66 * file
        d.box(30, top, 190, 56, fill="blue")
        d.text(125, top + 25, f"chunk {file}", anchor="middle", size=13)
        d.text(125, top + 44, "20,000 rows × 16 sensors", anchor="middle", size=12, colour="quiet")
        d.box(330, top + 13, 90, 30, fill="blue")
        d.text(375, top + 33, f"read {file}", anchor="middle", size=13)
        d.box(650, top + 13, 90, 30, fill="green")
        d.text(695, top + 33, f"scale {file}", anchor="middle", size=13)
        d.arrow(420, top + 24, 502, 148 + 10 * file)
        d.arrow(420, top + 34, 648, top + 34)
        d.arrow(580, 148 + 10 * file, 648, top + 24)
    d.box(504, 130, 76, 66, fill="yellow")
    d.text(542, 158, "mean,", anchor="middle", size=13)
    d.text(542, 178, "variance", anchor="middle", size=13)
    d.text(504, 318, "known before any chunk is scaled", size=12, colour="quiet")
    return d.svg()
