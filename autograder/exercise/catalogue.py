"""Exercises: from ``exercise.toml`` and ``cases.py`` in a folder to an `Exercise`."""

import importlib.util
import inspect
import re
from collections.abc import Iterable, Mapping
from functools import lru_cache
from importlib.machinery import SourceFileLoader
from pathlib import Path
from typing import Any, Never, Protocol, cast

import numpy.typing as npt

from autograder.errors import HarnessError
from autograder.exercise import calibration
from autograder.exercise.digest import digest_of
from autograder.exercise.spec import IDENTIFIER, SIZES, Spec, read
from autograder.model import (
    CaseSpec,
    CheckSpec,
    ClusterShape,
    Comparison,
    Exercise,
    Limits,
    Mistake,
    Reference,
)

__all__ = ["Cases", "cases", "every", "find", "load", "nearby", "sized"]

SPEC, CASES = "exercise.toml", "cases.py"
_PACKAGE = Path(__file__).parents[1]
_HELPERS = (
    *(_PACKAGE / "author" / f"{name}.py" for name in ("kit", "jobscript", "directives", "shell")),
    _PACKAGE / "formats.py",
)
"""What ``cases.py`` of an exercise may import from the kit, directly or indirectly: it decides
about answers and their wording."""
KIT = _PACKAGE / "exercises"
"""The exercises that come with the kit."""
_UNTIMED: Mapping[str, Any] = {
    "speedup": 1.0,
    **dict.fromkeys(("tasks", "graphs", "gathered_bytes", "graph_bytes"), 0),
}
"""The reference solution's run where the exercise times none."""


def load(folder: Path, size: str = SIZES[0]) -> Exercise:
    """Read the exercise that a folder describes, as its author wrote it.

    Parameters
    ----------
    folder : Path
        Holds ``exercise.toml`` and ``cases.py``; its name is the exercise's.
    size : str
        ``laptop``, ``node`` or ``cluster``: the cases are as large as the file says for it.

    Returns
    -------
    Exercise
        ``digest`` is that of both files, of the helpers that ``cases.py`` may import from the kit,
        and of the size; words do not count.

    Raises
    ------
    HarnessError
        If a file cannot be read or the description does not hold together; one sentence
        names the file, the place in it, what was expected and what was found.
    """
    text = _read(folder / SPEC)
    digest = digest_of(size, text, map(_read, (folder / CASES, *_HELPERS)))
    return _loaded(folder, folder.resolve(), text, digest, size)


# A grader asks for the exercise several times per submission.
@lru_cache(maxsize=32)
def _loaded(folder: Path, resolved: Path, text: bytes, digest: str, size: str) -> Exercise:
    return _exercise(read(folder / SPEC, text, size), resolved, digest, size)


def find(name: str, search: Iterable[Path] = (), size: str = SIZES[0]) -> Exercise | None:
    """Find an exercise by name and load it.

    Parameters
    ----------
    name : str
        Name of the exercise, which is that of its folder and its assignment.
    search : iterable of Path
        ``exercises`` folders of the course, looked into before those of the kit. A
        calibration in one of them counts, wherever the exercise is.
    size : str
        As for `load`.

    Returns
    -------
    Exercise or None
        None if no folder describes it: an ordinary nbgrader assignment.

    Raises
    ------
    HarnessError
        As `load`: a wrong description is never ignored.
    """
    if re.fullmatch(IDENTIFIER, name) is None:
        return None
    search = tuple(search)
    for place in (*search, KIT):
        if (place / name / SPEC).is_file():
            return _calibrated(load(place / name, size), search)
    return None


def every(search: Iterable[Path] = ()) -> list[Exercise]:
    """Load all exercises, the course's own before those of the kit.

    Parameters
    ----------
    search : iterable of Path
        As for `find`.
    """
    search = tuple(search)
    places = [place for place in (*search, KIT) if place.is_dir()]
    specs = [path for place in places for path in sorted(place.glob(f"*/{SPEC}"))]
    return [_calibrated(load(path.parent), search) for path in specs]


def nearby(folder: Path) -> list[Path]:
    """Return where a course keeps its own exercises, relative to a notebook's folder in it."""
    return [place / "exercises" for place in (folder, *folder.parents)[:3]]


def sized(exercise: Exercise, size: str) -> Exercise:
    """Return an exercise at a size; unchanged, with its calibration, if it has that size."""
    return exercise if exercise.size == size else load(Path(exercise.folder), size)


def _calibrated(exercise: Exercise, search: Iterable[Path]) -> Exercise:
    entry = calibration.lookup(exercise.name, exercise.size, search)
    return exercise if entry is None else calibration.apply(exercise, entry)


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise HarnessError(f"{path} cannot be read: {error.strerror}.") from error


def _exercise(spec: Spec, folder: Path, digest: str, size: str) -> Exercise:
    limits = spec.limits
    return Exercise(
        name=folder.name,
        version=spec.version,
        title=spec.title,
        technique=spec.technique,
        functions=tuple(spec.functions),
        cases=tuple(
            CaseSpec(
                **case.model_dump()
                | {
                    "grows": tuple(case.grows),
                    "per_worker": tuple(case.per_worker),
                    "kill": tuple(case.kill),
                }
            )
            for case in spec.cases
        ),
        checks=tuple(
            CheckSpec(**check.model_dump() | {"cases": tuple(check.cases)}) for check in spec.checks
        ),
        words=spec.words,
        limits=Limits(
            wall_seconds=limits.wall,
            cell_seconds=limits.cell,
            case_seconds=limits.case,
            memory_bytes=limits.memory,
            processes=limits.processes,
            output_bytes=limits.output,
            answer_bytes=limits.answer,
        ),
        cluster=ClusterShape(**spec.cluster.model_dump()),
        typical=Reference(
            **(spec.typical.model_dump() if spec.typical else _UNTIMED),
            work_seconds=None,
            serial_seconds=None,
            same_round=False,
        ),
        mistakes={
            name: Mistake(name=name, **known.model_dump()) for name, known in spec.mistakes.items()
        },
        folder=str(folder),
        digest=digest,
        size=size,
    )


class Cases(Protocol):
    """What ``cases.py`` of an exercise offers; the arrays are plain NumPy arrays."""

    def prepare(
        self, case: str, parameters: Mapping[str, float], seed: int, /
    ) -> tuple[tuple[Any, ...], int]:
        """Make the arguments of the student's function, and their size in bytes; in the box."""

    def materialise(self, case: str, result: Any, /) -> dict[str, npt.NDArray[Any]]:
        """Turn what the student's function returned into arrays; in the box, timed."""

    def warm(self) -> None:
        """Do a little of everything, untimed; in the box."""

    def oracle(
        self, case: str, parameters: Mapping[str, float], seed: int, /
    ) -> dict[str, npt.NDArray[Any]]:
        """Compute the right answer without Dask; outside the box."""

    def compare(
        self,
        case: str,
        truth: Mapping[str, npt.NDArray[Any]],
        answer: Mapping[str, npt.NDArray[Any]],
        /,
    ) -> Comparison:
        """Compare an untrusted answer with the truth, and never raise; outside the box."""


class _FromText(SourceFileLoader):
    """Loads a module without compiled code beside it: grading leaves a course's files alone."""

    def path_stats(self, path: str) -> Never:
        raise OSError  # so importlib neither looks for compiled code nor writes any


def cases(exercise: Exercise) -> Cases:
    """Load ``cases.py`` of an exercise.

    Parameters
    ----------
    exercise : Exercise
        As `load` gives it.

    Returns
    -------
    Cases
        The module. It is not entered in ``sys.modules``: Dask then sends its functions to
        the workers by value, so that a worker need not find the file.

    Raises
    ------
    HarnessError
        If the file does not load, or a function is missing or takes other parameters.
    """
    path = Path(exercise.folder) / CASES
    name = f"cases_of_{exercise.name}_{exercise.digest[:8]}".replace("-", "_")
    loader = _FromText(name, str(path))
    spec = importlib.util.spec_from_file_location(name, path, loader=loader)
    if spec is None or spec.loader is None:
        raise HarnessError(f"{path} cannot be loaded as a Python module.")
    module = importlib.util.module_from_spec(spec)
    try:
        spec.loader.exec_module(module)
    except Exception as error:
        raise HarnessError(f"{path} fails on import: {type(error).__name__}: {error}.") from error
    for function, expected in _signatures().items():
        found = getattr(module, function, None)
        if not inspect.isfunction(found):
            raise HarnessError(f"{path} has no function {function}({', '.join(expected)}).")
        got = tuple(inspect.signature(found).parameters)
        if got != expected:
            raise HarnessError(
                f"{path}: expected {function}({', '.join(expected)}), "
                f"got {function}({', '.join(got)})."
            )
    return cast(Cases, module)


def _signatures() -> dict[str, tuple[str, ...]]:
    functions = ("prepare", "materialise", "warm", "oracle", "compare")
    return {
        name: tuple(inspect.signature(getattr(Cases, name)).parameters)[1:] for name in functions
    }
