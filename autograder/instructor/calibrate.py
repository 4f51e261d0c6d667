"""Fit the timed cases to the grading machine: long enough to judge, and no longer.

The reference solution runs in the box as in grading, on public data. If a timed case is too short,
too long or near a limit, the parameters to which its work is proportional are changed, and it is
measured again.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from autograder import pipeline, reference_solution, submissions
from autograder.errors import HarnessError
from autograder.evidence import rounds
from autograder.exercise import calibration
from autograder.model import CaseSpec, Exercise, Run
from autograder.speedup.credit import speedup

__all__ = ["Chosen", "Trial", "after", "calibrate", "next_factor"]

SHORT, AIM, LONG = 1.0, 2.0, 4.0
"""Seconds that the timed call takes on all workers: below, it is made longer; above, shorter.
CPU times have a resolution of a hundredth of a second, and the scheduler takes some tens of
milliseconds: 1 to 4 % of a second. Above 4 s a class only waits longer."""

_SERIAL_ROOM = 3
"""How many times the work has to fit into the limit of a call. A program on one worker does all of
it serially, on a busy machine in twice the time, and should get a verdict rather than be
stopped."""

_MEMORY_ROOM = 2
"""The same for the memory, where a case was made larger: students' solutions may keep more than
the reference does."""

_TRIALS = 3
"""Of a size. Chosen: the second corrects what the first has shown, the third what did not grow with
the size; each is a whole run of the reference solution."""


@dataclass(frozen=True, slots=True)
class Trial:
    """The reference solution on one timed case at one size."""

    case: CaseSpec
    """With the sizes that were tried."""
    factor: float
    wall: float
    """Seconds from GO to done on quiet workers (`quiet_seconds`); infinite if it was stopped."""
    work: float
    """CPU seconds of all processes together."""
    speedup: float
    memory: int
    """Peak of all processes together, bytes."""


@dataclass(frozen=True, slots=True)
class Chosen:
    """The choice for one exercise, and all trials."""

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
            entry = calibration.of_reference(factors, exercise.typical)
            sized = pipeline.marked(calibration.apply(exercise, entry), solution)
            context = pipeline.GradingContext(sized, round_, sized.typical, boxed)
            graded = pipeline.grade(notebook, context, after(f"trial {number}: ", progress))
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
        reference = reference_solution.reference(solution, sized, round_, boxed=boxed)
    tried = {trial.case.name: trial.factor for trial in trials}
    return Chosen(exercise, calibration.of_reference(tried, reference), tuple(trials), why)


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


def after(prefix: str, progress: Callable[[str], None]) -> Callable[[str], None]:
    """Report each step of a progress after a prefix."""
    return lambda step: progress(f"{prefix}{step}")


def _round(factor: float) -> float:
    return float(f"{factor:.2g}")


def _trial(exercise: Exercise, case: CaseSpec, factor: float, run: Run | None) -> Trial:
    if run is None or run.failure is not None or run.stopped is not None:
        if run is not None and run.failure is not None and run.failure.message:
            raise HarnessError(
                f"The reference solution of {exercise.name} failed on {case.name} at {factor:g} "
                f"times the author's size: {run.failure.message}"
            )
        return Trial(case, factor, float("inf"), float("inf"), 0.0, 0)
    found = speedup(run, exercise.cluster.workers, exercise.typical)
    memory = sum(use.peak_memory for use in run.usage)
    return Trial(case, factor, found.quiet, found.work, found.speedup, memory)
