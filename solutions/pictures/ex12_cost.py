"""The seconds of a job by the number of workers, against a single thread: where the COST lies."""

from math import ceil, log2

from autograder.author.drawing import Drawing

ALONE, SERIAL, WORK, PIECES, SHARED_MB, TASK, BANDWIDTH = 6.0, 0.5, 12.0, 64, 20.0, 0.001, 200.0
"""The notebook's job."""
LEFT, WIDTH, TOP, HEIGHT, MOST = 70, 560, 40, 230, 14.0


def draw() -> str:
    """Return the picture."""
    d = Drawing(700, 340)
    d.box(LEFT, _y(ALONE), WIDTH, _y(0) - _y(ALONE), fill="green")
    for value in (0, 4, 8, 12):
        d.line([(LEFT, _y(value)), (LEFT + WIDTH, _y(value))], colour="grey")
        d.text(LEFT - 8, _y(value) + 4, f"{value}", anchor="end", size=12, colour="quiet")
    for workers in (1, 2, 4, 8, 16, 32, 64):
        d.text(_x(workers), TOP + HEIGHT + 20, f"{workers}", anchor="middle", size=12)
    d.line([(LEFT, _y(ALONE)), (LEFT + WIDTH, _y(ALONE))], colour="line")
    d.text(_x(11), _y(ALONE) - 8, "a single thread: 6.0 s", anchor="middle", size=13)
    d.line([(_x(workers), _y(_seconds(workers))) for workers in range(1, 65)])
    d.text(_x(1) + 12, _y(12.6), "one worker: 12.7 s", size=13)
    d.arrow(_x(3), _y(9.6), _x(3), _y(_seconds(3)) - 4)
    d.text(_x(3) - 6, _y(10), "COST: 3 workers, 5.0 s", size=13, bold=True)
    d.text(_x(11), _y(1.6), "11 workers: 2.8 s", anchor="middle", size=13)
    d.text(_x(64) - 4, _y(8.4), "64 workers: 7.2 s", anchor="end", size=13)
    d.text(LEFT + WIDTH, TOP + HEIGHT + 44, "workers", anchor="end", size=13)
    d.text(20, 24, "seconds", size=13)
    d.text(20, 328, "Green: where the cluster is quicker", size=12, colour="quiet")
    return d.svg()


def _seconds(workers: int) -> float:
    travel = workers * SHARED_MB / BANDWIDTH
    return SERIAL + PIECES * TASK + travel + ceil(PIECES / workers) * WORK / PIECES


def _x(workers: int) -> float:
    return LEFT + WIDTH * log2(workers) / 6


def _y(seconds: float) -> float:
    return TOP + HEIGHT * (1 - seconds / MOST)
