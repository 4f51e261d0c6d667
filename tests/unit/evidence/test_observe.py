"""What is kept of what was seen, without a box: tries, answers and sizes."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from operator import attrgetter
from pathlib import Path
from typing import Any

import pytest
from recordings import UNSEEN

from autograder import grading
from autograder.errors import HarnessError
from autograder.evidence import assemble, observe, oracle, rounds
from autograder.model import CaseSpec, Comparison, Exercise, Recording, Run
from autograder.sandbox import untrusted

RIGHT = Comparison(True, "that", "that")


def run(**changes: Any) -> Run:
    made = Run(
        case="predict_large", function="predict_large", go=1.0, returned=1.5, done=2.0, usage=(),
        recording=Recording(), answer={}, comparison=RIGHT, failure=None, **UNSEEN,
    )  # fmt: skip
    return replace(made, **changes)


BUSY, STOPPED = run(contended=True), run(comparison=None, stopped="it ran for more than 15 seconds")
WRONG = run(comparison=Comparison(False, "that", "this"), contended=True)


@pytest.fixture
def tried(ex02: Exercise, monkeypatch: pytest.MonkeyPatch) -> Callable[..., list[Run]]:
    """Run the timed case in a box that gives the runs that are handed over, one after another."""

    def tried(*outcomes: Run | Exception) -> list[Run]:
        waiting = iter(outcomes)

        class Box:
            ended = None

            def run_case(self, case: CaseSpec, seed: int) -> Run:
                following = next(waiting)
                if isinstance(following, Exception):
                    raise following
                return following

        monkeypatch.setattr(oracle, "truth", lambda *_: None)
        monkeypatch.setattr(observe, "assemble", lambda _exercise, _case, call, _truth: call)
        case = next(case for case in ex02.cases if case.timed)
        round_ = rounds.Round(Path(), b"key")
        watch = observe._Watch()
        again = attrgetter("contended")
        return observe._run_case(Box(), ex02, case, round_, again, watch)  # type: ignore[arg-type]

    return tried


def test_a_fair_try_is_the_last(tried: Callable[..., list[Run]]) -> None:
    assert tried(run()) == [run()]
    assert tried(BUSY, run()) == [BUSY, run()]
    assert tried(BUSY, BUSY, BUSY) == [BUSY, BUSY, BUSY]


def test_a_further_try_that_is_not_finished_takes_nothing(tried: Callable[..., list[Run]]) -> None:
    assert tried(BUSY, STOPPED) == [BUSY]
    assert tried(BUSY, HarnessError("The machine was busy.")) == [BUSY]
    # The first one counts, however it ends, and so does a wrong answer.
    assert tried(STOPPED) == [STOPPED]
    assert tried(BUSY, WRONG, run()) == [BUSY, WRONG, run()]
    with pytest.raises(HarnessError):
        tried(HarnessError("There is no box."))


# --------------------------------------------------------------------------------- answers


@pytest.fixture
def compared(ex02: Exercise, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., Any]]:
    def compared(compare: Callable[..., Comparison]) -> Comparison:
        module = type("Cases", (), {"compare": staticmethod(compare)})
        monkeypatch.setattr(assemble, "cases", lambda _exercise: module)
        return assemble._compared(ex02, ex02.cases[0], oracle.Truth({}, 0.0), {})

    yield compared


def test_words_of_a_student_that_no_file_could_hold_are_replaced(
    compared: Callable[..., Comparison],
) -> None:
    found = compared(lambda *_: Comparison(False, "a step", "a step called \ud800"))
    assert found.got == "a step called ?" and not found.equal
    found.got.encode()


def test_an_answer_that_cannot_be_compared_is_wrong(compared: Callable[..., Comparison]) -> None:
    def broken(*_: object) -> Comparison:
        raise KeyError("labels")

    found = compared(broken)
    assert not found.equal and "KeyError" in found.got


@pytest.mark.parametrize(
    "said",
    [
        '"unrecorded": 1{zeros}',
        '"unrecorded": -1',
        '"layers": [{{"layer": "a", "cpu_seconds": NaN, "wall_seconds": 1.0}}]',
        '"layers": [{{"layer": "a", "cpu_seconds": 1.0, "wall_seconds": Infinity}}]',
        '"balance": NaN',
        '"missing": {{"cancelled": 1{zeros}}}',
        '"graphs": [{{"submitted": NaN, "tasks": 1, "wanted": 1, "nbytes": 1}}]',
    ],
)
def test_a_record_with_numbers_that_no_file_holds_is_silence(said: str) -> None:
    record = '{"workers": ["tcp://one"], ' + said.format(zeros="0" * 400) + "}"
    assert untrusted.recording(record.encode()) == Recording()
    honest = '{"workers": ["tcp://one"], "unrecorded": 3, "balance": 1.5}'
    assert untrusted.recording(honest.encode()) == Recording(
        workers=("tcp://one",), unrecorded=3, balance=1.5
    )


@pytest.mark.parametrize("number", [10**400, 2**60, -1])
def test_a_record_of_more_bytes_than_there_are_is_silence(number: int) -> None:
    said = f'{{"tasks": [], "gathered_bytes": {number}, "workers": ["tcp://one"]}}'
    assert untrusted.recording(said.encode()) == Recording()
    assert untrusted.recording(said.replace(str(number), "7").encode()).gathered_bytes == 7


# ------------------------------------------------------------------------------------ sizes


def test_the_size_of_the_input_is_the_references(ex02: Exercise) -> None:
    seen = run(input_bytes=10**15)
    own = replace(ex02.typical, input_bytes={"predict_large": 9_000_000})
    assert grading._trusted(seen, own).input_bytes == 9_000_000
    # A self-check has no reference of the same round.
    assert grading._trusted(seen, ex02.typical).input_bytes == 10**15
