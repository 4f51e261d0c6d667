"""Kept evidence of the sample class: the verdict is tested on it without a box.

One file for each sample, ``corpus/evidence/<exercise>/<student>.json.xz``, holds what was seen of
it in the box and what the reference solution did in the same round; ``reference.json.xz`` holds
the same of the reference solution itself. What the notebook printed is left out.

``make evidence`` (``python tests/support/kept_evidence.py``) records what is missing or no longer
fits: after a change of an exercise, of a sample, or of the evidence's schema. It uses the real
pipeline and the box, keeps only runs that get the stated verdict, and can be stopped and started
again.
``make evidence ARGS="--all"`` records everything anew, and names limit it to exercises and
samples: ``ARGS="ex02_parallel_prediction ex01_distributed_training/euler"``.
"""

import argparse
import json
import lzma
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from dataclasses import replace
from functools import cache
from pathlib import Path

from checkout import SAMPLES
from nbformat import NotebookNode

from autograder import pipeline, reference_solution, submissions
from autograder.author import recorded, source_folder
from autograder.author.recorded import REFERENCE, Kept
from autograder.author.samples import (
    Sample,
    differences,
    fill,
    read_samples,
    released,
    without_free_cells,
)
from autograder.errors import HarnessError
from autograder.evidence import rounds
from autograder.exercise import catalogue
from autograder.model import SCHEMA, Evidence, Exercise, Reference

__all__ = [
    "DATA", "EX01", "EX02", "REFERENCE", "SCHEMA", "Kept", "evidence", "exercise_of", "keep",
    "kept", "reference", "sample_class", "unfit",
]  # fmt: skip

DATA = Path(__file__).parents[1] / "corpus" / "evidence"
ROOT = Path(__file__).parents[2]
EX01, EX02 = "ex01_distributed_training", "ex02_parallel_prediction"
TRIES = 3
"""Runs of a sample that does not get its verdict at once: the machine may have been busy."""


@cache
def exercise_of(name: str) -> Exercise:
    """Return an exercise of the kit."""
    found = catalogue.find(name)
    assert found is not None
    return found


@cache
def sample_class() -> Mapping[str, tuple[Exercise, Sample]]:
    """Return every sample of every exercise, by ``<exercise>/<student>``."""
    return {
        f"{folder.name}/{sample.student}": (found, sample)
        for folder in sorted(SAMPLES.iterdir())
        if (found := catalogue.find(folder.name)) is not None
        for sample in read_samples(found, SAMPLES)
    }


@cache
def kept(name: str, student: str) -> Kept:
    """Return what is kept of a sample, or of the reference solution.

    Raises
    ------
    OSError, ValueError
        If nothing is kept of it, or it cannot be read as evidence of today's form.
    """
    return recorded.read(DATA, name, student)


def evidence(name: str, student: str) -> Evidence:
    """Return what was seen of a submission."""
    return kept(name, student).evidence


def reference(name: str, student: str = REFERENCE) -> Reference:
    """Return what the reference solution did in the round of a submission."""
    return kept(name, student).reference


def unfit(name: str, student: str, notebook: NotebookNode, limits: Mapping[str, float]) -> str:
    """Tell why what is kept of a submission cannot be judged today, "" if it can.

    Parameters
    ----------
    name : str
        Of the exercise.
    student : str
        Of the sample, or `REFERENCE`.
    notebook : NotebookNode
        What the student hands in today.
    limits : mapping
        Those that the sample sets today.
    """
    exercise = exercise_of(name)
    try:
        content = json.loads(lzma.decompress(_path(name, student).read_bytes()))
        schema = content["evidence"]["schema"]
        if schema != SCHEMA:
            return f"it was made with schema {schema} of evidence, and today's is {SCHEMA}"
        found = kept(name, student)
    except FileNotFoundError:
        return "nothing is kept"
    except (OSError, ValueError, KeyError, TypeError, EOFError, lzma.LZMAError) as error:
        said = str(error).splitlines()
        return f"what is kept cannot be read: {said[0] if said else type(error).__name__}"
    changed = {
        "the exercise": found.evidence.digest != exercise.digest,
        "the submission":
            found.evidence.submission != submissions.parse(notebook, exercise).digest,
        "the sample's limits": dict(found.limits) != dict(limits),
    }  # fmt: skip
    reasons = [what for what, differs in changed.items() if differs]
    return f"it was made before a change of {' and '.join(reasons)}" if reasons else ""


def main(arguments: list[str] | None = None) -> int:
    """Record what is missing or no longer fits; return the number of samples that failed."""
    parser = argparse.ArgumentParser(description="Record the kept evidence of the sample class.")
    parser.add_argument("names", nargs="*", help="EXERCISE or EXERCISE/SAMPLE; all if left out")
    parser.add_argument("--all", action="store_true", help="also what still fits")
    options = parser.parse_args(arguments)
    wrong: list[str] = []
    with tempfile.TemporaryDirectory() as scratch:
        source = Path(scratch, "source")
        source_folder.build_all(ROOT / "solutions", source)
        for name in sorted({key.split("/")[0] for key in sample_class()}):
            todo = dict(_todo(name, source, options.names, everything=options.all))
            _tidy(name)
            if todo:
                wrong += _record(name, todo, source, Path(scratch, "evidence"))
    for line in wrong:
        print(line)
    return len(wrong)


def _todo(
    name: str, source: Path, wanted: list[str], *, everything: bool
) -> Iterator[tuple[str, NotebookNode]]:
    """Yield the submissions of an exercise that are to be recorded, by student."""
    exercise = exercise_of(name)
    blank = without_free_cells(released(exercise, source))
    own = {s.student: (fill(s, blank), s.limits) for key, (_, s) in _of(name).items()}
    own[REFERENCE] = (submissions.read(source / name / f"{name}.ipynb"), {})
    for student, (notebook, limits) in own.items():
        named = not wanted or name in wanted or f"{name}/{student}" in wanted
        if named and (everything or unfit(name, student, notebook, limits)):
            yield student, notebook


def _record(
    name: str, todo: Mapping[str, NotebookNode], source: Path, store: Path
) -> Iterator[str]:
    """Record submissions of an exercise in one round; yield what went wrong."""
    exercise, known = exercise_of(name), _of(name)
    round_ = rounds.current(store, exercise)
    solution = source / name / f"{name}.ipynb"
    began = time.monotonic()
    try:
        measured = reference_solution.reference(solution, exercise, round_)
    except HarnessError as error:
        yield f"{name}: {error}"
        return
    context = pipeline.GradingContext(exercise, round_, measured, solution=solution)
    print(f"{name}: reference solution, {time.monotonic() - began:.0f} s", flush=True)
    if REFERENCE in todo:
        again = pipeline.grade(submissions.read(solution), context)
        keep(name, REFERENCE, again.evidence, measured, {})
    for student, notebook in todo.items():
        if student == REFERENCE:
            continue
        _, sample = known[f"{name}/{student}"]
        limits = replace(exercise.limits, **sample.limits)
        for attempt in range(1, TRIES + 1):
            # The same inputs, in a folder that has no evidence of the attempt before.
            place = round_.folder / f"attempt-{attempt}"
            place.mkdir(exist_ok=True)
            tried = replace(
                context,
                exercise=replace(exercise, limits=limits),
                round=replace(round_, folder=place),
            )
            began = time.monotonic()
            try:
                graded = pipeline.grade(notebook, tried)
                wrong = differences(sample, graded)
            except HarnessError as error:
                wrong = [str(error)]
            said = "; ".join(wrong) or f"{graded.points:g} of {graded.max_points:g}"
            print(f"{name}/{student}: {said} ({time.monotonic() - began:.0f} s)", flush=True)
            if not wrong:
                keep(name, student, graded.evidence, measured, sample.limits)
                break
        else:
            yield f"{name}/{student}: not kept, {said}"


def keep(
    name: str,
    student: str,
    found: Evidence | None,
    measured: Reference,
    limits: Mapping[str, float],
) -> None:
    """Keep what was seen of a submission, without what its cells printed."""
    assert found is not None
    seen = replace(found, cells=tuple(replace(cell, outputs=()) for cell in found.cells), phases={})
    recorded.write(DATA, name, student, Kept(seen, measured, limits))


def _tidy(name: str) -> None:
    """Remove what is kept of samples that are no more."""
    known = {key.split("/")[1] for key in _of(name)} | {REFERENCE}
    for path in (DATA / name).glob("*"):
        if path.name not in {f"{student}.json.xz" for student in known}:
            path.unlink()


def _of(name: str) -> Mapping[str, tuple[Exercise, Sample]]:
    return {key: value for key, value in sample_class().items() if value[0].name == name}


def _path(name: str, student: str) -> Path:
    return recorded.path_of(DATA, name, student)


if __name__ == "__main__":
    sys.exit(main())
