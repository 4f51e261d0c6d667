"""One graph that needs every block twice, and two graphs that need each block once."""

from autograder.author.drawing import Drawing

_LEFT = (30, 130, 230)


def draw() -> str:
    """Return the picture."""
    d = Drawing(720, 420)
    d.text(20, 28, "one graph: every block is kept until the last one is read", bold=True)
    for n, left in enumerate(_LEFT):
        d.box(left, 45, 80, 34, fill="red")
        d.text(left + 40, 67, f"X {n}", anchor="middle")
        d.box(left, 155, 80, 34, fill="yellow")
        d.text(left + 40, 177, f"X {n} − mean", anchor="middle", size=12)
        d.arrow(left + 12, 79, left + 12, 153)
        d.arrow(left + 60, 79, 420, 112)
        d.arrow(420, 124, left + 70, 153)
    d.box(422, 100, 90, 36, fill="blue")
    d.text(467, 123, "mean", anchor="middle")
    d.text(530, 112, "waits for all blocks;", size=12, colour="quiet")
    d.text(530, 128, "all blocks wait for it", size=12, colour="quiet")

    d.text(20, 235, "two graphs: each block is dropped at once, and read twice", bold=True)
    for n, left in enumerate(_LEFT):
        d.box(left, 252, 80, 34, fill="green", dashed=True)
        d.text(left + 40, 274, f"X {n}", anchor="middle")
        d.arrow(left + 60, 286, 420, 308)
        d.box(left, 345, 80, 28, fill="green", dashed=True)
        d.text(left + 40, 364, f"X {n}", anchor="middle")
        d.arrow(left + 40, 373, left + 40, 387)
        d.box(left, 389, 80, 26, fill="yellow")
        d.text(left + 40, 407, f"X {n} − mean", anchor="middle", size=12)
    d.box(422, 290, 90, 36, fill="blue")
    d.text(467, 313, "mean", anchor="middle")
    d.text(530, 304, "computed: numbers in", size=12, colour="quiet")
    d.text(530, 320, "your notebook", size=12, colour="quiet")
    d.arrow(467, 326, 467, 400)
    d.line([(467, 400), (360, 400)])
    d.arrow(360, 400, 314, 400)
    d.text(480, 392, "a constant of the second graph", size=12, colour="quiet")
    return d.svg()
