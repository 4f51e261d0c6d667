"""Where a course keeps its files, according to nbgrader's settings."""

import logging
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from nbgrader.apps import AutogradeApp
from nbgrader.coursedir import CourseDirectory
from nbgrader.utils import chdir
from traitlets.config import Config

from autograder.errors import HarnessError
from autograder.nbgrader_bridge.guard import broken

__all__ = ["Layout", "layout", "settings"]


@dataclass(frozen=True, slots=True)
class Layout:
    """Where one assignment of a course has its files."""

    root: Path
    source: Path
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
        If the configuration cannot be read.
    """
    course = CourseDirectory(config=settings(root))

    def by_student(step: str) -> dict[str, Path]:
        # The student's name is one part of the path: put a mark there and look where it is.
        parts = Path(course.format_path(step, "*", assignment)).parts
        place = parts.index("*")
        found = Path(*parts[:place]).glob(str(Path(*parts[place:])))
        return {path.parts[place]: path for path in sorted(found) if path.is_dir()}

    return Layout(
        root=Path(course.root),
        source=Path(course.format_path(course.source_directory, ".", assignment)),
        submitted=by_student(course.submitted_directory),
        feedback=by_student(course.feedback_directory),
        database=course.db_url,
        course_id=course.course_id,
    )


def settings(root: Path) -> Config:
    """Read nbgrader's configuration for a course's folder.

    That is not only the course's own file: a grader's account or a hub can have settings such as
    the gradebook's in Jupyter's configuration folders.

    Raises
    ------
    HarnessError
        If a file cannot be loaded: nbgrader itself would continue without it.
    """
    if why := broken(root):
        raise HarnessError(f"{why}.")
    app = _Settings(log_level=logging.CRITICAL)
    before = list(sys.path)
    try:
        with chdir(str(root)):
            app.initialize([], root=str(root))
    finally:
        sys.path[:] = before  # nbgrader puts the folder there that it is called in
    config: Config = app.config
    config.CourseDirectory.setdefault("root", str(root))
    return config


class _Settings(AutogradeApp):
    """nbgrader's application, used to find its settings."""

    name = "autograder-settings"

    def migrate_config(self) -> None:
        """Leave the user's old settings where they are."""
