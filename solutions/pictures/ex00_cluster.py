"""Client, scheduler and two workers, and what goes between them."""

from autograder.author.drawing import Drawing


def draw() -> str:
    """Return the picture."""
    d = Drawing(720, 270)
    d.box(20, 85, 170, 90, "your notebook", fill="blue")
    d.text(30, 128, "client")
    d.text(30, 150, "asks and fetches", size=12, colour="quiet")
    d.box(290, 85, 150, 90, "scheduler", fill="yellow")
    d.text(300, 128, "who does what,")
    d.text(300, 148, "and when")
    for top, name in ((20, "worker 0"), (160, "worker 1")):
        d.box(540, top, 160, 85, name, fill="green")
        d.text(550, top + 44, "computes tasks,")
        d.text(550, top + 64, "keeps the results")
    d.arrow(190, 115, 288, 115)
    d.text(239, 107, "graphs", size=12, anchor="middle")
    d.arrow(288, 150, 192, 150)
    d.text(240, 168, "what you ask for", size=12, anchor="middle", colour="quiet")
    d.arrow(440, 110, 538, 65)
    d.text(476, 74, "tasks", size=12, anchor="middle")
    d.arrow(440, 150, 538, 200)
    d.text(476, 194, "tasks", size=12, anchor="middle")
    d.arrow(620, 107, 620, 158, both=True)
    d.text(612, 137, "data, when a task needs it", size=12, anchor="end", colour="quiet")
    d.text(
        360,
        258,
        "each box is a process; on a cluster, on machines of its own",
        size=12,
        anchor="middle",
        colour="quiet",
    )
    return d.svg()
