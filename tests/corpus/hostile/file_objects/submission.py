"""Hands in four million empty objects, which take a gigabyte as Python's."""

import json
from pathlib import Path


def place(path: Path, course: Path) -> None:
    notebook = json.loads(path.read_text())
    notebook["metadata"]["objects"] = "OBJECTS"
    objects = "[{}" + ",{}" * 4_000_000 + "]"
    path.write_text(json.dumps(notebook).replace('"OBJECTS"', objects))
