"""Students' own code as plain files, for a tool that compares programs.

Whether two solutions are suspiciously similar is a person's judgement, and comparing programs is a
separate field: this module only extracts the code from the notebooks. compare50 of Harvard's CS50
reads such files, ignores the released code, and shows pairs side by side.
"""

import json
from collections.abc import Iterator, Mapping
from pathlib import Path

from autograder import submissions
from autograder.errors import HarnessError, SubmissionError
from autograder.nbgrader_bridge import course_files

__all__ = ["DISTRIBUTED", "command", "extract"]

CODE, DISTRIBUTED = "code", "distributed.py"
"""A folder with one file per student, and a file with the code that every student was given."""

_RECORD = "extracted.json"
"""File beside them with the names of the files that were written into the folder."""


def extract(course: Path, assignment: str, out: Path) -> tuple[list[Path], list[str]]:
    """Write each student's code cells to a file.

    Parameters
    ----------
    course : Path
        Root of the nbgrader course; its settings say where the files are.
    assignment : str
    out : Path
        Folder for the files. Those of an earlier run are removed.

    Returns
    -------
    written : list of Path
        One per student, by name.
    skipped : list of str
        The reasons for submissions that cannot be read.

    Raises
    ------
    HarnessError
        If nothing was handed in, the folder cannot be written, or it holds other files, which would
        be compared as well.
    """
    place = course_files.layout(course, assignment)
    notebooks = {
        student: found
        for student, folder in place.submitted.items()
        if (found := sorted(folder.glob("*.ipynb")))
    }
    if not notebooks:
        raise HarnessError(
            f"Nothing was handed in for {assignment}: no student has a notebook in the course in "
            f"{course}, where its settings say. Check the name, and run this in the folder of the "
            "course, or name it with --course."
        )
    codes, skipped = _codes(notebooks)
    try:
        _empty(out)
        files = {out / CODE / f"{student}.py": code for student, code in codes.items()}
        (out / _RECORD).write_text(json.dumps([file.name for file in files]))
        given = [cell for path in sorted(place.release.glob("*.ipynb")) for cell in _code(path)]
        for file, text in {out / DISTRIBUTED: "\n\n".join(given) + "\n", **files}.items():
            file.write_text(text, "utf-8", "replace")
    except OSError as error:
        raise HarnessError(f"The code cannot be written to {out}: {error}.") from error
    return list(files), skipped


def _codes(notebooks: Mapping[str, list[Path]]) -> tuple[dict[str, str], list[str]]:
    """Return each student's code, and the reasons for what cannot be read."""
    codes: dict[str, str] = {}
    skipped = []
    for student, paths in notebooks.items():
        for path in paths:
            if path.is_symlink():
                skipped.append(f"{student}: {path.name} is a link.")
                continue
            try:
                code = "\n\n".join(_code(path)) + "\n"
            except SubmissionError as error:
                skipped.append(f"{student}: {error}")
            else:
                # An assignment may have several notebooks.
                codes[student] = codes.get(student, "") + code
    return codes, skipped


def _empty(out: Path) -> None:
    """Make the folder for the code, without the files of an earlier run.

    Raises
    ------
    HarnessError
        If there is anything else in it.
    """
    folder = out / CODE
    folder.mkdir(parents=True, exist_ok=True)
    try:
        known = [str(name) for name in json.loads((out / _RECORD).read_bytes())]
    except (FileNotFoundError, ValueError, TypeError):
        known = []
    others = sorted({path.name for path in folder.iterdir()}.difference(known))
    if others:
        raise HarnessError(
            f"{folder} has files that are not known to be of an earlier run, such as {others[0]}, "
            "and they would be compared with the students' code: remove them, or name another "
            "folder with --out."
        )
    for path in list(folder.iterdir()):
        path.unlink()


def command(out: Path) -> str:
    """Return the command that compares the files."""
    return f"compare50 {out / CODE}/*.py -d {out / DISTRIBUTED} -o {out / 'report'}"


def _code(path: Path) -> Iterator[str]:
    for cell in submissions.read(path).cells:
        if cell.cell_type == "code" and cell.source.strip():
            yield cell.source.strip("\n")
