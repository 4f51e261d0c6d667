"""The oracle's answers: worked out once, and nobody's fault where it fails."""

from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from autograder.errors import HarnessError
from autograder.evidence import oracle, rounds
from autograder.model import Exercise


@pytest.fixture
def asked(ex02: Exercise, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Cases that the oracle was asked about."""
    asked: list[str] = []

    def answer(case: str, parameters: object, seed: int) -> dict[str, Any]:
        asked.append(case)
        if case == "broken":
            raise ZeroDivisionError("no rows")
        return {"labels": np.arange(3)}

    module = type("Cases", (), {"oracle": staticmethod(answer)})
    monkeypatch.setattr(oracle, "cases", lambda _exercise: module)
    return asked


def test_a_truth_is_worked_out_once_for_each_set_of_versions(
    ex02: Exercise, asked: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    round_, case = rounds.Round(tmp_path, b"key"), ex02.cases[0]
    for _ in range(2):
        found = oracle.truth(round_, ex02, case, 0)
        assert found.arrays["labels"].tolist() == [0, 1, 2]
    assert asked == [case.name]
    monkeypatch.setattr(oracle, "versions", lambda: {"scikit-learn": "another"})
    oracle.truth(round_, ex02, case, 0)
    assert asked == [case.name] * 2


def test_an_oracle_that_fails_is_nobodys_fault(
    ex02: Exercise, asked: list[str], tmp_path: Path
) -> None:
    case = replace(ex02.cases[0], name="broken")
    with pytest.raises(HarnessError, match=r"oracle of ex02.* failed on case broken.*no rows"):
        oracle.truth(rounds.Round(tmp_path, b"key"), ex02, case, 0)


def test_an_oracle_that_takes_no_time_itself_is_timed_as_a_whole_on_its_processor(
    ex02: Exercise, monkeypatch: pytest.MonkeyPatch
) -> None:
    ticks = iter((1.0, 3.5, 4.0, 9.0))
    monkeypatch.setattr(oracle, "time", SimpleNamespace(process_time=lambda: next(ticks)))
    for told, seconds in ({}, 2.5), ({"seconds": np.array(0.25)}, 0.25):
        module: Any = SimpleNamespace(oracle=lambda *_, told=told: {"labels": np.arange(3), **told})
        found = oracle.work_out(module, ex02.cases[0], 7)
        assert (found.seconds, set(found.arrays)) == (seconds, {"labels"})
