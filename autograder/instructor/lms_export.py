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
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from autograder import files
from autograder.errors import HarnessError
from autograder.evidence import rounds, store
from autograder.exercise import catalogue
from autograder.formats import number
from autograder.model import Result
from autograder.nbgrader_bridge import course_files, gradebook_reader
from autograder.nbgrader_bridge.common import EVIDENCE, EXERCISES
from autograder.nbgrader_bridge.course_files import Layout
from autograder.nbgrader_bridge.gradebook_reader import Account
from autograder.report.classroom.spreadsheet import safe_cell

__all__ = ["FORMATS", "Exported", "canvas", "export", "moodle"]

POSSIBLE = "    Points Possible"
"""How Canvas marks the row with the points possible; the spaces are part of it."""

_TIMESTAMP = "timestamp.txt"
"""nbgrader's own file beside what was handed in."""


@dataclass(frozen=True, slots=True)
class Exported:
    """The written file, and the students without a mark in it."""

    path: Path
    students: int
    missing: tuple[str, ...]
    """Handed in nothing: no file of theirs is in the course."""
    ungraded: Mapping[str, str]
    """Handed in and not graded yet, enrolled or not: why, or empty where no result says so."""
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
    place = course_files.layout(root, assignment)
    accounts = gradebook_reader.accounts(place, assignment)
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
    ungraded = _ungraded(place, assignment, accounts)
    unmarked = [(name, one) for name, one in sorted(accounts.items()) if name not in ungraded]
    return Exported(
        path=path,
        students=len(accounts),
        missing=tuple(name for name, one in unmarked if not one.handed_in),
        ungraded=ungraded,
        open=tuple(name for name, one in unmarked if _is_open(one)),
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


def _ungraded(place: Layout, assignment: str, accounts: Mapping[str, Account]) -> dict[str, str]:
    """Find who handed in and is not graded, with the reason where there is one.

    The gradebook knows of a submission only once its grading has begun.
    """
    kept = _results(place, assignment)
    reasons: dict[str, str] = {}
    for result in kept:
        if result.grade is None:
            reasons.setdefault(result.student, result.reason)
    # Grading enrols: who was graded and is not in the gradebook was taken out of it.
    gone = {result.student for result in kept if result.grade is not None} - accounts.keys()
    refused = {name for name in reasons if name in accounts and _is_open(accounts[name])}
    found = {name for name, folder in place.submitted.items() if _has_files(folder)} - gone
    begun = {name for name, one in accounts.items() if one.handed_in}
    return {name: reasons.get(name, "") for name in sorted((found - begun) | refused)}


def _results(place: Layout, assignment: str) -> list[Result]:
    """Return the results of the current rounds; none of what cannot be read."""
    kept: list[Result] = []
    for path in sorted(place.source.glob("*.ipynb")):
        with suppress(HarnessError):  # the marks are those of the gradebook all the same
            exercise = catalogue.find(path.stem, [place.root / EXERCISES])
            evidence = place.root / EVIDENCE
            if exercise is not None and (evidence / exercise.name / "round").exists():
                kept += store.results(rounds.current(evidence, exercise), assignment)
    return kept


def _has_files(folder: Path) -> bool:
    return any(path.name != _TIMESTAMP for path in folder.rglob("*") if not path.is_dir())


def _csv(rows: Iterable[list[str]]) -> str:
    out = io.StringIO()
    csv.writer(out, lineterminator="\n").writerows(rows)
    return out.getvalue()
