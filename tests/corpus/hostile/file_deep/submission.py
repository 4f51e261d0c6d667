"""Hands in JSON a hundred thousand levels deep."""

from pathlib import Path


def place(path: Path, course: Path) -> None:
    path.write_text('{"cells": ' + "[" * 100_000 + "]" * 100_000 + "}")
