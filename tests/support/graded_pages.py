"""Feedback and cards of samples, made from what is kept of them: no box, and no gradebook."""

from kept_evidence import kept, sample_class
from nbformat import NotebookNode

from autograder import grading, submissions
from autograder.author.samples import fill
from autograder.model import Grade
from autograder.report.annotated_notebook import annotate

__all__ = ["grade_of", "graded"]


def grade_of(exercise: str, student: str, blank: NotebookNode) -> Grade:
    """Judge what is kept of a sample."""
    known, sample = sample_class()[f"{exercise}/{student}"]
    found = kept(exercise, student)
    names = submissions.parse(fill(sample, blank), known).names
    return grading.grade(known, found.evidence, found.reference, names=names)


def graded(exercise: str, student: str, blank: NotebookNode) -> NotebookNode:
    """Return a graded notebook as nbgrader has it when it makes the page: with scores."""
    grade = grade_of(exercise, student, blank)
    _, sample = sample_class()[f"{exercise}/{student}"]
    notebook = annotate(fill(sample, blank), grade, kept(exercise, student).reference)
    points = {item.finding.grade_id: item.points for item in grade.scored}
    for cell in notebook.cells:
        known = cell.metadata.get("nbgrader", {})
        if known.get("grade"):
            known["score"] = points.get(known["grade_id"], 0.0)
    return notebook
