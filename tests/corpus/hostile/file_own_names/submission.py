"""Has files with the names that the grader gives its own."""

from pathlib import Path


def place(path: Path, course: Path) -> None:
    (path.parent / ".dask_scaling_kit_unfinished").write_text("x")
