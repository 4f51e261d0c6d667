"""Hands in JSON that is a list, not a notebook."""

from pathlib import Path


def place(path: Path, course: Path) -> None:
    path.write_text("[1, 2, 3]")
