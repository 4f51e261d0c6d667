"""From findings to a grade: order, rounding, totals, and what the instructor should look at."""

from collections.abc import Callable
from dataclasses import replace

import pytest
from kept_evidence import EX02, evidence, exercise_of, reference

from autograder.checks import CHECKS
from autograder.checks.base import finding
from autograder.errors import HarnessError
from autograder.grading import grade
from autograder.model import CheckSpec, Evidence, Exercise, Finding, Reference, Status


def spec(grade_id: str, points: float, check: str = "made_up", function: str = "f") -> CheckSpec:
    return CheckSpec(grade_id, function, check, (), points, grade_id, {})


def exercise(*specs: CheckSpec) -> Exercise:
    return replace(exercise_of(EX02), checks=specs)


@pytest.fixture
def judge(monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """Put a check in place that finds what is said."""

    def judge(
        credit: float, status: Status = Status.PARTIAL, note: str = "", name: str = "made_up"
    ) -> None:
        def check(
            exercise: Exercise, spec: CheckSpec, seen: Evidence, reference: Reference
        ) -> Finding:
            return finding(spec, status, credit, "a", "b", note=note)

        monkeypatch.setitem(CHECKS, name, check)

    return judge


def graded(*specs: CheckSpec, **changes: object):
    seen = replace(evidence(EX02, "hypatia"), remarks=(), **changes)  # type: ignore[arg-type]
    return grade(exercise(*specs), seen, reference(EX02))


def test_points_are_the_credit_s_share_to_hundredths(judge: Callable[..., None]) -> None:
    judge(1 / 3)
    found = graded(spec("one", 2), spec("two", 5))
    assert [(item.points, item.max_points) for item in found.scored] == [(0.67, 2), (1.67, 5)]
    assert (found.points, found.max_points) == (2.34, 7)


def test_sums_are_rounded_too(judge: Callable[..., None]) -> None:
    judge(0.1)
    assert graded(spec("one", 1), spec("two", 2)).points == 0.3  # 0.1 + 0.2 is not


def test_checks_are_judged_in_order_by_the_check_that_each_names(
    judge: Callable[..., None],
) -> None:
    judge(1.0, Status.PASSED)
    judge(0.0, Status.FAILED, name="another")
    found = graded(spec("b", 1), spec("a", 1, "another"))
    assert [(item.finding.grade_id, item.points) for item in found.scored] == [("b", 1), ("a", 0)]
    assert found.exercise == EX02


def test_some_of_the_checks_alone(judge: Callable[..., None]) -> None:
    judge(1.0, Status.PASSED)
    whole = exercise(spec("one", 1), spec("two", 2))
    found = grade(whole, evidence(EX02, "hypatia"), reference(EX02), whole.checks[1:])
    assert [item.finding.grade_id for item in found.scored] == ["two"]
    assert (found.points, found.max_points) == (2, 2)


def test_a_check_that_does_not_exist_is_the_author_s_fault() -> None:
    with pytest.raises(HarnessError, match=r"(?s)one: .*'made_up'; there are .*lazy, .*values"):
        graded(spec("one", 1))


def test_notes_and_remarks_are_flags_each_of_them_once(judge: Callable[..., None]) -> None:
    judge(0.5, note="The machine was busy.")
    judge(1.0, name="quiet")
    seen = replace(evidence(EX02, "hypatia"), remarks=("A cell is missing.",) * 2)
    found = grade(
        exercise(spec("one", 1), spec("two", 1), spec("three", 1, "quiet")), seen, reference(EX02)
    )
    assert found.flags == ("The machine was busy.", "A cell is missing.")


def test_whose_record_is_forged_is_flagged(judge: Callable[..., None]) -> None:
    judge(0.0, Status.FORGED, "It is said to have worked before it began.")
    judge(1.0, Status.PASSED, name="honest")
    found = graded(spec("one", 1, function="g"), spec("two", 1, "honest", "h"))
    assert found.flags == (
        "It is said to have worked before it began.",
        "g: the record of the cluster cannot be trusted",
    )


def test_the_size_of_the_input_is_the_reference_s(monkeypatch: pytest.MonkeyPatch) -> None:
    seen = evidence(EX02, "hypatia")
    first, second, *_ = {run.case: run for run in seen.runs}.values()
    sizes: list[tuple[str, int]] = []

    def check(exercise: Exercise, spec: CheckSpec, seen: Evidence, ref: Reference) -> Finding:
        sizes.extend((run.case, run.input_bytes) for run in seen.runs)
        return finding(spec, Status.PASSED, 1.0, "a", "b")

    monkeypatch.setitem(CHECKS, "made_up", check)
    runs = (replace(first, input_bytes=1), replace(second, input_bytes=2))
    known = replace(reference(EX02), input_bytes={first.case: 77})
    found = grade(exercise(spec("one", 1)), replace(seen, runs=runs), known)
    assert sizes == [(first.case, 77), (second.case, 2)]
    # What was seen is kept as it was seen.
    assert found.evidence is not None and found.evidence.runs == runs
