"""Hands in thirty thousand files."""

from pathlib import Path


def place(path: Path, course: Path) -> None:
    for number in range(30_000):
        (path.parent / f"{number}.csv").touch()
