"""What one more submission costs: this kit, boxed and measured, against stock nbgrader.

Both grade the same right submissions of ex02 on the same machine in one run, in turn. Stock
nbgrader executes the notebooks as they are, each starting a ``LocalCluster`` of its own as
students write it, and the checks in it do nothing: it neither protects nor measures. What a
submission costs at the margin is the time of a batch less that of a batch of one, divided by
the submissions more.

    python benchmarks/marginal_time.py --submissions 4 --repeats 3
"""

import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import click
import nbformat
from rich.console import Console
from rich.table import Table

PROJECT = Path(__file__).parent.parent
NAME = "ex02_parallel_prediction"
OWN_CLUSTER = (
    "from distributed import Client, LocalCluster\n"
    "client = Client(LocalCluster(n_workers=2, threads_per_worker=1, dashboard_address=None))"
)
STOCK = 'c = get_config()\nc.CourseDirectory.course_id = "stock"\n'


def nbgrader(course: Path, *arguments: str) -> float:
    """Run a command of nbgrader in a course; return its seconds."""
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    began = time.perf_counter()
    subprocess.run(
        [sys.executable, "-m", "nbgrader", *arguments],
        cwd=course,
        check=True,
        capture_output=True,
        env={**os.environ, "PATH": path, "AUTOGRADER_GRADING": "1"},
    )
    return time.perf_counter() - began


def make_course(course: Path, *, stock: bool, submissions: int) -> None:
    """Make a course with copies of the reference solution as submissions."""
    source = course / "source" / NAME
    source.mkdir(parents=True)
    shutil.copy(PROJECT / "source" / NAME / f"{NAME}.ipynb", source)
    config = STOCK if stock else (PROJECT / "nbgrader_config.py").read_text()
    (course / "nbgrader_config.py").write_text(config)
    nbgrader(course, "generate_assignment", NAME)
    notebook = nbformat.read(source / f"{NAME}.ipynb", as_version=4)
    for number in range(submissions):
        # Nothing may be reused: each one's code is its own.
        own = nbformat.from_dict(notebook)
        own.cells.insert(0, nbformat.v4.new_code_cell(f"submission = {number}"))
        for cell in own.cells:
            if stock and cell.cell_type == "code":
                cell.source = cell.source.replace("client = connect()", OWN_CLUSTER)
        place = course / "submitted" / f"student{number}" / NAME
        place.mkdir(parents=True)
        nbformat.write(own, place / f"{NAME}.ipynb")


def grade(course: Path, students: list[int]) -> float:
    """Grade some of the submissions afresh; return the seconds of the batch."""
    for folder in ("autograded", "submitted"):
        shutil.rmtree(course / folder, ignore_errors=True)
    for number in students:
        shutil.copytree(
            course / "all" / f"student{number}", course / "submitted" / f"student{number}"
        )
    for kept in course.glob("evidence/*/round-*/evidence-*.json"):
        if kept not in REFERENCES:
            kept.unlink()
    return nbgrader(course, "autograde", NAME)


REFERENCES: set[Path] = set()


@click.command()
@click.option("--submissions", default=4, help="In a batch; one more is graded for the margin.")
@click.option("--repeats", default=3)
def main(submissions: int, repeats: int) -> None:
    """Measure both and print the table."""
    console = Console()
    seconds: dict[str, list[float]] = {"this kit": [], "stock nbgrader": []}
    with tempfile.TemporaryDirectory(prefix="marginal-") as folder:
        for who in seconds:
            course = Path(folder, who.split()[0])
            make_course(course, stock=who.startswith("stock"), submissions=submissions + 1)
            (course / "submitted").rename(course / "all")
        for repeat in range(repeats):
            for who in seconds:
                course = Path(folder, who.split()[0])
                if who == "this kit" and repeat == 0:
                    prime(course)
                one = grade(course, [submissions])
                many = grade(course, list(range(submissions + 1)))
                seconds[who].append((many - one) / submissions)
                console.print(f"{who}: one {one:.1f} s, {submissions + 1} {many:.1f} s")
    table = Table("", "median s per submission", "min", "max", "n")
    for who, values in seconds.items():
        table.add_row(
            who, *(f"{f(values):.2f}" for f in (statistics.median, min, max)), str(len(values))
        )
    console.print(table)
    ratio = [a / b for a, b in zip(seconds["this kit"], seconds["stock nbgrader"], strict=True)]
    console.print(f"this kit / stock, pair by pair: {', '.join(f'{r:.2f}' for r in ratio)}")


def prime(course: Path) -> None:
    """Grade one submission, so that the round's reference and truths are there."""
    grade(course, [0])
    folder = course / "evidence"
    newest = sorted(folder.glob("*/round-*/evidence-*.json"), key=lambda path: path.stat().st_mtime)
    # The reference solution is measured before the submission.
    REFERENCES.update(newest[:-1])


if __name__ == "__main__":
    main()
