"""What a slot refuses, and what a task has in it."""

import pickle
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import kept_evidence
import pytest
from kept_evidence import EX02
from speedup_runs import REFERENCE, run, timed

from autograder.errors import HarnessError, SubmissionError
from autograder.evidence import rounds, store
from autograder.farm import slots, tasks
from autograder.farm.tasks import Share, Task
from autograder.instructor import doctor
from autograder.model import Evidence, Exercise, Run, Submission

SHARE = Share(number=0, slots=1, cores=2, memory=4_000_000_000, divided=False)
CODE = Submission("ex02_parallel_prediction", (), frozenset(), "digest")


@pytest.fixture(scope="module")
def machine() -> doctor.Readings:
    """The one that runs the tests; to look at it takes seconds."""
    return doctor.read(seconds=0.01)


@pytest.fixture
def fit(machine: doctor.Readings, monkeypatch: pytest.MonkeyPatch) -> None:
    """A machine that is fit, so that one thing at a time can be wrong with it."""
    monkeypatch.setattr(slots, "here", lambda: [0, 1])
    monkeypatch.setattr(slots, "memory_limit", lambda: 8_000_000_000)
    monkeypatch.setattr(slots, "enter", lambda cores: None)
    found = replace(machine, box_refused="", socket_room=10, cores=2)
    monkeypatch.setattr(doctor, "read", lambda seconds: found)


@pytest.mark.usefixtures("fit")
def test_fit_slot_has_nothing_to_say() -> None:
    slot = tasks.arrive(SHARE)
    assert (slot.unfit, slot.cores, slot.memory) == ("", (0, 1), 8_000_000_000)


@pytest.mark.usefixtures("fit")
def test_slot_with_too_few_cores_resigns_unless_it_is_forced(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(slots, "here", lambda: [0])
    assert "it has 1 whole core of its own, and 2 are needed" in tasks.arrive(SHARE).unfit
    assert tasks.arrive(replace(SHARE, forced=True)).unfit == ""


@pytest.mark.usefixtures("fit")
def test_slot_takes_its_part_of_cores_and_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(slots, "here", lambda: [0, 1, 2, 3])
    second = replace(SHARE, number=1, slots=2, divided=True)
    assert tasks.arrive(second).cores == (2, 3)
    assert "may use 4.0 GB of memory" in tasks.arrive(replace(second, memory=5 * 10**9)).unfit
    assert "it has 0 whole cores" in tasks.arrive(replace(second, number=2)).unfit


@pytest.mark.usefixtures("fit")
def test_slot_without_a_box_resigns_with_what_doctor_says(monkeypatch: pytest.MonkeyPatch) -> None:
    found = replace(doctor.read(seconds=0.01), box_refused="bwrap was not found; install it")
    monkeypatch.setattr(doctor, "read", lambda seconds: found)
    assert "bwrap was not found" in tasks.arrive(SHARE).unfit
    assert tasks.arrive(replace(SHARE, boxed=False)).unfit == ""


@pytest.fixture
def task(tmp_path: Path, ex02: Exercise, monkeypatch: pytest.MonkeyPatch) -> Task:
    round_ = rounds.current(tmp_path / "evidence", ex02)
    key = store.key(ex02, CODE, round_, boxed=True)
    place = str(round_.folder / tasks.WAITING / f"{key}.json")
    first = replace(kept_evidence.evidence(EX02, "reference"), key="reference")
    store.save(round_, first)
    # Its seconds need the oracle, on the whole of the timed case.
    monkeypatch.setattr("autograder.reference_solution.measure", lambda *_: REFERENCE)
    folder = str(tmp_path / "evidence")
    made = Task(folder, "", ex02.name, ex02.size, key, True, place, first.key, "")
    tasks.prepare(made, CODE)
    return made


def seen(monkeypatch: pytest.MonkeyPatch, **does: object) -> list[Submission]:
    """Replace the sandbox; returns what comes to it."""
    found: list[Submission] = []

    def observed(exercise: Exercise, submission: Submission, *_: object, **__: object) -> Evidence:
        found.append(submission)
        if isinstance(does.get("raises"), Exception):
            raise does["raises"]  # type: ignore[misc]
        raise HarnessError("the box did not start")

    monkeypatch.setattr("autograder.pipeline.observed", observed)
    return found


def test_submission_comes_to_the_slot_as_it_was_parsed(
    task: Task, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = seen(monkeypatch)
    outcome = tasks.observe(task)
    assert (outcome.what, outcome.reason) == ("failed", "the box did not start")
    assert found == [CODE] and outcome.machine["cores"]


def test_what_is_the_submissions_fault_is_refused(
    task: Task, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen(monkeypatch, raises=SubmissionError("it cannot go on"))
    assert tasks.observe(task).what == "refused"


def again_of(task: Task, monkeypatch: pytest.MonkeyPatch) -> Callable[[Run], bool]:
    """Return how the slot decides whether a run is followed by another one."""
    asked: list[Callable[[Run], bool]] = []

    def observed(*_: object, again: Callable[[Run], bool], **__: object) -> Evidence:
        asked.append(again)
        raise HarnessError("seen enough")

    monkeypatch.setattr("autograder.pipeline.observed", observed)
    tasks.observe(task)
    (again,) = asked
    return again


def test_a_run_is_tried_again_where_autograde_would_do_so(
    task: Task, monkeypatch: pytest.MonkeyPatch
) -> None:
    again = again_of(task, monkeypatch)
    alone = run(workers=(1.25, 0.5), wall=1.3)
    right = timed(EX02, "hypatia").comparison
    assert again(replace(alone, comparison=right)), "one worker did it all, by chance perhaps"
    assert not again(alone), "the answer is wrong"
    assert not again(replace(run(), comparison=right))


def test_the_reference_solution_runs_every_attempt(
    task: Task, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("autograder.reference_solution.ask_oracle", lambda *_: None)
    assert again_of(replace(task, reference=task.key), monkeypatch)(run())


def test_slot_that_does_not_see_what_the_reference_did_says_so(
    task: Task, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = seen(monkeypatch)
    outcome = tasks.observe(replace(task, reference="elsewhere"))
    assert outcome.what == "failed" and task.evidence in outcome.reason
    assert "the evidence of the reference solution of ex02_parallel_prediction" in outcome.reason
    assert found == []


def test_evidence_that_is_there_is_not_made_again(
    task: Task, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = seen(monkeypatch)
    monkeypatch.setattr(store, "load", lambda round_, name: object())
    Path(task.place).unlink()
    assert tasks.observe(task).what == "there" and found == []


def test_slot_with_other_versions_runs_nothing(task: Task, monkeypatch: pytest.MonkeyPatch) -> None:
    found = seen(monkeypatch)
    monkeypatch.setattr(store, "versions", lambda: {"python": "2.7"})
    outcome = tasks.observe(task)
    assert outcome.what == "failed" and "evidence under a different key" in outcome.reason
    assert found == []


def test_slot_that_does_not_see_the_course_says_which_folder(
    task: Task, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen(monkeypatch)
    Path(task.place).unlink()
    outcome = tasks.observe(task)
    assert outcome.what == "failed" and task.evidence in outcome.reason
    unknown = tasks.observe(replace(task, exercise="ex99", exercises="/nowhere"))
    assert "does not know the exercise ex99" in unknown.reason and "/nowhere" in unknown.reason


def test_task_has_paths_in_it_and_neither_code_nor_seed(task: Task) -> None:
    secret = Path(task.evidence, "secret").read_text().encode()
    content = pickle.dumps(task)
    assert len(content) < 1000 and secret not in content and CODE.digest.encode() not in content


def test_what_was_laid_out_is_for_its_owner_only_and_goes_when_it_is_observed(
    task: Task, ex02: Exercise, monkeypatch: pytest.MonkeyPatch
) -> None:
    place = Path(task.place)
    assert place.stat().st_mode & 0o077 == 0
    round_ = rounds.current(Path(task.evidence), ex02)
    tasks.sweep(round_)
    assert place.exists()  # it still waits
    monkeypatch.setattr(store, "load", lambda round_, name: object())
    tasks.sweep(round_)
    assert not place.parent.exists()


def test_slot_does_not_load_nbgrader() -> None:
    code = "import sys, autograder.farm.tasks; print('nbgrader' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "False\n"
