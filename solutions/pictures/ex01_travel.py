"""What a search sends: a list with every task, or once to every worker."""

from autograder.author.drawing import Drawing


def draw() -> str:
    """Return the picture."""
    d = Drawing(720, 250)
    for left, title, sent in (
        (15, "a list: with every task", True),
        (370, "scatter, or an array: once", False),
    ):
        d.text(left + 5, 28, title, bold=True)
        d.box(left, 45, 100, 130, "notebook", fill="blue")
        for row in range(2):
            d.box(left + 235, 45 + 72 * row, 100, 58, f"worker {row}", fill="green")
            d.text(left + 245, 90 + 72 * row, "6 trainings", size=12, colour="quiet")
            for task in range(6):
                top = 52 + 72 * row + 9 * task
                d.line([(left + 102, top), (left + 233, top)], colour="quiet")
                if sent or task == 0:
                    d.box(left + 150 + 12 * (task % 3), top - 4, 26, 8, fill="red")
    d.box(250, 205, 26, 8, fill="red")
    d.text(284, 214, "all the messages", size=12)
    d.line([(420, 209), (450, 209)], colour="quiet")
    d.text(458, 214, "a task", size=12)
    return d.svg()
