"""Evidence on disk: what its key depends on, and what is never judged."""

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from pydantic import TypeAdapter

from autograder.evidence import rounds, store, versions
from autograder.evidence.assemble import gather
from autograder.model import SCHEMA, Evidence, Exercise, Grade, Result, Submission

GOLDEN = Path(__file__).with_name("schema.json")
HANDED_IN = Submission("ex02_parallel_prediction", (), frozenset(), "digest")


def forms() -> dict[str, Any]:
    """The form of all that is kept."""
    kept = {"evidence": Evidence, "result": Result}
    return {name: _form(TypeAdapter(kind).json_schema()) for name, kind in kept.items()}


def _form(schema: Any) -> Any:
    """Leave the docstrings out: another word for the same thing is no other form."""
    if isinstance(schema, dict):
        named = {name: _form(each) for name, each in schema.items()}
        return {n: each for n, each in named.items() if n != "description" or "type" not in named}
    return [_form(each) for each in schema] if isinstance(schema, list) else schema


@pytest.fixture
def round_(tmp_path: Path, ex02: Exercise) -> rounds.Round:
    return rounds.current(tmp_path, ex02)


@pytest.fixture
def kept(round_: rounds.Round, ex02: Exercise) -> Evidence:
    evidence = gather(ex02, [], key="0" * 32)
    store.save(round_, evidence)
    return evidence


def test_the_form_of_evidence_has_the_number_that_it_was_given() -> None:
    golden = json.loads(GOLDEN.read_text())
    remedy = (
        "The form of kept evidence has changed. Raise SCHEMA in autograder/model/evidence.py, so "
        "that no older record is judged, then run: python tests/unit/evidence/test_store.py"
    )
    assert (golden["schema"], golden["forms"]) == (SCHEMA, forms()), remedy


def test_no_fact_of_a_run_has_a_default() -> None:
    definitions = forms()["evidence"]["$defs"]
    # Where no worker was to be killed, nothing is written of kills, and None is read: that says so.
    # The same goes for a reference solution that did not run again.
    defaults = {"kills": None, "reference": []}
    optional = {"Run": set(defaults)}
    for name, default in defaults.items():
        assert definitions["Run"]["properties"][name]["default"] == default
    for name in ("Run", "ProcessUsage", "MemorySample", "Kill"):
        required = set(definitions[name]["properties"]) - optional.get(name, set())
        assert set(definitions[name]["required"]) == required, name
    evidence = forms()["evidence"]
    assert set(evidence["required"]) == set(evidence["properties"])


def test_what_is_kept_is_read_again(round_: rounds.Round, kept: Evidence) -> None:
    assert store.load(round_, kept.key) == kept


def _changed(change: Callable[[dict[str, Any]], object]) -> Callable[[str], str]:
    def changed(text: str) -> str:
        record = json.loads(text)
        change(record)
        return json.dumps(record)

    return changed


@pytest.mark.parametrize(
    "spoil",
    [
        _changed(lambda record: record.update(schema=SCHEMA - 1)),
        _changed(lambda record: record.pop("schema")),
        _changed(lambda record: record.pop("machine")),
        _changed(lambda record: record.update(key="1" * 32)),
        lambda text: text[: len(text) // 2],
        lambda text: "[]",
        lambda text: "",
    ],
    ids=["older", "no schema", "a fact is missing", "another's", "cut off", "a list", "empty"],
)
def test_another_record_is_none(
    spoil: Callable[[str], str], round_: rounds.Round, kept: Evidence
) -> None:
    path = store._path(round_, kept.key)
    path.write_text(spoil(path.read_text()))
    assert store.load(round_, kept.key) is None


def test_the_key_is_of_what_the_measurement_depends_on(
    round_: rounds.Round, ex02: Exercise, monkeypatch: pytest.MonkeyPatch
) -> None:
    def key(exercise: Exercise = ex02, submission: Submission = HANDED_IN, boxed: bool = True):
        return store.key(exercise, submission, round_, boxed=boxed)

    keys = {
        key(),
        key(boxed=False),
        key(submission=replace(HANDED_IN, digest="other")),
        key(replace(ex02, digest="other")),
        key(replace(ex02, cluster=replace(ex02.cluster, workers=4))),
        key(replace(ex02, limits=replace(ex02.limits, case_seconds=99.0))),
        store.key(ex02, HANDED_IN, rounds.Round(round_.folder, b"other"), boxed=True),
    }
    assert len(keys) == 7
    monkeypatch.setattr(store, "versions", lambda: {**versions.versions(), "dask": "1.0"})
    assert key() not in keys


def test_the_key_is_the_same_on_another_machine(
    round_: rounds.Round, ex02: Exercise, monkeypatch: pytest.MonkeyPatch
) -> None:
    here = store.key(ex02, HANDED_IN, round_, boxed=True)
    # A login node has other cores than the node that a submission was observed on.
    monkeypatch.setattr("os.sched_getaffinity", lambda _: set(range(64)))
    monkeypatch.setattr("platform.machine", lambda: "other")
    monkeypatch.setattr("socket.gethostname", lambda: "login-1")
    monkeypatch.setenv("SLURM_JOB_ID", "4711")
    assert store.key(ex02, HANDED_IN, round_, boxed=True) == here
    told = versions.machine()
    assert (told["cores"], told["machine"], told["host"], told["job"]) == (
        "64", "other", "login-1", "4711",
    )  # fmt: skip


def test_a_result_of_another_version_says_what_to_do(round_: rounds.Round) -> None:
    def result(student: str, grade: Grade | None) -> Result:
        return Result(SCHEMA, student, "ex02_parallel_prediction", grade)

    for student in ("ada", "blaise", "carl"):
        store.save_result(round_, "resit", result(student, Grade("ex02", (), 3.0, 16.0)))
    folder = store.results_folder(round_, "resit")
    old = json.loads((folder / "ada.json").read_text())
    (folder / "ada.json").write_text(json.dumps(old | {"schema": SCHEMA - 1}))
    (folder / "blaise.json").write_text("{")
    ada, blaise, carl = store.results(round_, "resit")
    assert carl.grade is not None and carl.grade.points == 3.0
    assert ada.grade is None and "another version of the kit" in ada.reason
    assert blaise.grade is None and "cannot be read" in blaise.reason
    assert all("--force" in one.reason for one in (ada, blaise))


def test_results_of_two_assignments_with_one_exercise_do_not_mix(round_: rounds.Round) -> None:
    for assignment, points in (("ps1", 3.0), ("resit", 9.0)):
        graded = Grade("ex02", (), points, 16.0)
        store.save_result(round_, assignment, Result(SCHEMA, "ada", "ex02", graded))
    store.save_result(round_, "ps1", Result(SCHEMA, "blaise", "ex02", None, "away"))
    (ada,) = store.results(round_, "resit")
    assert ada.grade is not None and ada.grade.points == 9.0
    assert [one.student for one in store.results(round_, "ps1")] == ["ada", "blaise"]
    assert store.results(round_, "another") == []


if __name__ == "__main__":
    GOLDEN.write_text(json.dumps({"schema": SCHEMA, "forms": forms()}, indent=1) + "\n")
