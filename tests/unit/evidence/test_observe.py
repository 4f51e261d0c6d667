"""What is kept of what was seen, without a box: tries, answers and sizes."""

from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from operator import attrgetter
from pathlib import Path
from typing import Any

import pytest
from kept_evidence import exercise_of
from recordings import UNSEEN

from autograder import grading
from autograder.errors import HarnessError
from autograder.evidence import observe, oracle, rounds
from autograder.model import (
    LOST_WORKERS,
    CaseSpec,
    CellOutput,
    Comparison,
    Exercise,
    Recording,
    Run,
    Submission,
)

RIGHT = Comparison(True, "that", "that")


def run(**changes: Any) -> Run:
    made = Run(
        case="predict_large", function="predict_large", go=1.0, returned=1.5, done=2.0, usage=(),
        recording=Recording(), answer={}, comparison=RIGHT, failure=None, **UNSEEN,
    )  # fmt: skip
    return replace(made, **changes)


ODD, STOPPED = run(input_bytes=1), run(comparison=None, stopped="it ran for more than 15 seconds")
LOST = run(comparison=None, recording=Recording(missing={LOST_WORKERS: 1}))
WRONG = run(comparison=Comparison(False, "that", "this"), input_bytes=1)


@dataclass(frozen=True)
class Seen:
    """A call, as far as `observe` itself looks at it."""

    run: Run
    unready: bool = False


BROKEN = Seen(run(comparison=None, stopped="the notebook's cells broke something"), unready=True)


def as_run(_exercise: Exercise, case: CaseSpec, call: Seen, _truth: None, apart: bool) -> Run:
    return replace(call.run, case=case.name, function=case.function)


@pytest.fixture
def tried(ex02: Exercise, monkeypatch: pytest.MonkeyPatch) -> Callable[..., list[Run]]:
    """Run the timed case in a box that gives the runs that are handed over, one after another."""

    def tried(*outcomes: Run | Exception) -> list[Run]:
        waiting = iter(outcomes)

        class Box:
            ended = None

            def run_case(self, case: CaseSpec, seed: int) -> Seen:
                following = next(waiting)
                if isinstance(following, Exception):
                    raise following
                return Seen(following)

        monkeypatch.setattr(oracle, "truth", lambda *_: None)
        monkeypatch.setattr(observe, "assemble", as_run)
        case = next(case for case in ex02.cases if case.timed)
        round_ = rounds.Round(Path(), b"key")
        watch = observe._Watch()
        again = attrgetter("input_bytes")
        return observe._run_case(Box(), ex02, case, round_, again, watch, True, False)  # type: ignore[arg-type]

    return tried


def test_a_try_that_the_caller_takes_is_the_last(tried: Callable[..., list[Run]]) -> None:
    assert tried(run()) == [run()]
    assert tried(ODD, run()) == [ODD, run()]
    assert tried(ODD, ODD, ODD) == [ODD, ODD, ODD]


def test_a_further_try_that_is_not_finished_takes_nothing(tried: Callable[..., list[Run]]) -> None:
    assert tried(ODD, STOPPED) == [ODD]
    assert tried(ODD, LOST) == [ODD] and tried(LOST) == [LOST]
    assert tried(ODD, HarnessError("The machine was busy.")) == [ODD]
    # The first one counts, however it ends, and so does a wrong answer.
    assert tried(STOPPED) == [STOPPED]
    assert tried(ODD, WRONG, run()) == [ODD, WRONG, run()]
    with pytest.raises(HarnessError):
        tried(HarnessError("There is no box."))


# ----------------------------------------------- a step of the kit's own fails after the cells


@pytest.fixture
def observed(
    ex02: Exercise, monkeypatch: pytest.MonkeyPatch
) -> Callable[..., tuple[list[list[str]], list[Run]]]:
    """Observe a notebook in boxes of which each breaks at some cases; the calls in each box."""

    def observed(*boxes: Collection[str]) -> tuple[list[list[str]], list[Run]]:
        called: list[list[str]] = []

        class Box:
            def __init__(self, broken: Collection[str]) -> None:
                self.ended: str | None = None
                self._broken = broken

            def run_cells(self, submission: Submission, skip: Collection[int]) -> list[CellOutput]:
                called.append([])
                return []

            def run_case(self, case: CaseSpec, seed: int) -> Seen:
                called[-1].append(case.name)
                return BROKEN if case.name in self._broken else Seen(run())

        waiting = iter(boxes)

        @contextmanager
        def open_(seconds: float) -> Iterator[Box]:
            yield Box(next(waiting))

        monkeypatch.setattr(oracle, "truth", lambda *_: None)
        monkeypatch.setattr(observe, "assemble", as_run)
        nothing = Submission(ex02.name, cells=(), untouched=frozenset(), digest="")
        round_ = rounds.Round(Path(), b"key")
        found = observe.observe(ex02, nothing, round_=round_, open_=open_)  # type: ignore[arg-type]
        return called, list(found.runs)

    return observed


def test_what_breaks_once_is_nobodys_fault(observed: Callable[..., Any], ex02: Exercise) -> None:
    names = [case.name for case in ex02.cases]
    called, runs = observed({names[1]}, set())
    assert called == [names[:2], names[1:]]
    assert [one.case for one in runs] == names and all(one.right for one in runs)


def test_what_breaks_twice_is_the_notebooks(observed: Callable[..., Any], ex02: Exercise) -> None:
    names = [case.name for case in ex02.cases]
    called, runs = observed({names[1]}, {names[1]})
    assert called[0] == names[:2] and called[1][0] == names[1] and len(called) == 2
    broken = next(one for one in runs if one.case == names[1])
    assert broken.stopped == BROKEN.run.stopped
    # What had to be stopped is not called again, and no other function pays for it.
    others = {case.name for case in ex02.cases if case.function != broken.function}
    assert others <= {one.case for one in runs if one.right}


# ------------------------------------------------------- what is of the submission's own time


def test_the_first_start_is_the_graders_time_and_a_start_that_was_made_necessary_is_not(
    ex02: Exercise, monkeypatch: pytest.MonkeyPatch
) -> None:
    now, lefts = 0.0, []

    class Box:
        ended: str | None = None

        def run_cells(self, submission: Submission, skip: Collection[int]) -> list[CellOutput]:
            spend(10)
            return []

        def run_case(self, case: CaseSpec, seed: int) -> Seen:
            spend(5)
            self.ended = "it used more memory"
            return Seen(run())

    def spend(seconds: float) -> None:
        nonlocal now
        now += seconds

    @contextmanager
    def open_(seconds: float) -> Iterator[Box]:
        lefts.append(seconds)
        spend(20 if len(lefts) > 1 else 500)
        yield Box()

    monkeypatch.setattr(observe.time, "perf_counter", lambda: now)
    monkeypatch.setattr(oracle, "truth", lambda *_: spend(1000))
    monkeypatch.setattr(observe, "assemble", as_run)
    nothing = Submission(ex02.name, cells=(), untouched=frozenset(), digest="")
    observe.observe(ex02, nothing, rounds.Round(Path(), b"key"), open_)  # type: ignore[arg-type]
    wall = ex02.limits.wall_seconds
    assert lefts[:3] == [wall, wall - 15, wall - 50]
    assert wall - 15 - 35 * len(lefts) <= 0 or len(lefts) == len(ex02.cases)


# ------------------------------------------------------------------ cases that are measured


def test_a_case_is_tried_more_than_once_where_seconds_earn_points() -> None:
    ex08 = exercise_of("ex08_halving_search")
    works = next(spec for spec in ex08.checks if spec.grade_id == "search_forest_work")
    tries = {case.name: observe.attempts(ex08, case) for case in ex08.cases}
    assert not ex08.timed.intersection(works.cases)
    assert {name for name, most in tries.items() if most > 1} == ex08.timed.union(works.cases)


# ------------------------------------------------------------------------------------ sizes


def test_the_size_of_the_input_is_the_references(ex02: Exercise) -> None:
    seen = run(input_bytes=10**15)
    own = replace(ex02.typical, input_bytes={"predict_large": 9_000_000})
    assert grading._trusted(seen, own).input_bytes == 9_000_000
    # A self-check has no reference of the same round.
    assert grading._trusted(seen, ex02.typical).input_bytes == 10**15
