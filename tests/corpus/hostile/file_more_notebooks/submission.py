"""Has forty more notebooks beside the one that was set, some of them broken."""

from pathlib import Path


def place(path: Path, course: Path) -> None:
    for number in range(40):
        text = path.read_text() if number % 2 else "{" * number
        path.with_name(f"more-{number}.ipynb").write_text(text)
