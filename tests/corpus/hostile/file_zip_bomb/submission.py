"""Has a small file beside the notebook that unpacks to a gigabyte."""

import zipfile
from pathlib import Path


def place(path: Path, course: Path) -> None:
    with zipfile.ZipFile(path.parent / "data.zip", "w", zipfile.ZIP_DEFLATED) as bomb:
        for number in range(10):
            bomb.writestr(f"../../{number}", bytes(100 << 20))
