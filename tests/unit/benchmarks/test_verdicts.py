"""What benchmarks/verdicts.py makes of its runs: counting right, and sharing them out."""

import json
from collections import Counter
from dataclasses import asdict, replace
from pathlib import Path

import pytest
import verdicts
from kept_evidence import EX02, exercise_of
from verdicts import REFERENCE, RIGHT, RULES, SERIAL, Entrant, Line, allotted, read, table

LINE = Line(
    exercise=EX02, student="hypatia", kind=RIGHT, burners=0, at=0.0, problem="",
    wall_seconds=1.0, serial_seconds=1.9, replayed=1.9, counted=1.9, credit=1.0, status="passed",
    reason="", busy=False, others=0.0, client_cpu=0.1, worker_cpu=1.8, reference_speedup=1.9,
    machine="2 cores",
)  # fmt: skip


def runs(count: int, **changes: object) -> list[Line]:
    changed = replace(LINE, **changes)  # type: ignore[arg-type]
    return [replace(changed, at=float(number)) for number in range(count)]


def row(text: str, rule: str, part: int) -> list[str]:
    """The cells of a rule in the table of false fails (0) or false passes (1)."""
    found = [line for line in text.splitlines() if line.startswith(f"| {rule} |")]
    return [cell.strip() for cell in found[part].split("|")[2:-1]]


KIT = "**this kit, one run**"


def test_a_right_run_that_loses_a_part_of_its_points_is_a_false_fail() -> None:
    seen = [*runs(4), *runs(1, credit=0.98)]
    assert row(table(seen), KIT, 0) == ["1 / 5", "20 %"]


def test_a_serial_run_that_gets_a_part_of_them_is_a_false_pass() -> None:
    seen = [*runs(3, kind=SERIAL, credit=0.0), *runs(1, kind=SERIAL, credit=0.02)]
    assert row(table(seen), KIT, 1) == ["1 / 4", "25 %"]


def test_the_worst_cell_is_not_the_mean() -> None:
    seen = [*runs(4), *runs(4, burners=2, credit=0.5)]
    assert row(table(seen), KIT, 0) == ["0 / 4", "4 / 4", "100 %"]


def test_a_busy_run_is_tried_again_as_in_grading() -> None:
    again = "**this kit, tried again**"
    seen = [*runs(1, credit=0.5, busy=True), *runs(3)]
    assert row(table(seen), KIT, 0)[0] == "1 / 4"
    assert row(table(seen), again, 0)[0] == "0 / 2"


def test_runs_without_a_right_answer_are_told_and_left_out() -> None:
    text = table([*runs(2), *runs(1, problem="MemoryError: no", credit=0.0)])
    assert row(text, KIT, 0)[0] == "0 / 2" and "1 run gave no right answer" in text


def test_the_rules_of_the_field_see_the_clock() -> None:
    slow = runs(10, wall_seconds=1.5)
    assert not any(any(RULES[name](slow, [])) for name in list(RULES)[:4])
    assert all(all(RULES[name](runs(10), [1.0])) for name in RULES)
    ratio = list(RULES)[-1]
    assert RULES[ratio](slow, [1.0]) == [False] * 8
    assert RULES[ratio](slow, [1.2]) == [True] * 8


def test_seconds_of_the_last_serial_run_hold_until_the_next() -> None:
    seen = [LINE, replace(LINE, serial_seconds=None), replace(LINE, serial_seconds=1.2)]
    assert RULES["one run, speedup ≥ 1.4"](seen, []) == [True, True, False]


@pytest.mark.parametrize("count", [1, 2, 25])
def test_every_cell_gets_its_runs(count: int) -> None:
    members = [
        Entrant(exercise_of(EX02), name, kind, None)  # type: ignore[arg-type]
        for name, kind in [("r", REFERENCE), *((f"a{i}", RIGHT) for i in range(7)), ("z", SERIAL)]
    ]
    shares = allotted(members, count)
    kinds = {member.student: member.kind for member in members}
    cells = Counter[tuple[str, int]]()
    for (_, student, burners), share in shares.items():
        cells[kinds[student], burners] += share
    for burners in verdicts.LOADS:
        assert cells[RIGHT, burners] == cells[SERIAL, burners] == count
        assert cells[REFERENCE, burners] == min(count, verdicts.REFERENCE_RUNS)


def test_what_was_run_is_read_again(tmp_path: Path) -> None:
    file = tmp_path / "runs.jsonl"
    assert read(file) == []
    file.write_text("".join(json.dumps(asdict(line)) + "\n" for line in runs(3)))
    assert read(file) == runs(3)
