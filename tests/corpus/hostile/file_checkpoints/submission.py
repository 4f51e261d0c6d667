"""Has the remains of Jupyter, of an editor and of a grader beside the notebook."""

from pathlib import Path


def place(path: Path, course: Path) -> None:
    for name in (
        ".ipynb_checkpoints/tiny-checkpoint.ipynb",
        ".dsk-1.x-tiny/tiny.ipynb",
        "tiny.ipynb~",
        ".tiny.dask_scaling_kit_again",
        "gradebook.db",
        "round",
    ):
        file = path.parent / name
        file.parent.mkdir(exist_ok=True)
        file.write_bytes(path.read_bytes()[: len(name) * 10])
