"""Hands in a link to the solution."""

from pathlib import Path


def place(path: Path, course: Path) -> None:
    path.unlink()
    path.symlink_to(course / "source" / "tiny" / "tiny.ipynb")
