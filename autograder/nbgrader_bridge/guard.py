"""Keep nbgrader from running a kit exercise if the kit's configuration is not in force.

If nbgrader cannot load ``nbgrader_config.py``, it logs that and continues with its own settings:
students' code would run without a box. An installed kit puts `GuardedExporter` into the settings of
the whole environment (``jupyter-config/nbgrader_config.json``); `autograder.course.configure`
replaces it. It checks before anything is run or removed, and lets ordinary notebooks pass.

This module must load even where the rest of the kit does not: it imports nothing heavy.
"""

import json
import os
import traceback
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from jupyter_core.paths import jupyter_config_path
from nbconvert.exporters import NotebookExporter
from nbgrader.converters.base import NbGraderException
from nbgrader.preprocessors import Execute, SaveAutoGrades
from traitlets.config.loader import PyFileConfigLoader
from traitlets.utils.importstring import import_item

__all__ = [
    "CONFIG", "GUARD", "GuardedExporter", "broken", "guard", "installed", "lacking", "refuse",
    "uses_kit",
]  # fmt: skip

CONFIG = "nbgrader_config.py"
_EXPORTER = "autograder.nbgrader_bridge.read_submission.SubmissionExporter"
GUARD = f"{__name__}.GuardedExporter"

_SPEC = "exercise.toml"
_KIT = Path(__file__).parents[1] / "exercises"

_UNPROTECTED = "and with that nbgrader would run students' code outside a box"


class GuardedExporter(NotebookExporter):
    """nbgrader's own exporter, for courses that do not use the kit."""

    def __new__(cls, *args: Any, **kwargs: Any) -> Any:
        """Create the kit's exporter if the kit's other settings are in force.

        This class can override ``configure(c)``: of two settings in one folder, traitlets takes the
        one in the JSON file.
        """
        converter = kwargs.get("parent")
        if _steps(converter) and not lacking(_steps(converter)):
            return import_item(_EXPORTER)(*args, **kwargs)
        return super().__new__(cls)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if _steps(self.parent):
            refuse(self.parent)


def guard(config: Any) -> None:
    """Put the guard into settings without an exporter, so that it need not be installed."""
    if "exporter_class" not in config.Autograde:
        config.Autograde.exporter_class = GUARD


def installed() -> bool:
    """Tell whether nbgrader finds the guard in this environment's settings."""
    for folder in jupyter_config_path():
        try:
            found = json.loads(Path(folder, "nbgrader_config.json").read_bytes())
            if found["Autograde"]["exporter_class"] == GUARD:
                return True
        except (OSError, ValueError, KeyError, TypeError):
            continue
    return False


def refuse(converter: Any) -> None:
    """End a batch of autograde that would not be graded by the kit although it should.

    Raises
    ------
    NbGraderException
        After one sentence in the log; nothing was run or removed.
    """
    course = converter.coursedir
    names = {Path(book).stem for books in converter.assignments.values() for book in books}
    ours = _exercises(names, Path(course.root))
    why = broken(Path(course.root)) if ours or uses_kit(course) else ""
    if not why and ours:
        missing = lacking(_steps(converter))
        why = missing and f"{', '.join(ours)}: {missing}"
    if why:
        sentence = f"Nothing was graded. {why}. `autograder doctor` checks the set-up."
        converter.log.error("The grader: %s", sentence)
        raise NbGraderException(sentence)


def broken(root: Path) -> str:
    """Report the configuration files that nbgrader cannot load, with the reason.

    Parameters
    ----------
    root : Path
        The course's folder.

    Returns
    -------
    str
        Empty if all of them load.
    """
    folders = dict.fromkeys([*map(Path, jupyter_config_path()), Path.cwd(), root])
    for path in (folder / CONFIG for folder in folders):
        if path.is_file():
            try:
                PyFileConfigLoader(path.name, str(path.parent)).load_config()
            except Exception as error:
                return (
                    f"{path} cannot be loaded ({_place(error, path)}), {_UNPROTECTED}; correct that"
                )
    return ""


def lacking(steps: Iterable[Any]) -> str:
    """Report which of the kit's steps are missing from autograde; empty if none is."""
    try:
        classes = [import_item(step) if isinstance(step, str) else step for step in steps]
    except ImportError as error:
        # An older nbgrader has not all of the steps that the kit's settings name.
        return (
            f"a step of Autograde.autograde_preprocessors is missing ({error}), so grading would "
            "not follow the kit's settings; install the tested versions: "
            "pip install 'dask-scaling-kit[grader]'"
        )
    try:
        from autograder.nbgrader_bridge.execute import BoxedExecute
        from autograder.nbgrader_bridge.gradebook_writer import SaveGrades
    except ImportError as error:
        return f"the kit cannot be imported ({error}), {_UNPROTECTED}; reinstall it"
    for ours, stock in ((BoxedExecute, Execute), (SaveGrades, SaveAutoGrades)):
        kinds = [step for step in classes if isinstance(step, type) and issubclass(step, stock)]
        if not kinds or not all(issubclass(step, ours) for step in kinds):
            return (
                f"the settings that nbgrader has read name {stock.__name__} and not the kit's "
                f"{ours.__name__} among Autograde.autograde_preprocessors, {_UNPROTECTED}; let "
                f"{CONFIG} call configure(c) of autograder.course, and remove what sets other "
                "preprocessors after it"
            )
    return ""


def uses_kit(course: Any) -> bool:
    """Tell whether a course has an exercise of the kit in any of its assignments."""
    root = Path(course.root)
    place = Path(course.format_path(course.source_directory, ".", "*"), "*.ipynb")
    found = root.glob(os.path.relpath(place, root))
    return bool(_exercises({path.stem for path in found}, root))


def _steps(converter: Any) -> list[Any]:
    return list(getattr(converter, "autograde_preprocessors", ()))


def _exercises(names: Iterable[str], root: Path) -> list[str]:
    """Return which names are those of exercises; of one whose description is wrong, too."""
    places = (root / "exercises", _KIT)
    return sorted(name for name in names if any((p / name / _SPEC).is_file() for p in places))


def _place(error: Exception, path: Path) -> str:
    what = f"{type(error).__name__}: {error}"
    if isinstance(error, SyntaxError):
        return f"line {error.lineno}: {type(error).__name__}: {error.msg}"
    lines = [f.lineno for f in traceback.extract_tb(error.__traceback__) if f.filename == str(path)]
    return f"line {lines[-1]}: {what}" if lines else what
