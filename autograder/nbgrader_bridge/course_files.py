"""Where a course keeps its files, according to nbgrader's settings."""

import logging
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from nbgrader.apps import AutogradeApp
from nbgrader.coursedir import CourseDirectory
from nbgrader.utils import chdir
from traitlets.config import Config

from autograder.errors import HarnessError
from autograder.nbgrader_bridge.guard import broken

__all__ = ["Layout", "configured", "here", "layout", "settings"]

_STUDENT = "\0"
"""Stands for a student where the place of the name in a path is looked for; no path has it."""


@dataclass(frozen=True, slots=True)
class Layout:
    """Where one assignment of a course has its files."""

    root: Path
    source: Path
    release: Path
    submitted: Mapping[str, Path]
    """By student: the folder that was handed in."""
    feedback: Mapping[str, Path]
    """By student, where there is one: the folder of feedback pages."""
    database: str
    """URL of the gradebook."""
    course_id: str


def layout(root: Path, assignment: str) -> Layout:
    """Find the files of an assignment, according to nbgrader's settings there.

    Raises
    ------
    HarnessError
        If the configuration cannot be read, or has a structure of folders that names no student.
    """
    course = CourseDirectory(config=settings(root))

    def by_student(step: str) -> dict[str, Path]:
        return {
            student: path
            for student in _names(course, step, assignment)
            if (path := Path(course.format_path(step, student, assignment))).is_dir()
        }

    return Layout(
        root=Path(course.root),
        source=Path(course.format_path(course.source_directory, ".", assignment)),
        release=Path(course.format_path(course.release_directory, ".", assignment)),
        submitted=by_student(course.submitted_directory),
        feedback=by_student(course.feedback_directory),
        database=course.db_url,
        course_id=course.course_id,
    )


def _names(course: Any, step: str, assignment: str) -> list[str]:
    """Return who may have a folder: a student's name is one part of the path, or is in one."""
    parts = Path(course.format_path(step, _STUDENT, assignment)).parts
    place = next((n for n, part in enumerate(parts) if part.count(_STUDENT) == 1), None)
    if place is None:
        raise HarnessError(
            f"CourseDirectory.directory_structure is {course.directory_structure!r}: expected "
            "{student_id} in it, once in the name of a folder, since nobody's files are found "
            "without it."
        )
    before, after = parts[place].split(_STUDENT)
    folder = Path(*parts[:place])
    found = sorted(path.name for path in folder.iterdir()) if folder.is_dir() else []
    names = [name.removeprefix(before).removesuffix(after) for name in found]
    return [name for name in names if name and f"{before}{name}{after}" in found]


def settings(root: Path) -> Config:
    """Read nbgrader's configuration for a course's folder.

    That is not only the course's own file: a grader's account or a hub can have settings such as
    the gradebook's in Jupyter's configuration folders. If one of them names the folder of another
    course, ``root`` counts nevertheless, and nothing is read from the other folder.

    Raises
    ------
    HarnessError
        If a file cannot be loaded: nbgrader itself would continue without it.
    """
    root = root.absolute()
    config = _read(root, f"--CourseDirectory.root={root}")
    config.CourseDirectory.root = str(root)
    return config


def configured(folder: Path) -> Path:
    """Return the course's folder where nbgrader works if it is called in a folder.

    Raises
    ------
    HarnessError
        If a file cannot be loaded.
    """
    return folder / str(_read(folder).CourseDirectory.get("root", folder))


def here() -> Path:
    """Return the course's folder where nobody has named one: the working directory.

    Raises
    ------
    HarnessError
        If nbgrader's settings name another folder, or cannot be loaded.
    """
    folder = Path.cwd()
    other = configured(folder)
    if other.resolve() != folder.resolve():
        raise HarnessError(
            f"Which course is meant? nbgrader's settings name the one in {other} "
            f"(CourseDirectory.root), and this is {folder}: name one of them with --course."
        )
    return folder


def _read(folder: Path, *arguments: str) -> Config:
    app = _Settings(log_level=logging.CRITICAL)
    before = list(sys.path)
    try:
        with chdir(str(folder)):
            if why := broken(folder):
                raise HarnessError(f"{why}.")
            app.initialize(list(arguments))
    finally:
        sys.path[:] = before  # nbgrader puts the folder there that it is called in
    config: Config = app.config
    return config


class _Settings(AutogradeApp):
    """nbgrader's application, used to find its settings."""

    name = "autograder-settings"

    def migrate_config(self) -> None:
        """Leave the user's old settings where they are."""
