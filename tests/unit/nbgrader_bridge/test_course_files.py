"""A course's settings are those that nbgrader has in its folder."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner
from nbgrader.coursedir import CourseDirectory
from traitlets.config import Config

from autograder.cli import main
from autograder.errors import HarnessError
from autograder.nbgrader_bridge import course_files, formgrader
from autograder.nbgrader_bridge.common import commands_path, nbgrader_command


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


# ------------------------------------------------------------------- settings of another course


@pytest.fixture
def other(home: Path, tmp_path: Path) -> Path:
    """A course that Jupyter's configuration names, with settings of its own."""
    folder = tmp_path / "other"
    folder.mkdir()
    (home / "nbgrader_config.py").write_text(
        f"c = get_config()\nc.CourseDirectory.root = {str(folder)!r}\n"
    )
    (folder / "nbgrader_config.py").write_text(
        "c = get_config()\nc.CourseDirectory.course_id = 'other'\n"
        f"c.Exchange.root = {str(folder / 'exchange')!r}\n"
        f"c.CourseDirectory.db_url = 'sqlite:///{folder}/other.db'\n"
    )
    return folder


@pytest.mark.parametrize("own", ["", "c.CourseDirectory.root = '/nowhere'"])
def test_folder_that_is_named_overrides_every_configured_one(
    own: str, other: Path, root: Path
) -> None:
    (root / "nbgrader_config.py").write_text(
        f"c = get_config()\nc.CourseDirectory.course_id = 'own'\n{own}\n"
    )
    place = course_files.layout(root, "ps1")
    assert (place.root, place.course_id) == (root, "own")
    assert place.database == f"sqlite:///{root / 'gradebook.db'}"
    assert place.source == root / "source" / "ps1" and set(place.submitted) == {"ada"}
    assert "root" not in course_files.settings(root).Exchange


def test_folder_that_is_named_counts_wherever_the_command_is_called(
    other: Path, root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (other / "nbgrader_config.py").write_text("c = get_config(\n")
    monkeypatch.chdir(other)
    assert course_files.layout(root, "ps1").root == root


def test_without_a_name_the_settings_must_mean_the_folder_we_are_in(
    other: Path, root: Path, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert course_files.configured(root) == other
    monkeypatch.chdir(root)
    with pytest.raises(HarnessError, match=f"the one in {other} .* this is {root}: .*--course"):
        course_files.here()
    link = root.with_name("link")
    link.symlink_to(root)
    for same in (root, link):
        (home / "nbgrader_config.py").write_text(
            f"c = get_config()\nc.CourseDirectory.root = {str(same)!r}\n"
        )
        assert course_files.here() == root
    (home / "nbgrader_config.py").unlink()
    assert course_files.here() == root


@pytest.mark.parametrize("words", [["report", "ps1"], ["export", "ps1", "--moodle"]])
def test_command_works_on_no_course_that_was_not_named(
    words: list[str], other: Path, root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (other / "submitted" / "bob" / "ps1").mkdir(parents=True)
    monkeypatch.chdir(root)
    done = CliRunner().invoke(main, words)
    assert done.exit_code == 1 and "Which course is meant?" in done.output
    named = CliRunner().invoke(main, [*words, "--course", "."])
    assert named.exit_code == 1 and str(other) not in named.output
    assert "Which course" not in named.output
    assert not (root / "reports").exists()


def test_nbgrader_is_started_in_the_folder_that_is_named(other: Path, root: Path) -> None:
    command = nbgrader_command(root, "export", "--to=marks.csv")
    env = {**os.environ, "PATH": commands_path()}
    done = subprocess.run(command, cwd=root, env=env, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert (root / "gradebook.db").exists() and (root / "marks.csv").exists()
    assert [path.name for path in other.iterdir()] == ["nbgrader_config.py"]


def test_formgrader_grades_in_the_course_that_it_shows(
    other: Path, root: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    class Api:
        def __init__(self, config: Config, parent: object) -> None:
            self.root = CourseDirectory(config=config).root

        def autograde(self, *asked: str) -> list[str]:
            return [self.root, *asked]

    monkeypatch.setattr("nbgrader.apps.NbGraderAPI", Api)
    monkeypatch.setattr(sys, "argv", ["formgrader", "ps1", "ada"])
    monkeypatch.setattr(sys, "path", list(sys.path))
    monkeypatch.chdir(root)
    formgrader.main()
    assert json.loads(capsys.readouterr().out) == [str(root), "ps1", "ada"]
