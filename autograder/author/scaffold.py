"""A new exercise from a template that works: change it piece by piece into one's own."""

import re
from pathlib import Path

from autograder.errors import HarnessError
from autograder.exercise.spec import IDENTIFIER

__all__ = ["new"]

_TEMPLATE = Path(__file__).with_name("template")


def new(name: str, project: Path) -> list[Path]:
    """Write the files of a new exercise into a checkout of the kit or into a course.

    Parameters
    ----------
    name : str
        Of the exercise and its assignment, as in ``ex06_nearest_points``.
    project : Path
        A checkout, where exercises are in ``autograder/exercises``; or a course's root, with
        ``exercises``.

    Returns
    -------
    list of Path
        What was written.

    Raises
    ------
    HarnessError
        If the name will not do, or one of the files is there already; then nothing is written.
    """
    if re.fullmatch(IDENTIFIER, name) is None:
        raise HarnessError(
            f"{name!r} is no name for an exercise: letters, digits, _ and - only, as in "
            "ex06_nearest_points."
        )
    checkout = (project / "autograder" / "exercises").is_dir()
    exercise = project / ("autograder/exercises" if checkout else "exercises") / name
    samples = project / "samples" / name
    places = {
        "solution.py": project / "solutions" / f"{name}.py",
        "exercise.toml": exercise / "exercise.toml",
        "cases.py": exercise / "cases.py",
        "right.toml": samples / "right.toml",
        "wrong.toml": samples / "wrong.toml",
    }
    there = next((path for path in places.values() if path.exists()), None)
    if there is not None:
        raise HarnessError(f"{there} is there already: choose another name, or remove it.")
    for part, path in places.items():
        path.parent.mkdir(parents=True, exist_ok=True)
        text = (_TEMPLATE / part).read_text(encoding="utf-8")
        path.write_text(re.sub(r"\bNAME\b", name, text), encoding="utf-8")
    return list(places.values())
