"""The demo without a sandbox: a sample class, judged on kept evidence.

Nothing is run. The checkout contains the evidence of each sample, for the tests; here it becomes
verdicts, feedback pages and the class report, in seconds.
"""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import nbformat
from nbformat import NotebookNode
from rich.console import Console

from autograder import files, grading, submissions
from autograder.author import recorded, samples
from autograder.author.materials import Materials, find
from autograder.author.recorded import Kept
from autograder.author.samples import Sample
from autograder.errors import HarnessError
from autograder.evidence import rounds, store
from autograder.instructor import class_report
from autograder.instructor.demo_class import (
    Board,
    at_home,
    begin,
    check_own,
    chosen,
    handed_in,
    pages,
    screen,
)
from autograder.model import SCHEMA, Exercise, Grade, Result
from autograder.nbgrader_bridge.html_exporter import page_of
from autograder.report.annotated_notebook import annotate

__all__ = ["run"]


def run(
    project: Path,
    folder: Path,
    names: Sequence[str] = (),
    *,
    whole: bool = False,
    students: int | None = None,
) -> list[Path]:
    """Judge the kept evidence of a sample class, and write its pages into a folder.

    Parameters
    ----------
    project : Path
        A checkout of the kit.
    folder, names, whole, students
        As for `autograder.instructor.demo.run`.

    Returns
    -------
    list of Path
        The report on the class for each exercise.

    Raises
    ------
    HarnessError
        If there is no kept evidence here, or the folder holds anything else.
    """
    console = screen()
    check_own(folder)
    materials = find(project)
    if not materials.recorded.is_dir():
        raise HarnessError(
            "--recorded needs the kept evidence of the sample class, which only a checkout has: "
            f"{materials.recorded} is not there. Name a checkout with --project, or leave "
            "--recorded out, which needs a sandbox (autograder doctor)."
        )
    exercises = chosen(materials, names)
    begin(folder, materials)
    reports = []
    for exercise in exercises:
        console.rule(exercise.name)
        judged = _judge(console, folder, materials, exercise, whole, students)
        with console.status("Writing the pages"):
            for student, (notebook, kept, graded) in judged.items():
                _write_page(folder, exercise, student, notebook, kept, graded)
            with at_home(folder):
                reports.append(_report(folder, materials, exercise))
    console.print()
    pages(console, folder, reports)
    console.print("Nothing was run: these results come from an earlier run in a sandbox.")
    return reports


def _judge(
    console: Console,
    folder: Path,
    materials: Materials,
    exercise: Exercise,
    whole: bool,
    most: int | None,
) -> dict[str, tuple[NotebookNode, Kept, Grade]]:
    """Judge a class, and show each student's verdict."""
    source = folder / "source" / exercise.name / f"{exercise.name}.ipynb"
    source.parent.mkdir(parents=True)
    source.write_bytes((materials.source / exercise.name / source.name).read_bytes())
    # What is kept was seen without the cells to try things in.
    blank = samples.without_free_cells(samples.released(exercise, folder / "source"))
    round_ = rounds.current(folder / "evidence", exercise)
    roll = handed_in(materials, exercise, whole=whole, most=most)
    board = Board(console, exercise, roll)
    judged = {}
    for student, sample in roll.items():
        notebook = samples.fill(sample, blank)
        place = folder / "submitted" / student / exercise.name
        place.mkdir(parents=True)
        nbformat.write(notebook, place / f"{exercise.name}.ipynb")
        outcome = _graded(materials, exercise, sample, notebook)
        if isinstance(outcome, str):
            result = Result(SCHEMA, student, exercise.name, None, outcome)
        else:
            kept, graded = outcome
            judged[student] = notebook, kept, graded
            plain = replace(graded, evidence=None)
            result = Result(SCHEMA, student, exercise.name, plain)
        store.save_result(round_, exercise.name, result)
        board.show([result])
    board.end([])
    return judged


def _graded(
    materials: Materials, exercise: Exercise, sample: Sample, notebook: NotebookNode
) -> tuple[Kept, Grade] | str:
    """Judge a sample on its kept evidence, or say why that is impossible."""
    try:
        kept = recorded.read(materials.recorded, exercise.name, sample.student)
    except (OSError, ValueError):
        return f"No evidence of the sample {sample.student} is kept; make evidence records it."
    submission = submissions.parse(notebook, exercise)
    if (kept.evidence.digest, kept.evidence.submission) != (exercise.digest, submission.digest):
        return (
            f"The kept evidence of the sample {sample.student} is out of date: the sample or the "
            "exercise has changed since; make evidence records it again."
        )
    exercise = samples.with_limits(exercise, sample)
    return kept, grading.grade(exercise, kept.evidence, kept.reference, names=submission.names)


def _write_page(
    folder: Path,
    exercise: Exercise,
    student: str,
    notebook: NotebookNode,
    kept: Kept,
    graded: Grade,
) -> None:
    page = annotate(notebook, graded, kept.reference)
    given = {item.finding.grade_id: item.points for item in graded.scored}
    for known in _grade_cells(page):
        known["score"] = given.get(known["grade_id"], 0.0)
    place = folder / "feedback" / student / exercise.name / f"{exercise.name}.html"
    place.parent.mkdir(parents=True)
    files.write(place, page_of(page, exercise.name))


def _grade_cells(notebook: NotebookNode) -> Iterator[NotebookNode]:
    for cell in notebook.cells:
        known = cell.metadata.get("nbgrader")
        if known is not None and known.get("grade"):
            yield known


def _report(folder: Path, materials: Materials, exercise: Exercise) -> Path:
    """Write the class report; the reference solution's speedup comes from kept evidence."""
    room = class_report.gather(folder, exercise.name)
    try:
        kept = recorded.read(materials.recorded, exercise.name, recorded.REFERENCE)
    except (OSError, ValueError):
        return class_report.write(folder, room)[0]
    timings = tuple(replace(one, reference=kept.reference.speedup) for one in room.timings)
    return class_report.write(folder, replace(room, timings=timings))[0]
