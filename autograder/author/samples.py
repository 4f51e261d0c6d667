"""The sample class: short answers in TOML that fill the released notebook.

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
    [says]                            # what must stand in "expected" or "got"
    [limits]                          # optional: shorter ones, as in model.Limits

``samples/class.toml`` says whose sample each student of the demo hands in. ``autograder verify
--samples`` and the kit's tests compare the grader with the verdicts; the demo grades the same class
with the real nbgrader.
"""

import copy
import hashlib
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import Any

import nbformat
from nbformat import NotebookNode
from nbgrader.preprocessors import ClearSolutions

from autograder.errors import HarnessError
from autograder.model import Exercise, Grade, Limits, Status

__all__ = [
    "Extra",
    "Sample",
    "cleared",
    "differences",
    "fill",
    "first_shown",
    "read_class",
    "read_samples",
    "released",
    "with_limits",
    "without_free_cells",
]

START = "start"
"""The place before the first cell."""


@dataclass(frozen=True, slots=True)
class Extra:
    """A code cell that the student added."""

    after: str
    """Name of the cell that it follows, or "start"; cells after the same one keep their order."""
    source: str


@dataclass(frozen=True, slots=True)
class Sample:
    """One student's submission in the sample class, and the verdict that it must get."""

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
    """Fields of `Limits` that override the exercise's, if waiting for those teaches nothing."""


# -------------------------------------------------------------------------------- reading


def read_samples(exercise: Exercise, folder: Path) -> list[Sample]:
    """Read all samples of an exercise.

    Parameters
    ----------
    exercise : Exercise
    folder : Path
        ``samples``, which holds a folder for each exercise.

    Returns
    -------
    list of Sample
        In order of the students' names; empty if the exercise has none.

    Raises
    ------
    HarnessError
        If a sample cannot be read or does not fit the exercise; one sentence names file, place
        and what was expected.
    """
    paths = sorted((folder / exercise.name).glob("*.toml"))
    tables = {path.stem: _table(path) for path in paths}
    return [_sample(path, tables, exercise) for path in paths]


def read_class(exercise: Exercise, folder: Path) -> dict[str, Sample]:
    """Read what each student of the demonstration's class hands in, by student.

    For an exercise without a class, every sample is handed in.

    Parameters
    ----------
    exercise, folder
        As for `read_samples`; the class is in ``class.toml`` there.

    Raises
    ------
    HarnessError
        As `read_samples`, and if the class names a sample that does not exist.
    """
    known = {sample.student: sample for sample in read_samples(exercise, folder)}
    path = folder / "class.toml"
    classes = _table(path) if path.is_file() else {}
    roll = classes.get(exercise.name) or {name: name for name in known}
    for student, name in roll.items():
        if name not in known:
            raise HarnessError(
                f"{path}: {student} hands in the sample {name!r} of {exercise.name}, expected one "
                f"of {', '.join(known) or 'none, since it has no samples'}."
            )
    return {student: known[name] for student, name in roll.items()}


def first_shown(folder: Path) -> list[str]:
    """Return the exercises that a demonstration shows if none is named: quick and telling ones.

    Parameters
    ----------
    folder : Path
        ``samples``, with them in ``class.toml``; without that, none.
    """
    path = folder / "class.toml"
    return list(_table(path).get("first", ())) if path.is_file() else []


def _table(path: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(path.read_text("utf-8"))
    except (OSError, ValueError) as error:
        raise HarnessError(f"{path} cannot be read: {error}.") from error


def _sample(path: Path, tables: Mapping[str, Mapping[str, Any]], exercise: Exercise) -> Sample:
    student = path.stem
    own = tables[student]
    base = tables.get(own.get("base", student))
    if base is None:
        raise HarnessError(f"{path}: there is no sample called {own['base']!r} to build on.")
    for wrong in _wrong(own, path.stem, exercise):
        raise HarnessError(f"{path}: {wrong}.")
    verdict = own["verdict"]
    points = {check.grade_id: check.points for check in exercise.checks}
    status = {
        name: Status.PASSED if verdict[name] == points[name] else Status.FAILED for name in points
    }
    return Sample(
        student=student,
        about=own["about"],
        verdict=verdict,
        answers={**base.get("answers", {}), **own.get("answers", {})},
        words={**base.get("words", {}), **own.get("words", {})},
        extra=tuple(Extra(cell["after"], cell["source"]) for cell in own.get("extra", ())),
        status={**status, **{name: Status(value) for name, value in own.get("status", {}).items()}},
        mistakes=own.get("mistakes", {}),
        says=own.get("says", {}),
        limits=own.get("limits", {}),
    )


_TABLES = ("verdict", "answers", "words", "status", "mistakes", "says", "limits")


def _wrong(own: Mapping[str, Any], student: str, exercise: Exercise) -> Iterator[str]:
    """Yield what is wrong with the form of a sample."""
    known = {field.name for field in fields(Sample)} | {"base"}
    yield from (f"the key {key!r} is unknown" for key in sorted(set(own) - known))
    yield from (f"the key {key!r} is missing" for key in ("about", "verdict") if key not in own)
    if own.get("student") != student:
        yield f"expected student = {student!r}, as the file is called, got {own.get('student')!r}"
    yield from (
        f"{name} is no table, expected [{name}]"
        for name in _TABLES
        if not isinstance(own.get(name, {}), dict)
    )
    checks = {check.grade_id for check in exercise.checks}
    if set(own["verdict"]) != checks:
        yield f"[verdict] names {sorted(own['verdict'])}, expected {sorted(checks)}"
    places = {
        "answers": set(exercise.functions),
        "words": set(exercise.words),
        **dict.fromkeys(("status", "mistakes", "says"), checks),
        "limits": {field.name for field in fields(Limits)},
    }
    for table, names in places.items():
        for strange in sorted(set(own.get(table, {})) - names):
            yield f"[{table}] names {strange!r}, which the exercise does not have"
    states = {status.value for status in Status}
    for name, value in own.get("status", {}).items():
        if value not in states:
            yield f"the status of {name} is {value!r}, expected one of {', '.join(sorted(states))}"
    for cell in own.get("extra", ()):
        if not isinstance(cell, dict) or set(cell) != {"after", "source"}:
            yield "[[extra]] needs after and source, and nothing else"


# -------------------------------------------------------------------------------- filling


def released(exercise: Exercise, source: Path) -> NotebookNode:
    """Return the notebook of an exercise as students get it.

    Parameters
    ----------
    exercise : Exercise
    source : Path
        nbgrader's source folder.
    """
    path = source / exercise.name / f"{exercise.name}.ipynb"
    return cleared(nbformat.read(path, as_version=4))


def cleared(notebook: NotebookNode) -> NotebookNode:
    """Return a notebook without its solutions, as removed by nbgrader itself.

    Parameters
    ----------
    notebook : NotebookNode
        The instructor's; stays as it is.
    """
    return ClearSolutions().preprocess(copy.deepcopy(notebook), {})[0]


def without_free_cells(notebook: NotebookNode) -> NotebookNode:
    """Remove the code cells without nbgrader metadata, in which students try things out.

    They take half of the time of a box and are the same for everybody; the reference solution
    of every round runs them.
    """
    notebook = copy.deepcopy(notebook)
    notebook.cells = [
        cell for cell in notebook.cells if cell.cell_type != "code" or "nbgrader" in cell.metadata
    ]
    return notebook


def fill(sample: Sample, released: NotebookNode) -> NotebookNode:
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

    Raises
    ------
    HarnessError
        If a cell of the sample follows one that the notebook lacks.
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
        if extra.after not in places:
            raise HarnessError(
                f"{sample.student}.toml: [[extra]] follows the cell {extra.after!r}, expected "
                f"one of {', '.join(places)}."
            )
        added = nbformat.v4.new_code_cell(extra.source.strip("\n"))
        added.id = hashlib.sha256(f"{sample.student}/{number}".encode()).hexdigest()[:8]
        cells.insert(places[extra.after], added)
        places = {name: at + (at > places[extra.after]) for name, at in places.items()}
    notebook.cells = cells
    return notebook


# -------------------------------------------------------------------------------- judging


def with_limits(exercise: Exercise, sample: Sample) -> Exercise:
    """Return the exercise with the limits for grading a sample."""
    changed: Mapping[str, Any] = sample.limits
    return replace(exercise, limits=replace(exercise.limits, **changed))


def differences(sample: Sample, graded: Grade) -> list[str]:
    """Compare a grade with the verdict that a sample states.

    Parameters
    ----------
    sample : Sample
    graded : Grade
        What the grader made of the sample.

    Returns
    -------
    list of str
        Empty if status, points, first mistake and wording of every check are as stated. The points
        of a partial credit are not compared, since they vary. A check that was lenient because the
        machine was busy counts as partial.
    """
    found = {item.finding.grade_id: item for item in graded.scored}
    wrong = [
        f"{name} is {'stated, but was not judged' if name in sample.status else 'not stated'}"
        for name in sample.status.keys() ^ found.keys()
    ]
    for name in sample.status.keys() & found.keys():
        finding, points = found[name].finding, found[name].points
        status = finding.status
        mistake = finding.mistakes[0].name if finding.mistakes else None
        pairs: list[tuple[str, object, object]] = [
            ("the status", sample.status[name].value, status.value),
            ("the mistake", sample.mistakes.get(name), mistake),
        ]
        if status is not Status.PARTIAL:
            pairs.append(("the points", sample.verdict[name], points))
        wrong += [
            f"{name}: expected {what} {wanted}, got {got}"
            for what, wanted, got in pairs
            if wanted != got
        ]
        said = f"{finding.expected}\n{finding.got}"
        if sample.says.get(name, "") not in said:
            wrong.append(f"{name}: expected the words {sample.says[name]!r}, got {said!r}")
    return sorted(wrong)
