"""Has cells whose source is a number, an object, or a list of numbers."""

import json
from pathlib import Path


def place(path: Path, course: Path) -> None:
    notebook = json.loads(path.read_text())
    for number, cell in enumerate(notebook["cells"]):
        if "nbgrader" not in cell["metadata"]:
            cell["source"] = [5, {"a": 1}, [1, 2]][number % 3]
    path.write_text(json.dumps(notebook))
