"""Where nbgrader keeps what no box may hold."""

import sys
from pathlib import Path
from typing import Any

import pytest
from nbgrader.coursedir import CourseDirectory
from traitlets.config import Config

from autograder.errors import HarnessError
from autograder.nbgrader_bridge.exposed import refuse_exposed

EXPOSED = Path(sys.prefix, "lib", "kept")


def refuse(root: Path, **settings: dict[str, Any]) -> None:
    config = Config({"CourseDirectory": {"root": str(root)}, **settings})
    refuse_exposed(CourseDirectory(config=config), config)


def test_a_course_anywhere_else_is_graded(tmp_path: Path) -> None:
    refuse(tmp_path)
    refuse(tmp_path, Exchange={"root": str(tmp_path / "exchange")})


@pytest.mark.parametrize(
    ("settings", "named"),
    [
        ({"Exchange": {"root": str(EXPOSED)}}, "nbgrader's exchange"),
        ({"CourseDirectory": {"db_url": f"sqlite:///{EXPOSED}/gradebook.db"}}, "The gradebook"),
        ({"CourseDirectory": {"submitted_directory": str(EXPOSED)}}, "submitted_directory"),
    ],
)
def test_what_boxes_can_read_is_refused_wherever_it_is_set(
    settings: dict[str, dict[str, Any]], named: str, tmp_path: Path
) -> None:
    config = Config(settings)
    config.CourseDirectory.root = str(tmp_path)
    with pytest.raises(HarnessError, match=named):
        refuse_exposed(CourseDirectory(config=config), config)
