"""A file that is written under another name, and renamed when it is complete."""

from autograder.author.drawing import Drawing


def draw() -> str:
    """Return the picture."""
    d = Drawing(720, 250)
    for top, head, places in (
        (
            20,
            "in place",
            (("yellow", "a.txt", "half"), ("green", "a.txt", "complete")),
        ),
        (
            130,
            "renamed",
            (("yellow", "a.txt.7f3c", "half"), ("green", "a.txt", "complete")),
        ),
    ):
        d.text(20, top + 44, head, bold=True)
        for number, (fill, name, state) in enumerate(places):
            left = 110 + number * 220
            d.box(left, top, 130, 70, name, fill=fill)
            d.text(left + 10, top + 48, state, colour="quiet")
        d.arrow(240, top + 35, 328, top + 35)
    d.text(284, 46, "line by line", size=12, anchor="middle")
    d.text(284, 156, "os.replace", size=12, anchor="middle")
    d.text(478, 46, "A death on the way leaves half", size=13)
    d.text(478, 66, "a file under the name of a result.", size=13)
    d.text(478, 156, "A death on the way leaves nothing", size=13)
    d.text(478, 176, "under the name of a result.", size=13)
    d.text(
        360,
        236,
        "replacing is one step: whoever looks sees the file before it or after it",
        size=12,
        anchor="middle",
        colour="quiet",
    )
    return d.svg()
