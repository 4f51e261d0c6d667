"""Compare or fill in ``[typical]`` of an exercise, from a run of the reference solution."""

import re
from pathlib import Path

from autograder.errors import HarnessError
from autograder.exercise.catalogue import SPEC
from autograder.exercise.spec import Typical
from autograder.model import Exercise, Reference

__all__ = ["differences", "write"]

_SPEEDUP = 1.25
"""Factor by which the speedup may differ. Of 38 runs of one reference the fastest was 1.2 times as
fast as the slowest."""
_COUNTS = 1.5
"""The same for counts and bytes: how many steps k-means takes, or how joblib groups its tasks,
differs from run to run. Self-checks look for factors of two and more."""

_SECTION = re.compile(r"(?ms)^\[typical\].*?(?=^\[|\Z)")


def differences(exercise: Exercise, measured: Reference) -> list[str]:
    """Compare ``[typical]`` with a run of the reference solution.

    Parameters
    ----------
    exercise : Exercise
        As its author wrote it.
    measured : Reference
        From the same case.

    Returns
    -------
    list of str
        The differences, in a few words each; empty if the exercise times nothing.
    """
    found = []
    for name in _stated(exercise):
        stated, got = getattr(exercise.typical, name), getattr(measured, name)
        most = _SPEEDUP if name == "speedup" else _COUNTS
        if not stated / most <= got <= stated * most:
            found.append(f"{name} = {_shown(name, stated)}, but the reference has "
                         f"{_shown(name, got)}")  # fmt: skip
    return found


def write(exercise: Exercise, measured: Reference) -> list[str]:
    """Write the reference's numbers into ``[typical]``; comments and all else stay.

    Returns
    -------
    list of str
        The keys whose numbers changed.

    Raises
    ------
    HarnessError
        If the file cannot be written, or has no table ``[typical]`` with the keys on lines of
        their own.
    """
    path = Path(exercise.folder, SPEC)
    try:
        text = path.read_text(encoding="utf-8")
        section = _SECTION.search(text)
        if section is None:
            raise HarnessError(f"{path} has no table [typical] to write to.")
        filled, changed = section[0], []
        for name in _stated(exercise):
            line = re.compile(rf"(?m)^({name}\s*=\s*)([\d_.]+)")
            value = _shown(name, getattr(measured, name))
            found = line.search(filled)
            if found is None:
                raise HarnessError(f"{path}: [typical] has no line {name} = …; add one.")
            if found[2] != value:
                filled = line.sub(rf"\g<1>{value}", filled, count=1)
                changed.append(name)
        if changed:
            path.write_text(text[: section.start()] + filled + text[section.end() :], "utf-8")
    except OSError as error:
        raise HarnessError(f"{path} cannot be written: {error.strerror}.") from error
    return changed


def _stated(exercise: Exercise) -> list[str]:
    """Return the keys of the table; those with a default only if they are present."""
    if not exercise.timed:
        return []
    return [
        name
        for name, field in Typical.model_fields.items()
        if field.is_required() or getattr(exercise.typical, name)
    ]


def _shown(name: str, value: float) -> str:
    """Write a number as in the file; of bytes, three digits say enough."""
    if name == "speedup":
        return f"{value:.2f}"
    digits = max(len(str(int(value))) - 3, 0) if name.endswith(("bytes", "growth")) else 0
    return f"{round(int(value), -digits):_}"
