"""What nbgrader's commands cost where no notebook has to run: recording marks, writing feedback.

A class of ex02 is made whose evidence is there already, from the kept evidence of the sample class
(`tests/corpus/evidence`); every submission has code of its own. So ``nbgrader autograde`` starts no
box: it reads, judges and records. Stock nbgrader does its part on the same notebooks, unexecuted
(``--no-execute``). All commands run in turn, so that a busy machine is busy for all of them.

Per command: CPU seconds with all child processes, and wall clock. What a submission costs is the
difference between a class and one student, divided by the students more.

    python benchmarks/recording_time.py --submissions 20 --repeats 5
    python benchmarks/recording_time.py --other CHECKOUT     # and another state of the kit, in turn
"""

import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import click
import nbformat
from rich.console import Console
from rich.table import Table

PROJECT = Path(__file__).parents[1]
NAME = "ex02_parallel_prediction"
STOCK_NAME = "stock"
"""The name of the kit's exercise would let the kit's guard refuse."""
STOCK_CONFIG = 'c = get_config()\nc.CourseDirectory.course_id = "stock"\n'
CODE = "AUTOGRADER_BENCHMARK_CODE"


def run(code: Path, course: Path, *arguments: str) -> tuple[float, float]:
    """Run a Python program in a course, with the kit of a checkout; CPU and wall seconds."""
    environment = {
        **os.environ,
        "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
        "PYTHONPATH": str(code),
    }
    with tempfile.TemporaryFile() as log:
        began = time.perf_counter()
        process = subprocess.Popen(
            [sys.executable, *arguments], cwd=course, env=environment, stdout=log, stderr=log
        )
        _, status, usage = os.wait4(process.pid, 0)
        wall = time.perf_counter() - began
        process.returncode = os.waitstatus_to_exitcode(status)
        if process.returncode:
            log.seek(0)
            raise SystemExit(f"{arguments}: {log.read().decode()[-3000:]}")
    return usage.ru_utime + usage.ru_stime, wall


def make(course: Path, code: Path, submissions: int) -> None:
    """Make the class; its evidence has to be keyed by the code that will look for it."""
    assignment = course / "source" / NAME
    assignment.mkdir(parents=True)
    shutil.copy(code / "source" / NAME / f"{NAME}.ipynb", assignment)
    shutil.copy(code / "nbgrader_config.py", course)
    run(code, course, "-m", "nbgrader", "generate_assignment", NAME)
    run(code, course, str(Path(__file__).absolute()), "--fill", str(submissions))


def fill(code: Path, submissions: int) -> None:
    """Hand in for every student, and put evidence where it will be looked for."""
    sys.path.append(str(code / "tests" / "support"))
    from kept_evidence import REFERENCE, kept, sample_class

    from autograder import pipeline
    from autograder import submissions as reading
    from autograder.author import samples
    from autograder.evidence import rounds, store
    from autograder.exercise import catalogue
    from autograder.model import CellOutput

    solution = Path("source", NAME, f"{NAME}.ipynb").absolute()
    # Experiments are left out of what evidence is looked up by.
    exercise = pipeline.marked(catalogue.find(NAME), solution)
    round_ = rounds.current(Path("evidence").absolute(), exercise)
    released = nbformat.read(f"release/{NAME}/{NAME}.ipynb", 4)
    outputs = (
        {"output_type": "stream", "name": "stdout", "text": "2.1 s, 448,000 labels\n" * 5},
        {
            "output_type": "display_data",
            "metadata": {},
            "data": {"text/html": "<table>" + "<tr><td>1</td></tr>" * 50 + "</table>"},
        },
    )

    def keep(notebook: nbformat.NotebookNode, student: str) -> None:
        parsed = reading.parse(notebook, exercise)
        key = store.key(exercise, parsed, round_, boxed=True)
        ran = [cell.index for cell in parsed.cells if cell.runs]
        seen = replace(
            kept(NAME, student).evidence,
            key=key,
            cells=tuple(CellOutput(index, outputs, 0.1) for index in ran),
            seed_digest=round_.digest,
            phases={"start": 1.0, "cases": 5.0},
        )
        store.save(round_, seen)

    keep(reading.read(solution), REFERENCE)
    known = [sample for found, sample in sample_class().values() if found.name == NAME]
    for number in range(submissions):
        sample = known[number % len(known)]
        notebook = samples.fill(sample, released)
        notebook.cells.append(nbformat.v4.new_code_cell(f"mine = {number}", id=f"own-{number}"))
        place = Path("submitted", f"student{number:03d}", NAME)
        place.mkdir(parents=True)
        (place / "timestamp.txt").write_text("2026-11-20 10:00:00 UTC\n")
        nbformat.write(notebook, place / f"{NAME}.ipynb")
        keep(nbformat.read(place / f"{NAME}.ipynb", 4), sample.student)


def make_stock(course: Path, filled: Path) -> None:
    """Make the same class for nbgrader by itself."""
    assignment = course / "source" / STOCK_NAME
    assignment.mkdir(parents=True)
    shutil.copy(PROJECT / "source" / NAME / f"{NAME}.ipynb", assignment / f"{STOCK_NAME}.ipynb")
    (course / "nbgrader_config.py").write_text(STOCK_CONFIG)
    run(PROJECT, course, "-m", "nbgrader", "generate_assignment", STOCK_NAME)
    for handed_in in filled.glob(f"submitted/*/{NAME}/{NAME}.ipynb"):
        place = course / "submitted" / handed_in.parts[-3] / STOCK_NAME
        place.mkdir(parents=True)
        shutil.copy(handed_in, place / f"{STOCK_NAME}.ipynb")


def commands(name: str, *, stock: bool) -> Iterator[tuple[str, tuple[str, ...]]]:
    """Yield what is measured, in an order in which one can follow another."""
    once, option = ("--student=student000", "--force"), ("--no-execute",) if stock else ()
    yield "--version", ("--version",)
    yield "autograde, all", ("autograde", name, "--force", *option)
    yield "autograde, nothing to do", ("autograde", name, *option)
    yield "autograde, one", ("autograde", name, *once, *option)
    yield "generate_feedback, all", ("generate_feedback", name, "--force")
    yield "generate_feedback, one", ("generate_feedback", name, *once)


@click.command()
@click.option("--submissions", default=20, help="In the class, besides the one graded alone.")
@click.option("--repeats", default=5)
@click.option("--other", type=click.Path(exists=True, file_okay=False, path_type=Path))
@click.option("--fill", "number", type=int, hidden=True)
def main(submissions: int, repeats: int, other: Path | None, number: int | None) -> None:
    """Measure and print the table."""
    if number is not None:
        fill(Path(os.environ["PYTHONPATH"]), number)
        return
    checkouts = {"this kit": PROJECT} | ({"other": other.absolute()} if other else {})
    cpu: dict[tuple[str, str], list[float]] = defaultdict(list)
    wall: dict[tuple[str, str], list[float]] = defaultdict(list)
    with tempfile.TemporaryDirectory(prefix="recording-") as folder:
        for who, code in checkouts.items():
            make(Path(folder, who), code, submissions + 1)
        make_stock(Path(folder, "stock"), Path(folder, "this kit"))
        for who, code in checkouts.items():  # works out the oracle's answers, once for all
            course = Path(folder, who)
            run(code, course, "-m", "nbgrader", "autograde", NAME, "--force")
            kept = len(list(course.glob("evidence/*/round-*/evidence-*.json")))
            assert kept == submissions + 2, "a box was started: the evidence was not found"
        for _ in range(repeats):
            for who in (*checkouts, "stock"):
                name = STOCK_NAME if who == "stock" else NAME
                for title, command in commands(name, stock=who == "stock"):
                    code = checkouts.get(who, PROJECT)
                    used, took = run(code, Path(folder, who), "-m", "nbgrader", *command)
                    cpu[who, title].append(used)
                    wall[who, title].append(took)
                for step in ("autograde", "generate_feedback"):
                    for kind in (cpu, wall):
                        more = kind[who, f"{step}, all"][-1] - kind[who, f"{step}, one"][-1]
                        kind[who, f"{step}, each more"].append(more / submissions)
    show(cpu, wall, [*checkouts, "stock"])


def show(
    cpu: dict[tuple[str, str], list[float]], wall: dict[tuple[str, str], list[float]], whos: list
) -> None:
    """Print both tables."""
    titles = list(dict.fromkeys(title for _, title in cpu))
    for kind, values in (("CPU", cpu), ("wall clock", wall)):
        n = len(next(iter(values.values())))
        table = Table(title=f"{kind} seconds: median (min to max), n = {n}")
        for column in ("", *whos, *(f"this kit ÷ {who}" for who in whos[1:])):
            table.add_column(column)
        for title in titles:
            row = [
                f"{statistics.median(values[who, title]):.3f} "
                f"({min(values[who, title]):.3f} to {max(values[who, title]):.3f})"
                for who in whos
            ]
            for who in whos[1:]:
                pairs = zip(values["this kit", title], values[who, title], strict=True)
                ratios = sorted(a / b for a, b in pairs)
                row.append(f"{statistics.median(ratios):.2f} ({ratios[0]:.2f} to {ratios[-1]:.2f})")
            table.add_row(title, *row)
        Console(width=200).print(table)


if __name__ == "__main__":
    main()
