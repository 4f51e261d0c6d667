"""Find solutions, samples and configuration, which students do not have.

A checkout of the kit contains them, and so may a course. The students' package contains none: if
the kit is installed as a package, they come from a second one, for instructors only, which ``make
wheels`` builds from the same checkout.
"""

import importlib.util
from dataclasses import dataclass
from pathlib import Path

from autograder.errors import HarnessError
from autograder.sandbox.withhold_oracle import INSTRUCTOR_PACKAGE
from cluster.explain import suggestion

__all__ = ["CONFIG", "Materials", "find", "find_text"]

CONFIG = "nbgrader_config.py"


@dataclass(frozen=True, slots=True)
class Materials:
    """A folder with materials that only instructors and authors have."""

    root: Path

    @property
    def solutions(self) -> Path:
        """The texts, ``<exercise>.py``."""
        return self.root / "solutions"

    @property
    def source(self) -> Path:
        """The notebooks built from them, ``<exercise>/<exercise>.ipynb``."""
        return self.root / "source"

    @property
    def samples(self) -> Path:
        """The sample class, ``<exercise>/<student>.toml``."""
        return self.root / "samples"

    @property
    def recorded(self) -> Path:
        """Kept evidence of the sample class; only a checkout has it."""
        return self.root / "tests" / "corpus" / "evidence"

    @property
    def exercises(self) -> Path:
        """A course's own exercises; need not exist."""
        return self.root / "exercises"

    @property
    def config(self) -> Path:
        """Nbgrader's configuration; need not exist."""
        return self.root / CONFIG

    @property
    def names(self) -> list[str]:
        """The exercises that have a text here, in order."""
        return sorted(path.stem for path in self.solutions.glob("*.py"))


def find(project: Path) -> Materials:
    """Find the kit's own materials: texts and configuration.

    Parameters
    ----------
    project : Path
        A checkout, or any other folder; then the instructor package has them.

    Raises
    ------
    HarnessError
        If neither has them.
    """
    for materials in _places(project):
        if materials.config.is_file():
            return materials
    raise HarnessError(
        f"{project} is not a checkout of the kit: expected solutions/ and {CONFIG} there. Run "
        f"this in the checkout, name it with --project, or install the package for instructors "
        f"({INSTRUCTOR_PACKAGE.replace('_', '-')})."
    )


def find_text(project: Path, exercise: str | None = None) -> Materials:
    """Find the materials that contain the text of an exercise.

    Parameters
    ----------
    project : Path
        A checkout or a course, looked into before the instructor package.
    exercise : str, optional
        Its name; without it, the first place that has any text will do.

    Raises
    ------
    HarnessError
        If there is no such text.
    """
    places = _places(project)
    for materials in places:
        if exercise is None or exercise in materials.names:
            return materials
    known = [name for materials in places for name in materials.names]
    missing = exercise or "<exercise>"
    raise HarnessError(
        f"There is no text solutions/{missing}.py in {project}{suggestion(missing, known)}. Name "
        "the checkout or the course with --project."
    )


def _places(project: Path) -> list[Materials]:
    """Return where there are texts, the project first."""
    folders = [project]
    spec = importlib.util.find_spec(INSTRUCTOR_PACKAGE)
    if spec is not None and spec.submodule_search_locations:
        folders += map(Path, spec.submodule_search_locations)
    return [materials for materials in map(Materials, folders) if materials.names]
