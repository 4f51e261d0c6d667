"""Credit, to the last digit: the ramp, where it ends, and how much less is asked of less work."""

from dataclasses import replace

import pytest
from speedup_runs import REFERENCE, WORKERS, run, spread, task, verdict

from autograder.model import Status
from autograder.speedup.credit import credit_for, full_at


@pytest.mark.parametrize(
    ("speedup", "credit"), [(1.0, 0.0), (1.1, 0.0), (1.31, 0.5), (1.52, 1.0), (1.9, 1.0)]
)
def test_credit_rises_without_a_step(speedup: float, credit: float) -> None:
    # A head of client time H and work that is spread: S = (H + 1.6) / (H + 0.8).
    head = (1.6 - 0.8 * speedup) / (speedup - 1) if speedup > 1 else 1e3
    tasks = [
        replace(t, submitted=t.submitted + head, start=t.start + head, stop=t.stop + head)
        for t in spread()
    ]
    found = verdict(run(tasks, wall=0.85 + head, client=0.03))
    assert found.credit == pytest.approx(credit, abs=0.12)


@pytest.mark.parametrize(
    ("speedup", "credit"), [(1.0, 0.0), (1.1, 0.0), (1.31, 0.5), (1.52, 1.0), (2.0, 1.0)]
)
def test_the_formula_of_the_credit(speedup: float, credit: float) -> None:
    full = full_at(REFERENCE, run(client=0.06), 2)
    assert full == pytest.approx(1.52)
    assert credit_for(speedup, full) == pytest.approx(credit)


def test_a_reference_that_is_hardly_parallel_still_leaves_a_ramp() -> None:
    assert full_at(replace(REFERENCE, speedup=1.0), run(client=0.06), 2) == pytest.approx(1.2)


class TestLessWork:
    """The same seconds for starting and fetching are more beside less work."""

    # 1 / (1 / 2 + (1 / 1.52 - 1 / 2) * 1.65 / 1.1) = 1.357; half the way from 1.1 is 1.31.
    @pytest.mark.parametrize(
        ("cpu", "full"), [(1.66, 1.52), (3.0, 1.52), (1.1, 1.357), (0.5, 1.31), (0.0, 1.52)]
    )
    def test_less_is_asked_of_it_but_never_little(self, cpu: float, full: float) -> None:
        seen = run(client=cpu / 5, workers=(cpu * 0.4, cpu * 0.4))
        assert full_at(REFERENCE, seen, 2) == pytest.approx(full, abs=0.001)

    def test_what_is_not_known_changes_nothing(self) -> None:
        unknown = replace(REFERENCE, cpu_seconds=None)
        assert full_at(unknown, run(client=0.1, workers=(0.2, 0.2)), 2) == pytest.approx(1.52)

    def test_the_points_for_a_fast_program_and_none_for_a_fast_serial_one(self) -> None:
        # Two fifths of a second before four tasks of a tenth on each worker.
        late = [task(i, 0.38 + i // 2 * 0.1, 0.1, WORKERS[i % 2], 0.37) for i in range(8)]
        late_run = run(late, wall=0.83, client=0.4, workers=(0.4, 0.4))
        fast = verdict(late_run)
        assert 1.31 < fast.speedup < 1.52 and fast.status is Status.PASSED
        assert verdict(late_run, replace(REFERENCE, cpu_seconds=1.0)).credit < 1.0
        serial = verdict(run((), wall=0.6, client=0.6, workers=(0.01, 0.01)))
        assert (serial.status, serial.credit) == (Status.FAILED, 0.0)
