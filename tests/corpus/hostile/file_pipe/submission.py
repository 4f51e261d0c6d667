"""Has a pipe beside the notebook, at which a reader waits for ever."""

import os
from pathlib import Path


def place(path: Path, course: Path) -> None:
    os.mkfifo(path.parent / "data.csv")
