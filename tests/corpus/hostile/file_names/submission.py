"""Has files beside the notebook whose names speak to terminals, pages and shells."""

from pathlib import Path

NAMES = ("\x1b]0;owned\x07.csv", "<script>hostile=1<|script>", "$(touch owned).csv", "-rf", "a\nb")


def place(path: Path, course: Path) -> None:
    for name in NAMES:
        (path.parent / name).write_text("x")
