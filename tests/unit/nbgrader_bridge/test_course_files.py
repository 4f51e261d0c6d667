"""A course's settings are those that nbgrader has in its folder."""

import os
import sys
from pathlib import Path

import pytest

from autograder.errors import HarnessError
from autograder.nbgrader_bridge import course_files


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Jupyter's folder of a grader's account."""
    folder = tmp_path / "jupyter"
    folder.mkdir()
    monkeypatch.setenv("JUPYTER_CONFIG_DIR", str(folder))
    return folder


@pytest.fixture
def root(tmp_path: Path) -> Path:
    folder = tmp_path / "course"
    (folder / "submitted" / "ada" / "ps1").mkdir(parents=True)
    return folder


def test_settings_of_the_graders_account_count(home: Path, root: Path) -> None:
    (home / "nbgrader_config.py").write_text(
        "c = get_config()\nc.CourseDirectory.db_url = 'sqlite:////hub/one.db'\n"
        "c.CourseDirectory.course_id = 'hub'\n"
    )
    place = course_files.layout(root, "ps1")
    assert (place.database, place.course_id) == ("sqlite:////hub/one.db", "hub")
    assert place.root == root and set(place.submitted) == {"ada"}
    # The course's own file wins where both say something.
    (root / "nbgrader_config.py").write_text(
        "c = get_config()\nc.CourseDirectory.course_id = 'own'\n"
    )
    place = course_files.layout(root, "ps1")
    assert (place.database, place.course_id) == ("sqlite:////hub/one.db", "own")


@pytest.mark.usefixtures("home")
def test_course_without_settings_has_nbgraders(root: Path) -> None:
    place = course_files.layout(root, "ps1")
    assert place.database == f"sqlite:///{root / 'gradebook.db'}"
    assert place.source == root / "source" / "ps1"


def test_settings_that_do_not_load_are_named(home: Path, root: Path) -> None:
    for folder in (home, root):
        (folder / "nbgrader_config.py").write_text("c = get_config(\n")
        with pytest.raises(HarnessError, match=f"{folder}/nbgrader_config.py cannot be loaded"):
            course_files.layout(root, "ps1")
        (folder / "nbgrader_config.py").unlink()


@pytest.mark.usefixtures("home")
def test_reading_settings_leaves_the_process_as_it_was(root: Path) -> None:
    before = (os.getcwd(), list(sys.path))
    course_files.settings(root)
    assert (os.getcwd(), sys.path) == before


@pytest.mark.usefixtures("home")
@pytest.mark.parametrize(
    ("structure", "folder"),
    [
        ("{nbgrader_step}/{assignment_id}/hw_{student_id}", "submitted/ps1/hw_ada"),
        ("{nbgrader_step}/{student_id}.d/{assignment_id}", "submitted/ada.d/ps1"),
        ("{nbgrader_step}/{student_id}/{student_id}-{assignment_id}", "submitted/ada/ada-ps1"),
    ],
)
def test_students_name_may_be_part_of_a_folders_name(
    structure: str, folder: str, root: Path
) -> None:
    (root / folder).mkdir(parents=True)
    (root / folder).with_name("notes.txt").touch()
    (root / "nbgrader_config.py").write_text(
        f"c = get_config()\nc.CourseDirectory.directory_structure = {structure!r}\n"
    )
    place = course_files.layout(root, "ps1")
    assert place.submitted == {"ada": root / folder} and place.feedback == {}


@pytest.mark.usefixtures("home")
def test_structure_without_a_student_is_refused_in_one_sentence(root: Path) -> None:
    (root / "nbgrader_config.py").write_text(
        "c = get_config()\n"
        "c.CourseDirectory.directory_structure = '{nbgrader_step}/{assignment_id}'\n"
    )
    with pytest.raises(HarnessError, match=r"directory_structure is .*: expected \{student_id\}"):
        course_files.layout(root, "ps1")
