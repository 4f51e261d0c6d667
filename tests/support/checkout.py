"""Where the checkout is that the tests are of, and its sample class."""

import shutil
from pathlib import Path

__all__ = ["ROOT", "SAMPLES", "copy_text"]

ROOT = Path(__file__).parents[2]
SAMPLES = ROOT / "samples"


def copy_text(folder: Path, name: str) -> None:
    """Copy the text of an exercise, and the pictures of all, as a folder of texts to build."""
    folder.mkdir(exist_ok=True)
    shutil.copy(ROOT / "solutions" / f"{name}.py", folder)
    shutil.copytree(ROOT / "solutions" / "pictures", folder / "pictures", dirs_exist_ok=True)
