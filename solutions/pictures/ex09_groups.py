"""A mean for every bike: sums and counts of each file, added up."""

from autograder.author.drawing import Drawing


def draw() -> str:
    """Return the picture."""
    d = Drawing(720, 300)
    for x, words in ((80, "a file a day"), (270, "task: read, clean"), (440, "sum, count")):
        d.text(x, 30, words, anchor="middle", bold=True)
    d.text(625, 30, "mean of all", anchor="middle", bold=True)
    rows = (("Monday", "bike 7: 6 km, 2"), ("Tuesday", "bike 7: 9 km, 1"), ("…", "…"))
    for number, (day, sums) in enumerate(rows):
        top = 50 + 72 * number
        fill = "green" if number % 2 else "blue"
        last = number == 2
        d.box(25, top, 110, 54, fill=fill, dashed=last)
        d.text(80, top + 32, day, anchor="middle")
        d.arrow(137, top + 27, 198, top + 27)
        d.box(200, top, 140, 54, fill="yellow", dashed=last)
        d.text(270, top + 32, "25,000 rides", anchor="middle", size=12)
        d.arrow(342, top + 27, 378, top + 27)
        d.box(380, top + 10, 120, 34, fill=fill, dashed=last)
        d.text(440, top + 32, sums, anchor="middle", size=12)
        d.arrow(502, top + 27, 558, 132 + 10 * number)
    d.box(560, 110, 130, 64, fill="yellow")
    d.text(625, 136, "bike 7:", anchor="middle", size=12)
    d.text(625, 156, "15 km / 3 = 5 km", anchor="middle", size=12)
    d.text(
        360,
        285,
        "the rides stay where they were read; only the small tables travel",
        size=12,
        anchor="middle",
        colour="quiet",
    )
    return d.svg()
