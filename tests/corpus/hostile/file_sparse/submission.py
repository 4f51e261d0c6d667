"""Has a file beside the notebook that says it is a terabyte."""

from pathlib import Path


def place(path: Path, course: Path) -> None:
    with open(path.parent / "huge.bin", "wb") as file:
        file.truncate(1 << 40)
