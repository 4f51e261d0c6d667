"""Verify an exercise for its author: everything that students and graders rely on.

In order: the notebook matches the text, nothing released reveals a solution, the box contains no
answer, the reference solution gets full marks in the box, ``[typical]`` matches its figures there,
its answers are refused for another seed, and every sample gets the verdict that it states.
"""

import shutil
import tempfile
from collections.abc import Callable, Collection, Iterable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass, replace
from pathlib import Path

import nbformat
import numpy as np
from nbformat import NotebookNode

from autograder import pipeline, reference_solution
from autograder.author import leaks, samples, typical
from autograder.author.build import build
from autograder.author.materials import Materials, find_text
from autograder.errors import HarnessError
from autograder.evidence import oracle, rounds
from autograder.exercise.catalogue import find, load
from autograder.model import Exercise, Reference, Run

__all__ = ["Outcome", "accepted", "names", "verify"]

_SEEDS = 3
"""Number of other rounds, of which at least one has to refuse an answer. If only a few answers are
possible, as for the split of a node, those to two seeds may coincide."""

Progress = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Outcome:
    """The outcome of one step for one exercise."""

    step: str
    wrong: tuple[str, ...] = ()
    """The errors, in a few words each; empty if there are none."""
    note: str = ""
    """The result, if there are no errors."""

    @property
    def said(self) -> str:
        """In one line."""
        return "; ".join(self.wrong) or self.note


def names(project: Path, exercise: str | None) -> list[str]:
    """Return the exercises to verify: the one that is named, or all that have a text.

    Raises
    ------
    HarnessError
        If there is no such text.
    """
    return [exercise] if exercise else find_text(project, None).names


def verify(
    project: Path,
    name: str,
    *,
    with_samples: bool = False,
    write: bool = False,
    boxed: bool = True,
    progress: Progress = lambda step: None,
) -> Iterator[Outcome]:
    """Verify one exercise, step by step.

    Parameters
    ----------
    project : Path
        A checkout or a course; any folder where the package for instructors is installed.
    name : str
        Of the exercise.
    with_samples : bool
        Grade its samples, too: some ten seconds each.
    write : bool
        Write the reference's numbers into ``[typical]`` in place of comparing them.
    boxed : bool
        False runs without protection.
    progress : callable
        Called with each step in a few words.

    Yields
    ------
    Outcome
        Steps that depend on a failed one are skipped.

    Raises
    ------
    HarnessError
        If there is no such exercise.
    """
    materials = find_text(project, name)
    exercise = _as_written(name, materials)
    text = Outcome("text")
    try:
        fresh = build(materials.solutions / f"{name}.py", exercise)
    except HarnessError as error:
        yield replace(text, wrong=(str(error),))
        return
    yield replace(
        text, wrong=tuple(_stale(materials, name, fresh)), note="the notebook is up to date"
    )
    notebook = nbformat.reads(fresh, as_version=4)
    found = leaks.in_release(notebook, materials.source / name)
    yield Outcome("release", tuple(found), "holds no solution")
    found = leaks.in_box(Path(exercise.folder), notebook)
    yield Outcome("box", tuple(found), "holds no answer")
    with ExitStack() as stack:

        def new_round() -> rounds.Round:
            folder = stack.enter_context(tempfile.TemporaryDirectory(prefix="dsk-verify-"))
            return rounds.current(Path(folder), exercise)

        round_ = new_round()
        path = round_.folder / f"{name}.ipynb"
        path.write_text(fresh, encoding="utf-8")
        try:
            measured = reference_solution.reference(
                path, exercise, round_, boxed=boxed, progress=progress
            )
        except HarnessError as error:
            yield Outcome("reference", (str(error),))
            return
        context = pipeline.GradingContext(exercise, round_, measured, boxed, solution=path)
        yield Outcome("reference", note=_speed(exercise, measured))
        if exercise.timed:
            yield _baseline(exercise, measured, write)
        yield _other_seeds(exercise, notebook, new_round, boxed, progress)
        if with_samples:
            yield from _samples(materials, notebook, context, progress)


def _as_written(name: str, materials: Materials) -> Exercise:
    """Load an exercise as its author wrote it, without a course's calibration."""
    places = [materials.exercises, materials.root / "autograder" / "exercises"]
    exercise = find(name, places)
    if exercise is None:
        raise HarnessError(
            f"{materials.solutions / name}.py has no exercise: expected {name}/exercise.toml and "
            f"cases.py in {materials.exercises} or in the kit's own."
        )
    return load(Path(exercise.folder))


def _stale(materials: Materials, name: str, fresh: str) -> Iterator[str]:
    path = materials.source / name / f"{name}.ipynb"
    if not path.is_file():
        yield f"{path} is missing; build it with: autograder build"
    elif path.read_text(encoding="utf-8") != fresh:
        yield f"{path} differs from what the text builds; build it with: autograder build"


def _speed(exercise: Exercise, measured: Reference) -> str:
    return f"full marks, speedup {measured.speedup:.2f}" if exercise.timed else "full marks"


def _baseline(exercise: Exercise, measured: Reference, write: bool) -> Outcome:
    if not write:
        wrong = typical.differences(exercise, measured)
        return Outcome("typical", tuple(f"{each} (--write writes it)" for each in wrong), "fits")
    try:
        changed = typical.write(exercise, measured)
    except HarnessError as error:
        return Outcome("typical", (str(error),))
    return Outcome("typical", note=f"wrote {', '.join(changed)}" if changed else "fits")


# ------------------------------------------------------------------------------ another seed


def _other_seeds(
    exercise: Exercise,
    notebook: NotebookNode,
    new_round: Callable[[], rounds.Round],
    boxed: bool,
    progress: Progress,
) -> Outcome:
    """Compare the reference's answers to one round with the truths of another."""
    brief = samples.without_free_cells(notebook)
    passed = {case.name for case in exercise.cases}
    excused: set[str] = set()
    for number in range(1, _SEEDS + 1):
        asked, other = new_round(), new_round()
        _swap_truths(exercise, asked, other)
        context = pipeline.GradingContext(exercise, asked, exercise.typical, boxed)
        graded = pipeline.grade(brief, context, _after(f"seed {number}", progress))
        assert graded.evidence is not None
        passed &= accepted(graded.evidence.runs)
        excused = _excused(exercise, passed, other, new_round) if passed else set()
        if passed <= excused:
            break
    return Outcome(
        "seeds",
        tuple(
            f"{case}: the answer to one seed is accepted for {_SEEDS} other seeds"
            for case in sorted(passed - excused)
        ),
        "answers to another seed are refused"
        + "".join(f"; {case} has the same answer for every seed" for case in sorted(excused)),
    )


def accepted(runs: Iterable[Run]) -> set[str]:
    """Return the cases whose first run was right."""
    first: dict[str, Run] = {}
    for run in runs:
        first.setdefault(run.case, run)
    return {
        case for case, run in first.items() if run.comparison is not None and run.comparison.equal
    }


def _excused(
    exercise: Exercise,
    passed: Collection[str],
    known: rounds.Round,
    new_round: Callable[[], rounds.Round],
) -> set[str]:
    """Return the cases that may pass for another seed, since they have one answer for all.

    Their oracle gives the same answer for two seeds, at least in part; and they have no parameters
    for an input, or the same function has a case that refuses the answers to another seed.
    """
    another = new_round()
    refusing = {case.function for case in exercise.cases if case.name not in passed}
    found = set()
    for case in exercise.cases:
        if case.name in passed and (not case.parameters or case.function in refusing):
            one, two = (oracle.truth(each, exercise, case, 0).arrays for each in (known, another))
            answers = [name for name in one if not name.startswith("mistake:") and name in two]
            if any(np.array_equal(one[name], two[name]) for name in answers):
                found.add(case.name)
    return found


def _swap_truths(exercise: Exercise, asked: rounds.Round, other: rounds.Round) -> None:
    """Judge the first run of every case in one round by the truth of another round."""
    for case in exercise.cases:
        oracle.truth(other, exercise, case, 0)
    # Kept truths are called by exercise, case and attempt: nothing in a name follows from the seed.
    for path in other.folder.glob("truth-*"):
        shutil.copy(path, asked.folder)


# ----------------------------------------------------------------------------------- samples


def _samples(
    materials: Materials,
    notebook: NotebookNode,
    context: pipeline.GradingContext,
    progress: Progress,
) -> Iterator[Outcome]:
    """Grade every sample and compare with the verdict that it states."""
    try:
        everybody = samples.read_samples(context.exercise, materials.samples)
    except HarnessError as error:
        yield Outcome("samples", (str(error),))
        return
    if not everybody:
        folder = materials.samples / context.exercise.name
        yield Outcome("samples", (f"there are none in {folder}",))
    blank = samples.without_free_cells(samples.cleared(notebook))
    for sample in everybody:
        step = f"sample {sample.student}"
        own = replace(context, exercise=samples.with_limits(context.exercise, sample))
        try:
            filled = samples.fill(sample, blank)
            graded = pipeline.grade(filled, own, _after(sample.student, progress))
        except HarnessError as error:
            yield Outcome(step, (str(error),))
            continue
        wrong = samples.differences(sample, graded)
        yield Outcome(step, tuple(wrong), f"{graded.points:g} of {graded.max_points:g} as stated")


def _after(what: str, progress: Progress) -> Progress:
    return lambda step: progress(f"{what}: {step}")
