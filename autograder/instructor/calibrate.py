"""Fit the timed cases to the machine that grades: long enough to judge, short enough to wait for.

The reference solution runs in the box as in grading, on public data. A timed case that is over
too soon, or takes too long, or comes near a limit, is made larger or smaller through the
parameters that its work grows with, and measured again.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from autograder import pipeline, submissions
from autograder.errors import HarnessError, InconsistentRecording
from autograder.evidence import rounds
from autograder.evidence.summary import cpu_of
from autograder.exercise import calibration
from autograder.exercise.catalogue import find, load
from autograder.exercise.spec import Typical
from autograder.model import CaseSpec, Exercise, Reference, Role, Run
from autograder.nbgrader_bridge import course_files
from autograder.nbgrader_bridge.common import EXERCISES
from autograder.replay.makespan import study

__all__ = ["Chosen", "Trial", "calibrate", "calibrate_course", "lines", "next_factor"]

SHORT, AIM, LONG = 1.0, 2.0, 4.0
"""Seconds that the timed call takes on all workers: below, it is made longer; above, shorter.
CPU times come in hundredths of a second, and what the scheduler does besides takes some tens of
milliseconds: 1 to 4 % of a second. Above 4 s a class only waits longer."""

_SERIAL_ROOM = 3
"""How many times over the work has to fit into the limit of a call. A program that uses one worker
takes all of it one after another, on a busy machine twice as long, and should still get its
verdict rather than be stopped."""

_MEMORY_ROOM = 2
"""The same for the memory, where a case was made larger: students' solutions may keep more than
the reference does."""

_TRIALS = 3


@dataclass(frozen=True, slots=True)
class Trial:
    """The reference solution on one timed case at one size."""

    case: CaseSpec
    """With the sizes that were tried."""
    factor: float
    wall: float
    """Seconds from GO to done; infinite if it was stopped. Of a busy machine, what a quiet one
    would take: the measured seconds times the share in which the tasks had a CPU."""
    work: float
    """Seconds of all tasks together, with the same correction."""
    speedup: float
    memory: int
    """Peak of all processes together, bytes."""
    busy: bool


@dataclass(frozen=True, slots=True)
class Chosen:
    """What was chosen for one exercise, and all that was tried."""

    exercise: Exercise
    """As its author wrote it."""
    entry: calibration.Entry
    trials: tuple[Trial, ...]
    why: Mapping[str, str]
    """By case."""


def calibrate(
    exercise: Exercise,
    solution: Path,
    *,
    boxed: bool = True,
    progress: Callable[[str], None] = lambda step: None,
) -> Chosen:
    """Choose the sizes of an exercise's timed cases for this machine.

    Parameters
    ----------
    exercise : Exercise
        As its author wrote it (`exercise.load`); it has a timed case that grows.
    solution : Path
        The exercise's notebook with its solutions.

    Raises
    ------
    HarnessError
        If the reference solution does not get full marks at the chosen sizes.
    """
    factors = {case.name: 1.0 for case in exercise.cases if case.timed and case.grows}
    trials: list[Trial] = []
    why: dict[str, str] = {}
    notebook = submissions.read(solution)
    with TemporaryDirectory(prefix="dsk-calibrate-") as folder:
        round_ = rounds.public(Path(folder), exercise)
        for number in range(1, _TRIALS + 1):
            sized = _sized(exercise, factors, exercise.typical)
            bench = pipeline.Bench(sized, round_, sized.typical, boxed)
            graded = pipeline.grade(notebook, bench, _after(f"trial {number}: ", progress))
            assert graded.evidence is not None
            last = {run.case: run for run in graded.evidence.runs}
            wanted = {}
            for case in sized.cases:
                if case.name in factors:
                    trials.append(_trial(sized, case, factors[case.name], last.get(case.name)))
                    wanted[case.name], why[case.name] = next_factor(trials[-1], exercise)
            if wanted == factors or number == _TRIALS:
                break
            factors = wanted
        reference = pipeline.reference(solution, sized, round_, boxed=boxed)
    tried = {trial.case.name: trial.factor for trial in trials}
    entry = calibration.Entry(factors=tried, typical=_typical(reference))
    return Chosen(exercise, entry, tuple(trials), why)


def next_factor(trial: Trial, exercise: Exercise) -> tuple[float, str]:
    """Return the factor to take instead of a trial's, or the same, and the reason in words.

    Parameters
    ----------
    trial : Trial
    exercise : Exercise
        For its limits.
    """
    most_work = exercise.limits.case_seconds / _SERIAL_ROOM
    if trial.wall == float("inf"):
        return _round(trial.factor / 4), "it was stopped by a limit"
    if trial.factor > 1 and trial.memory > exercise.limits.memory_bytes / _MEMORY_ROOM:
        # Most of the memory is the processes' own, whatever the size: a half of the way back.
        what = f"{trial.memory / 1e9:.1f} GB are more than half of the limit"
        return _round((1 + trial.factor) / 2), what
    if trial.work > most_work:
        what = (
            f"{trial.work:.1f} s of work, all of which a program on one worker would need, are "
            f"more than a third of the limit of {exercise.limits.case_seconds:g} s"
        )
        return _round(trial.factor * min(0.8 * most_work / trial.work, AIM / trial.wall)), what
    fits = f"{trial.wall:.1f} s on {exercise.cluster.workers} workers"
    if trial.wall > LONG:
        return _round(trial.factor * AIM / trial.wall), f"{fits} is longer than {LONG:g} s"
    if trial.wall >= SHORT:
        return trial.factor, f"{fits} is between {SHORT:g} and {LONG:g} s"
    grown = _round(
        trial.factor * min(AIM / max(trial.wall, 1e-3), 0.8 * most_work / max(trial.work, 1e-3))
    )
    if grown <= trial.factor:
        return trial.factor, f"{fits} is short, but the limit of a call allows no more"
    return grown, f"{fits} is shorter than {SHORT:g} s"


def _after(prefix: str, progress: Callable[[str], None]) -> Callable[[str], None]:
    return lambda step: progress(f"{prefix}{step}")


def _round(factor: float) -> float:
    return float(f"{factor:.2g}")


def _sized(exercise: Exercise, factors: Mapping[str, float], typical: Reference) -> Exercise:
    entry = calibration.Entry(factors=dict(factors), typical=_typical(typical))
    return calibration.apply(exercise, entry)


def _typical(reference: Reference) -> Typical:
    """Keep of a run of the reference solution what self-checks judge by."""
    told = {name: getattr(reference, name) for name in Typical.model_fields}
    return Typical(**told | {"speedup": round(reference.speedup, 2)})


def _trial(exercise: Exercise, case: CaseSpec, factor: float, run: Run | None) -> Trial:
    if run is None or run.failure is not None or run.stopped is not None:
        said = run.failure.message if run is not None and run.failure is not None else ""
        if said:
            raise HarnessError(
                f"The reference solution of {exercise.name} failed on {case.name} at {factor:g} "
                f"times the author's size: {said}"
            )
        return Trial(case, factor, float("inf"), float("inf"), 0.0, 0, False)
    try:
        replayed = study(run, exercise.cluster.workers, None)
    except InconsistentRecording as error:
        raise HarnessError(f"The run of {case.name} was not recorded well: {error}") from error
    memory = sum(use.peak_memory for use in run.usage)
    cpu = cpu_of(run, Role.WORKER)
    share = min(cpu / max(replayed.work, 1e-3), 1.0) if run.busy else 1.0
    wall, work = share * (run.done - run.go), share * replayed.work
    return Trial(case, factor, wall, work, replayed.speedup, memory, run.busy)


# ------------------------------------------------------------------------------- the course


def calibrate_course(
    root: Path,
    name: str | None,
    size: str,
    *,
    boxed: bool = True,
    write: bool = True,
    progress: Callable[[str], None] = lambda step: None,
) -> Iterator[str]:
    """Calibrate the exercises of a course, or one of them, and tell what was done.

    Parameters
    ----------
    root : Path
        The course's folder, with the solutions in nbgrader's source folder.
    name : str or None
        The exercise; all of the course's if None.
    size : str
        As for `exercise.load`.
    write : bool
        Whether to keep it, in ``exercises/calibration.toml``.

    Raises
    ------
    HarnessError
        If there is nothing to calibrate, or the reference solution loses points.
    """
    path = root / EXERCISES / calibration.FILE
    solutions = dict(_solutions(root, name))
    if not solutions:
        what = f"the exercise {name}" if name else "an exercise of the kit"
        raise HarnessError(
            f"The course in {root} has no notebook of {what} in its source folder. Run this in the "
            "folder of the course, or name it with --course."
        )
    for folder, solution in solutions.items():
        exercise = load(folder, size)
        if not any(case.timed and case.grows for case in exercise.cases):
            yield f"{exercise.name}: no timed case that grows, so there is nothing to fit"
            continue
        chosen = calibrate(
            exercise,
            solution,
            boxed=boxed,
            progress=_after(f"{exercise.name}, ", progress),
        )
        yield f"{exercise.name}:"
        yield from (f"  {line}" for line in lines(chosen))
        if write:
            _keep(path, chosen)
            yield f"  kept in {path}"


def _solutions(root: Path, name: str | None) -> Iterator[tuple[Path, Path]]:
    """Yield the folders of a course's exercises, and their notebooks with solutions."""
    source = course_files.layout(root, ".").source
    for path in sorted(source.glob("*/*.ipynb")):
        found = find(path.stem, [root / EXERCISES]) if name in (None, path.stem) else None
        if found is not None:
            yield Path(found.folder), path


def _keep(path: Path, chosen: Chosen) -> None:
    """Put an exercise's calibration into the file; one that is the author's needs no entry."""
    name, size = chosen.exercise.name, chosen.exercise.size
    table = calibration.read(path)
    table.setdefault(name, {}).pop(size, None)
    if any(factor != 1 for factor in chosen.entry.factors.values()):
        table[name][size] = chosen.entry
    try:
        path.parent.mkdir(exist_ok=True)
        path.write_text(calibration.text(table), encoding="utf-8")
    except OSError as error:
        raise HarnessError(f"The calibration cannot be written: {error}.") from error


# ---------------------------------------------------------------------------------- in words


def lines(chosen: Chosen) -> Iterator[str]:
    """Tell what was tried, what was chosen and why, one line each."""
    written = {case.name: case for case in chosen.exercise.cases}
    workers = chosen.exercise.cluster.workers
    for name, factor in chosen.entry.factors.items():
        tried = [trial for trial in chosen.trials if trial.case.name == name]
        for trial in tried:
            yield (
                f"{name} at {_sizes(trial.case)}: {trial.wall:.2f} s on {workers} workers, "
                f"{trial.work:.2f} s of work, speedup {trial.speedup:.2f}, "
                f"{trial.memory / 1e9:.2f} GB"
                + (", less what a busy machine added" if trial.busy else "")
            )
        last = tried[-1].case
        if factor == 1:
            yield f"{name} stays at the author's {_sizes(last)}: {chosen.why[name]}"
        else:
            before = _sizes(written[name])
            yield f"{name} gets {_sizes(last)} in place of {before}: {chosen.why[name]}"
        if tried[-1].busy:
            yield "The machine had other work to do: run this again when it is quiet, to be sure."


def _sizes(case: CaseSpec) -> str:
    return ", ".join(f"{name} = {case.parameters[name]:,g}" for name in case.grows)
