"""Two workers, one of which dies: what it was at is lost, and so are the results on it."""

from autograder.author.drawing import Drawing

_LEFT, _JOB, _GAP = 110, 84, 6


def draw() -> str:
    """Return the picture."""
    d = Drawing(720, 300)
    for top, name, last in ((30, "worker 0", 6), (100, "worker 1", 4)):
        d.text(20, top + 32, name, bold=True)
        for place in range(last):
            here = _LEFT + place * (_JOB + _GAP)
            number = 2 * place + (top > 30)
            fill = "green" if top == 30 else "red" if place == last - 1 else "yellow"
            d.box(here, top, _JOB, 52, f"job {number}", fill=fill)
            if place < last - 1 or top == 30:
                d.text(here + 10, top + 42, "done", size=12, colour="quiet")
    died = _LEFT + 4 * (_JOB + _GAP) - 20
    d.line([(died, 20), (died, 166)])
    d.text(died + 22, 118, "worker 1 dies", bold=True)
    d.text(died + 22, 138, "with all that it holds", size=12, colour="quiet")
    d.arrow(60, 180, 690, 180)
    d.text(690, 198, "time", size=12, anchor="end", colour="quiet")
    d.box(20, 208, 26, 22, fill="red")
    d.text(56, 224, "job 7 is done again, on another worker, in any case", size=13)
    d.box(20, 240, 26, 22, fill="yellow")
    d.text(56, 256, "jobs 1, 3 and 5 too, if you still hold their futures:", size=13)
    d.text(56, 276, "their results lay on worker 1, and Dask has promised them to you", size=13)
    return d.svg()
