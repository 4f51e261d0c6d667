"""A real nbgrader course in a folder of its own, for tests: release, hand in, grade, look up."""

import fcntl
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import forked
import nbformat
import nbgrader.api
from checkout import ROOT, SAMPLES
from nbformat import NotebookNode
from nbgrader.api import Gradebook
from nbgrader.apps import NbGraderAPI
from traitlets.config import Config
from traitlets.config.loader import PyFileConfigLoader

from autograder.author.build import build
from autograder.author.samples import fill, read_samples
from autograder.exercise import catalogue
from autograder.model import Exercise
from autograder.nbgrader_bridge.kernel_guard import EXECUTION

__all__ = ["CLASS", "EX02", "Course", "Mark", "graded", "shared"]

EX02 = "ex02_parallel_prediction"
# Every new gradebook would start alembic, to hear the same version.
nbgrader.api.get_alembic_version = cache(nbgrader.api.get_alembic_version)

STUDENTS = ("abel", "galois", "hypatia")
"""Some faults, all untouched, all right."""


def _exercise() -> Exercise:
    found = catalogue.find(EX02)
    assert found is not None
    return found


CLASS = {sample.student: sample for sample in read_samples(_exercise(), SAMPLES)}


@dataclass(frozen=True, slots=True)
class Mark:
    """A row of the gradebook."""

    auto: float | None
    manual: float | None
    needs_manual: bool


@dataclass(frozen=True, slots=True)
class Course:
    """A course folder."""

    root: Path

    @property
    def database(self) -> str:
        return f"sqlite:///{self.root / 'gradebook.db'}"

    def configure(self, *lines: str) -> None:
        """Add lines to the course's configuration."""
        with open(self.root / "nbgrader_config.py", "a") as file:
            file.write("\n".join(["", *lines, ""]))

    def nbgrader(self, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
        """Run a command of nbgrader; its log is in ``stdout``."""
        wanted = {**os.environ, "PATH": with_scripts(), "PYTHONWARNINGS": "ignore", **environment}
        return forked.run("-m", "nbgrader", *arguments, cwd=self.root, env=wanted)

    def api(self) -> NbGraderAPI:
        """Return nbgrader's interface for programs, as the formgrader has it."""
        config = PyFileConfigLoader("nbgrader_config.py", str(self.root)).load_config()
        config.merge(Config({"CourseDirectory": {"root": str(self.root)}}))
        return NbGraderAPI(config=config)

    def autograde(self, student: str = "*", assignment: str = EX02) -> tuple[bool, str]:
        """Grade by the interface, with force; return whether all went well, and the log."""
        result = self.api().autograde(assignment, student)
        assert EXECUTION not in os.environ  # nbgrader forgets it when a conversion fails
        return result["success"], result.get("log", "")

    def write_source(self, assignment: str, notebook: str | NotebookNode) -> Path:
        """Put the instructor's notebook of an assignment in its place."""
        path = self.root / "source" / assignment / f"{assignment}.ipynb"
        path.parent.mkdir(exist_ok=True)
        path.write_text(notebook if isinstance(notebook, str) else nbformat.writes(notebook))
        return path

    def release(self, assignment: str) -> NotebookNode:
        """Generate an assignment; return the notebook that students get."""
        result = self.api().generate_assignment(assignment)
        assert result["success"], result
        return self.released(assignment)

    def released(self, assignment: str = EX02) -> NotebookNode:
        return nbformat.read(self.root / "release" / assignment / f"{assignment}.ipynb", 4)

    def place(self, student: str, assignment: str = EX02) -> Path:
        """Return where a student's notebook lies, or would lie."""
        return self.root / "submitted" / student / assignment / f"{assignment}.ipynb"

    def hand_in(
        self, student: str, content: NotebookNode | bytes | None, assignment: str = EX02
    ) -> None:
        """Put a notebook, or the bytes of what should be one, in place of the student's."""
        path = self.place(student, assignment)
        shutil.rmtree(path.parent, ignore_errors=True)
        path.parent.mkdir(parents=True)
        if isinstance(content, bytes):
            path.write_bytes(content)
        elif content is None:
            path.mkdir()
        else:
            nbformat.write(content, path)

    def fill(self, sample: str, change: Callable[[NotebookNode], Any] = lambda nb: None) -> Any:
        """Return a sample's notebook, changed."""
        notebook = fill(CLASS[sample], self.released())
        change(notebook)
        return notebook

    @contextmanager
    def gradebook(self) -> Iterator[Gradebook]:
        with Gradebook(self.database) as gradebook:
            yield gradebook

    def marks(self, student: str, assignment: str = EX02) -> dict[str, Mark]:
        """Read a student's rows of the gradebook, by ``grade_id``."""
        with self.gradebook() as gradebook:
            submission = gradebook.find_submission_notebook(assignment, assignment, student)
            return {
                row.name: Mark(row.auto_score, row.manual_score, row.needs_manual_grade)
                for row in submission.grades
            }

    def points(self, student: str) -> dict[str, float | None]:
        """Read a student's marks for what a machine marks."""
        marks = self.marks(student)
        return {name: marks[name].auto for name in CLASS["hypatia"].verdict}

    def autograded(self, student: str, assignment: str = EX02) -> Path:
        return self.root / "autograded" / student / assignment / f"{assignment}.ipynb"

    def evidence(self) -> dict[str, int]:
        """Tell which evidence there is and when it was written."""
        files = self.root.glob("evidence/*/round-*/evidence-*.json")
        return {file.name: file.stat().st_mtime_ns for file in files}


def with_scripts() -> str:
    """Return a PATH with the environment's commands: nbgrader calls alembic by its name."""
    return f"{Path(sys.executable).parent}{os.pathsep}{os.environ.get('PATH', os.defpath)}"


def begin(root: Path, *, stock: bool = False) -> Course:
    """Make an empty course with the kit's own configuration, or with nbgrader's alone."""
    root.mkdir(parents=True)
    (root / "source").mkdir()
    course = Course(root)
    if stock:
        course.configure("c = get_config()", "c.CourseDirectory.course_id = 'scaling-ml'")
    else:
        shutil.copy(ROOT / "nbgrader_config.py", root)
    return course


def graded(base: Path) -> Course:
    """Return the course that all tests start from, graded once by nbgrader's command.

    Parameters
    ----------
    base : Path
        Where it is, or will be after the first call: grading takes time, so once is enough, for
        all processes that run tests at once.
    """
    base = base.parent if base.name.startswith("popen-") else base  # pytest-xdist's, for each
    with open(base / "graded.lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not (base / "graded").exists():
            _grade(base / "begun").root.rename(base / "graded")
    return Course(base / "graded")


def _grade(root: Path) -> Course:
    shutil.rmtree(root, ignore_errors=True)  # of a process that did not come to the end
    course = begin(root)
    course.write_source(EX02, build(ROOT / "solutions" / f"{EX02}.py", _exercise()))
    course.release(EX02)
    for student in STUDENTS:
        course.hand_in(student, course.fill(student))
    done = course.nbgrader("autograde", EX02)
    assert done.returncode == 0, done.stdout
    return course


def shared(base: Path, folder: Path, /, **students: str) -> Course:
    """Return a copy of the graded course, to be changed.

    Parameters
    ----------
    base, folder : Path
        Of the graded course, and of the copy.
    **students : str
        Further students, who hand in what one of the sample class did, and are graded.
    """
    shutil.copytree(graded(base).root, folder)
    course = Course(folder)
    for student, sample in students.items():
        course.hand_in(student, course.fill(sample))
    if students:
        success, log = course.autograde()
        assert success, log
    return course
