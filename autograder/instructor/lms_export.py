"""Marks of an assignment as a CSV that a learning management system imports.

Canvas and Moodle read a line per student, with an identifier; marks that are not final are left
blank rather than given as 0.

- Canvas: "Gradebook CSV": the columns Student, ID, SIS User ID, SIS Login ID and Section, a column
  per assignment, and a row with the points possible. Of the identifiers one is enough.
- Moodle: "Grade import": any columns with a heading; the instructor maps one of Email address, ID
  number or Username to the student, and the last one to the grade item.
"""

import csv
import io
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from autograder import files
from autograder.errors import HarnessError
from autograder.formats import number
from autograder.nbgrader_bridge import course_files, gradebook_reader
from autograder.nbgrader_bridge.gradebook_reader import Account
from autograder.report.classroom.spreadsheet import safe_cell

__all__ = ["FORMATS", "Exported", "canvas", "export", "moodle"]

POSSIBLE = "    Points Possible"
"""How Canvas marks the row with the points possible; the spaces are part of it."""


@dataclass(frozen=True, slots=True)
class Exported:
    """The written file, and the students without a mark in it."""

    path: Path
    students: int
    missing: tuple[str, ...]
    """Handed in nothing."""
    open: tuple[str, ...]
    """Still have something to be marked, by a person or by the machine."""


def export(
    root: Path, assignment: str, system: str, *, column: str = "", out: Path | None = None
) -> Exported:
    """Write the marks of an assignment, minus late penalties, for one system.

    Parameters
    ----------
    root : Path
        The course's folder.
    assignment : str
    system : str
        A name in `FORMATS`.
    column : str
        Heading of the marks; Canvas creates a new assignment for an unknown name. The assignment's
        name if empty.
    out : Path, optional
        ``reports/ASSIGNMENT-SYSTEM.csv`` in the course's folder if left out.

    Returns
    -------
    Exported

    Raises
    ------
    HarnessError
        If there is nobody in the gradebook, or the file cannot be written.
    """
    accounts = gradebook_reader.accounts(course_files.layout(root, assignment), assignment)
    if not accounts:
        raise HarnessError(
            f"The gradebook of {root} has no students: expected those of {assignment}. Run this in "
            "the folder of the course, or name it with --course; nbgrader db student add enrols."
        )
    if not any(account.handed_in for account in accounts.values()):
        raise HarnessError(
            f"Nothing was graded for {assignment}: expected submissions in the gradebook. Run "
            f"nbgrader autograde {assignment} first, or check the name."
        )
    text = FORMATS[system](accounts, column or assignment)
    path = out or root / "reports" / f"{assignment}-{system}.csv"
    try:
        path.parent.mkdir(exist_ok=True)
        files.write(path, text)
    except OSError as error:
        raise HarnessError(f"The marks cannot be written to {path}: {error}.") from error
    return Exported(
        path=path,
        students=len(accounts),
        missing=tuple(name for name, one in sorted(accounts.items()) if not one.handed_in),
        open=tuple(name for name, one in sorted(accounts.items()) if _is_open(one)),
    )


def canvas(accounts: Mapping[str, Account], column: str) -> str:
    """Write what Canvas imports into its gradebook."""
    rows = [["Student", "ID", "SIS User ID", "SIS Login ID", "Section", column]]
    most = max((one.max_points for one in accounts.values()), default=0.0)
    rows.append([POSSIBLE, "", "", "", "", number(most)])
    for student, one in sorted(accounts.items()):
        name = safe_cell(", ".join(filter(None, (one.last_name, one.first_name)))) or student
        rows.append([name, one.lms_id, "", student, "", _mark(one)])
    return _csv(rows)


def moodle(accounts: Mapping[str, Account], column: str) -> str:
    """Write what Moodle imports into its gradebook."""
    rows = [["Username", "ID number", "Email address", "First name", "Last name", column]]
    for student, one in sorted(accounts.items()):
        names = map(safe_cell, (one.first_name, one.last_name))
        rows.append([student, one.lms_id, one.email, *names, _mark(one)])
    return _csv(rows)


FORMATS = {"canvas": canvas, "moodle": moodle}


def _mark(one: Account) -> str:
    if not one.handed_in or _is_open(one):
        return ""
    return number(max(one.points - one.penalty, 0.0))


def _is_open(one: Account) -> bool:
    return any(mark.open or mark.points is None for mark in one.marks.values())


def _csv(rows: Iterable[list[str]]) -> str:
    out = io.StringIO()
    csv.writer(out, lineterminator="\n").writerows(rows)
    return out.getvalue()
