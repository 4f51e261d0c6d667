"""Has saved outputs of types that nobody knows, without their parts, and numbers for texts."""

import json
from pathlib import Path


def place(path: Path, course: Path) -> None:
    notebook = json.loads(path.read_text())
    for cell in notebook["cells"]:
        if cell["cell_type"] == "code":
            cell["execution_count"] = "many"
            cell["outputs"] = [
                {"output_type": "stream"},
                {"output_type": "nonsense", "data": 5},
                {},
                {"output_type": "error", "traceback": 5},
                {"output_type": "display_data", "data": []},
            ]
    path.write_text(json.dumps(notebook))
