"""The demonstration: lines that appear one by one, and nothing outside its folder."""

import io
import os
from pathlib import Path

import pytest
from kept_evidence import EX02, exercise_of
from rich.console import Console

from autograder.errors import HarnessError
from autograder.instructor import demo, demo_class
from autograder.instructor.demo_class import Board
from autograder.model import SCHEMA, Result
from autograder.nbgrader_bridge import course_files
from autograder.sandbox import walls

ROOT = Path(__file__).parents[3]


def result_of(student: str) -> Result:
    return Result(SCHEMA, student, EX02, None, f"no notebook of {student}")


def test_a_student_is_shown_once_and_as_soon_as_the_result_is_there() -> None:
    file = io.StringIO()
    board = Board(Console(file=file, width=80), exercise_of(EX02), ["ada", "bob"])
    board.show([])
    assert file.getvalue() == ""
    board.show([result_of("ada")])
    first = file.getvalue()
    assert first.count("student") == 1 and "no notebook of ada" in first
    board.show([result_of("ada"), result_of("bob")])
    assert file.getvalue().startswith(first)
    rest = file.getvalue().removeprefix(first)
    assert "ada" not in rest and "no notebook of bob" in rest and "student" not in rest
    board.end([{"start": 1.0}])
    assert "✓ passed" in file.getvalue() and "start" in file.getvalue()


def test_what_nbgrader_calls_looks_at_the_results_with_every_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    apps = tmp_path / "nbgrader" / "apps"
    apps.mkdir(parents=True)
    (apps.parent / "__init__.py").touch()
    (apps / "nbgraderapp.py").write_text("def main():\n    print('one')\n    print('two')\n")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    looked: list[str] = []

    def look() -> None:
        looked.append((tmp_path / "nbgrader.log").name)

    demo._nbgrader(Console(file=io.StringIO()), tmp_path, "autograde", look=look)
    # Once with each line, and once more when it has ended.
    assert len(looked) == 3
    assert (tmp_path / "nbgrader.log").read_text() == "one\ntwo\n"


def test_what_programs_keep_in_a_home_is_kept_in_the_folder(tmp_path: Path) -> None:
    environment = demo_class.environment(tmp_path)
    for name in ("IPYTHONDIR", "JUPYTER_DATA_DIR", "JUPYTER_RUNTIME_DIR", "MPLCONFIGDIR"):
        assert Path(environment[name]).is_relative_to(tmp_path)


def test_nothing_of_the_users_jupyter_configuration_reaches_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder, other = tmp_path / "demo", tmp_path / "other"
    folder.mkdir()
    for name in ("JUPYTER_CONFIG_DIR", "JUPYTER_CONFIG_PATH"):
        (other / name).mkdir(parents=True)
        monkeypatch.setenv(name, str(other / name))
        (other / name / "nbgrader_config.py").write_text(
            f"c = get_config()\nc.CourseDirectory.root = {str(other)!r}\n"
            f"c.CourseDirectory.db_url = 'sqlite:///{other}/gradebook.db'\n"
        )
    before = dict(os.environ)
    with demo_class.at_home(folder):
        assert course_files.layout(folder, "ps1").database == f"sqlite:///{folder}/gradebook.db"
        assert course_files.configured(folder) == folder
    assert dict(os.environ) == before
    assert course_files.configured(folder) == other
    demo._nbgrader(Console(file=io.StringIO()), folder, "export", "--to=grades.csv")
    assert (folder / "gradebook.db").exists() and not (other / "gradebook.db").exists()


def test_without_a_box_nothing_is_made_and_the_reason_is_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse() -> None:
        raise HarnessError("There is no box.")

    monkeypatch.setattr(walls, "require", refuse)
    with pytest.raises(HarnessError, match=r"^There is no box\. .*autograder demo --recorded\.$"):
        demo.run(ROOT, tmp_path / "demo")
    assert not (tmp_path / "demo").exists()


def test_where_nobody_was_graded_the_reason_is_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    apps = tmp_path / "nbgrader" / "apps"
    apps.mkdir(parents=True)
    (apps.parent / "__init__.py").touch()
    code = "import sys\ndef main():\n    print('The grader: the disk is full.')\n    sys.exit(1)\n"
    (apps / "nbgraderapp.py").write_text(code)
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    console = Console(file=io.StringIO())
    with pytest.raises(HarnessError, match=r"graded nobody: The grader: the disk is full\."):
        demo._autograde(console, tmp_path, exercise_of(EX02), ["ada"])
