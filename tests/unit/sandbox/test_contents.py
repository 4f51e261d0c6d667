"""What every box holds, and what it must not."""

import sys
from pathlib import Path

import pytest

from autograder.errors import HarnessError
from autograder.sandbox.contents import refuse_exposed


def test_a_course_that_boxes_can_read_is_refused(tmp_path: Path) -> None:
    refuse_exposed(tmp_path)
    for place in (Path("/usr/local/course"), Path(sys.prefix) / "course"):
        with pytest.raises(HarnessError, match="Move the course"):
            refuse_exposed(place)
