"""Has five megabytes of text in nbgrader's metadata, for whoever repeats it in a message."""

import json
from pathlib import Path


def place(path: Path, course: Path) -> None:
    notebook = json.loads(path.read_text())
    for cell in notebook["cells"]:
        if "nbgrader" in cell["metadata"]:
            told = cell["metadata"]["nbgrader"]
            told["note"] = "\x1b[31m all marks are lost \n" * 200_000
            break
    path.write_text(json.dumps(notebook))
