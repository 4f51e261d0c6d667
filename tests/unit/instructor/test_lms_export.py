"""Marks for Canvas and Moodle, from a real gradebook of nbgrader's."""

import csv
import shutil
from datetime import datetime
from pathlib import Path

import pytest
from click.testing import CliRunner
from course import with_scripts
from nbgrader.api import Gradebook

from autograder.cli import main
from autograder.errors import HarnessError
from autograder.evidence import rounds, store
from autograder.exercise import catalogue
from autograder.instructor.lms_export import export
from autograder.model import SCHEMA, Grade, Result
from autograder.nbgrader_bridge.common import EVIDENCE

EXERCISE = "ex02_parallel_prediction"

PEOPLE = {
    "ada": ("Ada", "Lovelace", "ada@example.org", "101"),
    "bob": (None, None, None, None),
    "eve": ("=HYPERLINK(1)", "O'Neill, Jr.", "eve@example.org", "103"),
    "ida": ("Ida", "Rhodes", "ida@example.org", "104"),
    "zoë": ("Zoë", "Ångström", "zoe@example.org", "105"),
}


@pytest.fixture(scope="module")
def gradebook_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Five students: right and late, without a name, with an odd one, nothing, not marked yet."""
    path = tmp_path_factory.mktemp("course") / "gradebook.db"
    with pytest.MonkeyPatch.context() as environment:
        environment.setenv("PATH", with_scripts())
        _fill(path)
    return path


@pytest.fixture
def course(gradebook_file: Path, tmp_path: Path) -> Path:
    shutil.copy(gradebook_file, tmp_path)
    return tmp_path


def _fill(path: Path) -> None:
    with Gradebook(f"sqlite:///{path}") as gradebook:
        gradebook.add_assignment("ex01", duedate="2026-01-01 12:00:00 UTC")
        gradebook.add_notebook("ex01", "ex01")
        for name, most in (("values", 4), ("words", 2)):
            kind = "code" if name == "values" else "markdown"
            gradebook.add_grade_cell(name, "ex01", "ex01", max_score=most, cell_type=kind)
        for student, (first, last, email, number) in PEOPLE.items():
            gradebook.add_student(
                student, first_name=first, last_name=last, email=email, lms_user_id=number
            )
        for student, points, words, penalty in (
            ("ada", 4.0, 1.5, 1.0),
            ("bob", 0.333, 0.0, 0.0),
            ("eve", 1.0, 0.0, 5.0),
            ("zoë", 4.0, None, 0.0),
        ):
            submission = gradebook.add_submission("ex01", student, timestamp=datetime(2026, 1, 1))
            submission.notebooks[0].late_submission_penalty = penalty
            for grade in submission.notebooks[0].grades:
                score = points if grade.name == "values" else words
                grade.manual_score, grade.needs_manual_grade = score, score is None
        gradebook.db.commit()


def rows(path: Path) -> list[list[str]]:
    return list(csv.reader(path.read_text("utf-8").splitlines()))


def test_canvas_gets_points_possible_and_a_mark_where_it_is_final(course: Path) -> None:
    done = export(course, "ex01", "canvas", column="ex01 (77)")
    header, possible, *students = rows(done.path)
    assert header == ["Student", "ID", "SIS User ID", "SIS Login ID", "Section", "ex01 (77)"]
    assert possible == ["    Points Possible", "", "", "", "", "6"]
    assert students == [
        ["Lovelace, Ada", "101", "", "ada", "", "4.5"],
        ["bob", "", "", "bob", "", "0.33"],
        ["O'Neill, Jr., =HYPERLINK(1)", "103", "", "eve", "", "0"],
        ["Rhodes, Ida", "104", "", "ida", "", ""],
        ["Ångström, Zoë", "105", "", "zoë", "", ""],
    ]
    assert (done.students, done.missing, done.open) == (5, ("ida",), ("zoë",))
    assert done.ungraded == {}


def test_moodle_gets_identifiers_that_it_can_be_told_to_look_for(course: Path) -> None:
    header, *students = rows(export(course, "ex01", "moodle").path)
    assert header == [
        "Username", "ID number", "Email address", "First name", "Last name", "ex01",
    ]  # fmt: skip
    assert students[0] == ["ada", "101", "ada@example.org", "Ada", "Lovelace", "4.5"]
    assert students[2][3] == "'=HYPERLINK(1)"


def test_the_command_says_who_has_no_mark_and_leaves_the_gradebook_as_it_was(course: Path) -> None:
    before = (course / "gradebook.db").read_bytes()
    out = course / "marks.csv"
    done = CliRunner().invoke(
        main, ["export", "ex01", "--moodle", "--course", str(course), "--out", str(out)]
    )
    assert done.exit_code == 0, done.output
    assert "no mark, handed in nothing: ida" in done.output
    assert "no mark, not fully marked: zoë" in done.output
    assert out.exists() and (course / "gradebook.db").read_bytes() == before


def test_a_system_has_to_be_named(course: Path) -> None:
    done = CliRunner().invoke(main, ["export", "ex01", "--course", str(course)])
    assert done.exit_code == 2 and "--canvas or --moodle" in done.output


@pytest.mark.parametrize("assignment", ["ex02", "ex0"])
def test_an_assignment_that_nobody_handed_in_writes_nothing(course: Path, assignment: str) -> None:
    with pytest.raises(HarnessError, match="Nothing was graded"):
        export(course, assignment, "canvas")
    assert not (course / "reports").exists()


def test_a_folder_without_a_gradebook_is_said_so(tmp_path: Path) -> None:
    with pytest.raises(HarnessError, match="has no students"):
        export(tmp_path, "ex01", "canvas")


def hand_in(course: Path, student: str, name: str, place: str = "submitted/{}/ex01") -> None:
    folder = course / place.format(student)
    folder.mkdir(parents=True, exist_ok=True)
    (folder / name).write_text("{}")


def refuse(course: Path, student: str, reason: str) -> None:
    """Leave what the grader leaves of a submission to an exercise of the kit that it refuses."""
    exercise = catalogue.find(EXERCISE)
    assert exercise is not None
    hand_in(course, ".", f"{EXERCISE}.ipynb", "source/{}/ex01")
    round_ = rounds.current(course / EVIDENCE, exercise)
    store.save_result(round_, "ex01", Result(SCHEMA, student, EXERCISE, None, reason))


def test_who_handed_in_and_is_not_graded_yet_did_not_hand_in_nothing(course: Path) -> None:
    hand_in(course, "ida", "ex01.ipynb")
    done = export(course, "ex01", "canvas")
    assert (done.missing, done.ungraded, done.open) == ((), {"ida": ""}, ("zoë",))
    assert ["Rhodes, Ida", "104", "", "ida", "", ""] in rows(done.path)


@pytest.mark.parametrize("name", ["", "timestamp.txt"])
def test_a_folder_without_a_file_of_the_students_is_nothing(name: str, course: Path) -> None:
    (course / "submitted/ida/ex01/empty").mkdir(parents=True)
    hand_in(course, "ida", "ex02.ipynb", "submitted/{}/ex02")
    if name:
        hand_in(course, "ida", name)
    done = export(course, "ex01", "canvas")
    assert (done.missing, done.ungraded) == (("ida",), {})


def test_what_was_handed_in_lies_where_the_course_has_it(course: Path) -> None:
    (course / "nbgrader_config.py").write_text(
        "c = get_config()\nc.CourseDirectory.submitted_directory = 'inbox'\n"
    )
    hand_in(course, "ida", "ex01.ipynb")
    assert export(course, "ex01", "canvas").missing == ("ida",)
    hand_in(course, "ida", "ex01.ipynb", "inbox/{}/ex01")
    assert export(course, "ex01", "canvas").ungraded == {"ida": ""}


def test_a_refusal_is_told_with_its_reason(course: Path) -> None:
    hand_in(course, "ida", "a (1).ipynb")
    refuse(course, "ida", "a (1).ipynb is not part of the assignment.")
    refuse(course, "zoë", "It is no notebook.")  # whose words are not marked
    refuse(course, "ada", "It is no notebook.")  # who has got all marks by hand since
    done = CliRunner().invoke(main, ["export", "ex01", "--moodle", "--course", str(course)])
    assert done.exit_code == 0, done.output
    assert (
        "no mark, not graded yet: ida (a (1).ipynb is not part of the assignment.)\n"
        "no mark, not graded yet: zoë (It is no notebook.)\n"
    ) in done.output
    assert "nothing" not in done.output and "not fully" not in done.output
    assert rows(course / "reports" / "ex01-moodle.csv")[1][-1] == "4.5"


def test_who_is_not_enrolled_and_not_graded_is_named_too(course: Path) -> None:
    hand_in(course, "new", "ex01.ipynb")
    done = CliRunner().invoke(main, ["export", "ex01", "--moodle", "--course", str(course)])
    assert "no mark, not graded yet: new\n" in done.output
    assert "no mark, handed in nothing: ida\n" in done.output


def test_who_was_graded_and_taken_out_of_the_gradebook_is_not_waiting(course: Path) -> None:
    hand_in(course, "gone", "ex01.ipynb")
    exercise = catalogue.find(EXERCISE)
    assert exercise is not None
    hand_in(course, ".", f"{EXERCISE}.ipynb", "source/{}/ex01")
    round_ = rounds.current(course / EVIDENCE, exercise)
    grade = Grade(EXERCISE, (), 0.0, 0.0)
    store.save_result(round_, "ex01", Result(SCHEMA, "gone", EXERCISE, grade))
    assert export(course, "ex01", "canvas").ungraded == {}
