"""The CSV of a class, a line per student."""

import csv
import io
import re

from autograder.formats import clean, number
from autograder.report.classroom.class_data import Classroom

__all__ = ["csv_text", "safe_cell"]


def csv_text(classroom: Classroom) -> str:
    """Write a line per student, with the points of every check and question.

    A student without a grade has a state and a reason, and no points, where the export of
    nbgrader has a 0.
    """
    several = len({column.exercise for column in classroom.columns}) > 1

    def heading(exercise: str, name: str) -> str:
        return f"{exercise}/{name}" if several else name

    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(
        [
            *("student", "name", "state", "points", "max_points", "late_penalty"),
            *(heading(column.exercise, column.grade_id) for column in classroom.columns),
            *(heading(t.exercise, f"{t.function}_speedup_counted") for t in classroom.timings),
            *("mistakes", "flags", "reason"),
        ]
    )
    for entry in classroom.entries:
        marks = [entry.marks.get((c.exercise, c.grade_id)) for c in classroom.columns]
        speedups = [entry.speedups.get((t.exercise, t.function)) for t in classroom.timings]
        writer.writerow(
            [
                *(safe_cell(entry.student), safe_cell(entry.name), entry.state.value),
                *(
                    "" if entry.points is None else number(entry.points),
                    number(classroom.max_points),
                ),
                number(entry.penalty) if entry.points is not None else "",
                *("" if points is None else number(points) for points in marks),
                *("" if speedup is None else f"{speedup:.3f}" for speedup in speedups),
                safe_cell("; ".join(reason.title for reason in entry.reasons)),
                safe_cell("; ".join(entry.flags)),
                safe_cell(entry.reason),
            ]
        )
    return out.getvalue()


_FORMULA = re.compile(r'((?:^|[;|])[\s"]*)(?=[=+\-@＝＋－＠])')  # noqa: RUF001
"""The place before a sign with which a formula begins, where a cell can begin."""


def safe_cell(text: str) -> str:
    """Prevent a spreadsheet from reading a student's text, or a part of it, as a formula.

    A spreadsheet may take another sign than the comma to be the one between cells, as Excel does
    where the comma is the decimal sign; then quotes within a line are no quotes, and a cell begins
    behind each such sign in a text. A tab or a line break becomes a space. A comma needs nothing:
    where it separates, the quotes count that `csv.writer` puts around the cell.
    """
    return _FORMULA.sub(r"\1'", " ".join(clean(text).split()))
