"""The class report of a real course: what the grader kept and what nbgrader's gradebook says."""

import csv
import shutil
from pathlib import Path

import course
import nbformat
import pytest
from click.testing import CliRunner
from course import CLASS, EX02, Course

from autograder.cli import main
from autograder.errors import HarnessError
from autograder.instructor.class_report import gather
from autograder.report.classroom import Entry, State

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("commands")]


@pytest.fixture(scope="module")
def graded(tmp_path_factory: pytest.TempPathFactory) -> Course:
    """A class of five: three graded, one of them marked by hand; one spoilt; one that is away."""
    folder = tmp_path_factory.mktemp("overview") / "course"
    graded = course.shared(tmp_path_factory.getbasetemp(), folder)
    newton = graded.place("newton")
    newton.parent.mkdir(parents=True)
    newton.write_text("<html>404</html>")
    assert graded.autograde("newton")[0] is False
    with graded.gradebook() as gradebook:
        gradebook.update_or_create_student("zuse", first_name="Konrad", last_name="Zuse")
        for name, points in {"when_not": 1.5, "fit_small_values": 1.0}.items():
            row = gradebook.find_grade(name, EX02, EX02, "hypatia")
            row.manual_score, row.needs_manual_grade = points, False
        gradebook.db.commit()
    feedback = graded.api().generate_feedback(EX02, "abel")
    assert feedback["success"], feedback
    return graded


@pytest.fixture(scope="module")
def entries(graded: Course) -> dict[str, Entry]:
    return {entry.student: entry for entry in gather(graded.root, EX02).entries}


def test_everybody_has_a_state(entries: dict[str, Entry]) -> None:
    assert {name: entry.state for name, entry in entries.items()} == {
        "abel": State.OPEN,
        "galois": State.BLANK,  # an answer as it was released needs nobody to mark it
        "hypatia": State.COMPLETE,
        "newton": State.UNGRADED,
        "zuse": State.MISSING,
    }
    assert "not a notebook that Jupyter can open" in entries["newton"].reason
    assert entries["zuse"].name == "Konrad Zuse"


def test_points_are_the_machines_unless_a_person_gave_others(entries: dict[str, Entry]) -> None:
    marks = {key[1]: points for key, points in entries["hypatia"].marks.items()}
    assert marks == {**CLASS["hypatia"].verdict, "fit_small_values": 1.0, "when_not": 1.5}
    assert entries["hypatia"].by_hand == {(EX02, "fit_small_values"), (EX02, "when_not")}
    assert entries["hypatia"].points == 18.5
    assert entries["abel"].points == sum(CLASS["abel"].verdict.values())
    assert (entries["galois"].points, entries["newton"].points) == (0.0, None)


def test_speedups_and_the_reference_are_those_of_the_round(
    graded: Course, entries: dict[str, Entry]
) -> None:
    (timing,) = gather(graded.root, EX02).timings
    assert timing.reference is not None and 1.0 < timing.reference <= 2.0 + 1e-9
    assert 1.0 < entries["hypatia"].speedups[EX02, "predict_large"] <= 2.0 + 1e-9
    assert entries["galois"].speedups == {}


def test_the_command_writes_a_page_and_a_csv_that_know_ungraded_from_zero(graded: Course) -> None:
    done = CliRunner().invoke(main, ["report", EX02, "--course", str(graded.root)])
    assert done.exit_code == 0, done.output
    page, table = (Path(line) for line in done.output.split())
    assert page.stat().st_mode & 0o777 == table.stat().st_mode & 0o777 == 0o600
    link = f"../feedback/abel/{EX02}/{EX02}.html"
    assert f'href="{link}"' in page.read_text() and (page.parent / link).is_file()
    with open(table, newline="") as file:
        ours = {row["student"]: (row["state"], row["points"]) for row in csv.DictReader(file)}
    assert ours["newton"] == ("ungraded", "") and ours["galois"] == ("left blank", "0")
    # nbgrader's own export does not.
    assert graded.nbgrader("export", "--to=grades.csv").returncode == 0
    with open(graded.root / "grades.csv", newline="") as file:
        stock = {row["student_id"]: row["score"] for row in csv.DictReader(file)}
    assert stock["newton"] == stock["galois"] == "0.0"


def test_a_new_round_begins_without_marks(
    tmp_path: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    again = course.shared(tmp_path_factory.getbasetemp(), tmp_path / "course")
    (again.root / "evidence" / EX02 / "round").write_text("2")
    room = gather(again.root, EX02)
    assert room.round == "round 2"
    assert {(e.state, e.points, e.reason) for e in room.entries} == {
        (State.UNGRADED, None, "It has not been autograded in this round.")
    }
    # The gradebook still has the marks of round 1.
    assert not any(entry.marks for entry in room.entries)


def test_a_resit_with_the_same_exercise_has_results_of_its_own(
    tmp_path: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    both = course.shared(tmp_path_factory.getbasetemp(), tmp_path / "course")
    first = {entry.student: entry.points for entry in gather(both.root, EX02).entries}
    shutil.copytree(both.root / "source" / EX02, both.root / "source" / "resit")
    assert both.api().generate_assignment("resit")["success"]
    # Who had full marks hands in what somebody else handed in before.
    path = both.root / "submitted" / "hypatia" / "resit" / f"{EX02}.ipynb"
    path.parent.mkdir()
    nbformat.write(both.fill("abel"), path)

    def points() -> dict[str, float | None]:
        return {entry.student: entry.points for entry in gather(both.root, "resit").entries}

    assert points() == dict.fromkeys(course.STUDENTS)
    result = both.api().autograde("resit", "hypatia")
    assert result["success"], result
    assert points() == {"abel": None, "galois": None, "hypatia": first["abel"]}
    assert {entry.student: entry.points for entry in gather(both.root, EX02).entries} == first


def test_an_earlier_result_is_not_of_a_submission_without_the_notebook(
    tmp_path: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    again = course.shared(tmp_path_factory.getbasetemp(), tmp_path / "course")
    again.place("hypatia").unlink()
    states = {e.student: (e.state, e.reason) for e in gather(again.root, EX02).entries}
    assert states["hypatia"] == (State.UNGRADED, f"{EX02}.ipynb was not handed in.")
    assert states["abel"] == (State.OPEN, "")


def test_student_who_was_removed_is_in_no_report(
    tmp_path: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    fewer = course.shared(tmp_path_factory.getbasetemp(), tmp_path / "course")
    # Who has handed in and was not graded is not in the gradebook either, but in the report.
    fewer.hand_in("noether", fewer.fill("hypatia"))
    done = fewer.nbgrader("db", "student", "remove", "galois", "--force")
    assert done.returncode == 0, done.stdout
    names = {entry.student for entry in gather(fewer.root, EX02).entries}
    assert names == {"abel", "hypatia", "noether"}


def test_settings_of_the_graders_account_count(
    tmp_path: Path, tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As on a hub, where the account that grades keeps the gradebook somewhere else."""
    hub = course.shared(tmp_path_factory.getbasetemp(), tmp_path / "course")
    with hub.gradebook() as gradebook:
        gradebook.find_grade("fit_small_values", EX02, EX02, "hypatia").manual_score = 0.5
        gradebook.db.commit()
    (hub.root / "gradebook.db").rename(tmp_path / "hub.db")
    home = tmp_path / "jupyter"
    home.mkdir()
    (home / "nbgrader_config.py").write_text(
        f"get_config().CourseDirectory.db_url = 'sqlite:///{tmp_path / 'hub.db'}'\n"
    )
    monkeypatch.setenv("JUPYTER_CONFIG_DIR", str(home))
    points = {entry.student: entry.points for entry in gather(hub.root, EX02).entries}
    assert hub.nbgrader("export", "--to=grades.csv").returncode == 0
    with open(hub.root / "grades.csv", newline="") as file:
        exported = {row["student_id"]: float(row["score"]) for row in csv.DictReader(file)}
    assert points == exported and points["hypatia"] == 16.5


def test_a_gradebook_whose_address_has_options_is_read(
    tmp_path: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    patient = course.shared(tmp_path_factory.getbasetemp(), tmp_path / "course")
    with patient.gradebook() as gradebook:
        gradebook.update_or_create_student("zuse", first_name="Konrad", last_name="Zuse")
    patient.configure(f'c.CourseDirectory.db_url = "{patient.database}?timeout=120"')
    names = {entry.student: entry.name for entry in gather(patient.root, EX02).entries}
    assert names["zuse"] == "Konrad Zuse"


def test_a_report_begins_nothing(tmp_path: Path) -> None:
    fresh = course.begin(tmp_path / "course")
    fresh.write_source(EX02, (course.ROOT / "source" / EX02 / f"{EX02}.ipynb").read_text())
    room = gather(fresh.root, EX02)
    assert (room.round, room.entries, room.max_points) == ("not graded yet", (), 20)
    assert not (fresh.root / "evidence").exists() and not (fresh.root / "gradebook.db").exists()


def test_an_ordinary_assignment_is_referred_to_nbgrader(tmp_path: Path) -> None:
    with pytest.raises(HarnessError, match="ps1 has no exercise of the kit"):
        gather(course.begin(tmp_path / "course").root, "ps1")
