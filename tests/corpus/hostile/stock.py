"""Measure what stock nbgrader gives for the attacks of the corpus.

Usage: ``python tests/corpus/hostile/stock.py``; prints the table that is in README.md.

Runs students' code without protection, with your own rights: only attacks that cannot hurt the
machine (no ``harm``) are run, each in a course of its own in a folder for temporary files. The
grade cells are what they are in stock nbgrader: asserts in the student's own kernel, against the
answers to a fixed seed.
"""

import os
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import nbformat

sys.path[:0] = [str(Path(__file__).parents[i] / place) for i, place in ((1, ""), (2, "support"))]

from course import Course, begin, with_scripts

from hostile.corpus import ATTACKS, Attack, cell_id, hand_in, solved

TESTS = {
    "total_values": "assert abs(total(np.arange(5.0)) - 30) < 1e-9",
    "spread_values": """import dask.array as da
X = da.from_array(np.random.default_rng(1).normal(size=300_000), chunks=150_000)
wanted = np.concatenate([grind(X[:150_000].compute()), grind(X[150_000:].compute())])
assert np.allclose(np.asarray(spread(X)), wanted)""",
    "spread_speedup": """import time
from dask.distributed import wait
X = da.random.normal(size=1_200_000, chunks=150_000).persist(); wait(X)
start = time.perf_counter(); [grind(X.blocks[i].compute()) for i in range(8)]
serial = time.perf_counter() - start
start = time.perf_counter(); np.asarray(spread(X))
assert serial / (time.perf_counter() - start) > 1.2""",
}
SECONDS = 180


def stock_course(root: Path) -> Course:
    """Make a course without the kit, its grade cells filled with asserts."""
    course = begin(root, stock=True)
    notebook = solved()
    for cell in notebook.cells:
        name = cell.metadata.get("nbgrader", {}).get("grade_id", "")
        cell.source = TESTS.get(name, cell.source)
        if name == "setup":
            cell.source = (
                cell.source.replace("from autograder import check\n", "")
                .replace("from cluster import connect\n", "from dask.distributed import Client\n")
                .replace("client = connect()", "client = Client(n_workers=2, threads_per_worker=1)")
            )
    course.write_source("tiny", notebook)
    course.release("tiny")
    return course


def measure(attack: Attack, base: Path) -> tuple[str, list[str]]:
    """Grade one attack; return points, and the names of its cells that succeeded."""
    course = stock_course(base / "course")
    hand_in(course, "attacker", [attack])
    before = {p: p.read_bytes() for p in course.root.rglob("*") if p.is_file()}
    try:
        done = subprocess.run(
            [sys.executable, "-m", "nbgrader", "autograde", "tiny"],
            cwd=course.root, env={**os.environ, "PATH": with_scripts()},
            capture_output=True, text=True, timeout=SECONDS, check=False,
        )  # fmt: skip
        status = "" if done.returncode == 0 else f"exit {done.returncode}, "
    except subprocess.TimeoutExpired:
        return f"not done after {SECONDS} s", []
    marks = course.marks("attacker", "tiny")
    points = sum(mark.auto or 0 for mark in marks.values())
    succeeded = []
    path = course.autograded("attacker", "tiny")
    if path.exists():
        for number, cell in enumerate(attack.cells):
            for each in nbformat.read(path, 4).cells:
                text = "".join(o.get("text", "") for o in each.get("outputs", ()))
                if each.get("id") == cell_id(attack, number) and "LEAK" in text:
                    succeeded.append(cell.name)
    names = ("source", "submitted", "gradebook.db", "release")
    changed = sorted(
        str(p.relative_to(course.root))
        for p in before
        if p.relative_to(course.root).parts[0] in names[:2]
        and (not p.exists() or p.read_bytes() != before[p])
    )
    return f"{status}{points:g} of 8", succeeded + [f"changed {name}" for name in changed]


def main() -> None:
    """Run the script."""
    os.environ["PATH"] = with_scripts()
    os.environ["HOSTILE_TEST_SECRET"] = "of the grader"
    print("| attack | honest part | stock nbgrader | what else succeeded |\n|:--|--:|--:|:--|")
    only = sys.argv[1:] or sorted(ATTACKS)
    for name in only:
        attack = ATTACKS[name]
        if attack.harm:
            continue
        base = Path(tempfile.mkdtemp(prefix="s-"))
        began = time.monotonic()
        points, succeeded = measure(attack, base)
        print(f"| {name} | {attack.most:g} | {points} | {'; '.join(succeeded)} |", flush=True)
        print(f"{name}: {time.monotonic() - began:.0f} s", file=sys.stderr)
        shutil.rmtree(base, ignore_errors=True)


if __name__ == "__main__":
    main()
