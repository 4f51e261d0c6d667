"""Says the number of its format in words."""

import json
from pathlib import Path


def place(path: Path, course: Path) -> None:
    notebook = json.loads(path.read_text())
    notebook.update(nbformat="four", nbformat_minor=[5])
    path.write_text(json.dumps(notebook))
