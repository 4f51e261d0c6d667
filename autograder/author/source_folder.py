"""Build the notebooks of a folder of texts into nbgrader's source folder, and lose nothing there.

What is replaced is the kit's own work alone: a record beside the folder says what was built last.
"""

import hashlib
import json
from collections.abc import Iterable, Mapping
from pathlib import Path

from autograder.author.build import build
from autograder.errors import HarnessError
from autograder.exercise.catalogue import find
from autograder.files import publish, write

__all__ = ["build_all", "note_built", "notebooks"]

_RECORD = ".autograder-built.json"
"""File beside the source folder with the SHA-256 of each built notebook. In the source folder
itself, nbgrader would release it."""


def build_all(
    solutions: Path, source: Path, search: Iterable[Path] = (), *, overwrite: bool = False
) -> tuple[Path, ...]:
    """Build the notebook of every text in a folder.

    Parameters
    ----------
    solutions : Path
        Holds ``<exercise>.py``.
    source : Path
        nbgrader's source folder; ``<exercise>/<exercise>.ipynb`` is written where it differs.
    search : iterable of Path
        ``exercises`` folders of the course, as for `exercise.find`.
    overwrite : bool
        Whether to replace a notebook that was not built here, or that the class already has.

    Returns
    -------
    tuple of Path
        Every notebook, whether it had to be written or not, in order of name.

    Raises
    ------
    HarnessError
        As `build`, if a text has no exercise, or if a notebook must not be replaced; then
        nothing is written. Also if a notebook cannot be written; it is then what it was.
    """
    texts = notebooks(solutions, search)
    built = {source / name / f"{name}.ipynb": text for name, text in texts.items()}
    known = _record(source)
    differing = {path: text for path, text in built.items() if _there(path) != text.encode()}
    if not overwrite:
        for path in differing:
            _refuse_foreign(path, source, known)
    for path, content in differing.items():
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            # In the folder of the assignment, nbgrader would release what is left of it.
            publish(path, content, unfinished=source)
        except OSError as error:
            raise HarnessError(f"{path} cannot be written: {error}.") from error
    note_built(source, built)
    return tuple(built)


def note_built(source: Path, built: Mapping[Path, str]) -> None:
    """Record that the kit has built the notebooks in a source folder, and may rebuild them."""
    known = _record(source)
    now = known | {_entry(path, source): _digest(text.encode()) for path, text in built.items()}
    if now != known:
        write(source.parent / _RECORD, json.dumps(now, indent=1, sort_keys=True) + "\n")


def _record(source: Path) -> dict[str, str]:
    try:
        found = json.loads((source.parent / _RECORD).read_bytes())
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}


def _entry(path: Path, source: Path) -> str:
    return path.relative_to(source.parent).as_posix()


def _there(path: Path) -> bytes | None:
    return path.read_bytes() if path.is_file() else None


def _digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def _refuse_foreign(path: Path, source: Path, known: Mapping[str, str]) -> None:
    """Refuse to replace notebooks that the kit did not build, or that the class already has."""
    there = _there(path)
    if there is None:
        return
    instead = "Nothing was built. To replace it all the same, add --overwrite"
    noted = known.get(_entry(path, source))
    if noted is None:
        raise HarnessError(
            f"{path} was not built here, as far as the kit can tell, and would be lost. {instead}."
        )
    if noted != _digest(there):
        raise HarnessError(
            f"{path} was changed since it was built, and the change would be lost: make it in the "
            f"text. {instead}."
        )
    # nbgrader takes a second to import.
    from autograder.nbgrader_bridge.in_use import in_use

    if where := in_use(source.parent, path.stem, source=False):
        raise HarnessError(
            f"{path.stem} is in use: {where}. Submissions would be graded against a notebook that "
            f"students do not have. {instead}, and then generate and release it again."
        )


def notebooks(solutions: Path, search: Iterable[Path] = ()) -> dict[str, str]:
    """Build the notebook of every text in a folder and write nothing.

    Parameters
    ----------
    solutions, search
        As for `build_all`.

    Returns
    -------
    dict of str to str
        The notebooks as JSON, by name of the exercise and in order of it.

    Raises
    ------
    HarnessError
        As `build`, and if a text has no exercise.
    """
    places = tuple(search)
    built = {}
    for text in sorted(solutions.glob("*.py")):
        exercise = find(text.stem, places)
        if exercise is None:
            raise HarnessError(
                f"{text} has no exercise: expected {text.stem}/exercise.toml and cases.py in "
                "autograder/exercises or in the course's own exercises folder."
            )
        built[text.stem] = build(text, exercise)
    return built
