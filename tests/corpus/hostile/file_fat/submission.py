"""Hands in a notebook of 50 MB."""

import json
from pathlib import Path


def place(path: Path, course: Path) -> None:
    notebook = json.loads(path.read_text())
    notebook["metadata"]["fat"] = "x" * 50_000_000
    path.write_text(json.dumps(notebook))
