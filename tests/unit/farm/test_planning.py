"""Each code is observed once, what is kept is left out, and no time is promised that is unknown."""

import pytest

from autograder.farm import planning
from autograder.farm.planning import Known, Plan, Unreadable
from autograder.model import Submission

CODE = Submission("ex", (), frozenset(), "digest")


def known(student: str, key: str, kept: dict[str, float] | None = None, name: str = "ex") -> Known:
    return Known(student, name, key, CODE, kept)


def test_equal_code_is_planned_once_for_all_who_have_it() -> None:
    made = planning.make([known("ada", "k1"), known("bob", "k2"), known("cid", "k1")])
    assert (made.submissions, made.codes, made.kept) == (3, 2, 0)
    assert [(code.key, code.students) for code in made.waiting] == [
        ("k1", ("ada", "cid")),
        ("k2", ("bob",)),
    ]


def test_what_is_kept_is_left_out_and_tells_the_time() -> None:
    phases = {"start": 2.0, "cases": 4.0}
    made = planning.make(
        [known("ada", "k1", phases), known("bob", "k2"), known("cid", "k3", phases)]
    )
    assert (made.codes, made.kept, len(made.waiting)) == (3, 2, 1)
    assert made.seconds == {"ex": 6.0}
    assert planning.cost(made) == 6.0


def test_reference_tells_the_time_of_an_exercise_only_where_no_submission_does() -> None:
    found = [
        known("ada", "k1", {"cases": 4.0}),
        known("bob", "k2"),
        known("bob", "k3", None, "two"),
    ]
    made = planning.make(found, [("ex", 100.0), ("two", 10.0)])
    assert made.seconds == {"ex": 4.0, "two": 10.0}
    assert planning.cost(made) == 14.0


def test_what_cannot_be_read_is_counted_beside() -> None:
    made = planning.make([Unreadable("ada", "ex", "it is no notebook"), known("bob", "k1")])
    assert (made.submissions, len(made.unreadable)) == (1, 1)
    assert "; 1 cannot be read" in planning.summary(made, [(1, "here")])


def _class(codes: int, kept: int, seconds: float) -> Plan:
    found = [known(f"s{i}", f"k{i}", {"all": seconds} if i < kept else None) for i in range(codes)]
    return planning.make([*found, *(known(f"t{i}", f"k{i}") for i in range(12))])


def test_summary_has_the_numbers_of_the_class() -> None:
    said = planning.summary(_class(288, 41, 8.0), [(1, "in 1 slot"), (40, "on 40 jobs")])
    assert said == (
        "300 submissions, 288 different codes, 41 observed already, 247 to observe: about 33 min "
        "in 1 slot, 49 s on 40 jobs; 1.1 core hours (8.0 s a code, as measured in this round)."
    )


def test_more_slots_than_codes_do_not_make_one_code_faster() -> None:
    said = planning.summary(_class(44, 41, 8.0), [(40, "on 40 jobs")])
    assert "about 8 s on 40 jobs; less than 0.1 core hours" in said


def test_unknown_time_is_called_unknown() -> None:
    said = planning.summary(_class(20, 0, 8.0), [(1, "in 1 slot"), (40, "on 40 jobs")])
    assert "in 1 slot or on 40 jobs is not known yet" in said and "core hours" not in said
    assert planning.cost(_class(20, 0, 8.0)) is None


def test_nothing_to_do_takes_no_time() -> None:
    made = planning.make([known("ada", "k1", {"all": 8.0})])
    assert planning.summary(made, [(1, "here")]) == (
        "1 submission, 1 different code, 1 observed already, 0 to observe."
    )


@pytest.mark.parametrize(
    ("seconds", "said"),
    [
        (0.4, "0 s"),
        (59.4, "59 s"),
        (60, "1 min"),
        (160, "2 min 40 s"),
        (1999, "33 min"),
        (3570, "1 h"),
        (3630, "1 h"),
        (12000, "3 h 20 min"),
        (float("inf"), "–"),
    ],
)
def test_duration_is_written_as_one_says_it(seconds: float, said: str) -> None:
    assert planning.duration(seconds) == said
