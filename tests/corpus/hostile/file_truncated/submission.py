"""Hands in half a file."""

from pathlib import Path


def place(path: Path, course: Path) -> None:
    path.write_bytes(b'{"cells": 5')
