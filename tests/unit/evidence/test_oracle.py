"""The oracle's answers: worked out once, and nobody's fault where it fails."""

from dataclasses import replace
from pathlib import Path
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
