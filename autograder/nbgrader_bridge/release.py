"""Releasing an assignment to students, through nbgrader."""

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from nbgrader.apps import NbGraderAPI

from autograder.errors import HarnessError
from autograder.nbgrader_bridge.course_files import settings

__all__ = ["release"]


def release(root: Path, assignment: str) -> None:
    """Generate the students' version of an assignment and put it into the exchange.

    What is released already is generated and released again.

    Raises
    ------
    HarnessError
        If nbgrader could not; with the last thing that it said.
    """
    api = NbGraderAPI(config=settings(root))
    with _commands():
        for act in (api.generate_assignment, api.release_assignment):
            result = act(assignment)
            if not result["success"]:
                said = [*result.get("log", "").split("\n"), *result.get("error", "").split("\n")]
                last = next((line for line in reversed(said) if "ERROR" in line), said[-1])
                raise HarnessError(f"{assignment} was not released. nbgrader says: {last}")


@contextmanager
def _commands() -> Iterator[None]:
    """Put this environment's commands on the path: nbgrader calls alembic by name."""
    before = os.environ.get("PATH", os.defpath)
    os.environ["PATH"] = f"{Path(sys.executable).parent}{os.pathsep}{before}"
    try:
        yield
    finally:
        os.environ["PATH"] = before
