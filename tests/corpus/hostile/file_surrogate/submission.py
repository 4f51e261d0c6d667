"""Has half a character in the notebook."""

import json
from pathlib import Path


def place(path: Path, course: Path) -> None:
    notebook = json.loads(path.read_text())
    notebook["cells"][0]["source"] = "\ud800"
    path.write_text(json.dumps(notebook))
