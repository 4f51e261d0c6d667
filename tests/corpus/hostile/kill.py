"""Kill the grader at random moments of a batch, then grade again, and compare.

Usage: ``python tests/corpus/hostile/kill.py [--times N] [--seed S] [--seconds T]``

A small class hands in the tiny exercise. One grading runs undisturbed. Then, N times, the same
class is graded anew by ``nbgrader autograde``, killed (SIGKILL) at a random moment, and the same
command is given again until it ends. Gradebook and graded notebooks must be the same as after
the undisturbed run, and nothing may be left of the killed grader. As often, a class that is graded
already is graded again with ``--force`` and killed: no mark and no notebook may be lost meanwhile.
With ``--seconds`` it begins no further time after so many, and says how often it was.
"""

import argparse
import json
import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from math import inf
from pathlib import Path

import nbformat

sys.path[:0] = [str(Path(__file__).parents[i] / place) for i, place in ((1, ""), (2, "support"))]

from course import Course, with_scripts

from autograder.files import PREFIX
from hostile import corpus
from hostile.batch import alive

STUDENTS = {
    "ada": corpus.HONEST,
    "bob": {"total": corpus.HONEST["total"], "spread": "def spread(X):\n    return np.zeros(8)"},
    "cyd": {},
}


def begin(root: Path) -> Course:
    """Make a course with the tiny exercise, handed in by a small class."""
    root.mkdir(parents=True)
    (root / "source").mkdir()
    course = Course(root)
    shutil.copy(corpus.HERE.parents[2] / "nbgrader_config.py", root)
    shutil.copytree(corpus.HERE / "course" / "exercises", root / "exercises")
    course.write_source("tiny", corpus.solved())
    course.release("tiny")
    for student, answers in STUDENTS.items():
        hand_in(course, student, answers)
    return course


def hand_in(course: Course, student: str, answers: dict[str, str]) -> None:
    """Fill answers into the released notebook and hand it in."""
    notebook = course.released("tiny")
    for cell in notebook.cells:
        name = cell.metadata.get("nbgrader", {}).get("grade_id", "")
        cell.source = answers.get(name, cell.source)
    course.hand_in(student, notebook, "tiny")


def state(course: Course) -> dict[str, object]:
    """Return what the gradebook and the graded notebooks say of every student."""
    found: dict[str, object] = {}
    for student in STUDENTS:
        marks = course.marks(student, "tiny")
        found[student] = {name: (m.auto, m.manual, m.needs_manual) for name, m in marks.items()}
        notebook = nbformat.read(course.autograded(student, "tiny"), 4)
        found[f"cells of {student}"] = [
            (cell.cell_type, cell.source) for cell in notebook.cells[1:]
        ]
    with course.gradebook() as gradebook:
        found["submissions"] = sorted(
            s.student_id for s in gradebook.assignment_submissions("tiny")
        )
    return found


def disturb(course: Course, after: float, *options: str) -> bool:
    """Grade and kill the grader after some seconds; return whether it was still at work."""
    process = subprocess.Popen(
        [sys.executable, "-m", "nbgrader", "autograde", "tiny", *options],
        cwd=course.root,
        env={**os.environ, "PATH": with_scripts()},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        process.wait(after)
        return False
    except subprocess.TimeoutExpired:
        process.send_signal(signal.SIGKILL)
        process.wait()
        return True


def kill_and_resume(fresh: Course, place: Path, after: float) -> tuple[bool, dict[str, object]]:
    """Copy a course that was never graded, disturb its grading, grade again.

    Returns whether the grader was killed, and the state in the end.
    """
    shutil.copytree(fresh.root, place)
    course = Course(place)
    killed = disturb(course, after)
    wait_for_the_end()
    done = course.nbgrader("autograde", "tiny")
    assert done.returncode == 0, done.stdout
    assert not list(place.glob("evidence/**/dsk-*"))
    assert not list(Path(tempfile.gettempdir()).glob("dsk-*"))
    return killed, state(course)


def wait_for_the_end() -> None:
    """Wait until nothing is left of the boxes of a grader that was killed."""
    until = time.monotonic() + 10
    while left := alive([f"{tempfile.gettempdir()}/{PREFIX}"]):
        assert time.monotonic() < until, f"still alive after the grader was killed: {left}"
        time.sleep(0.1)


def kill_regrading(graded: Course, place: Path, after: float) -> tuple[bool, dict[str, object]]:
    """Copy a graded course, disturb its grading with ``--force``, grade what is not graded."""
    shutil.copytree(graded.root, place)
    course = Course(place)
    before = {student: course.marks(student, "tiny") for student in STUDENTS}
    killed = disturb(course, after, "--force")
    wait_for_the_end()
    assert {student: course.marks(student, "tiny") for student in STUDENTS} == before
    for student in STUDENTS:
        # At its place, or set aside beside it.
        folder = course.autograded(student, "tiny").parent.parent
        kept = [*folder.glob("tiny/tiny.ipynb"), *folder.glob(f".{PREFIX}*-tiny/tiny.ipynb")]
        assert any("dask_scaling_kit_unfinished" not in path.read_text() for path in kept)
    done = course.nbgrader("autograde", "tiny")
    assert done.returncode == 0, done.stdout
    assert not [path for path in (place / "autograded").rglob(".*")]
    return killed, state(course)


def main() -> None:
    """Run the script."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--times", type=int, default=100)
    parser.add_argument("--seed", type=int, default=None)
    parser.add_argument("--seconds", type=float, default=inf)
    options = parser.parse_args()
    seed = options.seed if options.seed is not None else random.randrange(10**6)
    print(f"seed {seed}")
    os.environ["PATH"] = with_scripts()
    with tempfile.TemporaryDirectory(prefix="k-") as base:
        os.environ["TMPDIR"] = tempfile.tempdir = f"{base}/t"
        os.mkdir(tempfile.tempdir)
        until = time.monotonic() + options.seconds
        first, again, times = run(Path(base), options.times, random.Random(seed), until)
    print(
        f"graded {times} times and killed {first} times, graded again {times} times and killed "
        f"{again} times; the same gradebook every time"
    )


def run(base: Path, times: int, rng: random.Random, until: float = inf) -> tuple[int, int, int]:
    """Grade undisturbed, then disturb that many times, or until a moment of the monotonic clock.

    Returns how often the grader was killed when it graded and when it graded again, and how often
    either was tried.
    """
    fresh = begin(base / "fresh")
    shutil.copytree(fresh.root, base / "quiet")
    done = Course(base / "quiet").nbgrader("autograde", "tiny")
    assert done.returncode == 0, done.stdout
    wanted = state(Course(base / "quiet"))
    # Measured anew would be the same, but for the last digits of a speedup: all but one student's
    # measurement is there already, so that what is killed is more than measuring.
    shutil.copytree(base / "quiet" / "evidence", fresh.root / "evidence")
    (results,) = (fresh.root / "evidence").glob("*/round-*/results")
    key = json.loads((results / "tiny" / "bob.json").read_text())["evidence"]
    (results.parent / f"evidence-{key}.json").unlink()
    shutil.rmtree(results)
    shutil.copytree(fresh.root, base / "resumed")
    began = time.monotonic()
    assert Course(base / "resumed").nbgrader("autograde", "tiny").returncode == 0
    seconds = time.monotonic() - began
    count = [0, 0]
    number = 0
    while number < times and time.monotonic() < until:
        after = rng.uniform(0.5, seconds)
        place = base / f"disturbed-{number}"
        killed, found = kill_and_resume(fresh, place, after)
        print(f"{number + 1}: {'killed' if killed else 'done'} after {after:.2f} s", flush=True)
        assert found == wanted, f"after {after:.2f} s"
        count[0] += killed
        shutil.rmtree(place)
        # What is not measured anew is graded in a few seconds.
        after = rng.uniform(2, 6)
        killed, found = kill_regrading(Course(base / "quiet"), place, after)
        print(f"{number + 1}: regrading {'killed' if killed else 'done'} after {after:.2f} s")
        assert found == wanted, f"regrading, after {after:.2f} s"
        count[1] += killed
        shutil.rmtree(place)
        number += 1
    return count[0], count[1], number


if __name__ == "__main__":
    main()
