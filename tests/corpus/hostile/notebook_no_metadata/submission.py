"""Has a list, a text and a number in place of nbgrader's metadata."""

import json
from pathlib import Path


def place(path: Path, course: Path) -> None:
    notebook = json.loads(path.read_text())
    for number, cell in enumerate(notebook["cells"]):
        if "nbgrader" in cell["metadata"]:
            cell["metadata"]["nbgrader"] = [[], "graded", 5, None][number % 4]
    path.write_text(json.dumps(notebook))
