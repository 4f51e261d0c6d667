"""Node, job, worker, thread: what dask-jobqueue starts, and who talks to whom."""

from autograder.author.drawing import Drawing


def draw() -> str:
    """Draw two jobs on two nodes, and the notebook that they belong to."""
    picture = Drawing(780, 400)
    picture.box(20, 60, 190, 150, "Your notebook", fill="blue")
    picture.box(40, 95, 150, 40, "Client", fill="paper")
    picture.box(40, 155, 150, 40, "Scheduler", fill="paper")
    picture.arrow(115, 137, 115, 153, both=True)
    picture.box(20, 275, 190, 60, "Batch system", fill="yellow")
    picture.text(30, 317, "PBS or SLURM: the queue", size=13)
    picture.arrow(60, 212, 60, 273)
    picture.text(70, 247, "job scripts", size=13, colour="quiet")
    for number, top in enumerate((20, 210)):
        picture.box(310, top, 450, 170, f"Node {number + 1}", fill="grey")
        picture.text(380, top + 20, "48 cores, 190 GiB", size=13, colour="quiet")
        picture.box(325, top + 32, 420, 126, f"Job {number + 1}", fill="green", dashed=True)
        for place in range(3):
            left = 338 + 133 * place
            picture.box(left, top + 62, 126, 86, f"Worker {3 * number + place + 1}", fill="paper")
            for thread in range(4):
                picture.box(left + 10 + 27 * thread, top + 92, 23, 24, fill="yellow")
            picture.text(left + 10, top + 137, "4 threads", size=13, colour="quiet")
        picture.arrow(212, 175, 323, top + 95, both=True)
        picture.arrow(212, 305, 323, top + 135)
    picture.text(225, 362, "starts jobs", size=13, colour="quiet")
    picture.text(218, 96, "tasks, results", size=13, colour="quiet")
    return picture.svg()
