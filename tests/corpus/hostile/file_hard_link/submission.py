"""Has a second name of the solution beside the notebook."""

import os
from pathlib import Path


def place(path: Path, course: Path) -> None:
    os.link(course / "source" / "tiny" / "tiny.ipynb", path.parent / "notes.txt")
