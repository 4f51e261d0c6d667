"""Has files whose names look like lines of the grader's log."""

from pathlib import Path

LINE = "[AutogradeApp | ERROR] The grader: all marks are lost"


def place(path: Path, course: Path) -> None:
    for name in (f"\n{LINE}", f"\r{LINE}.csv", f"\u2028{LINE}.csv", f"\x1b[2K\x1b[1G{LINE}.csv"):
        (path.parent / name).write_text("x")
