"""Submission zero is observed as all others are, and its figures are found again."""

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from kept_evidence import EX02, evidence, exercise_of

from autograder import pipeline, reference_solution
from autograder.evidence import rounds
from autograder.evidence.summary import cpu_used
from autograder.model import Evidence, Exercise, Submission


def test_the_reference_solution_leaves_out_what_submissions_do(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, source: Path
) -> None:
    seen: list[int] = []

    def observe(exercise: Exercise, submission: Submission, **others: Any) -> Evidence:
        seen.append(sum(cell.left_out for cell in submission.cells))
        return replace(evidence(EX02, "reference"), key=others["key"])

    monkeypatch.setattr(pipeline, "observe", observe)
    monkeypatch.setattr(reference_solution.oracle, "truth", lambda *_: _Truth())
    path, exercise = source / EX02 / f"{EX02}.ipynb", exercise_of(EX02)
    round_ = rounds.current(tmp_path, exercise)
    reference_solution.reference(path, exercise, round_)
    assert seen == [7]
    assert reference_solution.stored(path, exercise, round_) is not None


class _Truth:
    seconds = 1.0
    arrays: Mapping[str, Any] = {}


@pytest.mark.parametrize("times", [(1, 1, 3), (3, 1, 1), (1, 3, 1)])
def test_one_run_beside_others_does_not_change_what_a_case_takes(
    times: tuple[int, ...], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(reference_solution.oracle, "truth", lambda *_: _Truth())
    seen, exercise = evidence(EX02, "reference"), exercise_of(EX02)
    first = seen.runs[0]
    again = tuple(
        replace(
            first,
            usage=tuple(replace(u, cpu_seconds=n * (u.cpu_seconds + 0.1)) for u in first.usage),
        )
        for n in times
    )
    measured = reference_solution.measure(
        exercise, replace(seen, runs=(*again, *seen.runs[1:])), rounds.current(tmp_path, exercise)
    )
    quiet = again[times.index(1)]
    assert measured.case_cpu[first.case] == pytest.approx(cpu_used(quiet))
