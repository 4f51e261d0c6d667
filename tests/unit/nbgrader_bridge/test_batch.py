"""What happens to an earlier grading, in nbgrader's real loop, with a converter that fails."""

import os
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

import forked
import pytest
from nbgrader.converters.base import BaseConverter, NbGraderException
from nbgrader.coursedir import CourseDirectory
from public_folder import for_everybody
from traitlets.config import Config

from autograder import files
from autograder.errors import HarnessError
from autograder.nbgrader_bridge.batch import Batch

CLASS = ("ada", "blaise", "carl", "dora", "emmy")


class Grading(BaseConverter):
    """Writes a line into a notebook's place; what it is to do besides stands in ``acts``."""

    acts: dict[str, Callable[[], None]]
    graded: list[str]

    _input_directory = "submitted"
    _output_directory = "autograded"

    def convert_single_notebook(self, notebook_filename: str) -> None:
        student = Path(notebook_filename).parts[-3]
        assert self.batch.turn is not None
        folder = self.batch.turn.folder
        folder.mkdir(parents=True, exist_ok=True)
        (folder / Path(notebook_filename).name).write_text("half")
        self.graded.append(student)
        self.acts.get(student, lambda: None)()
        (folder / Path(notebook_filename).name).write_text("new")
        self.batch.turn.done = True

    batch: Batch


def half(folder: Path, notebooks: Iterable[str]) -> bool:
    return any((folder / Path(book).name).read_text() == "half" for book in notebooks)


class Room:
    """A class that was graded once."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.checked: list[list[str]] = []
        self.refusal = self.breakage = ""
        self.probed = 0
        self.acts: dict[str, Callable[[], None]] = {}
        for student in CLASS:
            for step, text in (("submitted", "theirs"), ("autograded", "old")):
                folder = root / step / student / "ps1"
                folder.mkdir(parents=True)
                for name in ("one", "two"):
                    (folder / f"{name}.ipynb").write_text(text)
                (folder / "data.csv").write_text(text)

    def check(self, assignment: str, names: Iterable[str]) -> None:
        self.checked.append(list(names))
        if self.refusal:
            raise HarnessError(self.refusal)

    def probe(self, assignment: str, names: Iterable[str]) -> None:
        self.probed += 1
        if self.breakage:
            raise ZeroDivisionError(self.breakage)

    def leave_out(self, notebooks: Iterable[str], reason: str) -> None:
        self.left_out = [Path(book).parts[-3] for book in notebooks]

    def grade(self, *, force: bool = True, notebook: str = "*", **course: Any) -> Grading:
        directory = CourseDirectory(
            root=str(self.root), assignment_id="ps1", notebook_id=notebook, **course
        )
        grading = Grading(coursedir=directory, config=Config())
        grading.force, grading.acts, grading.graded = force, self.acts, []

        # The hooks go where the exporter puts them, just before the loop.
        def convert_notebooks() -> None:
            del grading.convert_notebooks
            grading.batch = Batch(grading, self.check, self.probe, half, self.leave_out)
            grading.convert_notebooks()

        self.grading = grading
        grading.convert_notebooks = convert_notebooks
        self.error, self.left_out = "", list[str]()
        try:
            grading.start()
        except NbGraderException as error:
            self.error = str(error)
        return grading

    def fail(self, *students: str, error: BaseException | None = None) -> None:
        def act(student: str) -> None:
            raise error or OSError(f"no room for {student}")

        self.acts |= {student: (lambda s=student: act(s)) for student in students}  # type: ignore[misc]

    def texts(self, student: str) -> dict[str, str]:
        folder = self.root / "autograded" / student / "ps1"
        return {path.name: path.read_text() for path in sorted(folder.glob("*"))}


OLD = {"data.csv": "old", "one.ipynb": "old", "two.ipynb": "old"}
NEW = {"data.csv": "theirs", "one.ipynb": "new", "two.ipynb": "new"}


@pytest.fixture
def room(tmp_path: Path) -> Room:
    return Room(tmp_path)


CHILD = """
import os, sys, time
sys.path[:0] = [sys.argv[1], sys.argv[1] + "/../../support"]
import test_batch as t
room = object.__new__(t.Room)
room.root, room.checked, room.probed = t.Path(sys.argv[2]), [], 0
room.refusal = room.breakage = ""
BODY
room.grade()
"""
"""A grader that is a process."""


def grader(room: Room, code: str) -> forked.Command:
    here = str(Path(__file__).parent)
    return forked.begin(
        "-c", code, here, str(room.root), cwd=room.root, env=forked.alike(os.environ)
    )


def left(room: Room) -> list[str]:
    return sorted(path.name for path in room.root.rglob(".*"))


def test_healthy_batch_is_graded_as_ever_and_leaves_nothing(room: Room) -> None:
    room.grade()
    assert not room.error and [room.texts(student) for student in CLASS] == [NEW] * 5
    assert left(room) == []
    assert room.checked == [["one", "two"]]


def test_where_the_check_fails_nothing_is_touched(room: Room) -> None:
    room.refusal = "There is no box."
    assert room.grade().graded == []
    assert room.error == "There is no box."
    assert [room.texts(student) for student in CLASS] == [OLD] * 5
    assert left(room) == [] and len(room.checked) == 1


def test_where_all_is_graded_nothing_is_checked(room: Room) -> None:
    room.refusal = "There is no box."
    assert room.grade(force=False).graded == []
    assert not room.error and room.checked == []


def test_failure_of_ours_puts_back_and_the_batch_goes_on(room: Room) -> None:
    room.fail("blaise")
    room.grade()
    assert room.error and room.texts("blaise") == OLD
    assert [room.texts(student) for student in CLASS if student != "blaise"] == [NEW] * 4
    # Asked again whether it concerns all.
    assert len(room.checked) == 2
    room.acts.clear()
    # It is not forgotten: nbgrader would pass over what is there.
    assert set(room.grade(force=False).graded) == {"blaise"}
    assert room.texts("blaise") == NEW and left(room) == []


def test_new_submission_that_we_fail_stays_missing(room: Room) -> None:
    for path in (room.root / "autograded" / "blaise" / "ps1").iterdir():
        path.unlink()
    (room.root / "autograded" / "blaise" / "ps1").rmdir()
    room.fail("blaise")
    room.grade()
    assert room.texts("blaise") == {} and left(room) == []
    room.acts.clear()
    assert set(room.grade(force=False).graded) == {"blaise"}


def test_what_the_student_is_to_blame_for_replaces_what_was_there(room: Room) -> None:
    def refuse() -> None:
        turn = room.grading.batch.turn
        assert turn is not None
        turn.done = True
        raise ValueError("no notebook")

    room.acts["blaise"] = refuse
    room.grade()
    assert room.error and room.texts("blaise") == {} and left(room) == []


def test_what_concerns_all_ends_the_batch(room: Room) -> None:
    room.fail("blaise")
    blaise = room.acts["blaise"]

    def and_the_box_is_gone() -> None:
        room.refusal = "There is no box."
        blaise()

    room.acts["blaise"] = and_the_box_is_gone
    assert "carl" not in room.grade().graded
    assert room.error == "There is no box."
    assert [room.texts(student) for student in CLASS] == [NEW, OLD, OLD, OLD, OLD]


def test_the_same_three_times_in_a_row_ends_the_batch_if_the_kit_is_broken(room: Room) -> None:
    room.fail(*CLASS, error=OSError("no room"))
    room.breakage = "a mistake of ours"
    assert set(room.grade().graded) == {"ada", "blaise", "carl"}
    assert "3 submissions in a row" in room.error and "a mistake of ours" in room.error
    assert [room.texts(student) for student in CLASS] == [OLD] * 5


def test_three_copies_of_one_odd_submission_do_not_end_the_batch(room: Room) -> None:
    room.fail("ada", "blaise", "carl", error=OSError("no room"))
    room.grade()
    assert room.probed == 1
    assert [room.texts(student) for student in CLASS] == [OLD, OLD, OLD, NEW, NEW]


def test_interrupt_puts_back_and_says_where_it_ended(
    room: Room, caplog: pytest.LogCaptureFixture
) -> None:
    room.fail("blaise", error=KeyboardInterrupt())
    with pytest.raises(SystemExit) as ended:
        room.grade()
    assert ended.value.code == 130
    assert "1 of 5 graded; run the same command again" in caplog.text
    assert [room.texts(student) for student in CLASS] == [NEW, OLD, OLD, OLD, OLD]


def test_one_notebook_of_several(room: Room) -> None:
    room.fail("blaise")
    room.grade(notebook="one")
    assert room.texts("ada") == OLD | {"one.ipynb": "new", "data.csv": "theirs"}
    assert room.texts("blaise") == OLD
    assert left(room) == [".ps1.dask_scaling_kit_again"]


def test_excluded_student_is_left_alone(room: Room) -> None:
    room.refusal = "There is no box."
    room.grade(student_id_exclude=",".join(CLASS))
    assert not room.error and [room.texts(student) for student in CLASS] == [OLD] * 5


def test_killed_grader_loses_nothing(room: Room) -> None:
    """Whenever it is killed; here in the middle of blaise's, as another process."""
    code = CHILD.replace("BODY", "room.acts = {'blaise': lambda: os.kill(os.getpid(), 9)}")
    assert grader(room, code).wait().returncode == -9
    assert room.texts("ada") == NEW and room.texts("blaise") != OLD
    room.refusal = "There is no box."
    room.grade(force=False)
    assert room.error and room.texts("blaise") == OLD
    room.refusal = ""
    assert set(room.grade(force=False).graded) == {"blaise"}
    assert room.texts("blaise") == NEW and left(room) == []


def claim(room: Room, student: str, owner: str) -> Path:
    file = room.root / "autograded" / student / ".ps1.dask_scaling_kit_grading"
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(f"{owner}\nnoether on goettingen since 1 May, 09:00")
    return file


def test_what_another_grader_has_is_left_to_it(
    room: Room, caplog: pytest.LogCaptureFixture
) -> None:
    # Another machine's, of which nobody here knows whether it lives, and one that does.
    for student, owner in {"blaise": "dsk-1.abcdef-", "carl": files.own_prefix()}.items():
        claim(room, student, owner)
    room.grade()
    said = "was skipped: it is being graded by noether on goettingen since 1 May, 09:00"
    assert f"carl {said}" in room.error and f"blaise {said}" in caplog.text
    assert "remove" in room.error
    assert [room.texts(student) for student in CLASS] == [NEW, OLD, OLD, NEW, NEW]
    assert left(room) == [".ps1.dask_scaling_kit_grading"] * 2


def test_what_a_dead_grader_had_is_taken_over(room: Room) -> None:
    process = subprocess.Popen(["true"])
    process.wait()
    dead = files.own_prefix().replace(str(os.getpid()), str(process.pid))
    claim(room, "blaise", dead)
    room.grade()
    assert not room.error and room.texts("blaise") == NEW and left(room) == []
    # Also where it had come to its end.
    claim(room, "blaise", dead)
    assert room.grade(force=False).graded == [] and left(room) == []


def test_what_was_being_graded_when_the_machine_stopped_is_restored(
    room: Room, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as earlier:
        here = files._here()._replace(boot="old")
        earlier.setattr(files, "_here", lambda: here)
        before = files.own_prefix()  # whose number somebody has again
    folder = room.root / "autograded" / "blaise" / "ps1"
    folder.rename(folder.with_name(f".{before}ps1"))
    claim(room, "blaise", before)
    room.refusal = "There is no box."
    room.grade()
    assert room.error and room.texts("blaise") == OLD
    room.refusal = ""
    room.grade(force=False)
    assert not room.error and room.texts("blaise") == NEW and left(room) == []


def test_two_graders_at_once_grade_everybody_once(room: Room) -> None:
    code = CHILD.replace("BODY", "room.acts = {s: lambda: time.sleep(0.2) for s in t.CLASS}")
    both = [grader(room, code) for _ in range(2)]
    assert [process.wait().returncode for process in both] == [0, 0]
    assert [room.texts(student) for student in CLASS] == [NEW] * 5
    assert left(room) == []


def test_of_two_graders_that_find_a_dead_one_one_takes_over(room: Room) -> None:
    process = subprocess.Popen(["true"])
    process.wait()
    claim(room, "ada", files.own_prefix().replace(str(os.getpid()), str(process.pid)))
    # Both see that it is dead before either acts on it; the second acts when the first has begun.
    body = """
from autograder.nbgrader_bridge import claim
ask = claim.owner_is_gone
def slow(name):
    said = ask(name)
    first = min(room.root.glob("here-*")).name == f"here-{os.getpid()}"
    time.sleep(said and (0.3 if first else 1.2))
    return said
claim.owner_is_gone = slow
def act():
    (room.root / f"ada-{os.getpid()}").touch()  # once for each of two notebooks
    time.sleep(1.5)
room.acts = {"ada": act}
open(room.root / f"here-{os.getpid()}", "x").close()
while len(list(room.root.glob("here-*"))) < 2:
    time.sleep(0.01)
"""
    code = CHILD.replace("BODY", body)
    both = [grader(room, code) for _ in range(2)]
    assert [process.wait().returncode for process in both] == [0, 0]
    assert len(list(room.root.glob("ada-*"))) == 1
    assert room.texts("ada") == NEW and left(room) == []


def test_claim_that_is_another_graders_by_now_is_not_given_back(room: Room) -> None:
    """The file was removed by hand, as the message says, and the grader was alive after all."""

    def act() -> None:
        (file,) = (room.root / "autograded" / "ada").glob(".*grading")
        file.unlink()
        claim(room, "ada", "dsk-1.abcdef-")

    room.acts["ada"] = act
    room.grade()
    assert room.texts("ada") == NEW and left(room) == [".ps1.dask_scaling_kit_grading"]


@pytest.fixture
def open_room() -> Iterator[Room]:
    """A course whose group is 64000, as its folder says; any user can get there."""
    root = Path(tempfile.mkdtemp(prefix="dsk-group-", dir=for_everybody()))
    try:
        room = Room(root)
        for folder in (root, *(path for path in root.rglob("*") if path.is_dir())):
            os.chown(folder, 64001, 64000)
            folder.chmod(0o2770)
        yield room
    finally:
        shutil.rmtree(root)


def grade_as(user: int, room: Room, *, groupshared: bool) -> int:
    """Grade as another user of the group; return 0 if all went well."""
    child = os.fork()
    if child == 0:
        status = 9
        try:
            os.setgroups([])
            os.setgid(64000)
            os.setuid(user)
            os.umask(0o022)
            room.grade(groupshared=groupshared)
            print(room.error)
            status = int(bool(room.error))
        finally:
            os._exit(status)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can be two other users")
def test_two_instructors_of_a_group_grade_one_after_another(open_room: Room) -> None:
    for path in (open_room.root / "autograded").iterdir():
        shutil.rmtree(path)  # nobody was graded: the first makes the students' folders
    assert grade_as(64001, open_room, groupshared=True) == 0
    (open_room.root / "submitted" / "ada" / "ps1" / "one.ipynb").touch()
    assert grade_as(64002, open_room, groupshared=True) == 0
    assert [open_room.texts(student) for student in CLASS] == [NEW] * 5
    assert left(open_room) == []
    evidence = open_room.root / "evidence"
    assert evidence.stat().st_mode & 0o2770 == 0o2770 and evidence.stat().st_gid == 64000
    # The first's killed grader left a folder aside and a claim: the second puts that right.
    folder = open_room.root / "autograded" / "blaise" / "ps1"
    process = subprocess.Popen(["true"])
    process.wait()
    dead = files.own_prefix().replace(str(os.getpid()), str(process.pid))
    folder.rename(folder.with_name(f".{dead}ps1"))
    os.chown(claim(open_room, "blaise", dead), 64001, 64000)
    assert grade_as(64002, open_room, groupshared=True) == 0
    assert open_room.texts("blaise") == NEW and left(open_room) == []


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can be two other users")
def test_course_that_is_not_shared_says_which_folder_it_is(open_room: Room) -> None:
    for path in (open_room.root / "autograded").iterdir():
        shutil.rmtree(path)
    (open_room.root / "autograded").chmod(0o755)
    assert grade_as(64001, open_room, groupshared=False) == 0
    assert grade_as(64002, open_room, groupshared=False) == 1
    assert [open_room.texts(student) for student in CLASS] == [NEW] * 5


def test_student_whose_name_has_a_line_break_stops_nobody_else(
    room: Room, caplog: pytest.LogCaptureFixture
) -> None:
    odd = room.root / "submitted" / "bl\nERROR aise" / "ps1"
    (room.root / "submitted" / "blaise").rename(odd.parent)
    room.grade()
    assert [room.texts(s) for s in CLASS if s != "blaise"] == [NEW] * 4
    assert "was not graded" in room.error and "\n" not in room.error
    assert "line break" in caplog.text and "\nERROR" not in caplog.text


TIMES = {
    "words": b"the day before yesterday",
    "bytes": b"\xff\xfe\x00",
    "9999": b"9999-12-31 23:59:59 -12",
    "end": b"9999-12-31 23:59:59",
    "huge": b"9" * 10_000,
}
"""What may stand in a student's ``timestamp.txt``; nbgrader writes something like the next one."""

GOOD = b"2026-05-01 09:00:00.000000 UTC"


@pytest.mark.parametrize("text", TIMES.values(), ids=TIMES)
def test_timestamp_that_is_none_stops_nobody(text: bytes, room: Room) -> None:
    for student in CLASS:
        place = room.root / "submitted" / student / "ps1" / "timestamp.txt"
        place.write_bytes(text if student == "blaise" else GOOD)
    assert room.grade(force=False).graded == [] and not room.error
    course = room.grading.coursedir
    found = [
        course.get_existing_timestamp(str(room.root / "submitted" / student / "ps1"))
        for student in CLASS
    ]
    assert [time and time.isoformat() for time in found] == [
        None if student == "blaise" else "2026-05-01T09:00:00" for student in CLASS
    ]


def test_newer_submission_is_graded_as_ever(room: Room) -> None:
    for student in CLASS:
        old = room.root / "autograded" / student / "ps1" / "timestamp.txt"
        old.write_bytes(GOOD)
        new = room.root / "submitted" / student / "ps1" / "timestamp.txt"
        new.write_bytes(GOOD.replace(b"05-01", b"05-02") if student == "dora" else GOOD)
    assert set(room.grade(force=False).graded) == {"dora"}


def test_living_graders_folder_is_not_taken(room: Room, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = room.root / "autograded" / "ada" / "ps1"
    aside = folder.with_name(f".{files.own_prefix()}ps1")
    folder.rename(aside)
    room.refusal = "There is no box."
    room.grade(force=False)
    assert aside.is_dir() and not folder.exists()


def kill_at(room: Room, student: str) -> None:
    body = f"room.acts = {{{student!r}: lambda: os.kill(os.getpid(), 9)}}"
    code = CHILD.replace("BODY", body)
    assert grader(room, code).wait().returncode == -9


def test_submission_that_has_killed_two_graders_is_left_out_until_it_is_graded_alone(
    room: Room,
) -> None:
    kill_at(room, "carl")
    room.grade(force=False)  # one may happen to anybody
    assert room.texts("carl") == NEW and not room.error and left(room) == []
    for _ in range(2):
        kill_at(room, "carl")
    assert set(room.grade().graded) == set(CLASS) - {"carl"}
    assert "carl was left out: 2 graders in a row were killed" in room.error
    assert "--student=carl --force" in room.error and room.left_out == ["carl", "carl"]
    assert room.texts("carl") == NEW  # as it was graded before that
    room.grade(student_id="carl")
    assert not room.error and room.texts("carl") == NEW and left(room) == []
    assert "carl" in room.grade().graded
