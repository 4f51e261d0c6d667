"""A course of several instructors: nbgrader's ``groupshared``, for the files of the kit.

nbgrader gives to the group what it has graded. The folders between, and what the kit keeps
beside, have to be the group's too, or the second instructor can neither grade nor clean up after
the first. What lies in a shared folder is then shared by itself (`autograder.files.writing`).
"""

import os
from contextlib import suppress
from pathlib import Path
from typing import Any

from autograder.files import share
from autograder.nbgrader_bridge.common import EVIDENCE

__all__ = ["share_course"]


def share_course(course: Any) -> None:
    """Give the folders of autograde to the group, with what is in the kit's own.

    Everybody does so for what is theirs: nobody may change the mode of another's files. A folder
    that cannot be made is passed over; the check of the batch says what follows from it.
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
