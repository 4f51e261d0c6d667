"""The time on quiet workers: programs made of phases, beside no, some and much other work."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from replays import unhurried
from speedup_runs import run

from autograder.model import CpuSample, ProcessUsage, Role, Run
from autograder.speedup.credit import UNKNOWN, credit, measured, speedup
from autograder.speedup.quiet_time import quiet_seconds, shared_seconds, without_cpu, work

STEP = 0.05

Phase = tuple[float, tuple[str, ...]]
"""Seconds on a quiet machine, and the processes that compute in all of them."""

ROLES = {"client": Role.CLIENT, "scheduler": Role.SCHEDULER}

BOTH = ("worker-0", "worker-1")

WORK = 8.0
"""Seconds of the work that some, or all, of several workers share."""


def seen(phases: Sequence[Phase], share: float = 1.0, workers: Sequence[str] = BOTH) -> Run:
    """The run of a program in which every process gets a share of the CPU time that it wants."""
    rows = []
    for seconds, names in phases:
        row = dict.fromkeys(names, (share, 1 - share)) or {"client": (0.0, 0.0)}
        rows += [row] * max(round(seconds / share / STEP), 1)
    return of_steps(rows, ("client", "scheduler", *workers))


def of_steps(rows: Sequence[dict[str, tuple[float, float]]], names: Sequence[str] = BOTH) -> Run:
    """A run in which each process computed and waited for these shares of each step."""
    samples: list[CpuSample] = []
    ran, waited = Counter[str](), Counter[str]()
    for number, row in enumerate(rows, 1):
        for name, (busy, stalled) in row.items():
            samples.append(CpuSample(number * STEP, name, busy * STEP, stalled * STEP))
            ran[name] += busy * STEP  # type: ignore[assignment]
            waited[name] += stalled * STEP  # type: ignore[assignment]
    usage = tuple(
        ProcessUsage(ROLES.get(name, Role.WORKER), name, ran[name], waited[name], 0, 0)
        for name in names
    )
    return replace(run((), wall=len(rows) * STEP), usage=usage, cpu=tuple(samples))


RIGHT = [(0.1, ("client",)), (1.0, BOTH)]
ROUNDS = [(0.1, ("client",)), (0.3, BOTH)] * 4
QUARTER = [(0.5, ("client",)), (0.75, BOTH)]
CHAIN = [(0.2, ("worker-0",)), (0.2, ("worker-1",))] * 5

PROGRAMS = {
    "shared out": (RIGHT, 2.1 / 1.1),
    "in rounds": (ROUNDS, 2.8 / 1.6),
    "a quarter of it alone": (QUARTER, 2.0 / 1.25),
    "all of it alone": ([(2.0, ("client",))], 1.0),
    "on one worker": ([(2.0, ("worker-0",))], 1.0),
    "one after another": (CHAIN, 1.0),
    "one at home, then the workers look busy": ([(2.0, ("client",)), (1.0, BOTH)], 4.0 / 3.0),
    "all by one worker beside one that looks busy": ([(2.0, BOTH)], 2.0),
    "in the scheduler": ([(2.0, ("scheduler",))], 1.0),
}
"""Phases, and what all of the work comes to per second on two quiet workers."""


@pytest.mark.parametrize("share", [1.0, 0.5, 0.2])
@pytest.mark.parametrize("name", PROGRAMS)
def test_other_work_changes_nothing(name: str, share: float) -> None:
    phases, expected = PROGRAMS[name]
    found = seen(phases, share)
    alone, each = work(found)
    assert (alone + sum(each)) / quiet_seconds(found, 2) == pytest.approx(expected, rel=0.12)


@pytest.mark.parametrize("share", [1.0, 0.5, 0.2])
def test_tasks_that_sleep_take_their_time(share: float) -> None:
    """Nobody kept them from anything."""
    assert quiet_seconds(seen([(2.0, ()), (0.1, BOTH)], share), 2) >= 2.0


class TestAnyNumberOfWorkers:
    """The same programs on 2 to 16 workers, against a reference solution of the same cluster."""

    @staticmethod
    def credit_of(phases: Sequence[Phase], workers: Sequence[str], share: float) -> float:
        usual = seen([(0.1, ("client",)), (WORK / len(workers), tuple(workers))], 1.0, workers)
        best, least, alone = measured([usual], len(workers))
        reference = replace(UNKNOWN, speedup=best, cpu_seconds=least, alone=alone)
        return credit(speedup(seen(phases, share, workers), len(workers), reference))

    @pytest.mark.parametrize("share", [1.0, 0.5, 0.2])
    @pytest.mark.parametrize("number", [2, 3, 4, 8, 16])
    def test_who_shares_the_work_gets_all_and_who_does_not_gets_nothing(
        self, number: int, share: float
    ) -> None:
        workers = tuple(f"worker-{n}" for n in range(number))
        part = WORK / number
        rounds = [(STEP, ("client",)), (part / 2, workers)] * 2
        shares = [[(0.1, ("client",)), (part, workers)], rounds]
        alone = [
            [(WORK, ("client",))],
            [(WORK, ("scheduler",))],
            [(WORK, workers[-1:])],
            [(part, (name,)) for name in workers],
            # All of it at home, and the workers look busy afterwards.
            [(WORK, ("client",)), (part / 5, workers)],
        ]
        assert [self.credit_of(phases, workers, share) for phases in shares] == [1.0, 1.0]
        assert [self.credit_of(phases, workers, share) for phases in alone] == [0.0] * 5

    @pytest.mark.parametrize("share", [1.0, 0.5, 0.2])
    @pytest.mark.parametrize("number", [4, 8, 16])
    def test_who_shares_it_among_two_gets_a_part(self, number: int, share: float) -> None:
        workers = tuple(f"worker-{n}" for n in range(number))
        quiet = self.credit_of([(WORK / 2, workers[:2])], workers, 1.0)
        assert 0.0 < quiet < 0.6
        found = self.credit_of([(WORK / 2, workers[:2])], workers, share)
        assert found == pytest.approx(quiet, abs=0.05)


class TestWithoutCpu:
    """What is unknown is not taken for anything, and what is known is not taken for too much."""

    def test_a_kernel_that_counts_nothing_leaves_the_clock_out(self) -> None:
        unknown = replace(seen(CHAIN, 0.5), cpu=())
        assert without_cpu(unknown) is None
        assert quiet_seconds(unknown, 2) == pytest.approx(1.0)

    def test_what_two_wait_at_the_same_time_is_lost_once(self) -> None:
        assert without_cpu(seen([(1.0, BOTH)], 0.5)) == pytest.approx(1.0)

    def test_what_they_wait_one_after_the_other_is_lost_twice(self) -> None:
        assert without_cpu(seen(CHAIN, 0.5)) == pytest.approx(2.0)

    def test_no_more_than_the_run_took(self) -> None:
        found = seen([(1.0, BOTH)], 0.5)
        assert without_cpu(replace(found, done=found.go + 0.5)) == pytest.approx(0.5)


class TestShared:
    """Who has something to do shares it; who has nothing left to do does not."""

    def test_what_a_slower_worker_leaves_to_the_other_one_is_shared(self) -> None:
        uneven = of_steps([{"worker-0": (1.0, 0.0), "worker-1": (0.3, 0.7)}] * 20)
        assert max(work(uneven)[1]) == pytest.approx(1.0)
        assert shared_seconds(uneven) == pytest.approx(0.65)

    def test_what_is_done_beside_an_idle_worker_is_not(self) -> None:
        both, one = {name: (1.0, 0.0) for name in BOTH}, {"worker-0": (1.0, 0.0)}
        assert shared_seconds(of_steps([both] * 6 + [one] * 14)) == pytest.approx(1.0)

    @pytest.mark.parametrize("share", [1.0, 0.5, 0.2])
    def test_nor_is_it_beside_other_work(self, share: float) -> None:
        both, one = dict.fromkeys(BOTH, (share, 1 - share)), {"worker-0": (share, 1 - share)}
        found = of_steps([both] * 30 + [one] * 70)
        assert shared_seconds(found) == pytest.approx(5.0 * share)

    def test_a_worker_that_only_waits_for_other_programs_has_nothing_to_do(self) -> None:
        idle = of_steps([{"worker-0": (1.0, 0.0), "worker-1": (0.02, 0.9)}] * 20)
        assert shared_seconds(idle) == pytest.approx(1.0, abs=0.02)

    def test_in_turns_it_takes_as_long_as_in_one_process(self) -> None:
        assert shared_seconds(seen(CHAIN)) == pytest.approx(2.0)

    def test_of_a_step_both_had_something_to_do_for_half_of(self) -> None:
        """As if the shorter time lay within the longer one: what is unknown counts in favour."""
        found = of_steps([{"worker-0": (1.0, 0.0), "worker-1": (0.5, 0.0)}] * 20)
        assert shared_seconds(found) == pytest.approx(1.0)

    def test_threads_that_no_sample_has_are_not_forgotten(self) -> None:
        found = seen(CHAIN)
        hidden = replace(found, cpu=tuple(s for s in found.cpu if s.name != "worker-0"))
        assert shared_seconds(hidden) == pytest.approx(2.0)

    def test_where_the_kernel_counts_no_waits_the_busiest_decides(self) -> None:
        assert shared_seconds(replace(seen(CHAIN), cpu=())) == pytest.approx(1.0)


SHARES = st.tuples(st.floats(0.0, 1.0), st.floats(0.0, 1.0))
ROWS = st.lists(st.fixed_dictionaries(dict.fromkeys(BOTH, SHARES)), min_size=1, max_size=30)


@unhurried
@given(ROWS)
def test_what_is_shared_takes_between_an_equal_part_and_all_of_it(
    rows: list[dict[str, tuple[float, float]]],
) -> None:
    found = of_steps(rows)
    total = sum(work(found)[1])
    assert total / 2 - 1e-9 <= shared_seconds(found) <= total + 1e-9


def test_the_scheduler_does_not_share_its_work() -> None:
    alone, each = work(seen([(0.1, ("client",)), (0.3, ("scheduler",)), (1.0, BOTH)]))
    assert (alone, *each) == pytest.approx((0.4, 1.0, 1.0))


def test_workers_are_in_the_order_of_their_numbers() -> None:
    usage = tuple(ProcessUsage(Role.WORKER, f"worker-{i}", i, 0.0, 0, 0) for i in (10, 2, 1))
    assert work(replace(run(), usage=usage))[1] == (1, 2, 10)


def test_what_was_used_early_is_shared_by_nobody() -> None:
    found = seen(RIGHT)
    assert quiet_seconds(found, 2, early=0.5) == pytest.approx(quiet_seconds(found, 2) + 0.5)


PHASES = st.lists(
    st.tuples(
        st.floats(0.05, 1.0),
        st.sets(st.sampled_from(["client", "scheduler", *BOTH])).map(tuple),
    ),
    min_size=1,
    max_size=6,
)


@unhurried
@given(PHASES, st.floats(0.1, 1.0))
def test_it_is_within_what_was_computed_and_the_clock(phases: list[Phase], share: float) -> None:
    found = seen(phases, share)
    alone, each = work(found)
    quiet = quiet_seconds(found, 2)
    least = max(alone + sum(each) / 2, *each)
    assert least - 1e-9 <= quiet <= max(found.done - found.go, least) + 1e-9


@pytest.mark.parametrize("phases", [CHAIN, RIGHT])
def test_who_does_next_to_nothing_holds_nothing_up(phases: Sequence[Phase]) -> None:
    alone = seen(phases)
    waiting = [
        CpuSample(ended, "client", 0.0005, 0.045)
        for ended in sorted({sample.seconds for sample in alone.cpu})
    ]
    beside = replace(alone, cpu=(*(s for s in alone.cpu if s.name != "client"), *waiting))
    # The client did the work of the first steps, if it did any.
    first = sum(sample.ran for sample in alone.cpu if sample.name == "client")
    assert without_cpu(beside) == pytest.approx(0.0, abs=7 * STEP if first else 1e-9)


def test_who_waits_for_its_turn_at_the_work_holds_it_up() -> None:
    beside = seen(CHAIN, share=0.5)
    assert without_cpu(beside) == pytest.approx(2.0)
    assert without_cpu(replace(beside, cpu=())) is None


def test_who_hides_the_work_behind_all_others_is_as_busy_as_it_is() -> None:
    """Threads that have put themselves behind all others are in no sample."""
    alone = seen(CHAIN)
    waiting = [
        CpuSample(ended, "client", 0.0005, 0.045)
        for ended in sorted({sample.seconds for sample in alone.cpu})
    ]
    assert without_cpu(replace(alone, cpu=tuple(waiting))) == 0.0
    idle = tuple(replace(use, cpu_seconds=0.01) for use in alone.usage)
    held_up = without_cpu(replace(alone, cpu=tuple(waiting), usage=idle))
    assert held_up == pytest.approx(0.045 * len(waiting))
