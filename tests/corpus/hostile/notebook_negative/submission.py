"""Says in the metadata that cells are worth less than nothing, and more than a number can say."""

import json
from pathlib import Path


def place(path: Path, course: Path) -> None:
    notebook = json.loads(path.read_text())
    for cell in notebook["cells"]:
        if "nbgrader" in cell["metadata"]:
            told = cell["metadata"]["nbgrader"]
            told["points"] = [-5, 1e999, None, "4"][len(cell["source"]) % 4]
    path.write_text(json.dumps(notebook))
