"""What one more submission costs: this kit, boxed and measured, against stock nbgrader.

Both grade the same right submissions of ex02 on the same machine in one run, in turn. Stock
nbgrader executes the notebooks as they are, each starting a ``LocalCluster`` of its own as
students write it, and the checks in it do nothing: it neither protects nor measures. What a
submission costs at the margin is the time of a batch less that of a batch of one, divided by
the submissions more.

For stock nbgrader the same notebook has another name, in the released version as in the
submissions: where the kit is installed, nbgrader and its kernels refuse to run a notebook with the
name of an exercise outside a box. The cluster is started in the released notebook, too, since
nbgrader puts locked cells back. Each batch has to end with every cell executed and none failed.

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
CONNECTS = "client = connect()"
OWN_CLUSTER = (
    "from distributed import Client, LocalCluster\n"
    "client = Client(LocalCluster(n_workers=2, threads_per_worker=1, dashboard_address=None))"
)
STOCK_NAME = "stock"
STOCK = f"""c = get_config()
c.CourseDirectory.course_id = "{STOCK_NAME}"
c.Execute.timeout = 300
"""
"""nbgrader's own 30 s for a cell might not do on a busy machine."""


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
    name = STOCK_NAME if stock else NAME
    notebook = nbformat.read(PROJECT / "source" / NAME / f"{NAME}.ipynb", as_version=4)
    if stock:
        changed = [cell for cell in notebook.cells if CONNECTS in cell.source]
        assert len(changed) == 1, "the cell that connects is another one now"
        changed[0].source = changed[0].source.replace(CONNECTS, OWN_CLUSTER)
    source = course / "source" / name
    source.mkdir(parents=True)
    nbformat.write(notebook, source / f"{name}.ipynb")
    config = STOCK if stock else (PROJECT / "nbgrader_config.py").read_text()
    (course / "nbgrader_config.py").write_text(config)
    nbgrader(course, "generate_assignment", name)
    for number in range(submissions):
        # Nothing may be reused: each one's code is its own.
        own = nbformat.from_dict(notebook)
        own.cells.insert(0, nbformat.v4.new_code_cell(f"submission = {number}"))
        place = course / "submitted" / f"student{number}" / name
        place.mkdir(parents=True)
        nbformat.write(own, place / f"{name}.ipynb")


def grade(course: Path, students: list[int], *, stock: bool) -> float:
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
    seconds = nbgrader(course, "autograde", STOCK_NAME if stock else NAME)
    graded = sorted(course.glob("autograded/*/*/*.ipynb"))
    assert len(graded) == len(students), "not all were graded"
    if stock:
        for path in graded:
            refuse_failed(nbformat.read(path, as_version=4))
    else:
        observed = set(course.glob("evidence/*/round-*/evidence-*.json")) - REFERENCES
        assert len(observed) >= len(students), "not all were observed"
    return seconds


def refuse_failed(notebook: nbformat.NotebookNode) -> None:
    """Refuse a notebook that was not executed as a student's would be."""
    code = [cell for cell in notebook.cells if cell.cell_type == "code"]
    assert all(cell.execution_count for cell in code if cell.source.strip()), "a cell did not run"
    failed = [output for cell in code for output in cell.outputs if output.output_type == "error"]
    assert not failed, f"a cell failed: {failed[0]['ename']}: {failed[0]['evalue']}"
    assert any("LocalCluster" in cell.source for cell in code), "it had no cluster of its own"


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
                stock = who != "this kit"
                if not stock and repeat == 0:
                    prime(course)
                one = grade(course, [submissions], stock=stock)
                many = grade(course, list(range(submissions + 1)), stock=stock)
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
    console.print(f"median {statistics.median(ratio):.2f}, n = {len(ratio)}; load at the end: "
                  f"{os.getloadavg()[0]:.1f}")  # fmt: skip


def prime(course: Path) -> None:
    """Grade one submission, so that the round's reference and truths are there."""
    grade(course, [0], stock=False)
    folder = course / "evidence"
    newest = sorted(folder.glob("*/round-*/evidence-*.json"), key=lambda path: path.stat().st_mtime)
    # The reference solution is measured before the submission.
    REFERENCES.update(newest[:-1])


if __name__ == "__main__":
    main()
