"""Has a mark of the order of its bytes before the notebook."""

from pathlib import Path


def place(path: Path, course: Path) -> None:
    path.write_bytes(b"\xef\xbb\xbf" + path.read_bytes())
