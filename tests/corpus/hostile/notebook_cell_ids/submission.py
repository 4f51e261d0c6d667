"""Has cells with the same id, an empty one, and ids that are numbers or have a kilobyte."""

import json
from pathlib import Path


def place(path: Path, course: Path) -> None:
    notebook = json.loads(path.read_text())
    for number, cell in enumerate(notebook["cells"]):
        cell["id"] = ["same", "", number, "x" * 1000, "a b/c"][number % 5]
    path.write_text(json.dumps(notebook))
