"""Whether there is an answer to judge: blanks, exceptions, and what was stopped."""

from dataclasses import replace

import pytest
from kept_evidence import EX02, evidence, exercise_of, reference

from autograder.checks.base import failed, judged_runs, passed
from autograder.checks.no_answer import check, given_away, with_names
from autograder.errors import UNDEFINED
from autograder.model import (
    LOST_WORKERS,
    CellOutput,
    CheckSpec,
    Comparison,
    CpuSample,
    Evidence,
    Failure,
    Finding,
    FunctionNames,
    Kill,
    Mistake,
    ProcessUsage,
    Role,
    Run,
    Status,
)

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


OWN_LINE = {
    "traceback": '  File "your cell [3]", line 2, in predict_large\n    return 1 / 0\n',
    "cell": 3,
    "line": 2,
}


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
    raised = replace(failure("not this way\nnor that way"), **OWN_LINE)
    found = judged(seen(run("one"), replace(run("two"), failure=raised)))
    assert (found.status, found.got) == (Status.FAILED, "it raised ValueError: not this way")
    assert found.failure is raised and found.advice.startswith("Read the traceback from the bottom")


def test_where_no_line_of_the_student_s_ran_none_is_to_be_read() -> None:
    raised = failure("too many values to unpack (expected 2)")
    found = judged(seen(run("one"), replace(run("two"), failure=raised)))
    assert found.failure is raised
    assert found.advice.startswith("None of your lines was running")


@pytest.mark.parametrize(
    ("type_name", "got", "advice"),
    [
        (
            "builtins.NoneType",
            "it returned None (is there a return statement?)",
            "End predict_large with return",
        ),
        (
            "dask.array.core.Array",
            "it returned a Dask array, which is not computed yet",
            "Call compute() on it",
        ),
        (
            "builtins.list",
            "it returned a list of things not computed yet",
            "Compute all of them at once, with dask",
        ),
        (
            "sklearn.model_selection._search.GridSearchCV",
            "it returned a GridSearchCV without the results of one fold",
            "Call fit on it before",
        ),
        ("distributed.client.Future", "it returned a Future", "Compare what predict_large returns"),
    ],
)
def test_a_result_that_is_refused_is_no_exception(type_name: str, got: str, advice: str) -> None:
    refused = failure(f"predict_large must return a Dask array of labels; {got}.", "TypeError")
    returned = run("two", answer={"type": type_name})
    found = judged(seen(run("one"), replace(returned, failure=refused)))
    assert (found.status, found.failure) == (Status.FAILED, None)
    assert (found.expected, found.got) == ("a Dask array of labels", got)
    assert found.advice.startswith(advice)
    # The same words from a line of the student's are what that line raised.
    raised = replace(refused, **OWN_LINE)
    found = judged(seen(run("one"), replace(returned, failure=raised)))
    assert found.failure is raised and found.got.startswith("it raised TypeError: predict_large")


def test_an_exception_without_a_message_is_its_kind() -> None:
    assert judged(seen(replace(run("one"), failure=failure("")))).got == "it raised ValueError"


def test_a_long_message_is_cut() -> None:
    got = judged(seen(replace(run("one"), failure=failure("x" * 500)))).got
    assert got == "it raised ValueError: " + "x" * 199 + "…"
    words = judged(seen(replace(run("one"), failure=failure("words " * 50)))).got
    assert words.endswith(" words…") and len(words) <= 220


@pytest.mark.parametrize("cells_fail", [True, False])
def test_a_function_that_is_not_there_leads_to_the_cell_that_failed(cells_fail: bool) -> None:
    missing = replace(run("one"), failure=failure(f"{UNDEFINED} predict_large", "NameError"))
    cells = (
        CellOutput(2, (), 0.1),
        CellOutput(4, (), 0.1, failure("no array", "TypeError") if cells_fail else None),
    )
    advice = judged(seen(missing, cells=cells)).advice
    if cells_fail:
        assert advice.startswith("Cell 5 of the notebook ended with TypeError: no array, so")
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


# ---------------------------------------------------------------- what the function's code says

VALUES = replace(SPEC, check="values")
INSTEAD = FunctionNames(9, 7, ("X", "y"), (("X_small", "X"),))
WRONG = Comparison(False, "0.9", "0.8")
KNOWN = Mistake("known", "Known", "By its value.", "")


def explained(found: Finding, seen_: Evidence, names: FunctionNames = INSTEAD) -> list[str]:
    spec = replace(SPEC, check=found.check)
    return [mistake.name for mistake in with_names(found, spec, seen_, names).mistakes]


def wrong_run(case: str) -> Run:
    return run(case, comparison=WRONG)


def test_a_variable_in_place_of_an_argument_is_named_with_both_names() -> None:
    found = with_names(failed(VALUES, "0.9", "0.8"), VALUES, seen(wrong_run("one")), INSTEAD)
    (mistake,) = found.mistakes
    assert mistake.name == "variable_for_argument"
    assert "never uses its argument `X`. It uses `X_small`" in mistake.explanation
    assert "write `X` in place of `X_small`" in mistake.explanation


def test_a_right_answer_is_never_accused() -> None:
    right = seen(run("one"), run("two"))
    assert all(each.right for each in right.runs)
    assert explained(failed(VALUES, "0.9", "0.8"), right) == []
    assert explained(passed(VALUES, "0.9", "0.9"), seen(wrong_run("one"))) == []
    # Too slow, but right in what it did.
    assert explained(failed(replace(SPEC, check="speedup"), "2", "1"), right) == []


def test_what_the_code_says_explains_values_and_exceptions() -> None:
    wrong = seen(run("one"), wrong_run("two"))
    assert explained(failed(VALUES, "0.9", "0.8"), wrong) == ["variable_for_argument"]
    assert explained(failed(replace(SPEC, check="lazy"), "a", "b"), wrong) == []
    raised = failure("inconsistent numbers of samples")
    broken = seen(replace(run("one"), failure=raised, comparison=None))
    found = failed(replace(SPEC, check="lazy"), "a", "b", failure=raised)
    assert explained(found, broken) == ["variable_for_argument"]
    unread = FunctionNames(9, 7, ("X",), ())
    assert explained(found, broken, unread) == []
    assert explained(failed(VALUES, "0.9", "0.8"), wrong, unread) == ["argument_not_read"]


def test_a_mistake_that_the_value_gives_away_stands_first() -> None:
    wrong = seen(wrong_run("one"))
    found = failed(VALUES, "0.9", "0.8", mistakes=(KNOWN,))
    assert explained(found, wrong) == ["known", "variable_for_argument"]
    assert explained(found, wrong, FunctionNames(9, 7, ("X",), ())) == ["known"]


def test_what_is_written_otherwise_explains_what_has_no_other_name() -> None:
    wrong = seen(wrong_run("one"))
    names = FunctionNames(
        9, 7, settings=(("cv=5", "cv=3"),), besides=("scoring='f1'",), helpers=("parse",)
    )
    assert explained(failed(VALUES, "0.9", "0.8"), wrong, names) == ["setting_not_asked"]
    known = failed(VALUES, "0.9", "0.8", mistakes=(KNOWN,))
    assert explained(known, wrong, names) == ["known"]
    assert explained(passed(VALUES, "0.9", "0.9"), seen(run("one")), names) == []
    # What is left out, or is there besides, raises no exception; a wrong setting may.
    raised = failure("The 'tol' parameter must be a float or None. Got 'None' instead.")
    broken = seen(replace(run("one"), failure=raised, comparison=None))
    found = failed(VALUES, "a", "b", failure=raised)
    assert explained(found, broken, names) == ["setting_not_asked"]
    assert explained(found, broken, replace(names, settings=())) == []
    assert explained(replace(found, mistakes=(KNOWN,)), broken, names) == ["known"]


def test_what_was_stopped_is_not_explained_by_names() -> None:
    stopped = seen(run("one"), replace(wrong_run("two"), stopped="it ran too long"))
    assert explained(failed(VALUES, "0.9", "0.8"), stopped) == []


def missing(cell: Failure | None, names: FunctionNames = INSTEAD) -> Finding:
    """The finding where the cell of the blank ended so."""
    no_function = replace(
        run("one"), failure=failure(f"{UNDEFINED} predict_large", "NameError"), comparison=None
    )
    other = failure("elsewhere", "ImportError")
    cells = (CellOutput(2, (), 0.1, other), CellOutput(9, (), 0.1, cell))
    evidence_ = seen(no_function, cells=cells)
    return with_names(judged(evidence_), SPEC, evidence_, names)


def test_a_syntax_error_is_told_with_its_line_and_in_pythons_words() -> None:
    traceback = "\x1b[36m  Cell In[5]\x1b[39m\x1b[32m, line 3\x1b[39m\n    (X\nSyntaxError: …"
    found = missing(Failure("SyntaxError", "'(' was never closed (371.py, line 3)", traceback))
    said = "SyntaxError: '(' was never closed"
    assert found.got == f"Python cannot read line 3 of the cell that defines it: {said}"
    assert found.advice.startswith("Correct cell [7]")
    (mistake,) = found.mistakes
    assert mistake.title == "Python cannot read the cell"
    assert mistake.explanation.startswith("Cell [7], line 3: '(' was never closed. Nothing in")
    assert found.failure is not None
    assert (found.failure.kind, found.failure.cell, found.failure.line) == ("SyntaxError", 7, 3)
    assert found.failure.traceback.startswith("  your cell [7], line 3")


def test_another_error_of_the_cell_is_told_in_place_of_a_missing_name() -> None:
    found = missing(failure("No module named 'sklaern'", "ModuleNotFoundError"))
    said = "ModuleNotFoundError: No module named 'sklaern'"
    assert found.got == f"the cell that should define it raised {said}"
    assert found.failure is not None and found.failure.kind == "ModuleNotFoundError"
    assert found.mistakes == () and "cell [7]" in found.advice


@pytest.mark.parametrize("names", [FunctionNames(), FunctionNames(11, 8)])
def test_where_the_cell_is_not_known_the_first_that_failed_is_named(names: FunctionNames) -> None:
    found = missing(failure("no array", "TypeError"), names)
    assert found.advice.startswith("Cell 3 of the notebook ended with ImportError: elsewhere")


@pytest.mark.parametrize(
    ("stopped", "title"),
    [
        ("it ran for more than 15 seconds", "Did not end within 15 s"),
        (
            "it ran for more than the 120 seconds that a submission has in all",
            "Did not end within 120 s",
        ),
    ],
)
def test_an_endless_loop_says_after_how_long_it_was_stopped(stopped: str, title: str) -> None:
    found = judged(seen(run("one"), replace(run("two"), stopped=stopped)))
    assert [mistake.title for mistake in found.mistakes] == [title]


@pytest.mark.parametrize(
    ("cpu", "named"), [(0.3, "waits_for_ever"), (2.0, "waits_for_ever"), (9.0, "endless")]
)
def test_who_waits_in_vain_is_told_so_and_who_computes_is_not(cpu: float, named: str) -> None:
    usage = (
        ProcessUsage(Role.CLIENT, "client", cpu / 2, 0.0, 0, 0),
        ProcessUsage(Role.WORKER, "worker-0", cpu / 2, 0.0, 0, 0),
    )
    stopped = "it ran for more than 10 seconds"
    called = replace(run("two"), stopped=stopped, go=100.0, done=110.0, usage=usage)
    found = judged(seen(run("one"), called))
    assert [mistake.name for mistake in found.mistakes] == [named]
    # A process that got no CPU did not wait for an answer.
    late = tuple(replace(use, delay=4.0) for use in usage)
    crowded = judged(seen(run("one"), replace(called, usage=late)))
    assert [mistake.name for mistake in crowded.mistakes] == ["endless"]
    nobody_knows = judged(seen(run("one"), replace(called, usage=())))
    assert [mistake.name for mistake in nobody_knows.mistakes] == ["endless"]
    # Who waits for a core that others have does not wait in vain.
    crowded = replace(called, usage=tuple(replace(use, delay=8.0) for use in usage))
    (mistake,) = judged(seen(run("one"), crowded)).mistakes
    assert mistake.name == "endless" and "Other programs had the cores" in mistake.explanation
    assert "Other programs" not in found.mistakes[0].explanation


@pytest.mark.parametrize(
    ("late", "named"), [(0.02, "waits_for_ever"), (0.8, "endless"), (None, "endless")]
)
def test_who_computed_before_waiting_in_vain_is_told_so(late: float | None, named: str) -> None:
    usage = (ProcessUsage(Role.WORKER, "worker-0", 4.0, 0.0, 0, 0),)
    steps = [0.8] * 5 + [late] * 5 if late is not None else []
    cpu = tuple(CpuSample(n + 1.0, "worker-0", ran, 0.0) for n, ran in enumerate(steps))
    stopped = "it ran for more than 10 seconds"
    called = replace(run("two"), stopped=stopped, go=100.0, done=110.0, usage=usage, cpu=cpu)
    (mistake,) = judged(seen(run("one"), called)).mistakes
    assert mistake.name == named
    # A notebook that is checked where it was written has one sample of all that time.
    at_the_end = replace(called, cpu=(CpuSample(10.0, "worker-0", 2.0, 0.0),), usage=usage)
    (mistake,) = judged(seen(run("one"), at_the_end)).mistakes
    assert mistake.name == "endless"


@pytest.mark.parametrize(
    ("each", "named"), [((1.5,) * 4, "waits_for_ever"), ((6.0, 0.0, 0.0, 0.0), "endless")]
)
def test_processes_that_only_listen_do_not_add_up_to_a_loop(
    each: tuple[float, ...], named: str
) -> None:
    usage = tuple(
        ProcessUsage(Role.WORKER, f"worker-{n}", cpu, 0.0, 0, 0) for n, cpu in enumerate(each)
    )
    stopped = "it ran for more than 10 seconds"
    called = replace(run("two"), stopped=stopped, go=100.0, done=110.0, usage=usage)
    (mistake,) = judged(seen(run("one"), called)).mistakes
    assert mistake.name == named


@pytest.mark.parametrize(("share", "named"), [(0.9, "memory_full"), (0.7, "waits_for_ever")])
def test_a_worker_whose_memory_was_full_is_the_reason(share: float, named: str) -> None:
    peak = int(share * EXERCISE.cluster.memory_per_worker)
    usage = (
        ProcessUsage(Role.CLIENT, "client", 0.1, 0.0, 10 * peak, 0),
        ProcessUsage(Role.WORKER, "worker-0", 0.1, 0.0, peak, 0),
    )
    stopped = "it ran for more than 10 seconds"
    called = replace(run("two"), stopped=stopped, go=100.0, done=110.0, usage=usage)
    found = judged(seen(run("one"), called))
    assert [mistake.name for mistake in found.mistakes] == [named]
    recording = replace(called.recording, missing={LOST_WORKERS: 2})
    lost = judged(seen(run("one"), replace(called, recording=recording)))
    assert [mistake.name for mistake in lost.mistakes] == ["memory_full"]
    assert ("2 workers were lost" in lost.mistakes[0].explanation) is True


@pytest.mark.parametrize(
    ("kills", "title"),
    [
        ((Kill(0.5, "worker-1", 4),), "Waits for a worker that is gone"),
        ((), "Did not end within 15 s"),
    ],
)
def test_who_waits_after_the_death_of_a_worker_is_told_of_it(
    kills: tuple[Kill, ...], title: str
) -> None:
    stopped = replace(run("two"), stopped="it ran for more than 15 seconds", kills=kills)
    found = judged(seen(run("one"), stopped))
    assert [mistake.title for mistake in found.mistakes] == [title]


def test_what_was_stopped_for_another_reason_is_not_called_endless() -> None:
    found = judged(seen(run("one"), replace(run("two"), stopped="it ended the notebook's kernel")))
    assert found.mistakes == ()
