"""Has folders two hundred deep beside the notebook."""

from pathlib import Path


def place(path: Path, course: Path) -> None:
    (path.parent / "/".join(["d"] * 200)).mkdir(parents=True)
