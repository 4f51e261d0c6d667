"""``autograder course``: makes a course, and never touches what is there."""

from pathlib import Path

import pytest
from click.testing import CliRunner
from traitlets.config import Config

from autograder.cli import main
from autograder.errors import HarnessError
from autograder.instructor import demo
from autograder.instructor.new_course import start

ROOT = Path(__file__).parents[3]
NOTEBOOK = Path("source/ex02_parallel_prediction/ex02_parallel_prediction.ipynb")


def test_a_new_course_has_settings_notebooks_and_exchange(tmp_path: Path) -> None:
    said = start(ROOT, tmp_path / "course")
    assert f"made: {NOTEBOOK}" in said
    assert (tmp_path / "course" / NOTEBOOK).read_bytes() == (ROOT / NOTEBOOK).read_bytes()
    settings = Config()
    config = tmp_path / "course" / "nbgrader_config.py"
    exec(config.read_text(), {"__file__": str(config), "get_config": lambda: settings})
    assert settings.Exchange.root == str(tmp_path / "course" / "exchange")
    assert (tmp_path / "course" / "exchange").stat().st_mode & 0o777 == 0o777


def test_a_second_time_changes_nothing(tmp_path: Path) -> None:
    start(ROOT, tmp_path)
    before = {p: p.read_bytes() for p in tmp_path.rglob("*") if p.is_file()}
    assert not [line for line in start(ROOT, tmp_path) if line.startswith("made")]
    assert before == {p: p.read_bytes() for p in tmp_path.rglob("*") if p.is_file()}


def test_what_an_instructor_changed_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / NOTEBOOK).parent.mkdir(parents=True)
    (tmp_path / NOTEBOOK).write_text("mine")
    said = start(ROOT, tmp_path)
    assert f"left alone: {NOTEBOOK}, which differs from what the kit builds" in said
    assert (tmp_path / NOTEBOOK).read_text() == "mine"


def test_a_course_without_the_kit_is_told_what_to_add(tmp_path: Path) -> None:
    config = tmp_path / "nbgrader_config.py"
    config.write_text("c = get_config()\n")
    said = start(ROOT, tmp_path)
    assert any("`configure(c)`" in line for line in said)
    assert config.read_text() == "c = get_config()\n"
    assert not (tmp_path / "exchange").exists()


def test_elsewhere_than_in_a_checkout_nothing_is_made(tmp_path: Path) -> None:
    with pytest.raises(HarnessError, match="not a checkout of the kit"):
        start(tmp_path, tmp_path / "course")
    assert not (tmp_path / "course").exists()


def test_the_command_says_what_it_made(tmp_path: Path) -> None:
    command = ["course", str(tmp_path / "course"), "--project", str(ROOT)]
    done = CliRunner().invoke(main, command)
    assert done.exit_code == 0
    assert f"made: {NOTEBOOK}\n" in done.output


def test_an_unknown_exercise_is_not_released_and_nothing_is_made(tmp_path: Path) -> None:
    with pytest.raises(HarnessError, match='did you mean "ex02_parallel_prediction"'):
        start(ROOT, tmp_path / "course", ["ex02_paralel_prediction"])
    assert not (tmp_path / "course").exists()


def test_a_course_without_the_kit_releases_nothing(tmp_path: Path) -> None:
    (tmp_path / "nbgrader_config.py").write_text("c = get_config()\n")
    with pytest.raises(HarnessError, match="Nothing was released"):
        start(ROOT, tmp_path, ["ex02_parallel_prediction"])
    assert not (tmp_path / "source").exists()


def test_a_demonstration_deletes_nothing_that_is_not_its_own(tmp_path: Path) -> None:
    course = tmp_path / "course"
    (course / "submitted").mkdir(parents=True)
    with pytest.raises(HarnessError, match="not the result of an earlier demo"):
        demo.run(tmp_path / "nowhere", course)
    assert (course / "submitted").is_dir()
    # An empty folder is taken, and goes on to what is missing here: the kit's checkout.
    with pytest.raises(HarnessError, match="not a checkout of the kit"):
        demo.run(tmp_path / "nowhere", tmp_path / "new")
    assert not (tmp_path / "new").exists()


def test_a_demonstration_of_an_unknown_exercise_makes_nothing(tmp_path: Path) -> None:
    with pytest.raises(HarnessError, match='did you mean "ex02_parallel_prediction"'):
        demo.run(ROOT, tmp_path / "new", ["ex02_paralel_prediction"])
    assert not (tmp_path / "new").exists()
