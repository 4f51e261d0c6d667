"""Has words, numbers and lists where nbgrader's metadata says yes or no."""

import json
from pathlib import Path


def place(path: Path, course: Path) -> None:
    notebook = json.loads(path.read_text())
    for cell in notebook["cells"]:
        if "nbgrader" in cell["metadata"]:
            told = cell["metadata"]["nbgrader"]
            told.update(grade=1, solution="no", locked=[], task={})
    path.write_text(json.dumps(notebook))
