"""A class that hands in the tiny exercise, and ``autograder observe`` on it as a user types it."""

import copy
import os
import shutil
import subprocess
import sys
from pathlib import Path

import forked
from course import Course, begin, with_scripts
from hostile import corpus
from nbformat import NotebookNode

__all__ = ["ANSWERS", "begun", "evidence", "filled", "observe", "observing", "without_box"]

ANSWERS = {
    "ada": corpus.HONEST,
    "bob": {"total": corpus.HONEST["total"], "spread": "def spread(X):\n    return np.zeros(8)"},
    "cyd": {},
    "dot": {"total": "def total(numbers):\n    return 3", "spread": corpus.HONEST["spread"]},
    "eve": corpus.HONEST,
}
"""By student; eve's code is ada's."""


def begun(root: Path) -> Course:
    """Make a course in which the class has handed in."""
    course = begin(root)
    shutil.copytree(corpus.HERE / "course" / "exercises", root / "exercises")
    course.write_source("tiny", corpus.solved())
    course.release("tiny")
    for student in ANSWERS:
        course.hand_in(student, filled(course, ANSWERS[student]), "tiny")
    return course


def filled(course: Course, answers: dict[str, str]) -> NotebookNode:
    """Return the released notebook with answers in its blanks."""
    notebook = copy.deepcopy(course.released("tiny"))
    for cell in notebook.cells:
        name = cell.metadata.get("nbgrader", {}).get("grade_id", "")
        cell.source = answers.get(name, cell.source)
    return notebook


def observing(course: Course, *options: str) -> "subprocess.Popen[str]":
    """Start ``autograder observe tiny``."""
    return subprocess.Popen(
        [sys.executable, "-m", "autograder", "observe", "tiny", *options],
        cwd=course.root,
        env=_env(),
        text=True,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
    )


def observe(course: Course, *options: str) -> tuple[int, str]:
    """Run ``autograder observe tiny``; return its status and what it said."""
    done = forked.run("-m", "autograder", "observe", "tiny", *options, cwd=course.root, env=_env())
    return done.returncode, done.stdout


def _env() -> dict[str, str]:
    return {**os.environ, "PATH": with_scripts(), "PYTHONWARNINGS": "ignore"}


def evidence(course: Course) -> set[str]:
    """Return the names of all evidence that is there."""
    return {path.name for path in course.root.glob("evidence/tiny/round-1/evidence-*.json")}


def without_box(place: Path) -> str:
    """Return a PATH for nbgrader on which there is no bubblewrap."""
    place.mkdir(exist_ok=True)
    for name in ("alembic", "nbgrader", "python"):
        link = place / name
        if not link.exists():
            link.symlink_to(Path(sys.executable).parent / name)
    assert shutil.which("bwrap", path=str(place)) is None
    return str(place)
