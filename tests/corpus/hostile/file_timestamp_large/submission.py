"""Says when it was handed in in a hundred megabytes."""

from pathlib import Path


def place(path: Path, course: Path) -> None:
    (path.parent / "timestamp.txt").write_bytes(b"2026-01-01 " * 9_000_000)
