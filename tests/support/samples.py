"""The sample class: short answers in TOML, poured into the notebook that students get.

A sample is ``samples/<exercise>/<student>.toml``::

    student = "noether"               # the file's name
    about = "…"                       # one sentence
    base = "hypatia"                  # optional: whose answers count where this has none

    [answers]                         # whole source of solution cells, by grade_id
    [words]                           # answers in words, by grade_id
    [[extra]]                         # a further code cell, after the cell called so or "start"
    after = "setup"
    source = '''…'''

    [verdict]                         # points of every check, by grade_id; where the status is
                                      # partial, about so many
    [status]                          # where it is not passed (full points) or failed (none)
    [mistakes]                        # the named mistake, where one is to be named
    [says]                            # what must stand in what was expected or what came
    [limits]                          # optional: shorter ones for the tests, as in model.Limits

The tests hold the grader against the verdicts; the demonstration grades the same class with
the real nbgrader. So this module needs no pytest.
"""

import copy
import hashlib
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

import nbformat
from nbformat import NotebookNode
from nbgrader.preprocessors import ClearSolutions

from autograder.model import Exercise, Status

__all__ = ["Extra", "Sample", "brief", "classroom", "pour", "released", "samples"]

FOLDER = Path(__file__).parents[2] / "samples"
START = "start"
"""Stands for the place before the first cell."""


@dataclass(frozen=True, slots=True)
class Extra:
    """A code cell that the student added."""

    after: str
    """Name of the cell that it follows, or "start"; cells after the same one keep their order."""
    source: str


@dataclass(frozen=True, slots=True)
class Sample:
    """What one student of the sample class hands in, and the verdict that it must get."""

    student: str
    about: str
    verdict: Mapping[str, float]
    """Points by ``grade_id``, every check of the exercise."""
    answers: Mapping[str, str]
    words: Mapping[str, str]
    extra: tuple[Extra, ...]
    status: Mapping[str, Status]
    """By ``grade_id``, every check of the exercise."""
    mistakes: Mapping[str, str]
    says: Mapping[str, str]
    limits: Mapping[str, float]
    """Fields of `Limits` in place of the exercise's, where waiting for them teaches nothing."""


def samples(exercise: Exercise, place: Path = FOLDER) -> list[Sample]:
    """Read the sample class of an exercise.

    Parameters
    ----------
    exercise : Exercise
    place : Path
        Holds a folder for each exercise.

    Returns
    -------
    list of Sample
        In order of the students' names.

    Raises
    ------
    ValueError
        If a sample does not fit the exercise; one sentence names file and remedy.
    """
    folder = place / exercise.name
    told = {path.stem: tomllib.loads(path.read_text("utf-8")) for path in folder.glob("*.toml")}
    return [_sample(student, told, exercise) for student in sorted(told)]


def classroom(exercise: Exercise) -> dict[str, Sample]:
    """Return what each student of the demonstration's class hands in, by student.

    Of an exercise without a class, every sample is handed in.
    """
    known = {sample.student: sample for sample in samples(exercise)}
    classes = tomllib.loads((FOLDER / "class.toml").read_text("utf-8"))
    roll = classes.get(exercise.name) or {name: name for name in known}
    return {student: known[name] for student, name in roll.items()}


def released(exercise: Exercise, source: Path) -> NotebookNode:
    """Return the notebook of an exercise as students get it, cleared by nbgrader itself.

    Parameters
    ----------
    exercise : Exercise
    source : Path
        nbgrader's source folder.
    """
    notebook = nbformat.read(source / exercise.name / f"{exercise.name}.ipynb", as_version=4)
    return ClearSolutions().preprocess(notebook, {})[0]


def brief(released: NotebookNode) -> NotebookNode:
    """Leave out the code cells that nbgrader does not know: there to try things out in.

    They take half of the time of a box and are the same for everybody; the reference solution
    of every round runs them.
    """
    notebook = copy.deepcopy(released)
    notebook.cells = [
        cell for cell in notebook.cells if cell.cell_type != "code" or "nbgrader" in cell.metadata
    ]
    return notebook


def pour(sample: Sample, released: NotebookNode) -> NotebookNode:
    """Fill a sample's answers into the released notebook.

    Parameters
    ----------
    sample : Sample
    released : NotebookNode
        Stays as it is.

    Returns
    -------
    NotebookNode
        With nbgrader's metadata untouched; the same for the same sample, cell ids included.
    """
    notebook = copy.deepcopy(released)
    filled = {**sample.answers, **sample.words}
    cells: list[NotebookNode] = []
    places = {START: 0}
    for cell in notebook.cells:
        name = cell.metadata.get("nbgrader", {}).get("grade_id", "")
        if name in filled:
            cell.source = filled[name].strip("\n")
        cells.append(cell)
        if name:
            places[name] = len(cells)
    for number, extra in reversed(list(enumerate(sample.extra))):
        added = nbformat.v4.new_code_cell(extra.source.strip("\n"))
        added.id = hashlib.sha256(f"{sample.student}/{number}".encode()).hexdigest()[:8]
        cells.insert(places[extra.after], added)
        places = {name: at + (at > places[extra.after]) for name, at in places.items()}
    notebook.cells = cells
    return notebook


def _sample(student: str, told: Mapping[str, Mapping[str, Any]], exercise: Exercise) -> Sample:
    own = told[student]
    base = told.get(own.get("base", student))
    if base is None:
        raise ValueError(f"{student}.toml: there is no sample called {own['base']!r} to build on.")
    unknown = set(own) - {field.name for field in fields(Sample)} - {"base"}
    if unknown or own.get("student") != student:
        raise ValueError(
            f"{student}.toml: {', '.join(sorted(unknown)) or 'student'} is not what is read there; "
            "the module's docstring has the form."
        )
    points = {check.grade_id: check.points for check in exercise.checks}
    verdict = own["verdict"]
    if set(verdict) != set(points):
        raise ValueError(
            f"{student}.toml: [verdict] names {sorted(verdict)}, not {sorted(points)}."
        )
    for table, known in {
        "answers": exercise.functions,
        "words": exercise.words,
        **dict.fromkeys(("status", "mistakes", "says"), points),
    }.items():
        strange = sorted(set(own.get(table, {})) - set(known))
        if strange:
            raise ValueError(
                f"{student}.toml: [{table}] names {strange[0]!r}, not in the exercise."
            )
    status = {
        name: Status.PASSED if verdict[name] == points[name] else Status.FAILED for name in points
    }
    return Sample(
        student=student,
        about=own["about"],
        verdict=verdict,
        answers={**base.get("answers", {}), **own.get("answers", {})},
        words={**base.get("words", {}), **own.get("words", {})},
        extra=tuple(Extra(**cell) for cell in own.get("extra", ())),
        status={**status, **{name: Status(value) for name, value in own.get("status", {}).items()}},
        mistakes=own.get("mistakes", {}),
        says=own.get("says", {}),
        limits=own.get("limits", {}),
    )
