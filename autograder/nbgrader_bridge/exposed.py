"""What nbgrader is configured to use, and no box may hold."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from autograder.sandbox import contents

__all__ = ["refuse_exposed"]

_SQLITE = "sqlite:///"


def refuse_exposed(course: Any, config: Any) -> None:
    """Refuse to grade where boxes can read the course, its gradebook or other submissions.

    Parameters
    ----------
    course : CourseDirectory
        nbgrader's.
    config : Config
        Of the program that grades.

    Raises
    ------
    HarnessError
        If one of these places is inside a folder that boxes can read.
    """
    for what, path in _places(course, config):
        contents.refuse_exposed(what, path)


def _places(course: Any, config: Any) -> Iterator[tuple[str, Path]]:
    root = Path(course.root)
    yield "The course", root
    for trait in course.trait_names():
        if trait.endswith("_directory"):
            # Relative to the course, unless it is a whole path.
            yield f"The course's {trait}", root / getattr(course, trait)
    if course.db_url.startswith(_SQLITE):
        yield "The gradebook", Path(course.db_url.removeprefix(_SQLITE))
    exchange = config.get("Exchange", {}).get("root")
    if isinstance(exchange, str):  # by default, it is where no box can read
        yield "nbgrader's exchange", Path(exchange)
