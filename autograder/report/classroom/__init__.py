"""The class report: marks, speedups, frequent mistakes and open questions on one page.

The page is self-contained: one file, no library, and a policy that lets the browser load nothing
and run only the page's own script. Everything from students is escaped. The CSV beside it has a
line per student and leaves points empty where there are none.
"""

from autograder.report.classroom.class_data import (
    Classroom,
    Column,
    Entry,
    EqualCode,
    Reason,
    State,
    Timing,
    reasons,
)
from autograder.report.classroom.page import html
from autograder.report.classroom.spreadsheet import csv_text

__all__ = [
    "Classroom",
    "Column",
    "Entry",
    "EqualCode",
    "Reason",
    "State",
    "Timing",
    "csv_text",
    "html",
    "reasons",
]
