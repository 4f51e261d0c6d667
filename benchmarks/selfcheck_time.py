"""How long a student waits for ``check()``: for the first word on correctness, and for the card.

Runs the cells of a notebook with its solutions in a kernel of its own, as JupyterLab does, and
takes the time of every check cell from sending it to the messages that show something. The
cluster is warm by then: the cells above have used it. The first check of a kernel also imports
the kit and warms the cluster up for the exercise, so it is given apart from the others.

With ``--sample`` the cells are those of a sample, whose answers may be wrong: a cell that ends with
an error is passed over, as by a student who goes on to the check.

    python benchmarks/selfcheck_time.py --repeats 3 ex01_distributed_training
    python benchmarks/selfcheck_time.py --repeats 1 --sample quetelet ex01_distributed_training
"""

import os
import statistics
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

import click
import nbformat
from jupyter_client import KernelManager
from jupyter_client.blocking import BlockingKernelClient
from rich.console import Console
from rich.table import Table

from autograder.author.samples import fill, read_samples, released
from autograder.exercise import catalogue

PROJECT = Path(__file__).parent.parent


@dataclass(frozen=True, slots=True)
class Wait:
    """What a student saw of one check, in seconds since it was called."""

    call: str
    first: bool
    """Whether it was the kernel's first."""
    line: float
    """Anything at all."""
    word: float
    """The first word on whether the answer is right."""
    card: float


def run(
    client: BlockingKernelClient, source: str, *, strict: bool = True
) -> tuple[float, float, float]:
    """Run a cell; return the seconds to the first line, the first verdict and the card.

    Not ``strict``, a cell may end with an error, but for a check.
    """
    began = time.perf_counter()
    # After an error, a kernel throws away what is sent meanwhile, unless told otherwise.
    message = client.execute(source, stop_on_error=strict)
    shown: list[tuple[float, str]] = []
    while True:
        got = client.get_iopub_msg(timeout=120)
        if got["parent_header"].get("msg_id") != message:
            continue
        now, kind = time.perf_counter() - began, got["msg_type"]
        if kind == "error" and (strict or source.startswith("check(")):
            said = got["content"]["evalue"]
            # A check of a wrong answer ends like that.
            if strict or not said.startswith("Not yet"):
                raise SystemExit(f"{source}: {said}")
        if kind in ("display_data", "update_display_data"):
            shown.append((now, str(got["content"]["data"])))
        if kind == "status" and got["content"]["execution_state"] == "idle":
            break
    line = next((at for at, _ in shown), now)
    word = next((at for at, data in shown if "✓" in data or "✗" in data), now)
    card = next((at for at, data in shown if "dsk-card" in data), now)
    return line, min(word, card), card


def cells_of(name: str, student: str | None) -> list[str]:
    """Return the code of an exercise's notebook, with its solutions or as a sample fills it."""
    source = PROJECT / "source"
    if student is None:
        notebook = nbformat.read(source / name / f"{name}.ipynb", as_version=4)
    else:
        exercise = catalogue.find(name)
        samples = read_samples(exercise, PROJECT / "samples")
        sample = next(each for each in samples if each.student == student)
        notebook = fill(sample, released(exercise, source))
    return [cell.source for cell in notebook.cells if cell.cell_type == "code"]


def waits(name: str, cells: list[str], *, strict: bool) -> list[Wait]:
    """Run a notebook's cells in a new kernel; return the waits of its checks, and of check()."""
    found: list[Wait] = []
    with tempfile.TemporaryDirectory() as folder:
        manager = KernelManager()
        # By this, JupyterLab tells a kernel which notebook it belongs to.
        session = {**os.environ, "JPY_SESSION_NAME": f"{folder}/{name}.ipynb"}
        manager.start_kernel(cwd=folder, env=session)
        client = manager.client()
        client.start_channels()
        try:
            client.wait_for_ready(timeout=60)
            for source in [*cells, "check()"]:
                seconds = run(client, source, strict=strict)
                if source.startswith("check("):
                    found.append(Wait(source, not found, *seconds))
        finally:
            client.stop_channels()
            manager.shutdown_kernel()
    return found


@click.command()
@click.argument("exercises", nargs=-1)
@click.option("--repeats", default=3, show_default=True, help="Kernels to start.")
@click.option("--sample", "student", help="A student of the sample class, in place of solutions.")
def main(exercises: tuple[str, ...], repeats: int, student: str | None) -> None:
    """Print the waits of every check: median, least and most of so many kernels."""
    for name in exercises or ("ex02_parallel_prediction",):
        cells = cells_of(name, student)
        runs = [waits(name, cells, strict=student is None) for _ in range(repeats)]
        table = Table("check", "something", "right or wrong", "the card", title=f"{name}, seconds")
        for same in zip(*runs, strict=True):
            call = same[0].call + (" (the first)" if same[0].first else "")
            table.add_row(call, *(spread([getattr(wait, what) for wait in same])
                                  for what in ("line", "word", "card")))  # fmt: skip
        Console(width=100).print(table, f"{repeats} kernels: median (least to most)")


def spread(seconds: list[float]) -> str:
    """Write a median with its range."""
    return f"{statistics.median(seconds):.1f} ({min(seconds):.1f} to {max(seconds):.1f})"


if __name__ == "__main__":
    main()
