"""Is a notebook of the third format, whose cells are in a worksheet."""

from pathlib import Path

import nbformat


def place(path: Path, course: Path) -> None:
    nbformat.write(nbformat.convert(nbformat.read(path, 4), 3), path)
