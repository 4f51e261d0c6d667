"""Whether there is an answer to judge: blanks, exceptions, and what was stopped."""

from dataclasses import replace

import pytest
from kept_evidence import EX02, evidence, exercise_of, reference

from autograder.checks.base import check, given_away, judged_runs, passed
from autograder.errors import UNDEFINED
from autograder.model import CellOutput, CheckSpec, Evidence, Failure, Finding, Mistake, Run, Status

EXERCISE = exercise_of(EX02)
SPEC = CheckSpec("id", "predict_large", "made_up", ("one", "two"), 3, "A title", {})


def run(case: str, **changes: object) -> Run:
    base = replace(evidence(EX02, "hypatia").runs[-1], function="predict_large")
    return replace(base, case=case, failure=None, stopped=None, **changes)  # type: ignore[arg-type]


def seen(*runs: Run, **changes: object) -> Evidence:
    base = replace(evidence(EX02, "hypatia"), cells=(), untouched=frozenset(), runs=runs)
    return replace(base, **changes)  # type: ignore[arg-type]


def judged(found: Evidence) -> Finding:
    judge = check(lambda exercise, spec, evidence, reference: passed(spec, "asked", "given"))
    return judge(EXERCISE, SPEC, found, reference(EX02))


def failure(message: str = "no", kind: str = "ValueError") -> Failure:
    return Failure(kind, message, "")


def test_answers_of_all_cases_are_judged() -> None:
    found = judged(seen(run("one"), run("two")))
    assert (found.status, found.credit) == (Status.PASSED, 1.0)
    assert (found.expected, found.got) == ("asked", "given")
    assert (found.grade_id, found.function, found.check, found.title) == (
        "id", "predict_large", "made_up", "A title",
    )  # fmt: skip


def test_the_last_run_of_each_case_is_judged_in_the_check_s_order() -> None:
    last = run("one", go=2.0)
    runs = judged_runs(SPEC, seen(run("two"), run("one", go=1.0), run("three"), last))
    assert [each.case for each in runs] == ["one", "two"] and runs[0] is last


def test_a_blank_is_no_failure() -> None:
    found = judged(seen(run("one"), run("two"), untouched=frozenset({"predict_large"})))
    assert (found.status, found.credit) == (Status.UNTOUCHED, 0.0)
    assert found.got == "the blank is as it was released"
    assert found.advice == "Fill in predict_large, and run its check in the notebook."
    other = judged(seen(run("one"), run("two"), untouched=frozenset({"fit_small"})))
    assert other.status is Status.PASSED


def test_what_was_stopped_is_said_before_what_was_raised() -> None:
    found = judged(seen(run("one"), replace(run("two"), stopped="it ran too long")))
    assert (found.status, found.got) == (Status.FAILED, "it was stopped: it ran too long")
    both = replace(run("two"), stopped="it ran too long", failure=failure())
    assert judged(seen(run("one"), both)).got == "it was stopped: it ran too long"


def test_a_function_that_was_stopped_on_another_case_is_not_called_again() -> None:
    elsewhere = replace(run("zero"), stopped="it ran too long")
    assert judged(seen(elsewhere)).got == "it was stopped: it ran too long"
    # Where it was called on all of the check's own cases, another case is another check's.
    assert judged(seen(elsewhere, run("one"), run("two"))).status is Status.PASSED
    another = replace(elsewhere, function="fit_small")
    assert "stopped before it could be called" in judged(seen(another)).got


def test_an_exception_is_shown_with_its_first_line() -> None:
    raised = failure("not this way\nnor that way")
    found = judged(seen(run("one"), replace(run("two"), failure=raised)))
    assert (found.status, found.got) == (Status.FAILED, "it raised ValueError: not this way")
    assert found.failure is raised and found.advice.startswith("Read the traceback from the bottom")


def test_an_exception_without_a_message_is_its_kind() -> None:
    assert judged(seen(replace(run("one"), failure=failure("")))).got == "it raised ValueError"


def test_a_long_message_is_cut() -> None:
    got = judged(seen(replace(run("one"), failure=failure("x" * 500)))).got
    assert got == "it raised ValueError: " + "x" * 200


@pytest.mark.parametrize("cells_fail", [True, False])
def test_a_function_that_is_not_there_leads_to_the_cell_that_failed(cells_fail: bool) -> None:
    missing = replace(run("one"), failure=failure(f"{UNDEFINED} predict_large", "NameError"))
    cells = (
        CellOutput(2, (), 0.1),
        CellOutput(4, (), 0.1, failure("no array", "TypeError") if cells_fail else None),
    )
    advice = judged(seen(missing, cells=cells)).advice
    if cells_fail:
        assert advice.startswith("Cell 5 of the notebook ended with TypeError: no array, and")
    else:
        assert advice.startswith("Keep the name that the blank has")


@pytest.mark.parametrize(
    ("stopped", "said"),
    [
        ("it ran too long", "cell 4 of the notebook was stopped: it ran too long"),
        (None, "the notebook was stopped before it could be called"),
    ],
)
def test_a_notebook_that_was_stopped_before_the_call(stopped: str | None, said: str) -> None:
    cells = (CellOutput(1, (), 0.1), CellOutput(3, (), 0.1, None, stopped))
    found = judged(seen(run("one"), cells=cells))
    assert (found.status, found.credit, found.got) == (Status.FAILED, 0.0, said)


def test_an_exception_gives_the_exercise_s_own_mistake_away() -> None:
    known = {
        name: Mistake(name, name, "", "", raises)
        for name, raises in (("silent", ""), ("classes", "ValueError: classes"), ("all", "Error"))
    }
    exercise = replace(EXERCISE, mistakes=known)
    assert given_away(exercise, failure("classes must be passed")) == (known["classes"],)
    assert given_away(exercise, failure("another", "KeyError")) == (known["all"],)
    assert given_away(exercise, failure("another", "Stop")) == ()
