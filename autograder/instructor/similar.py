"""Students' own code as plain files, for a tool that compares programs.

Whether two solutions are suspiciously similar is a person's judgement, and comparing programs is a
separate field: this module only extracts the code from the notebooks. compare50 of Harvard's CS50
reads such files, ignores the released code, and shows pairs side by side.
"""

from collections.abc import Iterator
from pathlib import Path

from autograder import submissions
from autograder.errors import HarnessError, SubmissionError

__all__ = ["DISTRIBUTED", "command", "extract"]

CODE, DISTRIBUTED = "code", "distributed.py"
"""A folder with one file per student, and a file with the code that every student was given."""


def extract(course: Path, assignment: str, out: Path) -> tuple[list[Path], list[str]]:
    """Write each student's code cells to a file.

    Parameters
    ----------
    course : Path
        Root of the nbgrader course, with ``release`` and ``submitted`` where nbgrader puts them.
    assignment : str
    out : Path
        Folder for the files.

    Returns
    -------
    written : list of Path
        One per student, by name.
    skipped : list of str
        The reasons for submissions that cannot be read.

    Raises
    ------
    HarnessError
        If nothing was handed in, or the folder cannot be written.
    """
    notebooks = sorted((course / "submitted").glob(f"*/{assignment}/*.ipynb"))
    if not notebooks:
        raise HarnessError(
            f"Nothing was handed in for {assignment}: there is no notebook in "
            f"{course / 'submitted'}/*/{assignment}. Run this in the course's folder."
        )
    written: dict[Path, None] = {}
    skipped = []
    try:
        (out / CODE).mkdir(parents=True, exist_ok=True)
        released = sorted((course / "release" / assignment).glob("*.ipynb"))
        given = [cell for path in released for cell in _code(path)]
        (out / DISTRIBUTED).write_text("\n\n".join(given) + "\n", "utf-8", "replace")
        for path in notebooks:
            student = path.parent.parent.name
            if path.is_symlink():
                skipped.append(f"{student}: {path.name} is a link.")
                continue
            try:
                code = "\n\n".join(_code(path)) + "\n"
            except SubmissionError as error:
                skipped.append(f"{student}: {error}")
                continue
            file = out / CODE / f"{student}.py"
            # An assignment may have several notebooks.
            mode = "a" if file in written else "w"
            with open(file, mode, encoding="utf-8", errors="replace") as opened:
                opened.write(code)
            written[file] = None
    except OSError as error:
        raise HarnessError(f"The code cannot be written to {out}: {error}.") from error
    return list(written), skipped


def command(out: Path) -> str:
    """Return the command that compares the files."""
    return f"compare50 {out / CODE}/*.py -d {out / DISTRIBUTED} -o {out / 'report'}"


def _code(path: Path) -> Iterator[str]:
    for cell in submissions.read(path).cells:
        if cell.cell_type == "code" and cell.source.strip():
            yield cell.source.strip("\n")
