"""``nbgrader zip_collect`` on archives as Canvas and Moodle make them, with odd things inside."""

import json
import zipfile
from pathlib import Path
from subprocess import CompletedProcess

import pytest
from course import Course, with_scripts
from nbgrader.api import Gradebook

from autograder.instructor.lms_export import export

pytestmark = pytest.mark.slow

ASSIGNMENT = "ex02"
PEOPLE = {
    "ada": ("Ada", "Lovelace", "101"),
    "bob": ("Robert", "O'Neill, Jr.", "102"),
    "li1": ("Wei", "Li", "201"),
    "li2": ("Wei", "Li", "202"),
    "zoe": ("Zoë", "Ångström", None),
}

CANVAS = {
    "lovelaceada_101_9001_ex02.ipynb": "ada, first",
    "lovelaceada_101_9004_ex02-2.ipynb": "ada, third",
    "lovelaceada_101_9002_ex02-1.ipynb": "ada, second",
    "lovelaceada_101_9003_notes.txt": "no notebook",
    "oneilljrrobert_LATE_102_9005_ex02-1.ipynb": "bob",
    "liwei_202_9006_ex02.ipynb": "li2",
    "ångströmzoë_777_9007_ex02.ipynb": "zoe",
    "stranger_888_9008_ex02.ipynb": "nobody in the course",
    "liwei_201_9009_homework.ipynb": "which notebook is it?",
    "../../outside_101_1_ex02.ipynb": "outside",
    "/tmp/outside_101_1_ex02.ipynb": "outside",
    "..\\outside_101_1_ex02.ipynb": "outside, elsewhere",
}
MOODLE = {
    "Ada Lovelace_4711_assignsubmission_file_/ex02.ipynb": "ada",
    "Robert O'Neill, Jr._4712_assignsubmission_file_/ex02 (1).ipynb": "bob",
    "Zoë Ångström_4713_assignsubmission_file_/work/ex02.ipynb": "zoe",
    "Wei Li_4714_assignsubmission_file_/ex02.ipynb": "one of two",
    "Ada Lovelace_4711_assignsubmission_file_/../../../outside/ex02.ipynb": "outside",
}


@pytest.fixture
def course(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Course:
    monkeypatch.setenv("PATH", with_scripts())  # making a gradebook starts alembic
    course = Course(tmp_path / "course")
    (course.root / "release" / ASSIGNMENT).mkdir(parents=True)
    (course.root / "release" / ASSIGNMENT / "ex02.ipynb").write_text(notebook("released"))
    (course.root / "downloaded" / ASSIGNMENT / "archive").mkdir(parents=True)
    course.configure("from autograder.course import configure", "c = get_config()", "configure(c)")
    with Gradebook(course.database) as gradebook:
        gradebook.add_assignment(ASSIGNMENT)
        for student, (first, last, number) in PEOPLE.items():
            gradebook.add_student(student, first_name=first, last_name=last, lms_user_id=number)
    return course


def notebook(text: str) -> str:
    cell = {"cell_type": "markdown", "id": "a", "metadata": {}, "source": text}
    return json.dumps({"cells": [cell], "metadata": {}, "nbformat": 4, "nbformat_minor": 5})


def collect(course: Course, members: dict[str, str], *more: str) -> CompletedProcess[str]:
    place = course.root / "downloaded" / ASSIGNMENT / "archive" / "submissions.zip"
    with zipfile.ZipFile(place, "w") as archive:
        for name, text in members.items():
            archive.writestr(name, notebook(text))
    done = course.nbgrader("zip_collect", ASSIGNMENT, *more)
    assert done.returncode == 0, done.stdout
    return done


def collected(course: Course) -> dict[str, str]:
    """The text of every file in the folders of students, by its path."""
    submitted = course.root / "submitted"
    files = [path for path in submitted.rglob("*") if path.is_file()]
    return {
        str(path.relative_to(submitted)): json.loads(path.read_text())["cells"][0]["source"]
        for path in sorted(files)
    }


def test_canvas(course: Course) -> None:
    said = collect(course, CANVAS).stdout
    assert collected(course) == {
        "ada/ex02/ex02.ipynb": "ada, third",
        "bob/ex02/ex02.ipynb": "bob",
        "li2/ex02/ex02.ipynb": "li2",
        "zoe/ex02/ex02.ipynb": "zoe",
    }
    assert "Canvas says that bob was late" in said
    for left_out in ("stranger_888_9008_ex02.ipynb", "liwei_201_9009_homework.ipynb"):
        assert any("Skipped" in line and left_out in line for line in said.splitlines())


def test_moodle(course: Course) -> None:
    said = collect(course, MOODLE).stdout
    assert collected(course) == {
        "ada/ex02/ex02.ipynb": "ada",
        "bob/ex02/ex02.ipynb": "bob",
        "zoe/ex02/ex02.ipynb": "zoe",
    }
    assert any("Skipped" in line and "Wei Li" in line for line in said.splitlines())
    odd = [line for line in said.splitlines() if "Skipped in submissions.zip" in line]
    assert len(odd) == 1 and "outside" in odd[0]


def test_nothing_is_written_outside_the_course(course: Course) -> None:
    collect(course, CANVAS | MOODLE)
    assert list(course.root.parent.iterdir()) == [course.root]
    assert not list(Path("/tmp").glob("outside_*"))
    folders = {"downloaded", "release", "submitted"}
    assert {path.name for path in course.root.iterdir() if path.is_dir()} == folders


def test_what_was_collected_before_is_not_overwritten(course: Course) -> None:
    collect(course, CANVAS)
    place = course.root / "downloaded" / ASSIGNMENT / "archive" / "submissions.zip"
    with zipfile.ZipFile(place, "w") as archive:
        archive.writestr("lovelaceada_101_9010_ex02-3.ipynb", notebook("another"))
    done = course.nbgrader("zip_collect", ASSIGNMENT)
    assert done.returncode != 0 and "--force" in done.stdout
    assert collected(course)["ada/ex02/ex02.ipynb"] == "ada, third"


def test_an_instructors_own_expression_wins(course: Course) -> None:
    course.configure(
        "c.FileNameCollectorPlugin.named_regexp = "
        r"r'.*/(?P<student_id>\w+)-(?P<file_id>ex\w+)[.]ipynb'"
    )
    collect(course, {"grace-ex02.ipynb": "grace", "lovelaceada_101_9001_ex02.ipynb": "ada"})
    assert collected(course) == {"grace/ex02/ex02.ipynb": "grace"}


def test_what_goes_back_to_canvas_has_the_header_that_it_accepts(course: Course) -> None:
    """As its importer counts: the columns of the student, of which the last has to be Section."""
    with Gradebook(course.database) as gradebook:
        gradebook.add_submission(ASSIGNMENT, "ada")
    header, *rows = export(course.root, ASSIGNMENT, "canvas").path.read_text().splitlines()
    first, second, user, login, section, column = header.split(",")
    assert ("Student" in first, "ID" in second) == (True, True)
    assert (user, login, section, column) == ("SIS User ID", "SIS Login ID", "Section", ASSIGNMENT)
    assert rows[0].startswith("    Points Possible,")
