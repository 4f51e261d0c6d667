"""A program that gives nbgrader settings of its own does not run exercises of the kit either."""

import os
import shutil
from pathlib import Path

import course
import nbformat
import pytest
from course import Course
from nbformat import NotebookNode
from nbgrader.apps import NbGraderAPI
from traitlets.config import Config

from autograder import check
from autograder.errors import CheckError
from autograder.nbgrader_bridge.kernel_guard import EXECUTION, exercises_here

ROOT = Path(__file__).parents[3]
EX02 = "ex02_parallel_prediction"
GRADING, VALIDATING = {EXECUTION: "autograde"}, {EXECUTION: "validate"}


def folder(root: Path, name: str) -> Path:
    place = root / "autograded" / "ada" / "ps1"
    place.mkdir(parents=True)
    (place / f"{name}.ipynb").write_text("{}")
    return place


def test_exercise_that_is_being_graded_is_found(tmp_path: Path) -> None:
    assert exercises_here(GRADING, folder(tmp_path, EX02)) == [EX02]


def test_exercise_of_the_courses_own_is_found(tmp_path: Path) -> None:
    place = folder(tmp_path, "mine")
    assert exercises_here(GRADING, place) == []
    (tmp_path / "exercises" / "mine").mkdir(parents=True)
    (tmp_path / "exercises" / "mine" / "exercise.toml").touch()
    assert exercises_here(GRADING, place) == ["mine"]


@pytest.mark.parametrize("environment", [{}, VALIDATING])
def test_student_who_works_or_validates_is_left_alone(
    environment: dict[str, str], tmp_path: Path
) -> None:
    assert exercises_here(environment, folder(tmp_path, EX02)) == []


@pytest.mark.parametrize(("environment", "left"), [(GRADING, True), (VALIDATING, False)])
def test_check_asks_where_the_kernel_did_not(
    environment: dict[str, str], left: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def leave(status: int) -> None:
        raise SystemExit(status)

    monkeypatch.setattr(os, "_exit", leave)
    monkeypatch.chdir(folder(tmp_path, EX02))
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    with pytest.raises(SystemExit if left else CheckError):
        check(3)  # type: ignore[arg-type]


@pytest.fixture
def bare(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Course:
    """A course that a program grades without any settings, where the kit is installed."""
    monkeypatch.setenv("PATH", course.with_scripts())
    # nbgrader leaves it behind when a conversion fails; the test's end takes it away.
    monkeypatch.setenv(EXECUTION, "")
    # As the environment has it, wherever these tests run.
    profile = tmp_path / "ipython" / "profile_default"
    profile.mkdir(parents=True)
    shutil.copy(ROOT / "jupyter-config" / "ipython_kernel_config.json", profile)
    monkeypatch.setenv("IPYTHONDIR", str(profile.parent))
    return course.begin(tmp_path / "course", stock=True)


def marked(ran: Path) -> NotebookNode:
    """A notebook whose cell leaves a file, and asks for its points."""
    cell = nbformat.v4.new_code_cell(f"open({str(ran)!r}, 'w').close()")
    cell.metadata["nbgrader"] = {
        "schema_version": 3, "grade": True, "solution": False, "locked": True, "task": False,
        "grade_id": "test", "points": 1,
    }  # fmt: skip
    return nbformat.v4.new_notebook(
        cells=[cell],
        metadata={"kernelspec": {"name": "python3", "display_name": "", "language": "python"}},
    )


@pytest.mark.slow
@pytest.mark.parametrize("name", [EX02, "ps1"])
def test_bare_config_runs_ordinary_notebooks_only(name: str, bare: Course, tmp_path: Path) -> None:
    ran = tmp_path / "ran"
    bare.write_source(name, marked(ran))
    api = NbGraderAPI(config=Config({"CourseDirectory": {"root": str(bare.root)}}))
    assert api.generate_assignment(name)["success"]
    bare.hand_in("ada", bare.released(name), name)
    graded = api.autograde(name, "ada")
    ordinary = name != EX02
    assert graded["success"] is ordinary and ran.exists() is ordinary, graded
    marks = bare.marks("ada", name)["test"]
    assert marks.auto == (1.0 if ordinary else None)
