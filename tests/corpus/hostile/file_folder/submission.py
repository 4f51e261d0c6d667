"""Hands in a folder by the name of the notebook."""

from pathlib import Path


def place(path: Path, course: Path) -> None:
    path.unlink()
    path.mkdir()
