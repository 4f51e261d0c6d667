"""End a kernel in which another grader would run an exercise of the kit.

`guard` refuses wherever nbgrader reads its settings. A program may give nbgrader its own settings,
without the guard. Its kernels still start in this environment, where the kit puts this extension
into IPython's settings: ``jupyter-config/ipython_kernel_config.json``. A kernel that dies before
its first cell costs no marks: nbgrader gives up the submission. In kernels of other environments,
``check()`` does this instead.

The kit never comes here: exercises run in kernels without nbgrader's variable, other notebooks in
a copy of their folder without the notebook. Every kernel of the environment loads this module,
so it imports nothing heavy.
"""

import os
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

__all__ = ["EXECUTION", "exercises_here", "leave_strange_grader", "load_ipython_extension"]

EXECUTION = "NBGRADER_EXECUTION"
"""nbgrader's variable that tells a notebook that it is being graded."""

_KIT = Path(__file__).parents[1] / "exercises"
_DEPTH = 4
"""How many folders, from ``autograded/<student>/<assignment>`` up, may be a course's root."""


def load_ipython_extension(_shell: Any) -> None:
    """Do so when the kernel starts; called by IPython."""
    leave_strange_grader()


def leave_strange_grader() -> None:
    """End this process if it runs an exercise of the kit for a stock nbgrader."""
    if found := exercises_here(os.environ, Path.cwd()):
        print(
            f"The grader: {', '.join(found)} was not run. This nbgrader runs without the kit's "
            "settings, and so would grade outside a box: let the program call configure(c) of "
            "autograder.course on the Config that it makes.",
            file=sys.__stderr__,
            flush=True,
        )
        os._exit(1)


def exercises_here(environment: Mapping[str, str], folder: Path) -> list[str]:
    """Name the exercises of the kit, or of the course, that are being autograded in a folder."""
    if environment.get(EXECUTION) != "autograde":
        return []
    places = [_KIT, *(place / "exercises" for place in (folder, *folder.parents)[:_DEPTH])]
    names = (path.stem for path in sorted(folder.glob("*.ipynb")))
    return [name for name in names if any((p / name / "exercise.toml").is_file() for p in places)]
