"""Releasing by the kit's own command, more than once."""

from pathlib import Path

import course
import nbformat
import pytest
from course import EX02, Course

from autograder.errors import HarnessError
from autograder.nbgrader_bridge.release import release

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("commands")]


@pytest.fixture
def fresh(tmp_path: Path) -> Course:
    made = course.begin(tmp_path / "course")
    made.write_source(EX02, (course.ROOT / "source" / EX02 / f"{EX02}.ipynb").read_text())
    exchange = tmp_path / "exchange"
    exchange.mkdir()
    exchange.chmod(0o777)
    made.configure(f"c.Exchange.root = {str(exchange)!r}")
    return made


def outbound(made: Course) -> Path:
    return made.root.parent / "exchange" / "scaling-ml" / "outbound" / EX02 / f"{EX02}.ipynb"


def test_what_is_released_is_released_again(fresh: Course) -> None:
    release(fresh.root, EX02)
    first = outbound(fresh).read_text()
    assert "BEGIN SOLUTION" not in first
    notebook = nbformat.read(fresh.root / "source" / EX02 / f"{EX02}.ipynb", as_version=4)
    notebook.cells[0].source += " Corrected."
    fresh.write_source(EX02, notebook)
    release(fresh.root, EX02)
    assert "Corrected." in outbound(fresh).read_text()


def test_what_nbgrader_refuses_is_said_with_its_reason(fresh: Course) -> None:
    fresh.configure("c.CourseDirectory.course_id = ''")
    with pytest.raises(HarnessError, match=r"nbgrader says: \[CRITICAL\] No course id specified"):
        release(fresh.root, EX02)
