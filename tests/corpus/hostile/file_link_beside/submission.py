"""Has a link to the gradebook beside the notebook."""

from pathlib import Path


def place(path: Path, course: Path) -> None:
    (path.parent / "notes.txt").symlink_to(course / "gradebook.db")
