"""What nbgrader and the grader cannot use: one sentence, no marks for it, and nothing lost."""

import errno
import json
import os
import shutil
import sqlite3
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import course
import forked
import kept_evidence
import nbformat
import pytest
from course import CLASS, EX02, Course
from nbformat import NotebookNode
from nbformat.v4 import new_code_cell, new_notebook

from autograder import pipeline, reference_solution
from autograder.evidence import store
from autograder.exercise.catalogue import KIT
from autograder.model import Evidence, Exercise
from autograder.nbgrader_bridge import gradebook_writer
from autograder.sandbox import bubblewrap
from autograder.sandbox.running_box import RunningBox

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("commands")]

NOTHING = dict.fromkeys(CLASS["hypatia"].verdict)
STUDENTS = course.STUDENTS


def standing(copy: Course) -> dict[str, object]:
    """All that a grading leaves of a class: marks, and every file that students are shown."""
    folders = ("autograded", "feedback")
    found: dict[str, object] = {student: copy.marks(student) for student in STUDENTS}
    for path in (path for folder in folders for path in sorted((copy.root / folder).rglob("*"))):
        if path.is_file() and not path.name.startswith("."):
            found[str(path.relative_to(copy.root))] = path.read_bytes()
    for path in sorted(copy.root.glob("evidence/*/round-*/results/**/*.json")):
        found[str(path.relative_to(copy.root))] = path.read_bytes()
    assert len(found) > 8
    return found


# ---------------------------------------------------------------------------- submissions


def _spoil(notebook: NotebookNode, **metadata: object) -> None:
    """Change the nbgrader metadata of the first cell that has any."""
    cell = next(cell for cell in notebook.cells if "nbgrader" in cell.metadata)
    cell.metadata.nbgrader.update(metadata)


BROKEN = {
    "text": "is not a notebook that Jupyter can open",
    "json": "is not a notebook that Jupyter can open",
    "list": "is not a notebook that Jupyter can open",
    "number": "is not a notebook that Jupyter can open",
    "empty": "is not a notebook that Jupyter can open",
    "folder": "is not a file but something else",
    "old": "nbgrader metadata that nbgrader cannot use (SchemaTooOldError",
    "new": "nbgrader metadata that nbgrader cannot use (SchemaTooNewError",
    "spoilt": "nbgrader metadata that nbgrader cannot use",
    "nonsense": "nbgrader metadata that nbgrader cannot use",
}
"""What must be said, by the student who hands it in."""


@pytest.fixture(scope="module")
def batch(base: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Course, int, str]:
    """A class that had full marks and has now handed in something broken, with one that has not.

    Returns the course, the exit status of ``nbgrader autograde``, and its log.
    """
    folder = tmp_path_factory.mktemp("broken") / "course"
    broken = course.shared(base, folder, **dict.fromkeys(BROKEN, "hypatia"))
    for student in BROKEN:
        assert broken.points(student) == CLASS["hypatia"].verdict
    source_is_a_number = broken.fill("hypatia")
    source_is_a_number.cells[0].source = 5
    metadata_is_a_word = broken.fill("hypatia")
    metadata_is_a_word.cells[0].metadata["nbgrader"] = "nonsense"
    contents = {
        "text": b"# my homework\nx = 1\n",
        "json": b'{"answer": 42}',
        "list": b"[1, 2, 3]",
        "number": json.dumps(source_is_a_number).encode(),
        "empty": b"",
        "folder": None,
        "old": broken.fill("hypatia", lambda notebook: _spoil(notebook, schema_version=2)),
        "new": broken.fill("hypatia", lambda notebook: _spoil(notebook, schema_version=4)),
        "spoilt": broken.fill("hypatia", lambda notebook: _spoil(notebook, task="perhaps")),
        "nonsense": json.dumps(metadata_is_a_word).encode(),
    }
    for student, content in contents.items():
        broken.hand_in(student, content)
    done = broken.nbgrader("autograde", EX02, "--force")
    return broken, done.returncode, done.stdout


@pytest.mark.parametrize("student", BROKEN)
def test_broken_submission_gets_one_sentence_and_no_marks(
    student: str, batch: tuple[Course, int, str]
) -> None:
    broken, _, log = batch
    said = _said_of(student, log)
    assert len(said) == 1 and said[0].startswith(f"The submission: {EX02}.ipynb"), log
    assert BROKEN[student] in said[0]
    assert broken.points(student) == NOTHING
    assert not broken.autograded(student).exists()
    assert broken.marks(student)["when_not"].needs_manual


@pytest.mark.parametrize("student", STUDENTS)
def test_batch_with_broken_submissions_goes_on(
    student: str, batch: tuple[Course, int, str]
) -> None:
    broken, status, log = batch
    assert status == 1
    assert "Traceback" not in log
    assert broken.points(student) == CLASS[student].verdict
    assert broken.autograded(student).exists()


def test_mended_submission_is_graded(batch: tuple[Course, int, str]) -> None:
    broken, _, _ = batch
    broken.hand_in("text", broken.fill("hypatia"))
    success, log = broken.autograde("text")
    assert success, log
    assert broken.points("text") == CLASS["hypatia"].verdict


def _said_of(student: str, log: str) -> list[str]:
    """Return what was said of a student's submission between its first line and the next one's."""
    said, about = [], ""
    for line in log.splitlines():
        if "There was an error processing assignment: " in line:
            about = line.split("/submitted/")[1].split("/")[0]
        elif "] The " in line and about == student:
            said.append(line.split("] ", 1)[1])
    return said


def test_misnamed_notebook_gets_one_sentence_and_a_result(copy: Course) -> None:
    copy.hand_in("noether", copy.fill("hypatia"))
    path = copy.place("noether")
    path.rename(path.with_name("my homework.ipynb"))
    before = standing(copy)
    done = copy.nbgrader("autograde", EX02)
    assert done.returncode == 1 and "Traceback" not in done.stdout
    said = (
        f"The submission: my homework.ipynb is not part of the assignment; expected {EX02}.ipynb."
    )
    assert done.stdout.count(said) == 1, done.stdout
    (noether,) = copy.root.glob("evidence/*/round-*/results/*/noether.json")
    assert "is not part of the assignment" in noether.read_text()
    noether.unlink()
    assert standing(copy) == before
    # One more notebook beside the right one is as with nbgrader.
    path.with_name("my homework.ipynb").rename(path)
    path.with_name("notes.ipynb").write_text(path.read_text())
    success, log = copy.autograde("noether")
    assert success and "Skipping unknown notebook" in log
    assert copy.points("noether") == CLASS["hypatia"].verdict


# ------------------------------------------------------------------------------- the set-up


@pytest.fixture(scope="module")
def with_feedback(base: Path, tmp_path_factory: pytest.TempPathFactory) -> Course:
    graded = course.shared(base, tmp_path_factory.mktemp("graded") / "course")
    feedback = graded.api().generate_feedback(EX02)
    assert feedback["success"], feedback
    return graded


@pytest.fixture
def copy(with_feedback: Course, tmp_path: Path) -> Course:
    return Course(Path(shutil.copytree(with_feedback.root, tmp_path / "course")))


def test_unknown_assignment_is_named(copy: Course) -> None:
    done = copy.nbgrader("autograde", "ex02_paralel_prediction")
    assert done.returncode == 1
    assert "Did you mean" in done.stdout and EX02 in done.stdout
    assert "Traceback" not in done.stdout
    assert copy.points("hypatia") == CLASS["hypatia"].verdict


def test_wrong_key_in_the_courses_own_exercise(copy: Course) -> None:
    own = copy.root / "exercises" / EX02
    shutil.copytree(KIT / EX02, own)
    success, log = copy.autograde("hypatia")
    assert success, log
    text = (own / "exercise.toml").read_text()
    (own / "exercise.toml").write_text(text.replace("points = 2", "poinst = 2", 1))
    before = standing(copy)
    success, log = copy.autograde()
    assert not success and "Traceback" not in log
    assert log.count('unknown key "poinst" in [[checks]] "fit_small_values"') == 1
    assert standing(copy) == before


def test_wrong_reference_solution_touches_nobody_and_is_read_anew(copy: Course) -> None:
    path = copy.root / "source" / EX02 / f"{EX02}.ipynb"
    right = path.read_text()
    # Without its solutions it needs no box to be found wanting.
    shutil.copy(copy.root / "release" / EX02 / path.name, path)
    before = standing(copy)
    success, log = copy.autograde()
    assert not success and "Traceback" not in log
    sentence = f"The grader: The reference solution of {EX02} gets"
    assert log.count(sentence) == 1, log
    assert "so nothing is graded" in log
    assert standing(copy) == before
    path.write_text(right)
    success, log = copy.autograde()
    assert success, log
    assert copy.points("hypatia") == CLASS["hypatia"].verdict


def test_missing_reference_solution_is_said(copy: Course) -> None:
    (copy.root / "source" / EX02 / f"{EX02}.ipynb").unlink()
    before = standing(copy)
    success, log = copy.autograde("hypatia")
    assert not success and "Traceback" not in log
    assert "autograder build" in log
    assert standing(copy) == before


@pytest.fixture
def no_bubblewrap(copy: Course, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """No bubblewrap, once the course that all tests start from is graded."""
    monkeypatch.setenv("PATH", str(Path(sys.executable).parent))
    assert shutil.which("bwrap") is None
    bubblewrap.require.cache_clear()
    yield
    bubblewrap.require.cache_clear()


@pytest.mark.usefixtures("no_bubblewrap")
def test_what_was_observed_is_recorded_without_bubblewrap(copy: Course) -> None:
    before = copy.evidence()
    success, log = copy.autograde()
    assert success, log
    assert copy.evidence() == before
    assert {name: copy.points(name) for name in STUDENTS} == {
        name: CLASS[name].verdict for name in STUDENTS
    }


@pytest.mark.usefixtures("no_bubblewrap")
def test_no_bubblewrap_refuses_and_names_the_way_out(copy: Course) -> None:
    for kept in copy.root.glob("evidence/*/round-*/evidence-*.json"):
        kept.unlink()
    before = standing(copy)
    success, log = copy.autograde()
    assert not success and "Traceback" not in log
    assert log.count("apt install bubblewrap") == 1
    assert standing(copy) == before
    option = "--BoxedExecute.boxed=False"
    assert option in log
    # What is named must be there for nbgrader's users, too; galois' blanks need no box.
    shutil.rmtree(copy.root / "submitted" / "abel")
    shutil.rmtree(copy.root / "submitted" / "hypatia")
    done = copy.nbgrader("autograde", EX02, "--force", option, PATH=os.environ["PATH"])
    assert done.returncode == 0, done.stdout
    assert "unrecognized" not in done.stdout.lower()
    assert copy.points("galois") == CLASS["galois"].verdict


def test_cluster_that_does_not_start_is_nobodys_fault(
    copy: Course, monkeypatch: pytest.MonkeyPatch
) -> None:
    for file in copy.root.glob("evidence/*/round-*/results/*/abel.json"):
        key = json.loads(file.read_text())["evidence"]
        (file.parents[2] / f"evidence-{key}.json").unlink()
    real = RunningBox._program

    def program(box: RunningBox, port: int) -> tuple[str, ...]:
        return tuple("no_such_preload" if "recorder" in word else word for word in real(box, port))

    before = standing(copy)
    with monkeypatch.context() as patch:
        patch.setattr(RunningBox, "_program", program)
        success, log = copy.autograde()
    assert not success and "Traceback" not in log
    said = [line for line in log.splitlines() if "The grader: " in line]
    assert len(said) == 1 and "did not start" in said[0], log
    assert "no_such_preload" in said[0]
    assert standing(copy) == before
    success, log = copy.autograde("abel")
    assert success, log
    assert copy.points("abel") == CLASS["abel"].verdict


def test_notebook_in_another_language_is_not_run_as_python(copy: Course) -> None:
    kernel = {"name": "ir", "display_name": "R", "language": "R"}
    copy.write_source("r", new_notebook())
    copy.hand_in("noether", copy.release("r"), "r")
    # Released without that kernel, which is not to be found here.
    with copy.gradebook() as gradebook:
        gradebook.find_notebook("r", "r").kernelspec = json.dumps(kernel)
        gradebook.db.commit()
    success, log = copy.autograde("noether", "r")
    assert not success and "Traceback" not in log
    assert "The grader: r is written for the kernel ir" in log


def test_no_execute_gives_no_points(copy: Course) -> None:
    before = standing(copy)
    done = copy.nbgrader("autograde", EX02, "--force", "--no-execute")
    assert done.returncode == 1
    assert "Traceback" not in done.stdout
    assert done.stdout.count("Leave --no-execute out") == 1
    assert standing(copy) == before
    # Nor does it to one who was not graded before.
    copy.hand_in("noether", copy.fill("hypatia"))
    done = copy.nbgrader("autograde", EX02, "--no-execute")
    assert done.returncode == 1 and "Leave --no-execute out" in done.stdout
    assert standing(copy) == before and not copy.autograded("noether").exists()


def test_round_that_cannot_be_read_touches_nobody(copy: Course) -> None:
    file = copy.root / "evidence" / EX02 / "round"
    file.write_text("two")
    before = standing(copy)
    success, log = copy.autograde("hypatia")
    assert not success and "Traceback" not in log
    assert log.count("The grader: The evidence of") == 1
    assert standing(copy) == before
    file.write_text("1")
    success, log = copy.autograde("hypatia")
    assert success, log


@pytest.mark.parametrize("line", ["c = get_config(", "configure()", "from autograder import box"])
def test_configuration_that_does_not_load_touches_nobody(line: str, copy: Course) -> None:
    copy.configure(line)
    before = standing(copy)
    done = copy.nbgrader("autograde", EX02, "--force")
    assert done.returncode == 1
    assert done.stdout.count("The grader: Nothing was graded. ") == 1, done.stdout
    assert "nbgrader_config.py cannot be loaded" in done.stdout
    assert standing(copy) == before
    # What the formgrader's button starts.
    said = _press(copy, "hypatia")
    assert said["success"] is False and "Nothing was graded" in said["log"]
    assert standing(copy) == before


def test_configuration_without_the_kit_touches_nobody(copy: Course) -> None:
    (copy.root / "nbgrader_config.py").write_text("c = get_config()\n")
    before = standing(copy)
    done = copy.nbgrader("autograde", EX02, "--force")
    assert done.returncode == 1 and "configure(c)" in done.stdout, done.stdout
    assert standing(copy) == before


def test_button_grades_where_all_is_right(copy: Course) -> None:
    before = standing(copy)
    assert _press(copy, "hypatia")["success"] is True
    assert standing(copy) == before


def _press(copy: Course, student: str) -> dict[str, Any]:
    """Press the formgrader's button."""
    done = forked.run(
        *("-m", "autograder.nbgrader_bridge.formgrader", EX02, student),
        cwd=copy.root,
        env={**os.environ, "PATH": course.with_scripts(), "PYTHONWARNINGS": "ignore"},
        together=False,
    )
    assert done.returncode == 0, done.stderr
    return dict(json.loads(done.stdout))


# ------------------------------------------------------------------ what gives way meanwhile


def _lock(database: Path) -> sqlite3.Connection:
    connection = sqlite3.connect(database, isolation_level=None, check_same_thread=False)
    connection.execute("BEGIN EXCLUSIVE")
    return connection


def test_gradebook_that_is_locked_for_a_while_is_waited_for(copy: Course) -> None:
    lock = _lock(copy.root / "gradebook.db")
    # Longer than the 5 seconds after which SQLite gives up by itself.
    release = threading.Timer(7, lock.rollback)
    release.start()
    success, log = copy.autograde("hypatia")
    release.join()
    lock.close()
    assert success, log
    assert copy.points("hypatia") == CLASS["hypatia"].verdict


def test_gradebook_that_stays_locked_ends_the_batch_and_the_next_goes_on(
    copy: Course, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(gradebook_writer, "_LOCK_SECONDS", 0.2)
    before = standing(copy)
    lock = _lock(copy.root / "gradebook.db")
    success, log = copy.autograde()
    lock.rollback()
    lock.close()
    assert not success and "database is locked" in log
    assert standing(copy) == before
    done = copy.nbgrader("autograde", EX02)
    assert done.returncode == 0, done.stdout
    assert standing(copy) == before


def test_gradebook_that_is_locked_in_the_middle_leaves_all_as_it_was(
    copy: Course, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(gradebook_writer, "_LOCK_SECONDS", 0.2)
    before, locks, grade = standing(copy), [], pipeline.grading.grade

    def lock_and_grade(*args: Any, **others: Any) -> Any:
        if len(locks) < 1:
            locks.append(_lock(copy.root / "gradebook.db"))
        return grade(*args, **others)

    with monkeypatch.context() as patch:
        patch.setattr(reference_solution, "reference", lambda *a, **k: None)
        patch.setattr(pipeline.grading, "grade", lock_and_grade)
        success, log = copy.autograde()
    locks[0].rollback()
    locks[0].close()
    assert not success and "database is locked" in log
    assert standing(copy) == before
    done = copy.nbgrader("autograde", EX02)
    assert done.returncode == 0 and "is graded again" in done.stdout, done.stdout
    assert standing(copy) == before


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can mount a disk that is full")
def test_full_disk_touches_nobody(copy: Course) -> None:
    results = next(copy.root.glob("evidence/*/round-*/results/*"))
    before = standing(copy)
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=4k", "none", results], check=True)
    try:
        (results / "full").write_bytes(b"x" * 4096)
        success, log = copy.autograde()
    finally:
        subprocess.run(["umount", results], check=True)
    assert not success and "Traceback" not in log
    assert log.count("The grader: Results cannot be written") == 1 and "No space left" in log
    assert standing(copy) == before
    success, log = copy.autograde("hypatia")
    assert success, log


def test_disk_that_fills_up_meanwhile_leaves_all_as_it_was(
    copy: Course, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*args: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    tried: list[str] = []

    def observed(exercise: Exercise, *args: object, **others: object) -> Evidence:
        tried.append(exercise.name)
        return kept_evidence.evidence(EX02, "reference")

    before = standing(copy)
    copy.hand_in("noether", copy.fill("hypatia"))
    with monkeypatch.context() as patch:
        patch.setattr(store, "write", full)
        # After three of them the reference solution is tried, and cannot be kept either.
        patch.setattr(pipeline, "observed", observed)
        success, log = copy.autograde()
    assert tried == [EX02]
    assert not success and "Traceback" not in log
    assert log.count("The grader: The result cannot be written") == 3, log
    assert "3 submissions in a row" in log
    assert standing(copy) == before
    done = copy.nbgrader("autograde", EX02)
    assert done.returncode == 0, done.stdout
    assert copy.points("noether") == CLASS["hypatia"].verdict


def test_grader_that_breaks_leaves_all_as_it_was_and_says_why(
    copy: Course, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*args: object, **others: object) -> None:
        raise ZeroDivisionError("a mistake of ours")

    before = standing(copy)
    copy.hand_in("noether", copy.fill("hypatia"))
    with monkeypatch.context() as patch:
        patch.setattr(pipeline.grading, "grade", broken)
        patch.setattr(reference_solution, "reference", lambda *a, **k: None)
        for student in ("hypatia", "noether"):
            success, log = copy.autograde(student)
            assert not success and "a mistake of ours" in log
    # Who has no marks yet is waiting for them, with the reason.
    assert copy.points("noether") == NOTHING
    assert copy.marks("noether")["when_not"].needs_manual
    (noether,) = copy.root.glob("evidence/*/round-*/results/**/noether.json")
    assert "a mistake of ours" in noether.read_text()
    noether.unlink()
    assert standing(copy) == before
    for student in ("hypatia", "noether"):
        success, log = copy.autograde(student)
        assert success, log
        assert copy.points(student) == CLASS["hypatia"].verdict


# ------------------------------------------------- settings of the other notebooks of a course


def test_other_notebooks_get_what_the_course_grants_and_no_more(
    copy: Course, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    data = tmp_path / "data"
    data.mkdir()
    (data / "table.csv").write_text("1,2\n")
    monkeypatch.setenv("GRANTED", "yes")
    monkeypatch.setenv("KEPT_BACK", "secret")
    code = (
        "import os, socket\n"
        f"print(open({str(data / 'table.csv')!r}).read(), os.environ.get('GRANTED'),"
        " os.environ.get('KEPT_BACK'), len(socket.if_nameindex()) > 1)\n"
        f"try: open({str(data / 'new')!r}, 'w')\n"
        "except OSError: print('read-only')"
    )
    copy.write_source("plain", new_notebook(cells=[new_code_cell(code)]))
    copy.hand_in("noether", copy.release("plain"), "plain")
    copy.configure(
        f"c.BoxedExecute.readable_paths = [{str(data)!r}]",
        "c.BoxedExecute.environment_variables = ['GRANTED']",
    )
    success, log = copy.autograde("noether", "plain")
    assert success, log
    printed = copy.autograded("noether", "plain").read_text()
    assert "yes None False" in printed and "read-only" in printed
    for wrong, said in ((str(copy.root.parent), "contains the course"), ("data", "whole path")):
        copy.configure(f"c.BoxedExecute.readable_paths = [{wrong!r}]")
        success, log = copy.autograde("noether", "plain")
        assert not success and said in log


def test_other_notebooks_have_a_time_in_all(copy: Course) -> None:
    cells = [new_code_cell("import time\ntime.sleep(1.5)") for _ in range(20)]
    copy.write_source("plain", new_notebook(cells=cells))
    copy.hand_in("noether", copy.release("plain"), "plain")
    copy.configure("c.BoxedExecute.wall_seconds = 4")
    success, log = copy.autograde("noether", "plain")
    assert not success and "Traceback" not in log
    assert "plain.ipynb was stopped: it ran for more than the 4 seconds it may take in all" in log


def test_a_kernel_that_is_late_is_not_the_students_fault(copy: Course) -> None:
    copy.write_source("plain", new_notebook(cells=[new_code_cell("1")]))
    copy.hand_in("noether", copy.release("plain"), "plain")
    assert copy.autograde("noether", "plain")[0]
    before = copy.autograded("noether", "plain").read_bytes()
    copy.configure("c.BoxedExecute.startup_timeout = 0")
    success, log = copy.autograde("noether", "plain")
    assert not success and "Traceback" not in log
    assert "The kernel of plain.ipynb did not start" in log
    assert copy.autograded("noether", "plain").read_bytes() == before


def _one_blank(answer: str) -> NotebookNode:
    """An ordinary notebook: one blank, one point if the answer is 1."""
    cells = [new_code_cell(answer), new_code_cell("assert answer() == 1")]
    for cell, given in zip(cells, (True, False), strict=True):
        told = {"solution": given, "grade": not given, "locked": not given, "task": False}
        points = {} if given else {"points": 1}
        name = "blank" if given else "check"
        cell.metadata["nbgrader"] = {"grade_id": name, "schema_version": 3, **told, **points}
    kernel = {"name": "python3", "display_name": "Python 3", "language": "python"}
    return new_notebook(cells=cells, metadata={"kernelspec": kernel})


RIGHT, WRONG = "def answer():\n    return 1", "def answer():\n    return 0"


@pytest.mark.parametrize(
    ("first", "second", "marks"),
    [
        (None, WRONG, {"a": None, "b": 0.0}),
        (WRONG, None, {"a": 0.0, "b": None}),
        (WRONG, RIGHT, {"a": 0.0, "b": 1.0}),
        (None, None, {"a": None, "b": None}),
    ],
)
def test_a_broken_notebook_of_several_takes_nothing_from_the_others(
    first: str | None, second: str | None, marks: dict[str, float | None], tmp_path: Path
) -> None:
    made = course.begin(tmp_path / "course")
    source, place = made.root / "source" / "pair", made.root / "submitted" / "bob" / "pair"
    for folder in (source, place):
        folder.mkdir(parents=True)
    for name in "ab":
        solution = RIGHT.replace(
            "    return 1", "    ### BEGIN SOLUTION\n    return 1\n    ### END SOLUTION"
        )
        nbformat.write(_one_blank(solution), source / f"{name}.ipynb")
    assert made.api().generate_assignment("pair")["success"]

    def graded(**answers: str | None) -> tuple[bool, str]:
        for name, answer in answers.items():
            path = place / f"{name}.ipynb"
            if answer is None:
                path.write_text('{"cells": [')
            else:
                notebook = nbformat.read(made.root / "release" / "pair" / path.name, 4)
                notebook.cells[0].source = answer
                nbformat.write(notebook, path)
        return made.autograde("bob", "pair")

    assert graded(a=RIGHT, b=RIGHT)[0]
    well, log = graded(a=first, b=second)
    assert well == (None not in (first, second))
    assert log.count("is not a notebook that Jupyter can open") >= [first, second].count(None)
    with made.gradebook() as gradebook:
        submission = gradebook.find_submission("pair", "bob")
        found = {book.name: book.grades[0].auto_score for book in submission.notebooks}
    assert found == marks
    there = {path.stem for path in (made.root / "autograded" / "bob").rglob("*.ipynb")}
    assert there == {name for name, mark in marks.items() if mark is not None}
    # What is left is another submission's, and the next one is graded whole.
    assert graded(a=RIGHT, b=WRONG)[0]
    with made.gradebook() as gradebook:
        assert gradebook.find_submission("pair", "bob").score == 1.0
