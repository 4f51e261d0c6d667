"""The corpus that the speedup verdict is tried on: what counts as wrong, and what the kit gets."""

from dataclasses import replace

import pytest
from constants import CONSTANTS, KINDS, tried
from corpus import CORPUS, Line, read
from judge import TRIES, Decision, decisions, spread, table
from kept_evidence import EX02, exercise_of
from kit_formula import credit
from noise import NOISES
from programs import Kind
from speedup_runs import TIMED, timed

from autograder.model import CaseSpec


def timed_case(name: str) -> CaseSpec:
    (found,) = (case for case in exercise_of(name).cases if case.timed)
    return found


LINE = Line(
    exercise=EX02, case=timed_case(EX02), program="hypatia", source="", kind=Kind.RIGHT,
    speedup=None, noise="quiet", turn=0, at=0.0, machine="", workers=2, serial_seconds=None,
    run=timed(EX02, "hypatia"),
)  # fmt: skip


def decision(kind: Kind, credit: float, accused: bool = False, **changes: object) -> Decision:
    line = replace(LINE, kind=kind, **changes)  # type: ignore[arg-type]
    return Decision(line, line.noise, True, credit, accused)


@pytest.mark.parametrize(
    ("kind", "credit", "accused", "wrong"),
    [
        (Kind.RIGHT, 1.0, False, False),
        (Kind.RIGHT, 0.99, False, True),
        (Kind.RIGHT, 1.0, True, True),
        (Kind.REFERENCE, 0.99, False, True),
        (Kind.SERIAL, 0.0, False, False),
        (Kind.SERIAL, 0.01, False, True),
        (Kind.SERIAL, 0.0, True, True),
        (Kind.SHAM, 0.0, True, False),
        (Kind.SHAM, 0.01, False, True),
        (Kind.PARTIAL, 0.5, False, False),
        (Kind.PARTIAL, 0.5, True, True),
    ],
)
def test_what_a_program_must_not_get(kind: Kind, credit: float, accused: bool, wrong: bool) -> None:
    assert decision(kind, credit, accused).wrong is wrong


def test_the_worst_cell_is_not_the_mean() -> None:
    judged = [*[decision(Kind.RIGHT, 1.0)] * 3, decision(Kind.RIGHT, 0.5, noise="4")]
    (row,) = (line for line in table(judged).splitlines() if line.startswith("| right"))
    assert row == "| right | 0 / 3 | 1 / 1 | 1 / 4 | 100 % | 0 |"


def test_the_spread_is_of_one_program() -> None:
    judged = [
        *[decision(Kind.PARTIAL, share) for share in (0.5, 0.9)],
        *[decision(Kind.PARTIAL, share, program="curie") for share in (0.2, 0.22)],
    ]
    assert "at most 0.40; 0.05 or less in 1 of 2 programs" in spread(judged)


def test_a_run_is_judged_beside_every_round_but_its_own() -> None:
    def usual(noise: str, turn: int) -> Line:
        own = replace(LINE.run, go=LINE.run.go + turn, done=LINE.run.done + turn)
        return replace(LINE, kind=Kind.REFERENCE, noise=noise, turn=turn, run=own)

    rounds = [usual("quiet", turn) for turn in (1, 2, 3)] + [usual("4", turn) for turn in (4, 5, 6)]
    found = list(decisions([LINE, *rounds], lambda run, references, workers: (1.0, False)))
    assert [d.beside for d in found if d.line is LINE] == ["quiet", "4"]
    assert all(d.beside != d.line.noise for d in found if d.line is not LINE)


KEPT = [line for path in sorted(CORPUS.glob("*.xz")) for line in read(path)]


def test_the_corpus_is_what_it_says() -> None:
    assert {line.noise for line in KEPT} == set(NOISES)
    assert {line.kind for line in KEPT} == set(Kind)
    # Any run may be judged beside any other of its exercise: all are on one case, as it was then.
    for exercise in {line.exercise for line in KEPT}:
        (case,) = {
            repr(line.case): line.case for line in KEPT if line.exercise == exercise
        }.values()
        assert (case.name, case.timed) == (timed_case(exercise).name, True)
    assert TIMED[EX02] in {line.run.case for line in KEPT}


def test_each_number_is_among_the_values_that_it_is_compared_with() -> None:
    for module, name, values in CONSTANTS:
        assert getattr(module, name) in values, name


def test_another_value_is_tried_and_taken_back() -> None:
    own = [line for line in KEPT if line.exercise == EX02 and line.noise == "quiet"]
    judged = sum(line.kind in (Kind.RIGHT, Kind.REFERENCE) for line in own) - TRIES
    (place,) = ((module, name) for module, name, _ in CONSTANTS if name == "ZERO")
    before = getattr(*place)
    wrong = dict(zip(KINDS, tried(own, *place, 9.0), strict=True))
    assert wrong[Kind.RIGHT] + wrong[Kind.REFERENCE] == judged
    assert getattr(*place) == before
    assert sum(tried(own, *place, before)) == 0


LIMITS = {
    ("ex03_incremental_training", "child_waited_for_before_go", "4"): (0.0, 0.3),
}
"""What is judged wrongly, and between which credits: more or less other work ran beside the
reference solution than beside the program, so that it used more or fewer CPU seconds."""


@pytest.mark.parametrize("exercise", sorted({line.exercise for line in KEPT}))
def test_the_kits_formula_judges_no_program_of_the_corpus_wrongly(exercise: str) -> None:
    """The reference solution beside the same noise, as in a round."""
    own = [line for line in KEPT if line.exercise == exercise]
    judged = list(decisions(own, credit, alike=True))
    assert judged
    wrong = {(d.line.exercise, d.line.program, d.line.noise): d for d in judged if d.wrong}
    assert set(wrong) == {place for place in LIMITS if place[0] == exercise}
    for place, found in wrong.items():
        least, most = LIMITS[place]
        assert not found.as_crowded and least <= found.credit <= most
