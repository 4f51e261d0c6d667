"""The class on a terminal: whole within 80 columns, whatever there is to say of a student."""

import pytest
from kept_evidence import EX02, exercise_of
from rich.cells import cell_len

from autograder.model import (
    SCHEMA,
    Failure,
    Finding,
    Grade,
    Mistake,
    Result,
    ScoredFinding,
    Status,
)
from autograder.report import class_table

GATHERS = Mistake("gathers", "Gathers the predictions", "3.2 MB came back.", "")
LONG = Mistake("long", "A mistake whose title goes on and on " * 4 + "to its end", "", "")


def scored(
    status: Status = Status.FAILED, *mistakes: Mistake, got: str = "something else"
) -> ScoredFinding:
    credit = float(status is Status.PASSED)
    finding = Finding(
        "labels", "predict", "values", "predict is right", status, credit, "A", got,
        mistakes=mistakes, failure=Failure("ValueError", "no", "") if not mistakes else None,
    )  # fmt: skip
    return ScoredFinding(finding, 2.5 * credit, 2.5)


def result_of(
    student: str, *all_scored: ScoredFinding, flags: tuple[str, ...] = (), reason: str = ""
) -> Result:
    points = sum(item.points for item in all_scored)
    grade = Grade("ex02", all_scored, points, 2.5 * len(all_scored), flags)
    phases = {"start": 1.4, "cases": 4.04}
    return Result(SCHEMA, student, "ex02", grade if all_scored else None, reason, phases=phases)


def lines(*results: Result, width: int = 80) -> list[str]:
    widths = class_table.columns(exercise_of(EX02), [result.student for result in results])
    shown = [class_table.heading(widths)]
    for result in results:
        shown += class_table.row(result, widths, width)
    return [line.plain for line in shown]


def test_a_student_has_a_sign_for_each_check_and_the_mistake_below() -> None:
    head, line, mistake = lines(
        result_of("[red]bob[/]", scored(Status.PASSED), scored(Status.FAILED, GATHERS))
    )
    assert head.split() == ["student", "points", "checks", "speedup", "seconds", "verdict"]
    assert line.split() == ["[red]bob[/]", "2.5", "/", "5", "✓✗", "–", "5.4", "1", "of", "2",
                            "passed"]  # fmt: skip
    assert mistake == "  Gathers the predictions"


def test_a_mistake_is_said_once_and_an_unnamed_loss_by_what_came() -> None:
    twice = lines(result_of("ada", scored(Status.FAILED, GATHERS), scored(Status.FAILED, GATHERS)))
    assert twice[2:] == ["  Gathers the predictions"]
    assert lines(result_of("ada", scored(got="[b]None\nand more")))[2:] == [
        "  predict: [b]None and more"
    ]
    assert len(lines(result_of("ada", scored(Status.PASSED)))) == 2


def test_what_to_look_at_stands_last_and_no_grade_is_no_zero() -> None:
    flagged = result_of("ada", scored(Status.FAILED, GATHERS), flags=("machine busy", "late"))
    assert lines(flagged)[2:] == ["  Gathers the predictions", "  machine busy; late"]
    _, line, reason = lines(result_of("bob", reason="no notebook"))
    assert line.split() == ["bob", "–", "–", "–", "5.4", "ungraded"]
    assert reason == "  no notebook"
    assert "left blank" in lines(result_of("cleo", scored(Status.UNTOUCHED)))[1]


@pytest.mark.parametrize("width", [60, 80, 100])
def test_nothing_is_wider_than_the_window_and_nothing_is_cut(width: int) -> None:
    checks = [scored(Status.FAILED, LONG, GATHERS)] * len(exercise_of(EX02).checks)
    result = result_of(
        "a-student-whose-name-is-longer-than-the-column", *checks, flags=("f " * 90,)
    )
    shown = lines(result, width=width)
    assert max(cell_len(line) for line in shown[2:]) <= width
    assert max(cell_len(line) for line in shown[:2]) <= 80
    said = " ".join(" ".join(shown[2:]).split())
    assert f"{LONG.title}; {GATHERS.title}" in said and said.count("f ") == 89


def test_the_legend_names_every_sign_and_every_check() -> None:
    exercise = exercise_of(EX02)
    legend = class_table.legend(exercise)
    said = " ".join(line.plain for line in legend)
    assert all(cell_len(line.plain) <= 80 for line in legend)
    for words in ("✓ passed", "✗ not passed", "○ not attempted", "⚑ not accepted"):
        assert words in said
    for check in exercise.checks:
        assert check.function in said and check.check.replace("_", " ") in said


def test_a_name_cannot_steer_the_terminal() -> None:
    assert "\x1b" not in "".join(lines(result_of("\x1b[31mred", scored(got="\x1b[2J"))))
