"""Releasing an assignment to students, through nbgrader."""

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from nbgrader.apps import NbGraderAPI

from autograder.errors import HarnessError
from autograder.nbgrader_bridge.common import commands_path
from autograder.nbgrader_bridge.course_files import settings

__all__ = ["release"]


def release(root: Path, assignment: str) -> None:
    """Generate the students' version of an assignment and put it into the exchange.

    What is released already is generated and released again.

    Raises
    ------
    HarnessError
        If nbgrader failed; with its last message.
    """
    config = settings(root)
    config.ExchangeReleaseAssignment.force = True
    api = NbGraderAPI(config=config)
    with _commands():
        for act in (api.generate_assignment, api.release_assignment):
            result = act(assignment)
            if not result["success"]:
                raise HarnessError(f"{assignment} was not released. nbgrader says: {_why(result)}")


def _why(result: Mapping[str, Any]) -> str:
    """Return nbgrader's last logged error, or else its last line."""
    said = f"{result.get('log', '')}\n{result.get('error', '')}".splitlines()
    lines = [line.strip() for line in said if line.strip()]
    graver = [line for line in lines if line.startswith(("[ERROR]", "[CRITICAL]"))]
    return (graver or lines or ["nothing."])[-1]


@contextmanager
def _commands() -> Iterator[None]:
    """Put this environment's commands on the path of this process."""
    before = os.environ.get("PATH", os.defpath)
    os.environ["PATH"] = commands_path()
    try:
        yield
    finally:
        os.environ["PATH"] = before
