"""``autograder calibrate``: fit a course's exercises to this machine, and report it."""

from collections.abc import Callable, Iterator
from pathlib import Path

from autograder.errors import HarnessError
from autograder.exercise import calibration
from autograder.exercise.catalogue import find, load
from autograder.instructor.calibrate import Chosen, after, calibrate
from autograder.model import CaseSpec
from autograder.nbgrader_bridge import course_files
from autograder.nbgrader_bridge.common import EXERCISES

__all__ = ["calibrate_course", "lines"]


def calibrate_course(
    root: Path,
    name: str | None,
    size: str,
    *,
    boxed: bool = True,
    write: bool = True,
    progress: Callable[[str], None] = lambda step: None,
) -> Iterator[str]:
    """Calibrate the exercises of a course, or one of them, and report it.

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
            progress=after(f"{exercise.name}, ", progress),
        )
        yield f"{exercise.name}:"
        yield from (f"  {line}" for line in lines(chosen))
        if write:
            calibration.write(path, exercise, chosen.entry)
            yield f"  kept in {path}"


def _solutions(root: Path, name: str | None) -> Iterator[tuple[Path, Path]]:
    """Yield the folders of a course's exercises, and their notebooks with solutions."""
    source = course_files.layout(root, ".").source
    for path in sorted(source.glob("*/*.ipynb")):
        found = find(path.stem, [root / EXERCISES]) if name in (None, path.stem) else None
        if found is not None:
            yield Path(found.folder), path


def lines(chosen: Chosen) -> Iterator[str]:
    """Report the trials, the choice and the reason, one line each."""
    written = {case.name: case for case in chosen.exercise.cases}
    workers = chosen.exercise.cluster.workers
    for name, factor in chosen.entry.factors.items():
        tried = [trial for trial in chosen.trials if trial.case.name == name]
        for trial in tried:
            yield (
                f"{name} at {_sizes(trial.case)}: {trial.wall:.2f} s on {workers} workers, "
                f"{trial.work:.2f} s of work, speedup {trial.speedup:.2f}, "
                f"{trial.memory / 1e9:.2f} GB"
            )
        last = tried[-1].case
        if factor == 1:
            yield f"{name} stays at the author's {_sizes(last)}: {chosen.why[name]}"
        else:
            before = _sizes(written[name])
            yield f"{name} gets {_sizes(last)} in place of {before}: {chosen.why[name]}"


def _sizes(case: CaseSpec) -> str:
    return ", ".join(f"{name} = {case.parameters[name]:,g}" for name in case.grows)
