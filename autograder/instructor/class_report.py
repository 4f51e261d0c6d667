"""The class report of an assignment: collected from results and gradebook, written as two files."""

import os
import time
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from urllib.parse import quote

from autograder import files, reference_solution
from autograder.errors import HarnessError, SubmissionError
from autograder.evidence import rounds, store
from autograder.exercise import catalogue
from autograder.model import Exercise, Grade, Result, Status
from autograder.nbgrader_bridge import course_files, gradebook_reader
from autograder.nbgrader_bridge.common import EVIDENCE, EXERCISES
from autograder.nbgrader_bridge.course_files import Layout
from autograder.nbgrader_bridge.gradebook_reader import Account
from autograder.report.classroom import (
    Classroom,
    Column,
    Entry,
    EqualCode,
    State,
    Timing,
    csv_text,
    html,
)

__all__ = ["REPORTS", "gather", "report", "write"]

REPORTS = "reports"
"""Folder in a course's root."""

Results = Mapping[str, Mapping[str, Result]]
"""By exercise and student."""


def report(root: Path, assignment: str, *, anonymous: bool = False) -> list[Path]:
    """Write the report of an assignment.

    Parameters
    ----------
    root : Path
        The course's folder.
    assignment : str
    anonymous : bool
        Only what can be shown to the class: one page without names, and no CSV.

    Returns
    -------
    list of Path
        The files, in ``reports/``, readable to their owner only: they hold everybody's marks.

    Raises
    ------
    HarnessError
        If the assignment has no exercise of the kit, or a file cannot be read or written.
    """
    return write(root, gather(root, assignment), anonymous=anonymous)


def write(root: Path, room: Classroom, *, anonymous: bool = False) -> list[Path]:
    """Write the collected data; see `report`."""
    assignment = room.assignment
    name = f"{assignment}-anonymous" if anonymous else assignment
    texts = {f"{name}.html": html(room, anonymous=anonymous)}
    if not anonymous:
        texts[f"{name}.csv"] = csv_text(room)
    folder = root / REPORTS
    try:
        folder.mkdir(exist_ok=True)
        for file, text in texts.items():
            files.write(folder / file, text)
    except OSError as error:
        raise HarnessError(f"The report cannot be written to {folder}: {error}.") from error
    return [folder / file for file in texts]


def gather(root: Path, assignment: str) -> Classroom:
    """Combine the grader's results for a class with the gradebook."""
    place = course_files.layout(root, assignment)
    chosen = _exercises(root, place, assignment)
    opened = {one.name: _round(root, one) for one in chosen}
    results: Results = {
        name: {} if one is None else {kept.student: kept for kept in store.results(one, assignment)}
        for name, one in opened.items()
    }
    books = gradebook_reader.accounts(place, assignment)
    students = sorted(_students(books, place, results))
    numbers = dict.fromkeys(one.folder.name for one in opened.values() if one is not None)
    own = sum(check.points for one in chosen for check in one.checks)
    own += sum(points for one in chosen for points in one.words.values())
    return Classroom(
        course=place.course_id,
        assignment=assignment,
        title=" · ".join(one.title for one in chosen),
        round=" and ".join(numbers).replace("-", " ") or "not graded yet",
        made=time.strftime("%d %B %Y, %H:%M"),
        # The assignment may have notebooks that are no exercises of ours.
        max_points=max((book.max_points for book in books.values()), default=0.0) or own,
        columns=tuple(column for one in chosen for column in _columns(one)),
        timings=tuple(
            Timing(one.name, case.function, one.cluster.workers, _reference(place, one, opened))
            for one in chosen
            for case in one.cases
            if case.timed
        ),
        entries=tuple(
            _entry(student, chosen, place, results, books.get(student)) for student in students
        ),
        equal_code=tuple(_equal_code(results, students)),
    )


def _equal_code(results: Results, students: Sequence[str]) -> Iterable[EqualCode]:
    """Yield groups of students with the same code, largest first; unchanged blanks do not count."""
    for name, kept in results.items():
        same: dict[str, list[str]] = {}
        for student in students:
            result = kept.get(student)
            if result is not None and result.grade is not None and _answered(result.grade):
                same.setdefault(result.evidence, []).append(student)
        groups = [group for key, group in same.items() if key and len(group) > 1]
        for group in sorted(groups, key=lambda each: (-len(each), each)):
            yield EqualCode(name, tuple(group))


def _answered(grade: Grade) -> bool:
    return any(item.finding.status is not Status.UNTOUCHED for item in grade.scored)


def _students(books: Mapping[str, Account], place: Layout, results: Results) -> set[str]:
    """Return everybody who is enrolled, has handed in or was graded, without removed students."""
    graded = {s for kept in results.values() for s, result in kept.items() if result.grade}
    if not books:
        return {*place.submitted, *(s for kept in results.values() for s in kept)}
    # Grading enrols: who was graded and is not in the gradebook was taken out of it.
    return {*books, *(set(place.submitted) - graded)}


def _exercises(root: Path, place: Layout, assignment: str) -> list[Exercise]:
    """Return the exercises among the notebooks of an assignment."""
    search = [root / EXERCISES]
    found = [catalogue.find(path.stem, search) for path in sorted(place.source.glob("*.ipynb"))]
    chosen = [one for one in found if one is not None]
    if not chosen:
        raise HarnessError(
            f"{assignment} has no exercise of the kit: expected a notebook with the name of one in "
            f"{place.source}. Run this in the folder of the course, or name it with --course; "
            "nbgrader export has the points of other assignments."
        )
    return chosen


def _round(root: Path, exercise: Exercise) -> rounds.Round | None:
    """Return the current round, or None if nothing was graded: a report begins none."""
    store_ = root / EVIDENCE
    begun = (store_ / exercise.name / "round").exists()
    return rounds.current(store_, exercise) if begun else None


def _reference(
    place: Layout, exercise: Exercise, opened: Mapping[str, rounds.Round | None]
) -> float | None:
    round_ = opened[exercise.name]
    if round_ is None:
        return None
    kept = None
    with suppress(SubmissionError):
        kept = reference_solution.stored(place.source / f"{exercise.name}.ipynb", exercise, round_)
    return kept.speedup if kept else None


def _columns(exercise: Exercise) -> Iterable[Column]:
    for check in exercise.checks:
        yield Column(
            exercise.name, check.grade_id, check.function, check.check, check.title, check.points
        )
    for name, points in exercise.words.items():
        label = name.replace("_", " ")
        yield Column(exercise.name, name, "", label, f"{label}, marked by hand", points)


def _entry(
    student: str,
    chosen: Sequence[Exercise],
    place: Layout,
    results: Results,
    book: Account | None,
) -> Entry:
    kept = {one.name: results[one.name].get(student) for one in chosen}
    findings = {
        (name, item.finding.grade_id): item
        for name, result in kept.items()
        if result is not None and result.grade is not None
        for item in result.grade.scored
    }
    marks: dict[tuple[str, str], float | None] = {
        key: item.points for key, item in findings.items()
    }
    noted = book.marks if book else {}
    by_hand = frozenset(key for key, mark in noted.items() if mark.by_hand)
    # What the gradebook has of a machine's marks may be of the round before.
    graded = {name for name, result in kept.items() if result is not None and result.grade}
    marks |= {key: mark.points for key, mark in noted.items() if mark.by_hand or key[0] in graded}
    state, reason = _state(student, chosen, place, kept, book)
    points = None
    if state in (State.COMPLETE, State.OPEN, State.BLANK):
        own = sum(result.grade.points for result in kept.values() if result and result.grade)
        points = book.points if book and book.handed_in else own
    flags = (flag for r in kept.values() if r is not None and r.grade for flag in r.grade.flags)
    return Entry(
        student=student,
        name=book.name if book else "",
        state=state,
        points=None if points is None else max(points - (book.penalty if book else 0.0), 0.0),
        penalty=book.penalty if book and points is not None else 0.0,
        marks=marks,
        by_hand=by_hand,
        findings=findings,
        speedups={
            (name, item.finding.function): item.finding.speedup.speedup
            for (name, _), item in findings.items()
            if item.finding.speedup is not None
        },
        flags=tuple(dict.fromkeys(flags)),
        reason=reason,
        feedback=_feedback(student, chosen, place),
    )


def _state(
    student: str,
    chosen: Sequence[Exercise],
    place: Layout,
    kept: Mapping[str, Result | None],
    book: Account | None,
) -> tuple[State, str]:
    """Return the state of the marking, and the reason if there is no grade."""
    folder = place.submitted.get(student)
    if folder is None and not (book and book.handed_in) and not any(kept.values()):
        return State.MISSING, ""
    for name, result in kept.items():
        if result is not None and result.grade is None:
            return State.UNGRADED, result.reason
        # A result may be an earlier submission's, which had more notebooks.
        if folder is not None and not (folder / f"{name}.ipynb").exists():
            return State.UNGRADED, f"{name}.ipynb was not handed in."
        if result is not None:
            continue
        return State.UNGRADED, "It has not been autograded in this round."
    statuses = {
        item.finding.status
        for result in kept.values()
        if result is not None and result.grade is not None
        for item in result.grade.scored
    }
    done = State.BLANK if statuses == {Status.UNTOUCHED} else State.COMPLETE
    words = [(one.name, question) for one in chosen for question in one.words]
    if book is None:
        return (State.OPEN if words else done), ""
    waiting = any(mark.open for mark in book.marks.values())
    return (State.OPEN if waiting else done), ""


def _feedback(student: str, chosen: Sequence[Exercise], place: Layout) -> str | None:
    """Return the address of the student's feedback, seen from the folder of reports."""
    folder = place.feedback.get(student)
    pages = [folder / f"{one.name}.html" for one in chosen] if folder else []
    page = next((page for page in pages if page.is_file()), None)
    return quote(os.path.relpath(page, place.root / REPORTS)) if page else None
