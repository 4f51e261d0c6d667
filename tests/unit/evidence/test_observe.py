"""What is kept of what was seen, without a box: tries, answers and sizes."""

from collections.abc import Callable
from dataclasses import replace
from operator import attrgetter
from pathlib import Path
from typing import Any

import pytest
from recordings import UNSEEN

from autograder import grading
from autograder.errors import HarnessError
from autograder.evidence import observe, oracle, rounds
from autograder.model import CaseSpec, Comparison, Exercise, Recording, Run

RIGHT = Comparison(True, "that", "that")


def run(**changes: Any) -> Run:
    made = Run(
        case="predict_large", function="predict_large", go=1.0, returned=1.5, done=2.0, usage=(),
        recording=Recording(), answer={}, comparison=RIGHT, failure=None, **UNSEEN,
    )  # fmt: skip
    return replace(made, **changes)


ODD, STOPPED = run(input_bytes=1), run(comparison=None, stopped="it ran for more than 15 seconds")
WRONG = run(comparison=Comparison(False, "that", "this"), input_bytes=1)


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
        monkeypatch.setattr(observe, "assemble", lambda _exercise, _case, call, _truth, apart: call)
        case = next(case for case in ex02.cases if case.timed)
        round_ = rounds.Round(Path(), b"key")
        watch = observe._Watch()
        again = attrgetter("input_bytes")
        return observe._run_case(Box(), ex02, case, round_, again, watch, True)  # type: ignore[arg-type]

    return tried


def test_a_try_that_the_caller_takes_is_the_last(tried: Callable[..., list[Run]]) -> None:
    assert tried(run()) == [run()]
    assert tried(ODD, run()) == [ODD, run()]
    assert tried(ODD, ODD, ODD) == [ODD, ODD, ODD]


def test_a_further_try_that_is_not_finished_takes_nothing(tried: Callable[..., list[Run]]) -> None:
    assert tried(ODD, STOPPED) == [ODD]
    assert tried(ODD, HarnessError("The machine was busy.")) == [ODD]
    # The first one counts, however it ends, and so does a wrong answer.
    assert tried(STOPPED) == [STOPPED]
    assert tried(ODD, WRONG, run()) == [ODD, WRONG, run()]
    with pytest.raises(HarnessError):
        tried(HarnessError("There is no box."))


# --------------------------------------------------------------------------------- answers


# ------------------------------------------------------------------------------------ sizes


def test_the_size_of_the_input_is_the_references(ex02: Exercise) -> None:
    seen = run(input_bytes=10**15)
    own = replace(ex02.typical, input_bytes={"predict_large": 9_000_000})
    assert grading._trusted(seen, own).input_bytes == 9_000_000
    # A self-check has no reference of the same round.
    assert grading._trusted(seen, ex02.typical).input_bytes == 10**15
