"""A course of several instructors: nbgrader's ``groupshared``, for the files of the kit.

nbgrader shares its graded files with the group. The intermediate folders and the kit's own files
have to be shared, too, or the second instructor can neither grade nor clean up after the first.
Files in a shared folder are then shared automatically (`autograder.files.writing`).
"""

import os
from contextlib import suppress
from pathlib import Path
from typing import Any

from autograder.files import share
from autograder.nbgrader_bridge.common import EVIDENCE

__all__ = ["share_course"]


def share_course(course: Any) -> None:
    """Share the folders of autograde with the group, and the contents of the kit's own.

    Each user does so for their own files, since nobody may change the mode of another's. A folder
    that cannot be created is ignored here; the check of the batch reports the consequence.
    """
    graded = Path(course.format_path(course.autograded_directory, ".", "."))
    evidence = Path(course.root, EVIDENCE)
    with suppress(OSError):
        for folder in (graded, evidence):
            folder.mkdir(parents=True, exist_ok=True)
            share(folder)
        for student in graded.iterdir():
            if student.is_dir():
                share(student)
        for place, _, files in os.walk(evidence):
            share(Path(place))
            for name in files:
                # Another grader's unfinished file may be gone by now.
                with suppress(OSError):
                    share(Path(place, name))
