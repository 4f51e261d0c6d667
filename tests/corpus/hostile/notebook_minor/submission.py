"""Is of a minor version of its format that nobody knows."""

import json
from pathlib import Path


def place(path: Path, course: Path) -> None:
    notebook = json.loads(path.read_text())
    notebook.update(nbformat_minor=99)
    path.write_text(json.dumps(notebook))
