"""How a box starts, and what is said when it does not."""

import shutil
import subprocess
import time
from dataclasses import replace

import pytest

from autograder.errors import HarnessError
from autograder.evidence.in_sandbox import in_sandbox
from autograder.model import Exercise
from autograder.sandbox import bubblewrap, limits, machine_load, processes
from autograder.sandbox.running_box import RunningBox
from autograder.sandbox.wall import Sandbox

pytestmark = pytest.mark.slow


def _files_of(line: list[str]) -> int:
    """Run a program that says a word and then listens; return the files that are counted then."""
    with subprocess.Popen(line, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"ready\n"
        files = limits._files(processes.tree(process.pid)[0].pid)
        process.communicate()
    return files


def test_files_of_the_machine_are_not_held_against_a_box_in_the_making() -> None:
    # For a moment bubblewrap is in the box's namespaces, but still in the machine's own root. On
    # a busy machine the moment was long enough for the watchdog, which ended the box.
    making = [str(shutil.which("bwrap")), "--unshare-pid", "--dev-bind", "/", "/"]
    assert _files_of([*making, "sh", "-c", "echo ready; cat"]) == 0

    writes = ["bash", "-c", "touch /tmp/{1..99}; echo ready; cat"]
    made = bubblewrap.command(Sandbox(), writes)
    assert 100 <= _files_of(made) < 110


def test_a_box_that_its_watchdog_ended_says_why(ex02: Exercise, leaves_nothing: None) -> None:
    few = replace(ex02, limits=replace(ex02.limits, processes=1))
    with (
        pytest.raises(HarnessError, match=r"did not start.* more than the 1 processes"),
        in_sandbox(few),
    ):
        pass


def test_a_box_that_ended_says_its_status(
    ex02: Exercise, monkeypatch: pytest.MonkeyPatch, leaves_nothing: None
) -> None:
    monkeypatch.setattr(RunningBox, "_program", lambda box, port: ("no_such_module",))
    with (
        pytest.raises(HarnessError, match=r"did not start.* ended with status 1"),
        in_sandbox(ex02),
    ):
        pass


def test_only_what_is_executed_takes_of_the_notebooks_time(
    ex02: Exercise, monkeypatch: pytest.MonkeyPatch, leaves_nothing: None
) -> None:
    ready = RunningBox.read_roles

    def late(box: RunningBox) -> None:
        time.sleep(3)
        ready(box)

    monkeypatch.setattr(RunningBox, "read_roles", late)
    # Beside much other work it would be nobody's fault.
    monkeypatch.setattr(machine_load, "others", lambda *_: 0.0)
    short = replace(ex02, limits=replace(ex02.limits, wall_seconds=3))
    with in_sandbox(short) as observer:
        session = observer._session
        assert session.execute("__import__('time').sleep(1.5)", 60).stopped is None
        time.sleep(3)
        assert session.execute("answer = 42", 60).stopped is None
        stopped = session.execute("__import__('time').sleep(60)", 60).stopped
    assert stopped == "it ran for more than the 3 seconds a submission may take in all"


def test_a_step_of_the_graders_that_takes_too_long_is_to_be_repeated_elsewhere(
    ex02: Exercise, monkeypatch: pytest.MonkeyPatch, leaves_nothing: None
) -> None:
    monkeypatch.setattr(machine_load, "others", lambda *_: 0.0)
    with in_sandbox(ex02) as observer:
        session = observer._session
        waits = "from cluster import connect\nleft = connect().submit(__import__('time').sleep, 20)"
        left = session.execute(waits, 60)
        assert left.failure is None and not session.broken
        assert "more than 1 seconds" in (session.step("settle(20)", 1, spoilt=True) or "")
        assert session.broken


def test_a_recorder_that_does_not_answer_is_no_record_of_nothing(
    ex02: Exercise, leaves_nothing: None
) -> None:
    case = ex02.cases[0]
    with in_sandbox(ex02) as observer:
        answered = observer.run_case(case, 3)
        assert not answered.unready and answered.failure is not None
        remove = "import os; os.remove(os.environ['AUTOGRADER_RECORDER_SOCKET'])"
        assert observer._session.execute(remove, 60).failure is None
        assert observer.run_case(case, 3).unready
