"""Hands in the notebook in another encoding."""

from pathlib import Path


def place(path: Path, course: Path) -> None:
    path.write_bytes(path.read_text().encode("utf-16"))
