"""nbgrader's autograde with a pipeline that does as it is told: no box, no kernel.

What the real pipeline makes of the same slips is in ``tests/e2e/test_nbgrader_bad_input.py``.
"""

import json
import os
import shutil
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import course
import nbformat
import pytest
from course import Course
from hostile import corpus
from nbformat.v4 import new_markdown_cell, new_raw_cell
from nbgrader.apps import NbGraderAPI
from nbgrader.coursedir import CourseDirectory

from autograder import pipeline, reference_solution, submissions
from autograder.errors import HarnessError
from autograder.evidence import store
from autograder.model import Exercise, Finding, Grade, Result, ScoredFinding, Status
from autograder.nbgrader_bridge import execute, timestamps
from autograder.sandbox import bubblewrap

pytestmark = pytest.mark.usefixtures("commands")

CLASS = ("ada", "blaise", "carl")


class Told:
    """What the pipeline does."""

    def __init__(self) -> None:
        self.credit = 1.0
        self.no_box = ""
        self.act: Callable[[], None] = lambda: None
        self.graded = 0

    def require(self) -> None:
        if self.no_box:
            raise HarnessError(self.no_box)

    def grade(self, nb: Any, context: pipeline.GradingContext, *rest: Any) -> Grade:
        self.graded += 1
        self.act()
        scored = tuple(self._score(check) for check in context.exercise.checks)
        evidence: Any = SimpleNamespace(key="k", phases={}, cells=())
        return Grade(context.exercise.name, scored, 8 * self.credit, 8.0, evidence=evidence)

    def _score(self, check: Any) -> ScoredFinding:
        finding = Finding(
            check.grade_id, check.function, check.check, check.title, Status.PASSED,
            self.credit, "this", "that",
        )  # fmt: skip
        return ScoredFinding(finding, check.points * self.credit, check.points)


@pytest.fixture
def told(monkeypatch: pytest.MonkeyPatch) -> Told:
    told = Told()

    def reference(_path: Path, exercise: Exercise, *_: Any, **__: Any) -> Any:
        return exercise.typical

    require: Any = told.require
    require_cached = lambda: require()  # noqa: E731
    require_cached.cache_clear = lambda: None  # type: ignore[attr-defined]
    monkeypatch.setattr(bubblewrap, "require", require_cached)
    monkeypatch.setattr(reference_solution, "reference", reference)
    monkeypatch.setattr(pipeline, "grade", told.grade)
    monkeypatch.setattr(execute, "annotate", lambda nb, *_: nb)
    return told


@pytest.fixture(scope="module")
def released(tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = course.begin(tmp_path_factory.mktemp("released") / "course")
    shutil.copytree(corpus.HERE / "course" / "exercises", made.root / "exercises")
    made.write_source("tiny", corpus.solved())
    made.release("tiny")
    for student in CLASS:
        made.hand_in(student, made.released("tiny"), "tiny")
    return made.root


@pytest.fixture
def graded(released: Path, told: Told, tmp_path: Path) -> Course:
    """A class that has half of the points; the next grading would give all."""
    copy = Course(Path(shutil.copytree(released, tmp_path / "course")))
    told.credit = 0.5
    success, log = copy.autograde(assignment="tiny")
    assert success, log
    assert [points(copy, student) for student in CLASS] == [4.0] * 3
    told.credit, told.graded = 1.0, 0
    return copy


def points(made: Course, student: str) -> float | None:
    scores = [mark.auto for mark in made.marks(student, "tiny").values()]
    return None if None in scores else sum(score for score in scores if score is not None)


def standing(made: Course) -> dict[str, object]:
    found: dict[str, object] = {student: made.marks(student, "tiny") for student in CLASS}
    for place in ("autograded/*/tiny/*", "evidence/*/round-*/results/**/*.json"):
        found |= {str(path): path.read_bytes() for path in made.root.glob(place)}
    assert len(found) == 3 * len(CLASS)
    return found


def results(made: Course) -> dict[str, Result]:
    folder = next(made.root.glob("evidence/tiny/round-*"))
    round_: Any = SimpleNamespace(folder=folder)
    return {result.student: result for result in store.results(round_, "tiny")}


def test_healthy_class_is_graded_anew(graded: Course, told: Told) -> None:
    success, log = graded.autograde(assignment="tiny")
    assert success, log
    assert [points(graded, student) for student in CLASS] == [8.0] * 3
    assert all(result.grade.points == 8.0 for result in results(graded).values() if result.grade)
    assert not list((graded.root / "autograded").rglob(".*"))


def test_a_notebook_is_read_once_and_its_marks_are_for_what_was_handed_in(
    graded: Course, told: Told, monkeypatch: pytest.MonkeyPatch
) -> None:
    read, grade = submissions.read, told.grade
    paths: list[Path] = []
    handed_in: list[Any] = []

    def counted(path: Path, *rest: Any) -> Any:
        paths.append(path)
        return read(path, *rest)

    def noted(nb: Any, context: Any, progress: Any, submitted: Any) -> Grade:
        handed_in.append(submitted)
        return grade(nb, context)

    monkeypatch.setattr(submissions, "read", counted)
    monkeypatch.setattr(pipeline, "grade", noted)
    notebook = graded.released("tiny")
    notebook.cells[-1].outputs = [nbformat.v4.new_output("stream", text="as it was")]
    graded.hand_in("ada", notebook, "tiny")
    success, log = graded.autograde(assignment="tiny")
    assert success, log
    own = [path for path in paths if "source" not in path.parts]
    assert own == [graded.place(student, "tiny") for student in CLASS]
    assert [nb.cells[-1].get("outputs") for nb in handed_in] == [notebook.cells[-1].outputs, [], []]


def test_evidence_of_the_reference_is_looked_up_once_in_a_batch(
    graded: Course, told: Told, monkeypatch: pytest.MonkeyPatch
) -> None:
    looked: list[Path] = []

    def observed(solution: Path, *_: Any) -> bool:
        looked.append(solution)
        return True

    monkeypatch.setattr(reference_solution, "is_observed", observed)
    success, log = graded.autograde(assignment="tiny")
    assert success, log
    assert looked == [graded.root / "source" / "tiny" / "tiny.ipynb"]
    assert told.graded == 3


def _no_box(graded: Course, told: Told) -> str:
    told.no_box = "There is no box."
    return "There is no box."


def _no_round(graded: Course, told: Told) -> str:
    (graded.root / "evidence" / "tiny" / "round").write_text("two")
    return "The evidence of tiny cannot be kept"


def _wrong_exercise(graded: Course, told: Told) -> str:
    path = graded.root / "exercises" / "tiny" / "exercise.toml"
    path.write_text(path.read_text().replace("points = 2", "poinst = 2", 1))
    return 'unknown key "poinst"'


def _no_execute(graded: Course, told: Told) -> str:
    graded.configure("c.Execute.enabled = False")
    return "Leave --no-execute out"


def _broken_settings(graded: Course, told: Told) -> str:
    graded.configure("configure()")
    return "nbgrader_config.py cannot be loaded"


@pytest.mark.parametrize(
    "slip", [_no_box, _no_round, _wrong_exercise, _no_execute], ids=lambda slip: slip.__name__[1:]
)
def test_slip_ends_the_batch_after_one_sentence_and_changes_nothing(
    slip: Callable[[Course, Told], str], graded: Course, told: Told
) -> None:
    before = standing(graded)
    said = slip(graded, told)
    success, log = graded.autograde(assignment="tiny")
    assert not success and "Traceback" not in log
    assert log.count("The grader: ") == log.count(said) == 1, log
    assert standing(graded) == before and told.graded == 0


def test_settings_that_break_meanwhile_end_the_batch(graded: Course, told: Told) -> None:
    """As in a server that read them when it was started."""
    before, api = standing(graded), graded.api()
    said = _broken_settings(graded, told)
    result = api.autograde("tiny", "ada")
    assert result["success"] is False and said in result["log"]
    assert standing(graded) == before and told.graded == 0


def test_mistake_of_ours_costs_nobody_anything(graded: Course, told: Told) -> None:
    before = standing(graded)
    graded.hand_in("dora", graded.released("tiny"), "tiny")

    def fail() -> None:
        if told.graded in (2, 4):  # blaise and dora
            raise ZeroDivisionError("a mistake of ours")

    told.act = fail
    success, log = graded.autograde(assignment="tiny")
    assert not success and log.count("a mistake of ours") >= 2
    assert [points(graded, student) for student in CLASS] == [8.0, 4.0, 8.0]
    blaise = str(graded.autograded("blaise", "tiny"))
    assert Path(blaise).read_bytes() == before[blaise]
    kept = results(graded)
    assert kept["blaise"].grade is not None and kept["blaise"].grade.points == 4.0
    # Who has no marks yet waits for them.
    assert kept["dora"].grade is None and "a mistake of ours" in kept["dora"].reason
    assert points(graded, "dora") is None
    assert all(mark.needs_manual for mark in graded.marks("dora", "tiny").values())
    assert not graded.autograded("dora", "tiny").exists()
    # The next batch takes up both, without force.
    told.act, told.graded = lambda: None, 0
    result = graded.api().autograde("tiny", "*", force=False)
    assert result["success"], result
    assert told.graded == 2
    assert [points(graded, student) for student in (*CLASS, "dora")] == [8.0] * 4


def test_box_that_goes_meanwhile_ends_the_batch(graded: Course, told: Told) -> None:
    def fail() -> None:
        if told.graded == 2:
            told.no_box = "There is no box."
            raise HarnessError(told.no_box)

    told.act = fail
    success, _ = graded.autograde(assignment="tiny")
    assert not success
    assert [points(graded, student) for student in CLASS] == [8.0, 4.0, 4.0]
    assert told.graded == 2


def test_what_the_student_is_to_blame_for_takes_earlier_marks_back(
    graded: Course, told: Told
) -> None:
    graded.hand_in("blaise", b"no notebook", "tiny")
    success, log = graded.autograde(assignment="tiny")
    assert not success and log.count("The submission: ") == 1
    assert [points(graded, student) for student in CLASS] == [8.0, None, 8.0]
    assert not graded.autograded("blaise", "tiny").exists()
    assert not list((graded.root / "autograded").rglob(".*"))


def test_misnamed_notebook_is_named(graded: Course, told: Told) -> None:
    path = graded.place("blaise", "tiny")
    path.rename(path.with_name("homework.ipynb"))
    success, log = graded.autograde(assignment="tiny")
    assert not success and "Traceback" not in log
    assert log.count("homework.ipynb is not part of the assignment; expected tiny.ipynb") == 1
    assert "is not part of the assignment" in results(graded)["blaise"].reason
    assert [points(graded, student) for student in CLASS] == [8.0, None, 8.0]


def test_a_students_metadata_do_not_reach_the_pages_of_a_graded_notebook(
    graded: Course, told: Told
) -> None:
    """What nbconvert's templates read would make them fail in every run, or hide a cell."""
    notebook = graded.released("tiny")
    odd = ({"transient": "x"}, {"transient": {"remove_source": True}, "tags": ["seen", "a b"]})
    cells = [new_markdown_cell("my words", metadata=each) for each in odd]
    notebook.cells += [*cells, new_raw_cell("my raw words", metadata={"raw_mimetype": "x"})]
    notebook.cells[-1].metadata["raw_mimetype"] = None
    notebook.metadata.update({"title": "another", "widgets": {"x": 1}})
    graded.hand_in("blaise", notebook, "tiny")
    success, log = graded.autograde(assignment="tiny")
    assert success, log
    assert [points(graded, student) for student in CLASS] == [8.0] * 3
    made = nbformat.read(graded.autograded("blaise", "tiny"), 4)
    assert [cell.metadata for cell in made.cells[-3:]] == [{}, {"tags": ["seen"]}, {}]
    assert made.metadata == nbformat.read(graded.autograded("ada", "tiny"), 4).metadata
    assert {"kernelspec", "language_info"} >= made.metadata.keys() >= {"kernelspec"}
    # What nbgrader knows its cells by is as it was.
    names = [cell.metadata.get("nbgrader", {}).get("grade_id") for cell in notebook.cells]
    assert names == [cell.metadata.get("nbgrader", {}).get("grade_id") for cell in made.cells]
    result = graded.api().generate_feedback("tiny")
    assert result["success"], result
    page = graded.root / "feedback" / "blaise" / "tiny" / "tiny.html"
    assert page.read_text().count("my words") == 2 and "my raw words" in page.read_text()


def _description(made: Course) -> Path:
    return made.root / "exercises" / "tiny" / "exercise.toml"


def test_exercise_with_other_checks_than_students_have_grades_nobody(
    graded: Course, told: Told
) -> None:
    """A description in the place of the one that was released, as by ``autograder new``."""
    before, path = standing(graded), _description(graded)
    path.write_text(path.read_text().replace('"total_values"', '"nearest_values"'))
    success, log = graded.autograde(assignment="tiny")
    assert not success and "Traceback" not in log
    assert log.count("The grader: ") == 1 and "nearest_values" in log and "total_values" in log
    assert standing(graded) == before and told.graded == 0


def test_exercise_that_changed_since_the_last_grading_is_said(graded: Course, told: Told) -> None:
    said = "tiny has changed since tiny was last graded"
    assert said not in graded.autograde(assignment="tiny")[1]
    path = _description(graded).with_name("cases.py")
    path.write_text(path.read_text() + "\nCHANGED = 1\n")
    told.act = lambda: (_ for _ in ()).throw(HarnessError("not now"))  # nobody is graded by it
    assert graded.autograde(assignment="tiny")[1].count(said) == 1
    told.act = lambda: None
    success, log = graded.autograde(assignment="tiny")
    assert success and log.count(said) == 1
    assert log.index(said) < log.index("Converting notebook")
    assert said not in graded.autograde(assignment="tiny")[1]


def test_exercise_that_changed_since_its_release_is_said(
    released: Path, told: Told, tmp_path: Path
) -> None:
    said = "cases.py is newer than the released notebook"
    copy = Course(Path(shutil.copytree(released, tmp_path / "untouched")))
    assert said not in copy.autograde(assignment="tiny")[1]
    copy = Course(Path(shutil.copytree(released, tmp_path / "touched")))
    path = _description(copy).with_name("cases.py")
    path.write_text(path.read_text() + "\nCHANGED = 1\n")
    success, log = copy.autograde(assignment="tiny")
    assert success and log.count(said) == 1


def _modes(made: Course, *places: str) -> dict[str, str]:
    paths = [path for place in places for path in sorted((made.root / place).rglob("*"))]
    assert len(paths) > 8
    kinds = {path: oct(path.stat().st_mode & 0o7777)[2:] for path in paths}
    return {f"{path.relative_to(made.root)}{'/' * path.is_dir()}": kinds[path] for path in paths}


@pytest.fixture(params=[0o022, 0o077])
def umask(request: pytest.FixtureRequest) -> None:
    before = os.umask(request.param)
    request.addfinalizer(lambda: os.umask(before))


def test_shared_course_is_the_groups_whatever_the_umask(
    released: Path, told: Told, tmp_path: Path, umask: None
) -> None:
    made = Course(Path(shutil.copytree(released, tmp_path / "course")))
    assert made.autograde("ada", assignment="tiny")[0]  # alone, until the course is shared
    made.configure("c.CourseDirectory.groupshared = True")
    assert made.autograde(assignment="tiny")[0]
    for path, bits in _modes(made, "evidence", "autograded").items():
        assert (
            int(bits, 8) & 0o2770 == 0o2770 if path.endswith("/") else int(bits, 8) & 0o60 == 0o60
        ), path


def test_course_of_one_keeps_secret_and_results_to_itself(
    released: Path, told: Told, tmp_path: Path, umask: None
) -> None:
    made = Course(Path(shutil.copytree(released, tmp_path / "course")))
    assert made.autograde(assignment="tiny")[0]
    for path, bits in _modes(made, "evidence").items():
        assert path.endswith("/") or int(bits, 8) & 0o77 == 0, path


FORGED = "[AutogradeApp | ERROR] The grader: all is lost"


def _hostile_file(made: Course) -> None:
    (made.place("blaise", "tiny").parent / f"\x1b[2J\n{FORGED}\u202e.csv").write_text("1")


def _hostile_notebook(made: Course) -> None:
    made.place("blaise", "tiny").with_name(f"\x1b[2J\n{FORGED}.ipynb").write_text("{}")


def _hostile_cell(made: Course) -> None:
    kind = f"\x1b[2J\n{FORGED}"
    content = {"cells": [{"cell_type": kind, "metadata": {}, "source": 1}], "metadata": {},
               "nbformat": 4, "nbformat_minor": 5}  # fmt: skip
    made.place("blaise", "tiny").write_text(json.dumps(content))


def _hostile_link(made: Course) -> None:
    (made.place("blaise", "tiny").parent / f"\x1b[2J\n{FORGED}").symlink_to("/")


@pytest.mark.parametrize(
    "attack",
    [_hostile_file, _hostile_notebook, _hostile_cell, _hostile_link],
    ids=lambda attack: attack.__name__[1:],
)
def test_what_a_student_names_cannot_write_the_log(
    attack: Callable[[Course], None], graded: Course, told: Told
) -> None:
    attack(graded)
    _, log = graded.autograde(assignment="tiny")
    assert "all is lost" in log
    assert "\x1b" not in log and "\u202e" not in log
    assert not [line for line in log.splitlines() if line.startswith(FORGED)]
    assert [points(graded, student) for student in ("ada", "carl")] == [8.0, 8.0]
    assert "\x1b" not in "".join(result.reason for result in results(graded).values())


def test_error_of_a_step_cannot_write_the_log(graded: Course, told: Told) -> None:
    def fail() -> None:
        if told.graded == 2:
            raise ValueError(f"\x1b[2J\n{FORGED}")

    told.act = fail
    _, log = graded.autograde(assignment="tiny")
    assert "ValueError" in log and "all is lost" in log and "\x1b" not in log
    assert not [line for line in log.splitlines() if line.startswith(FORGED)]


def test_formgraders_list_survives_a_timestamp(
    graded: Course, monkeypatch: pytest.MonkeyPatch
) -> None:
    for owner, name in (
        (NbGraderAPI, "get_submitted_timestamp"),
        (CourseDirectory, "get_existing_timestamp"),
    ):
        monkeypatch.setattr(owner, name, getattr(owner, name))  # put back afterwards
    timestamps.forgive_everywhere()
    graded.hand_in("dora", graded.released("tiny"), "tiny")
    graded.hand_in("emmy", graded.released("tiny"), "tiny")
    for student, text in (("dora", b"\xff"), ("emmy", b"2026-05-01 09:00:00 UTC")):
        graded.place(student, "tiny").with_name("timestamp.txt").write_bytes(text)
    listed = {entry["student"]: entry for entry in graded.api().get_submissions("tiny")}
    assert set(listed) == {*CLASS, "dora", "emmy"}
    assert listed["dora"]["timestamp"] is None
    assert listed["emmy"]["timestamp"] == "2026-05-01T09:00:00"


@pytest.fixture
def ordinary(told: Told, tmp_path: Path) -> Course:
    """A course with an assignment of its own, whose notebook is read and not run."""
    made = course.begin(tmp_path / "course")
    made.write_source("ps1", nbformat.v4.new_notebook())
    made.release("ps1")
    made.configure("c.Execute.enabled = False")
    made.hand_in("ada", made.released("ps1"), "ps1")
    return made


def _fat_notebook(made: Course) -> None:
    notebook = made.released("ps1")
    notebook.cells.append(nbformat.v4.new_raw_cell("a" * 22_000_000))
    made.hand_in("ada", notebook, "ps1")


def _fat_data(made: Course) -> None:
    with open(made.place("ada", "ps1").with_name("data.bin"), "wb") as file:
        file.truncate(201_000_000)  # takes no room on the disk


def _many_files(made: Course) -> None:
    for number in range(100):  # nbgrader lists a folder once for each file in it
        folder = made.place("ada", "ps1").with_name(f"data-{number}")
        folder.mkdir()
        for name in range(50):
            (folder / str(name)).touch()


@pytest.mark.slow
@pytest.mark.parametrize(
    ("fill", "setting", "said"),
    [
        (_fat_notebook, "notebook_megabytes = 30", "more than the 21 MB that a notebook may have"),
        (_fat_data, "submission_megabytes = 300", "more than the 200 MB or 5000 files"),
        (_many_files, "submission_files = 6000", "more than the 200 MB or 5000 files"),
    ],
    ids=["notebook", "bytes", "files"],
)
def test_limit_of_what_is_handed_in_is_a_setting(
    fill: Callable[[Course], None], setting: str, said: str, ordinary: Course
) -> None:
    fill(ordinary)
    success, log = ordinary.autograde(assignment="ps1")
    assert not success and said in log
    ordinary.configure(f"c.SubmissionExporter.{setting}")
    success, log = ordinary.autograde(assignment="ps1")
    assert success, log


def test_limit_of_an_exercises_notebook_stays(graded: Course, told: Told) -> None:
    """What the grader promises to hold in memory rests on it."""
    graded.configure("c.SubmissionExporter.notebook_megabytes = 100")
    notebook = graded.released("tiny")
    notebook.cells.append(nbformat.v4.new_raw_cell("a" * 22_000_000))
    graded.hand_in("blaise", notebook, "tiny")
    _, log = graded.autograde(assignment="tiny")
    assert "more than the 21 MB that a notebook may have" in log


@pytest.mark.parametrize("text", [b"tomorrow", b"\xff\xfe", b"9999-12-31 23:59:59 -12"])
def test_timestamp_that_is_none_is_as_if_it_were_not_there(
    text: bytes, graded: Course, told: Told
) -> None:
    graded.place("blaise", "tiny").with_name("timestamp.txt").write_bytes(text)
    success, log = graded.autograde(assignment="tiny")
    assert success and "is not a time and is ignored" in log
    assert [points(graded, student) for student in CLASS] == [8.0] * 3


_ODD_TIMES: dict[str, Callable[[Path], object]] = {
    "a folder": lambda path: path.mkdir(),
    "a pipe": os.mkfifo,
    "too long": lambda path: path.write_bytes(b"2026-01-01 " * 100_000),
    "no text": lambda path: path.write_bytes(b"\xff"),
    "no time": lambda path: path.write_text("soon"),
    "lines of a log": lambda path: path.write_text("2026-05-01 09:00:00 UTC\n[App | ERROR] lost"),
}


@pytest.mark.parametrize("odd", _ODD_TIMES)
def test_what_is_no_time_is_not_read_and_does_not_go_on_to_the_feedback(
    odd: str, tmp_path: Path
) -> None:
    path = tmp_path / "timestamp.txt"
    _ODD_TIMES[odd](path)
    read = timestamps.forgive(CourseDirectory().get_existing_timestamp)
    if odd != "lines of a log":  # of which dateutil may make what it likes
        assert read(str(tmp_path)) is None
    timestamps.mend(tmp_path)
    assert path.read_text() == ""


@pytest.mark.parametrize("text", ["2026-05-01 09:00:00 UTC", "2026-05-01 09:00:00.000001 UTC\n"])
def test_a_time_is_kept_as_it_is(text: str, tmp_path: Path) -> None:
    timestamps.mend(tmp_path)
    assert not list(tmp_path.iterdir())
    (tmp_path / "timestamp.txt").write_text(text)
    timestamps.mend(tmp_path)
    assert (tmp_path / "timestamp.txt").read_text() == text
    assert CourseDirectory().get_existing_timestamp(str(tmp_path)) is not None
