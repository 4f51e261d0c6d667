"""Has metadata four hundred levels deep, which no program survives that copies it by recursion."""

import json
from pathlib import Path


def place(path: Path, course: Path) -> None:
    notebook = json.loads(path.read_text())
    inner: dict[str, object] = {}
    for _ in range(400):
        inner = {"x": inner}
    notebook["metadata"]["deep"] = inner
    notebook["cells"][0]["metadata"]["deep"] = inner
    path.write_text(json.dumps(notebook))
