"""The programs of the corpus: submissions of which it is known what their speedup is worth.

A program is a file, ``programs/<exercise>/<name>.toml``::

    kind = "right"        # or "serial", "sham", "partial"
    about = "…"           # one sentence
    speedup = 1.6         # of a partial one: what it has on two quiet workers
    [answers]             # whole source of solution cells, by grade_id
    [[extra]]             # a further code cell, after the cell called so or "start"
    after = "setup"
    source = '''…'''

All of them give right values. A right program earns all points of the speedup check, a serial or
sham one none; a serial one is honest work and must never be called anything else. Further ones are
the reference solution and the samples in ``samples/`` whose values are right: what their
verdict says is what they are.
"""

import hashlib
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

import nbformat

from autograder import submissions
from autograder.author.samples import (
    Extra,
    Sample,
    fill,
    read_samples,
    released,
    without_free_cells,
)
from autograder.model import CaseSpec, Exercise, Status, Submission

__all__ = ["Kind", "Program", "timed_programs"]

ROOT = Path(__file__).parents[2]


class Kind(StrEnum):
    """What a program is worth."""

    REFERENCE = "reference"
    RIGHT = "right"
    PARTIAL = "partial"
    SERIAL = "serial"
    SHAM = "sham"


@dataclass(frozen=True, slots=True)
class Program:
    """A submission, and what it is worth."""

    exercise: Exercise
    name: str
    kind: Kind
    speedup: float | None
    """Of a partial one, on two quiet workers; None where nobody said."""
    submission: Submission
    source: str
    """Digest of what it is made of. A new blank or section of the notebook leaves it as it was."""

    @property
    def workers(self) -> int:
        """Of the cluster that it runs on."""
        return self.exercise.cluster.workers

    @property
    def case(self) -> CaseSpec:
        """What it is run on."""
        (found,) = (case for case in self.exercise.cases if case.timed)
        return found


def timed_programs(exercise: Exercise, source: Path) -> list[Program]:
    """Return all programs for the timed function of an exercise; none if nothing is timed.

    Parameters
    ----------
    exercise : Exercise
    source : Path
        nbgrader's source folder with the built notebook.
    """
    if not any(check.check == "speedup" for check in exercise.checks):
        return []
    blank = without_free_cells(released(exercise, source))
    solution = nbformat.read(source / exercise.name / f"{exercise.name}.ipynb", as_version=4)
    reference = submissions.parse(without_free_cells(solution), exercise)
    found = [
        Program(
            exercise, "reference", Kind.REFERENCE, None, reference, _solution(reference, exercise)
        )
    ]
    samples = [(s, _kind(s, exercise), None) for s in read_samples(exercise, ROOT / "samples")]
    for sample, kind, speedup in [*_own(exercise), *samples]:
        if kind is not None:
            made = submissions.parse(fill(sample, blank), exercise)
            source = _digest({**sample.answers, "extra": sample.extra})
            found.append(Program(exercise, sample.student, kind, speedup, made, source))
    return found


def _digest(parts: Mapping[str, object]) -> str:
    return hashlib.sha256(repr(sorted(parts.items(), key=repr)).encode()).hexdigest()


def _solution(reference: Submission, exercise: Exercise) -> str:
    """Return the digest of the cells that define what is timed."""
    (function,) = {case.function for case in exercise.cases if case.timed}
    return _digest({
        cell.grade_id: cell.source for cell in reference.cells if f"def {function}(" in cell.source
    })  # fmt: skip


def _kind(sample: Sample, exercise: Exercise) -> Kind | None:
    """Return what a sample's verdict makes of it, None where its timed values are not right."""
    (speedup,) = (check for check in exercise.checks if check.check == "speedup")
    lost = {check.check for check in exercise.checks
            if check.function == speedup.function
            and sample.verdict[check.grade_id] < check.points}  # fmt: skip
    if "values" in lost:
        return None
    if not lost:
        return Kind.RIGHT
    if sample.status[speedup.grade_id] is Status.FORGED:
        return Kind.SHAM
    if "speedup" not in lost:
        return None  # It loses points elsewhere: no example of how to do it.
    return Kind.SERIAL if sample.verdict[speedup.grade_id] == 0 else Kind.PARTIAL


def _own(exercise: Exercise) -> Iterator[tuple[Sample, Kind, float | None]]:
    for path in sorted((Path(__file__).parent / "programs" / exercise.name).glob("*.toml")):
        told = tomllib.loads(path.read_text("utf-8"))
        extra = tuple(Extra(cell["after"], cell["source"]) for cell in told.get("extra", ()))
        sample = Sample(
            path.stem, told["about"], {}, told["answers"], {}, extra, {}, {}, {}, {}
        )  # fmt: skip
        yield sample, Kind(told["kind"]), told.get("speedup")
