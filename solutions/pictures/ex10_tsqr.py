"""A tall and skinny matrix in blocks, their triangles, and the triangle of all of them."""

from autograder.author.drawing import Drawing


def draw() -> str:
    """Return the picture."""
    d = Drawing(720, 330)
    d.text(65, 28, "Z, in blocks", anchor="middle", bold=True)
    d.text(255, 28, "triangles", anchor="middle", bold=True)
    d.text(425, 28, "stacked", anchor="middle", bold=True)
    for n in range(4):
        top = 42 + 66 * n
        d.box(35, top, 60, 58, fill="green" if n % 2 else "blue")
        d.text(65, top + 34, f"block {n}", anchor="middle", size=12)
        d.arrow(97, top + 29, 228, top + 29)
        d.text(162, top + 23, "QR", anchor="middle", size=12)
        _triangle(d, 232, top + 9)
        d.arrow(276, top + 29, 400, 92 + 42 * n)
        _triangle(d, 404, 72 + 42 * n)
    d.arrow(450, 155, 540, 155)
    d.text(495, 147, "QR", anchor="middle", size=12)
    _triangle(d, 546, 136)
    d.arrow(592, 155, 640, 155)
    d.text(648, 152, "s and vt", bold=True)
    d.text(648, 170, "by NumPy", size=12, colour="quiet")
    d.text(65, 322, "135,000 × 32 each", anchor="middle", size=12, colour="quiet")
    d.text(255, 322, "32 × 32 each", anchor="middle", size=12, colour="quiet")
    d.text(425, 262, "128 × 32", anchor="middle", size=12, colour="quiet")
    d.text(566, 200, "32 × 32", anchor="middle", size=12, colour="quiet")
    return d.svg()


def _triangle(d: Drawing, x: float, y: float) -> None:
    d.line([(x, y), (x + 40, y), (x + 40, y + 38), (x, y)])
