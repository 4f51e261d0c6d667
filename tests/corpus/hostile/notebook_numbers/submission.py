"""Has numbers in its metadata that no computer holds: NaN, infinity, five thousand digits."""

import json
from pathlib import Path


def place(path: Path, course: Path) -> None:
    notebook = json.loads(path.read_text())
    text = json.dumps(notebook)
    odd = '"metadata": {"a": NaN, "b": -Infinity, "c": 1e999, "d": ' + "9" * 5000 + ", "
    path.write_text(odd.join(text.rsplit('"metadata": {', 1)))
