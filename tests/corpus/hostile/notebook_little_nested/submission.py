"""Has metadata ninety levels deep, which one program copies and the next does not."""

import json
from pathlib import Path


def place(path: Path, course: Path) -> None:
    notebook = json.loads(path.read_text())
    inner: dict[str, object] = {}
    for _ in range(90):
        inner = {"x": [inner]}
    notebook["metadata"]["deep"] = inner
    notebook["cells"][0]["metadata"]["deep"] = inner
    path.write_text(json.dumps(notebook))
