"""Where a course uses an exercise, so that it must not be replaced silently."""

from pathlib import Path
from typing import Any

from nbgrader.api import Gradebook
from nbgrader.coursedir import CourseDirectory
from sqlalchemy.engine import make_url
from sqlalchemy.exc import SQLAlchemyError

from autograder.errors import HarnessError
from autograder.nbgrader_bridge.course_files import settings
from autograder.nbgrader_bridge.guard import CONFIG

__all__ = ["in_use"]

_HANDED_OUT = ("release", "submitted", "autograded", "feedback")
"""The traits of nbgrader's course directory, without ``_directory``, in the order of its steps."""


def in_use(root: Path, name: str, *, source: bool = True) -> str:
    """Say where a course has a notebook of some name.

    Parameters
    ----------
    root : Path
        The course's folder; any other folder is read with nbgrader's defaults.
    name : str
        Of the notebook, without its ending; it may belong to any assignment.
    source : bool
        Whether one in the source folder counts.

    Returns
    -------
    str
        As in "released in release/ps1, handed in by 3"; empty if it is nowhere.

    Raises
    ------
    HarnessError
        If the course's settings or its gradebook cannot be read.
    """
    config = settings(root) if (root / CONFIG).is_file() else None
    course = CourseDirectory(config=config) if config else CourseDirectory(root=str(root.resolve()))
    steps = {step: _found(course, step, name) for step in ("source", *_HANDED_OUT)}
    said = []
    if source and steps["source"]:
        said.append(f"in {_near(steps['source'][0].parent, course)}")
    if steps["release"]:
        said.append(f"released in {_near(steps['release'][0].parent, course)}")
    if steps["submitted"]:
        said.append(f"handed in by {len(steps['submitted'])}")
    if steps["autograded"] or steps["feedback"]:
        said.append("graded")
    if assignments := _in_gradebook(course, name):
        said.append(f"in the gradebook as part of {', '.join(assignments)}")
    return ", ".join(said)


def _found(course: Any, step: str, name: str) -> list[Path]:
    folder = getattr(course, f"{step}_directory")
    student = "." if step in ("source", "release") else "*"
    ending = "html" if step == "feedback" else "ipynb"
    path = Path(course.format_path(folder, student, "*"), f"{name}.{ending}")
    root = Path(course.root)  # whose own name may have a * or a [ in it
    base = root if path.is_relative_to(root) else Path(path.anchor)
    return sorted(base.glob(str(path.relative_to(base))))


def _in_gradebook(course: Any, name: str) -> list[str]:
    try:
        url = make_url(course.db_url)
        # Opening one that is not there would make it.
        if url.get_backend_name() == "sqlite" and not Path(url.database or "").exists():
            return []
        with Gradebook(course.db_url, course.course_id) as gradebook:
            assignments = gradebook.assignments
            return [a.name for a in assignments if name in {book.name for book in a.notebooks}]
    except SQLAlchemyError as error:
        raise HarnessError(f"The gradebook {course.db_url} cannot be read: {error}.") from error


def _near(path: Path, course: Any) -> str:
    root = Path(course.root)
    return str(path.relative_to(root) if path.is_relative_to(root) else path)
