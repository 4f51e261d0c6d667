"""A hostile class with honest students in it, through the real nbgrader."""

import json
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import suppress

import course
import pytest
from course import Course
from nbgrader.api import MissingEntry

from autograder.box import folder
from hostile import kill
from hostile.conftest import fingerprint
from hostile.corpus import ATTACKS, HONEST, pour

pytestmark = pytest.mark.slow

HONEST_STUDENTS = tuple(kill.STUDENTS)

OUTRIGHT = {
    "spoilt": "is not a notebook that Jupyter can open",
    "old": "nbgrader metadata that nbgrader cannot use (SchemaTooOldError",
    "linked": "is no plain file but a link",
    "beside": "notes.txt is no plain file but a link",
    "piped": "data.csv is no plain file but a link",
    "huge": "more than the 200 MB",
    "surrogate": "is not a notebook that Jupyter can open (UnicodeEncodeError",
    "fat": "more than the 21 MB",
}
"""What is said of those whose attack is in the files that they hand in."""

ATTACKERS = ("forge_numbers", "write_course")
"""One that gains nothing, one that reaches for the others; the rest have tests of their own."""


@pytest.fixture(scope="module")
def graded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Course, Course, int, str]]:
    """The honest alone, graded; the same honest ones among the hostile; exit status and log."""
    base = tmp_path_factory.mktemp("class")
    with pytest.MonkeyPatch.context() as patch, tempfile.TemporaryDirectory(prefix="c-") as short:
        patch.setenv("PATH", course.with_scripts())
        patch.setenv("TMPDIR", short)
        patch.setattr(tempfile, "tempdir", short)
        quiet = kill.begin(base / "quiet")
        shutil.copytree(quiet.root, base / "mixed")
        done = quiet.nbgrader("autograde", "tiny")
        assert done.returncode == 0, done.stdout
        mixed = Course(base / "mixed")
        # The same round, the same inputs, and what was measured of the honest ones.
        shutil.copytree(quiet.root / "evidence", mixed.root / "evidence")
        shutil.rmtree(next((mixed.root / "evidence").glob("*/round-*/results")))
        _invade(mixed)
        before = fingerprint(mixed.root / "submitted")
        done = mixed.nbgrader("autograde", "tiny")
        assert fingerprint(mixed.root / "submitted") == before
        assert os.listdir(short) == []
        yield quiet, mixed, done.returncode, done.stdout


def _invade(mixed: Course) -> None:
    for name in ATTACKERS:
        mixed.hand_in(name, pour(ATTACKS[name], mixed.root), "tiny")
    for name in OUTRIGHT:
        kill.hand_in(mixed, name, HONEST)
    mixed.hand_in("spoilt", b'{"cells": 5', "tiny")
    old = json.loads(mixed.place("old", "tiny").read_text())
    next(c for c in old["cells"] if "nbgrader" in c["metadata"])["metadata"]["nbgrader"][
        "schema_version"
    ] = 1
    mixed.hand_in("old", json.dumps(old).encode(), "tiny")
    linked = mixed.place("linked", "tiny")
    linked.unlink()
    linked.symlink_to(mixed.root / "source" / "tiny" / "tiny.ipynb")
    (mixed.place("beside", "tiny").parent / "notes.txt").symlink_to(mixed.root / "gradebook.db")
    os.mkfifo(mixed.place("piped", "tiny").parent / "data.csv")
    with open(mixed.place("huge", "tiny").parent / "huge.bin", "wb") as file:
        file.truncate(1 << 40)
    surrogate = json.loads(mixed.place("surrogate", "tiny").read_text())
    surrogate["cells"][0]["source"] = "\ud800"
    mixed.hand_in("surrogate", json.dumps(surrogate).encode(), "tiny")
    fat = json.loads(mixed.place("fat", "tiny").read_text())
    fat["metadata"]["fat"] = "x" * 50_000_000
    mixed.hand_in("fat", json.dumps(fat).encode(), "tiny")


@pytest.mark.parametrize("student", HONEST_STUDENTS)
def test_honest_student_has_the_same_marks_and_files(
    student: str, graded: tuple[Course, Course, int, str]
) -> None:
    quiet, mixed, _, log = graded
    assert mixed.marks(student, "tiny") == quiet.marks(student, "tiny"), log
    files = [fingerprint(each.autograded(student, "tiny").parent) for each in (quiet, mixed)]
    assert files[0] == files[1]


@pytest.mark.parametrize("student", OUTRIGHT)
def test_odd_files_stop_their_own_student_with_a_sentence(
    student: str, graded: tuple[Course, Course, int, str]
) -> None:
    _, mixed, status, log = graded
    assert status == 1 and "Traceback" not in log, log
    assert OUTRIGHT[student] in log
    assert not mixed.autograded(student, "tiny").exists()
    # One that is refused before nbgrader has looked at it does not stand in the gradebook at all.
    with suppress(MissingEntry):
        assert all(mark.auto is None for mark in mixed.marks(student, "tiny").values())


@pytest.mark.parametrize("student", ATTACKERS)
def test_attacker_gains_nothing(student: str, graded: tuple[Course, Course, int, str]) -> None:
    _, mixed, _, _ = graded
    points = sum(mark.auto or 0 for mark in mixed.marks(student, "tiny").values())
    assert points <= ATTACKS[student].most


def test_nobodys_other_files_are_changed(graded: tuple[Course, Course, int, str]) -> None:
    quiet, mixed, _, _ = graded
    for place in ("source", "release", "exercises"):
        assert fingerprint(mixed.root / place) == fingerprint(quiet.root / place)
    assert folder.size(mixed.root / "autograded")[0] < 50e6


def test_mended_submissions_are_graded_by_the_next_run(
    graded: tuple[Course, Course, int, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    quiet, mixed, _, _ = graded
    monkeypatch.setenv("PATH", course.with_scripts())
    for name in OUTRIGHT:
        shutil.rmtree(mixed.root / "submitted" / name)
    kill.hand_in(mixed, "old", kill.STUDENTS["ada"])
    done = mixed.nbgrader("autograde", "tiny")
    assert done.returncode == 0, done.stdout
    # The same code in the same round: the same evidence.
    assert mixed.marks("old", "tiny") == quiet.marks("ada", "tiny")
