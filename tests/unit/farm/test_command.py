"""What ``autograder observe`` says of odd classes before it starts anything."""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import SimpleNamespace

import farm_class
import pytest
from click.testing import CliRunner, Result
from course import Course, begin
from nbformat.v4 import new_code_cell, new_notebook

from autograder.cli import main
from autograder.evidence import rounds, store
from autograder.farm import command, slots
from autograder.farm.queue import Aside, Queue
from autograder.farm.tasks import Task
from autograder.nbgrader_bridge import handed_in

pytestmark = pytest.mark.usefixtures("commands")

PLAN = ("--dry-run",)


@pytest.fixture(scope="module")
def begun(tmp_path_factory: pytest.TempPathFactory) -> Course:
    return farm_class.begun(tmp_path_factory.mktemp("begun") / "course")


@pytest.fixture
def course(begun: Course, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Course:
    monkeypatch.setattr(slots, "here", lambda: [0, 1, 2, 3])
    monkeypatch.setattr(slots, "memory_limit", lambda: 64_000_000_000)
    return Course(Path(shutil.copytree(begun.root, tmp_path / "course")))


def observe(course: Course, *options: str, name: str = "tiny") -> Result:
    return CliRunner().invoke(main, ["observe", name, "--course", str(course.root), *options])


def tree(course: Course) -> set[Path]:
    """What is in the course, without the round that a first look begins."""
    return {path for path in course.root.rglob("*") if "evidence" not in path.parts}


def test_equal_code_is_counted_once_and_nothing_is_written(course: Course) -> None:
    before, database = tree(course), (course.root / "gradebook.db").read_bytes()
    done = observe(course, *PLAN)
    assert done.exit_code == 0
    assert "5 submissions, 4 different codes, 0 observed already, 4 to observe." in done.output
    assert "in 2 slots of 2 cores on this machine is not known yet" in done.output
    assert tree(course) == before
    assert (course.root / "gradebook.db").read_bytes() == database


def test_glob_of_names_chooses_students(course: Course) -> None:
    assert "2 submissions, 1 different code," in observe(course, *PLAN, "--student", "[ae]*").output


def test_glob_with_no_hit_says_how_many_there_are(course: Course) -> None:
    done = observe(course, *PLAN, "--student", "nobody*")
    assert done.exit_code == 1
    assert "a student like 'nobody*'" in done.output and "5 students have a folder" in done.output


def test_empty_assignment_says_so(course: Course) -> None:
    shutil.rmtree(course.root / "submitted")
    done = observe(course, *PLAN)
    assert done.exit_code == 1 and "0 students have a folder" in done.output


def test_assignment_that_nbgrader_does_not_know_is_said(course: Course) -> None:
    done = observe(course, *PLAN, name="tinny")
    assert done.exit_code == 1 and "nbgrader generate_assignment tinny" in done.output


def test_folder_that_is_no_course_gets_no_gradebook(tmp_path: Path) -> None:
    done = observe(Course(tmp_path), *PLAN)
    assert done.exit_code == 1 and "generate_assignment" in done.output
    assert list(tmp_path.iterdir()) == []


def test_who_cannot_be_read_is_named_and_does_not_stop_the_others(course: Course) -> None:
    course.hand_in("fay", b"no notebook", "tiny")
    course.hand_in("gus", farm_class.filled(course, {}), "tiny")
    course.place("gus", "tiny").rename(course.place("gus", "tiny").with_name("other.ipynb"))
    course.hand_in("hal", farm_class.filled(course, {}), "tiny")
    (course.place("hal", "tiny").parent / "link").symlink_to("/etc/passwd")
    done = observe(course, *PLAN)
    assert done.exit_code == 0
    reasons = {
        "fay": "is not a notebook",
        "gus": "is not part of the assignment",
        "hal": "no plain file",
    }
    for student, says in reasons.items():
        (line,) = [line for line in done.output.splitlines() if line.startswith(f"{student} ")]
        assert "cannot be read" in line and says in line
    assert "5 submissions, 4 different codes" in done.output and "3 cannot be read" in done.output


def test_student_whom_the_course_excludes_is_left_out(course: Course) -> None:
    course.configure("c.CourseDirectory.student_id_exclude = 'bob,cyd'")
    assert "3 submissions, 2 different codes" in observe(course, *PLAN).output


def test_ordinary_assignment_is_left_to_nbgrader(course: Course) -> None:
    course.write_source("essay", new_notebook(cells=[new_code_cell("1")]))
    course.release("essay")
    done = observe(course, *PLAN, name="essay")
    assert done.exit_code == 0
    assert done.output.startswith("essay.ipynb is no exercise of the kit")


def test_course_without_the_kits_settings_is_refused(course: Course) -> None:
    (course.root / "nbgrader_config.py").write_text("c = get_config()\n")
    done = observe(course, *PLAN)
    assert done.exit_code == 1 and "configure(c)" in done.output


def test_settings_that_do_not_load_are_refused(course: Course) -> None:
    course.configure("1 / 0")
    done = observe(course, *PLAN)
    assert done.exit_code == 1 and "ZeroDivisionError" in done.output


def test_missing_solution_is_said(course: Course) -> None:
    (course.root / "source" / "tiny" / "tiny.ipynb").unlink()
    done = observe(course, *PLAN)
    assert done.exit_code == 1 and "autograder build" in done.output


def test_exercise_with_other_checks_than_students_have_is_refused(course: Course) -> None:
    spec = course.root / "exercises" / "tiny" / "exercise.toml"
    spec.write_text(spec.read_text().replace('"spread_speedup"', '"spread_pace"'))
    done = observe(course, *PLAN)
    assert done.exit_code == 1 and "spread_pace" in done.output


def test_more_slots_than_cores_are_refused(course: Course) -> None:
    done = observe(course, "--jobs", "3")
    assert done.exit_code == 1 and "--jobs 2" in done.output


def test_key_is_the_one_that_autograde_looks_for_whatever_cores_it_may_use(
    course: Course, monkeypatch: pytest.MonkeyPatch
) -> None:
    opened = handed_in.open_assignment(course.root, "tiny")
    exercise = opened.exercises["tiny"]
    round_ = rounds.current(course.root / "evidence", exercise)

    def keys() -> list[str]:
        answers = list(handed_in.answers(opened))
        assert all(answer.submission is not None for answer in answers)
        return [
            store.key(exercise, answer.submission, round_, boxed=True)
            for answer in answers
            if answer.submission is not None
        ]

    here = keys()
    monkeypatch.setattr("os.sched_getaffinity", lambda _: {7})
    monkeypatch.setattr("socket.gethostname", lambda: "elsewhere")
    monkeypatch.setenv("SLURM_JOB_ID", "7")
    assert keys() == here


def test_what_was_set_aside_is_shown_as_long_as_it_is_not_observed(course: Course) -> None:
    opened = handed_in.open_assignment(course.root, "tiny")
    exercise = opened.exercises["tiny"]
    round_ = rounds.current(course.root / "evidence", exercise)
    bob = next(one for one in handed_in.answers(opened) if one.student == "bob")
    assert bob.submission is not None
    key = store.key(exercise, bob.submission, round_, boxed=True)
    path = round_.folder / command.ASIDE
    path.write_text(f'{{"{key}": "the box did not start", "gone": "old"}}')
    said = observe(course, "--status").output
    assert "set aside: bob (tiny): the box did not start" in said and "old" not in said


def test_run_for_one_student_keeps_why_others_were_set_aside(
    course: Course, monkeypatch: pytest.MonkeyPatch
) -> None:
    stay = "the box did not start"
    trouble: dict[str, str] = {}

    class Failing:
        """An engine in which every submission is lost, or is observed."""

        def __init__(self, *_: object) -> None:
            pass

        def run(self, queue: Queue[Task], *_: object) -> None:
            for task in queue.waiting:
                if trouble:
                    queue.aside[task] = Aside(trouble["why"], 3)
                else:
                    queue.done.append(task)
            queue.waiting.clear()

    @contextmanager
    def opened(*_: object) -> Iterator[SimpleNamespace]:
        yield SimpleNamespace(client=SimpleNamespace(dashboard_link="nowhere"))

    monkeypatch.setattr(command, "opened", opened)
    monkeypatch.setattr(command, "Engine", Failing)
    monkeypatch.setattr(command, "_open", lambda *_: None)
    monkeypatch.setattr(command, "_judge_references", lambda *_: None)

    def aside() -> dict[str, str]:
        lines = observe(course, "--status").output.splitlines()
        told = [line.removeprefix("set aside: ") for line in lines if "set aside: " in line]
        return dict(line.split(" (tiny): ") for line in told)

    trouble["why"] = stay
    assert observe(course).exit_code == 1
    everybody = aside()
    assert set(everybody.values()) == {stay} and {"bob", "cyd", "dot"} < set(everybody)
    trouble["why"] = "it hung"
    assert observe(course, "--student", "bob").exit_code == 1
    assert aside() == everybody | {"bob": "it hung"}
    trouble.clear()
    assert observe(course, "--student", "bob").exit_code == 0
    assert aside() == {who: why for who, why in everybody.items() if who != "bob"}
    assert observe(course).exit_code == 0
    assert not list(course.root.rglob(command.ASIDE))


def test_empty_course_folder(tmp_path: Path) -> None:
    made = begin(tmp_path / "course")
    done = observe(made, *PLAN)
    assert done.exit_code == 1 and "generate_assignment" in done.output


def test_autograde_observes_and_then_calls_nbgrader_for_the_same_students(
    course: Course, monkeypatch: pytest.MonkeyPatch
) -> None:
    called: list[list[str]] = []

    def run(command: list[str], **_: object) -> SimpleNamespace:
        called.append(command[1:])
        return SimpleNamespace(returncode=0)

    monkeypatch.setattr(command.subprocess, "run", run)
    for complete in (True, False):
        monkeypatch.setattr(command, "observe", lambda *_, complete=complete: complete)
        words = ["autograde", "tiny", "--course", str(course.root), "--student", "a*", "--force"]
        done = CliRunner().invoke(main, words)
        # What was set aside is told by the status, and keeps nobody else from being graded.
        assert done.exit_code == (0 if complete else 1), done.output
    words = [
        "-m",
        "autograder.nbgrader_bridge.start_nbgrader",
        "autograde",
        "tiny",
        "--student=a*",
        "--force",
        f"--CourseDirectory.root={course.root}",
    ]
    assert called == [words, words]


def test_autograde_that_only_looks_records_nothing(
    course: Course, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(command.subprocess, "run", lambda *_, **__: pytest.fail("recorded"))
    done = CliRunner().invoke(main, ["autograde", "tiny", "--course", str(course.root), "--status"])
    assert done.exit_code == 0, done.output
