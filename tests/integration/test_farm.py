"""A class is observed in two slots, killed and resumed; then nbgrader records it without a box."""

import random
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import farm_class
import psutil
import pytest
from course import Course
from farm_class import ANSWERS, evidence, observe, observing, without_box

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("commands")]

SLOTS = ("--jobs", "2", "--force-slots")
"""One core each where there are two: no marks hang on it that are not the same with more."""

CODES = len(ANSWERS) - 1 + 1
"""Eve's code is ada's, and there is the reference solution's."""

FULL = {"total_values": 2.0, "spread_values": 2.0, "spread_speedup": 4.0}
MARKS = {
    "ada": FULL,
    "bob": FULL | {"spread_values": 0.0, "spread_speedup": 0.0},
    "cyd": dict.fromkeys(FULL, 0.0),
    "dot": FULL | {"total_values": 0.0},
    "eve": FULL,
}


@pytest.fixture(scope="module")
def begun(tmp_path_factory: pytest.TempPathFactory) -> Course:
    course = farm_class.begun(tmp_path_factory.mktemp("farm") / "course")
    course.hand_in("fay", b'{"cells": 3}', "tiny")
    return course


@dataclass(frozen=True, slots=True)
class Observed:
    """A class whose driver was killed at work, and that the same command observed to its end."""

    course: Course
    first: str
    """What the driver said that was killed."""
    killed_at: set[str]
    """The evidence that was there then."""
    said: str


@pytest.fixture(scope="module")
def observed(begun: Course) -> Iterator[Observed]:
    with tempfile.TemporaryDirectory(prefix="k-") as short, pytest.MonkeyPatch.context() as patch:
        place = Path(short, "t")
        place.mkdir()
        patch.setenv("TMPDIR", str(place))
        course = Course(Path(shutil.copytree(begun.root, Path(short) / "course")))
        # The reference solution is observed; four codes in two slots are not in three seconds.
        first = _kill(course, random.uniform(0, 3), begun=lambda: bool(evidence(course)))
        there = evidence(course)
        status, said = observe(course, *SLOTS)
        assert status == 0, said
        yield Observed(course, first, there, said)


def marks(course: Course) -> dict[str, dict[str, float | None]]:
    return {
        student: {name: mark.auto for name, mark in course.marks(student, "tiny").items()}
        for student in ANSWERS
    }


def test_every_code_is_observed_once_and_who_cannot_be_read_is_said(
    observed: Observed,
) -> None:
    course, said = observed.course, observed.first
    assert len(evidence(course)) == CODES
    assert "5 submissions, 4 different codes, 0 observed already, 4 to observe" in said
    assert said.index("fay cannot be read") < said.index("Dask's dashboard")
    for said in (observed.first, observed.said):
        assert "set aside" not in said
    assert "nbgrader autograde tiny" in observed.said
    assert not list(course.root.glob("evidence/**/waiting*"))


def test_killed_driver_loses_nothing_and_the_same_command_goes_on(observed: Observed) -> None:
    assert 1 <= len(observed.killed_at) < CODES and observed.killed_at < evidence(observed.course)
    codes = len(observed.killed_at) - 1  # one is the reference solution's
    told = f"5 submissions, 4 different codes, {codes} observed already, {4 - codes} to observe"
    assert told in observed.said


def test_observing_again_starts_nothing(observed: Observed) -> None:
    course = observed.course
    before = {path: path.stat().st_mtime_ns for path in course.root.glob("evidence/tiny/*/ev*")}
    status, said = observe(course, *SLOTS)
    assert status == 0 and "Nothing is left to observe" in said and "dashboard" not in said
    assert all(path.stat().st_mtime_ns == when for path, when in before.items())
    status, said = observe(course, "--status")
    assert status == 0
    assert "5 submissions, 4 different codes: 4 observed, all observed." in said


def test_nbgrader_records_what_was_observed_without_a_box(
    observed: Observed, tmp_path: Path
) -> None:
    course = Course(Path(shutil.copytree(observed.course.root, tmp_path / "course")))
    done = course.nbgrader("autograde", "tiny", PATH=without_box(tmp_path / "bin"))
    assert "is not a notebook" in done.stdout and "starting the box" not in done.stdout
    assert marks(course) == MARKS
    assert len(evidence(course)) == CODES


def test_a_box_that_is_needed_after_all_is_missed_in_one_sentence(
    observed: Observed, tmp_path: Path
) -> None:
    course = Course(Path(shutil.copytree(observed.course.root, tmp_path / "course")))
    answers = ANSWERS["ada"] | {"total": "def total(numbers):\n    return 4"}
    course.hand_in("bob", farm_class.filled(course, answers), "tiny")
    done = course.nbgrader("autograde", "tiny", PATH=without_box(tmp_path / "bin"))
    assert done.returncode == 1 and "apt install bubblewrap" in done.stdout
    assert {name: marks(course)[name] for name in ("ada", "dot")} == {
        name: MARKS[name] for name in ("ada", "dot")
    }


@pytest.mark.thorough
def test_reference_that_fails_keeps_all_others_from_running(begun: Course, tmp_path: Path) -> None:
    course = Course(Path(shutil.copytree(begun.root, tmp_path / "course")))
    wrong = course.root / "source" / "tiny" / "tiny.ipynb"
    wrong.write_text(wrong.read_text().replace("np.square(numbers).sum()", "0.0"))
    status, said = observe(course, *SLOTS)
    assert status == 1
    assert "gets only 6 of 8 points, so nothing is graded" in said
    assert len(evidence(course)) == 1


@pytest.mark.thorough
def test_worker_that_is_killed_at_work_costs_nothing(begun: Course, tmp_path: Path) -> None:
    course = Course(Path(shutil.copytree(begun.root, tmp_path / "course")))
    process = observing(course, *SLOTS)
    driver, killed = psutil.Process(process.pid), 0
    while process.poll() is None and not killed:
        time.sleep(0.1)
        at_work = [one for one in driver.children() if _has_box(one)]
        if evidence(course) and at_work:
            at_work[0].kill()
            killed += 1
    said, _ = process.communicate(timeout=120)
    assert process.returncode == 0 and killed, said
    assert len(evidence(course)) == CODES


def _has_box(worker: psutil.Process) -> bool:
    try:
        return any(one.name() == "bwrap" for one in worker.children(recursive=True))
    except psutil.NoSuchProcess:
        return False


def _kill(course: Course, after: float, begun: Callable[[], bool] = lambda: True) -> str:
    """Kill the driver some seconds after it has begun; return what it had said, "" if too late."""
    process = observing(course, *SLOTS)
    while not begun() and process.poll() is None:
        time.sleep(0.1)
    try:
        process.communicate(timeout=after)
        return ""
    except subprocess.TimeoutExpired:
        started = psutil.Process(process.pid).children(recursive=True)
        process.send_signal(signal.SIGKILL)
        said, _ = process.communicate()
    until = time.monotonic() + 20
    while (left := [p for p in started if _works(p)]) and time.monotonic() < until:
        time.sleep(0.1)
    assert left == [], "processes of a killed driver"
    return said


def _works(process: psutil.Process) -> bool:
    try:
        return bool(process.is_running() and process.status() != psutil.STATUS_ZOMBIE)
    except psutil.NoSuchProcess:
        return False


@pytest.mark.thorough
def test_driver_that_is_killed_many_times_loses_nothing(
    begun: Course, monkeypatch: pytest.MonkeyPatch
) -> None:
    chance = random.Random()
    with tempfile.TemporaryDirectory(prefix="k-") as short:
        place = Path(short, "t")
        place.mkdir()
        monkeypatch.setenv("TMPDIR", str(place))
        course = Course(Path(shutil.copytree(begun.root, Path(short) / "course")))
        there, killed = set[str](), 0
        for _ in range(20):
            killed += bool(_kill(course, chance.uniform(3, 20)))
            assert there <= evidence(course)
            there = evidence(course)
        status, said = observe(course, *SLOTS)
        assert status == 0 and killed, said
        assert len(evidence(course)) == CODES
        assert not list(course.root.glob("evidence/**/waiting*"))
        done = course.nbgrader("autograde", "tiny", PATH=without_box(Path(short) / "bin"))
        assert marks(course) == MARKS, done.stdout
