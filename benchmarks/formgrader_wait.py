"""How long the formgrader's Autograde button keeps the browser's other pages waiting.

nbgrader's handler grades inside the server's event loop, so that nothing else is answered until
it is done; the kit's server extension grades in a process beside it. Both grade the same right
submissions of ex02, in turn, in a JupyterLab each, while another client asks for ``/api/status``
all the time. Stock nbgrader runs the notebooks with a ``LocalCluster`` each, as in
``marginal_time.py``.

    python benchmarks/formgrader_wait.py --submissions 4
"""

import os
import socket
import statistics
import subprocess
import sys
import tempfile
import threading
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import click
from marginal_time import NAME, make_course
from rich.console import Console
from rich.table import Table

TOKEN = "a-token-for-this-benchmark"


def ask(address: str, path: str, *, post: bool = False) -> bytes:
    """Ask the server; return its answer."""
    request = urllib.request.Request(
        f"{address}/{path}",
        data=b"" if post else None,
        headers={"Authorization": f"token {TOKEN}"},
    )
    with urllib.request.urlopen(request, timeout=300) as answer:
        return answer.read()


@contextmanager
def lab(course: Path, *, stock: bool) -> Iterator[str]:
    """Run JupyterLab in a course, with the kit's extension or without; gives its address."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    address = f"http://127.0.0.1:{port}"
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    server = subprocess.Popen(
        [
            *(sys.executable, "-m", "jupyterlab", "--no-browser", f"--port={port}"),
            *("--ServerApp.port_retries=0", f"--IdentityProvider.token={TOKEN}", "--allow-root"),
            f"--ServerApp.jpserver_extensions=autograder.nbgrader_bridge.formgrader={not stock}",
        ],
        cwd=course,
        env={**os.environ, "HOME": str(course), "PATH": path, "AUTOGRADER_GRADING": "1"},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        for _ in range(300):
            try:
                ask(address, "api/status")
                break
            except OSError:
                time.sleep(0.2)
        yield address
    finally:
        server.terminate()
        server.wait(timeout=30)


def press(address: str, student: str) -> tuple[float, float]:
    """Press Autograde; seconds that it took, and the longest that another page waited."""
    done = threading.Event()
    waits = []

    def keep_asking() -> None:
        while not done.is_set():
            began = time.perf_counter()
            ask(address, "api/status")
            waits.append(time.perf_counter() - began)
            time.sleep(0.05)

    asking = threading.Thread(target=keep_asking)
    asking.start()
    time.sleep(0.3)
    began = time.perf_counter()
    answer = ask(address, f"formgrader/api/submission/{NAME}/{student}/autograde", post=True)
    took = time.perf_counter() - began
    done.set()
    asking.join()
    assert b'"success": true' in answer, answer[-2000:]
    return took, max(waits)


@click.command()
@click.option("--submissions", default=4)
def main(submissions: int) -> None:
    """Measure both and print the table."""
    console = Console()
    names = ("this kit", "stock nbgrader")
    waits: dict[str, list[float]] = {name: [] for name in names}
    seconds: dict[str, list[float]] = {name: [] for name in names}
    with tempfile.TemporaryDirectory(prefix="formgrader-wait-") as folder:
        courses = {name: Path(folder, name.split()[0]) for name in names}
        for name, course in courses.items():
            make_course(course, stock=name.startswith("stock"), submissions=submissions)
        with (
            lab(courses["this kit"], stock=False) as ours,
            lab(courses["stock nbgrader"], stock=True) as stock,
        ):
            addresses = dict(zip(names, (ours, stock), strict=True))
            for number in range(submissions):
                for name in names:
                    took, waited = press(addresses[name], f"student{number}")
                    console.print(f"{name}, press {number + 1}: {took:.1f} s, wait {waited:.1f} s")
                    waits[name].append(waited)
                    seconds[name].append(took)
    table = Table(
        "", "seconds per press", "longest wait of another page: median", "min", "max", "n"
    )
    for name in names:
        table.add_row(
            name,
            ", ".join(f"{value:.1f}" for value in seconds[name]),
            *(f"{f(waits[name]):.2f}" for f in (statistics.median, min, max)),
            str(len(waits[name])),
        )
    console.print(table)


if __name__ == "__main__":
    main()
