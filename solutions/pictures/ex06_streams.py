"""Task streams of four sick programs, two workers each."""

from autograder.author.drawing import Drawing

LEFT, WIDTH = 60, 290


def draw() -> str:
    """Return the picture."""
    d = Drawing(740, 300)
    for number, letter in enumerate("ABCD"):
        x, top = 370 * (number % 2), 20 + 135 * (number // 2)
        d.text(x + 22, top + 48, letter, size=18, bold=True)
        for row in range(2):
            d.box(x + LEFT, top + 38 * row, WIDTH, 30, fill="paper")
            for start, length, colour in _bars(letter, row):
                d.box(x + LEFT + start, top + 38 * row + 2, length, 26, fill=colour)
        d.arrow(x + LEFT, top + 88, x + LEFT + WIDTH, top + 88)
    d.text(LEFT, 290, "a row is a worker; yellow: computing; red: fetching from the other worker",
           size=12, colour="quiet")  # fmt: skip
    d.text(720, 290, "time runs to the right", size=12, colour="quiet", anchor="end")
    return d.svg()


def _bars(letter: str, row: int) -> list[tuple[float, float, str]]:
    """Return start, length and colour of the bars in a row."""
    if letter == "A":  # one at a time
        return [(2 + 36 * task, 30, "yellow") for task in range(8) if task % 2 == row]
    if letter == "B":  # many, tiny, with gaps as wide
        return [(3 + 7 * task + 3 * row, 2, "yellow") for task in range(41)]
    if letter == "C":  # a bit of computing between transfers
        bars = []
        for task in range(4):
            start = 3 + 71 * task
            bars += [(start, 44, "red"), (start + 46, 20, "yellow")]
        return bars
    return [(206 + 20 * task, 17, "yellow") for task in range(4)]  # D: late
