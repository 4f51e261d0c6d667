"""Is written for another kernel and language, named by lists and by a megabyte."""

import json
from pathlib import Path


def place(path: Path, course: Path) -> None:
    notebook = json.loads(path.read_text())
    notebook["metadata"]["kernelspec"] = {
        "name": "ir",
        "language": "R",
        "display_name": "R" * 1_000_000,
    }
    notebook["metadata"]["language_info"] = {
        "name": ["R"],
        "pygments_lexer": {"name": "../../x"},
        "file_extension": "/../../x",
        "version": 3,
    }
    path.write_text(json.dumps(notebook))
