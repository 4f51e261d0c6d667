"""A chunked array, a model, and the labels of each chunk."""

from autograder.author.drawing import Drawing


def draw() -> str:
    """Return the picture."""
    d = Drawing(720, 290)
    d.text(100, 30, "X: 8,192 rows,", anchor="middle", bold=True)
    d.text(100, 48, "20 columns", anchor="middle")
    d.text(615, 30, "labels: 8,192", anchor="middle", bold=True)
    for chunk in range(4):
        top = 62 + 50 * chunk
        last = chunk == 3
        d.box(40, top, 120, 40, fill="green" if chunk % 2 else "blue", dashed=last)
        words = "… 13 chunks more" if last else f"512 rows, chunk {chunk}"
        d.text(100, top + 25, words, anchor="middle", size=12)
        d.arrow(162, top + 20, 268, top + 20)
        d.box(270, top, 190, 40, fill="yellow", dashed=last)
        d.text(365, top + 25, "task: model.predict", anchor="middle")
        d.arrow(462, top + 20, 588, top + 20)
        d.box(590, top, 50, 40, fill="green" if chunk % 2 else "blue", dashed=last)
        d.text(615, top + 25, "…" if last else "512", anchor="middle", size=12)
    d.text(
        365,
        278,
        "no arrow between two rows of the picture: nobody waits for anybody",
        size=12,
        anchor="middle",
        colour="quiet",
    )
    return d.svg()
