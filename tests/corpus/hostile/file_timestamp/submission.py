"""Says that it was handed in at the end of time, which breaks the list of the class."""

from pathlib import Path


def place(path: Path, course: Path) -> None:
    path.with_name("timestamp.txt").write_text("9999-12-31 23:59:59 -12")
