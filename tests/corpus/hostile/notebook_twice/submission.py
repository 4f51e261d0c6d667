"""Has every key of its JSON twice, with another value the first time."""

from pathlib import Path


def place(path: Path, course: Path) -> None:
    text = path.read_text()
    twice = '{"cells": [], "metadata": 5, "nbformat": 3, '
    path.write_text(text.replace("{", twice, 1))
