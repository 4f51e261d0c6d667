"""Has cells whose names have a megabyte, or begin a line of the log, or a path."""

import json
from pathlib import Path


def place(path: Path, course: Path) -> None:
    notebook = json.loads(path.read_text())
    for cell in notebook["cells"]:
        if "nbgrader" in cell["metadata"]:
            told = cell["metadata"]["nbgrader"]
            told["grade_id"] = ["x" * 1_000_000, "\n[AutogradeApp | ERROR] lost", "../../x"][
                len(cell["source"]) % 3
            ]
    path.write_text(json.dumps(notebook))
