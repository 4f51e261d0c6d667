"""Create an exercise from a working template, without overwriting anything."""

import re
from collections.abc import Mapping
from pathlib import Path

from autograder.errors import HarnessError
from autograder.exercise.catalogue import KIT
from autograder.exercise.spec import IDENTIFIER

__all__ = ["new", "write_new"]

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
        If the name is invalid, belongs to an exercise of the kit or is in use in the course, or if
        one of the files exists already; then nothing is written.
    """
    if re.fullmatch(IDENTIFIER, name) is None:
        raise HarnessError(
            f"{name!r} is not a name for an exercise: use letters, digits, _ and - only, as in "
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
        raise HarnessError(f"{there} exists already: choose another name, or remove it.")
    _refuse_taken(name, project)
    texts = {
        path: re.sub(r"\bNAME\b", name, (_TEMPLATE / part).read_text(encoding="utf-8"))
        for part, path in places.items()
    }
    return write_new(texts)


def _refuse_taken(name: str, project: Path) -> None:
    """Refuse a name under which another exercise is graded or built."""
    if (KIT / name).is_dir():
        raise HarnessError(
            f"{name} is an exercise of the kit, and in this course the new one would be graded in "
            "its place: choose another name. To change the kit's, copy its folder and its text "
            "(docs/instructor.md)."
        )
    # nbgrader takes a second to import.
    from autograder.nbgrader_bridge.in_use import in_use

    if where := in_use(project, name):
        raise HarnessError(f"{name} is in use: {where}. Choose another name.")


def write_new(texts: Mapping[Path, str]) -> list[Path]:
    """Write the files that do not exist yet, and leave all others alone.

    Parameters
    ----------
    texts : mapping of Path to str
        The content of each file; folders are created as needed.

    Returns
    -------
    list of Path
        What was written.

    Raises
    ------
    HarnessError
        If a file cannot be written.
    """
    written = []
    for path, text in texts.items():
        if path.exists():
            continue
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            # Exclusive: what another process has put there meanwhile is not overwritten either.
            with open(path, "x", encoding="utf-8") as file:
                try:
                    file.write(text)
                    file.flush()
                except OSError:
                    # Half a file would be left alone the next time.
                    path.unlink()
                    raise
        except OSError as error:
            raise HarnessError(f"{path} cannot be written: {error.strerror}.") from error
        written.append(path)
    return written
