"""Has texts and numbers among its cells."""

import json
from pathlib import Path


def place(path: Path, course: Path) -> None:
    notebook = json.loads(path.read_text())
    notebook["cells"] += ["a cell", 5, None, []]
    path.write_text(json.dumps(notebook))
