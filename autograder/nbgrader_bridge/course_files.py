"""Where a course has its files, as nbgrader's own settings say."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from nbgrader.coursedir import CourseDirectory
from traitlets.config import Config
from traitlets.config.loader import PyFileConfigLoader

from autograder.errors import HarnessError

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
    """Find the files of an assignment, as the course's ``nbgrader_config.py`` has them.

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
    """Read the configuration of a course.

    Raises
    ------
    HarnessError
        If it cannot be read.
    """
    config = Config()
    if (root / "nbgrader_config.py").is_file():
        try:
            config = PyFileConfigLoader("nbgrader_config.py", str(root)).load_config()
        except Exception as error:
            raise HarnessError(f"{root / 'nbgrader_config.py'} cannot be read: {error}.") from error
    config.CourseDirectory.setdefault("root", str(root))
    return config
