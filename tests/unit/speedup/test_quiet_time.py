"""The time on quiet workers: examples by hand, and what other work must not change."""

from collections.abc import Sequence
from dataclasses import replace

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from replays import unhurried
from speedup_runs import run

from autograder.model import ProcessUsage, Role, Run
from autograder.speedup.quiet_time import quiet_seconds, without_cpu, work


def seen(
    wall: float,
    workers: Sequence[float],
    *,
    client: float = 0.0,
    scheduler: float = 0.0,
    delays: Sequence[float | None] = (0.0, 0.0),
    late: tuple[float | None, float | None] = (0.0, 0.0),
) -> Run:
    """A run by its seconds: CPU of every process, and what it waited for one."""
    others = ((Role.CLIENT, "client", client), (Role.SCHEDULER, "scheduler", scheduler))
    usage = [
        ProcessUsage(role, name, cpu, delay, 0, 0)
        for (role, name, cpu), delay in zip(others, late, strict=True)
    ]
    usage += [
        ProcessUsage(Role.WORKER, f"worker-{i}", cpu, delay, 0, 0)
        for i, (cpu, delay) in enumerate(zip(workers, delays, strict=True))
    ]
    return replace(run((), wall=wall), usage=tuple(usage))


class TestByHand:
    """Two workers and 2 s of work; the answers can be worked out on paper."""

    def test_shared_out_on_a_quiet_machine(self) -> None:
        assert quiet_seconds(seen(1.0, (1.0, 1.0)), 2) == pytest.approx(1.0)

    def test_a_quarter_of_it_alone(self) -> None:
        assert quiet_seconds(seen(1.25, (0.75, 0.75), client=0.5), 2) == pytest.approx(1.25)

    def test_all_of_it_alone(self) -> None:
        assert quiet_seconds(seen(2.0, (0.0, 0.0), client=2.0), 2) == pytest.approx(2.0)

    def test_all_of_it_on_one_worker(self) -> None:
        assert quiet_seconds(seen(2.0, (2.0, 0.0)), 2) == pytest.approx(2.0)

    def test_workers_that_take_turns(self) -> None:
        """A lock, a chain: each does half, and the clock shows all of it."""
        assert quiet_seconds(seen(2.0, (1.0, 1.0)), 2) == pytest.approx(2.0)
        # Beside as much other work each waits as long as it computes.
        noisy = seen(4.0, (1.0, 1.0), delays=(1.0, 1.0))
        assert quiet_seconds(noisy, 2) >= 2.0

    def test_tasks_that_sleep(self) -> None:
        assert quiet_seconds(seen(2.0, (0.02, 0.02)), 2) == pytest.approx(2.0)

    def test_beside_as_much_other_work(self) -> None:
        assert quiet_seconds(seen(2.0, (1.0, 1.0), delays=(1.0, 1.0)), 2) == pytest.approx(1.0)

    def test_a_neighbour_that_held_up_one_worker(self) -> None:
        """The other did more of the work: both computed whenever they could."""
        uneven = seen(1.3, (1.3, 0.7), delays=(0.0, 0.6))
        assert quiet_seconds(uneven, 2) == pytest.approx(1.0)
        # With the core free, it was the program that gave one more to do.
        assert quiet_seconds(seen(1.3, (1.3, 0.7)), 2) == pytest.approx(1.3)

    def test_the_scheduler_does_not_share_its_work(self) -> None:
        assert work(seen(2.0, (0.5, 0.6), client=0.1, scheduler=0.3)) == (0.4, (0.5, 0.6))
        hidden = seen(1.2, (1.0, 1.0), scheduler=1.0, delays=(0.2, 0.2))
        assert quiet_seconds(hidden, 2) == pytest.approx(2.0)

    def test_what_was_used_early_is_shared_by_nobody(self) -> None:
        assert quiet_seconds(seen(1.0, (1.0, 1.0)), 2, early=0.5) == pytest.approx(1.5)


class TestWithoutCpu:
    """What is unknown is not taken for anything, and what is known is not taken for too much."""

    def test_an_unknown_delay_leaves_the_clock_out(self) -> None:
        late = seen(9.0, (1.0, 0.8), client=0.1, delays=(None, 0.0))
        assert without_cpu(late) is None
        assert quiet_seconds(late, 2) == pytest.approx(1.1)

    def test_only_the_worker_that_waited_longest_counts(self) -> None:
        assert without_cpu(seen(3.0, (1.0, 1.0), delays=(0.5, 0.7), late=(0.1, 0.2))) == 1.0

    def test_no_more_than_the_run_took(self) -> None:
        assert without_cpu(seen(1.0, (0.1, 0.1), delays=(0.9, 0.9), late=(0.9, 0.9))) == 1.0


SECONDS = st.floats(0.0, 5.0)


class TestRules:
    """What holds for every run."""

    @unhurried
    @given(st.lists(SECONDS, min_size=2, max_size=16), SECONDS, SECONDS, SECONDS, st.data())
    def test_it_is_within_what_was_computed_and_the_clock(
        self,
        workers: list[float],
        client: float,
        scheduler: float,
        more: float,
        data: st.DataObject,
    ) -> None:
        busiest = client + scheduler + max(workers)
        assume(busiest > 0.0)
        wall = busiest + more
        delays = [data.draw(st.floats(0.0, wall)) for _ in workers]
        late = data.draw(st.tuples(st.floats(0.0, wall), st.floats(0.0, wall)))
        found = quiet_seconds(
            seen(wall, workers, client=client, scheduler=scheduler, delays=delays, late=late),
            len(workers),
        )
        equal = client + scheduler + sum(workers) / len(workers)
        assert max(equal, max(workers)) - 1e-9 <= found <= wall + 1e-9

    @unhurried
    @given(st.lists(SECONDS, min_size=2, max_size=16), SECONDS, SECONDS, SECONDS)
    def test_no_speedup_is_made_by_waiting_for_a_cpu(
        self, workers: list[float], client: float, more: float, delay: float
    ) -> None:
        """What is done alone stays alone however long anybody waits."""
        assume(client + max(workers) > 0.01)
        wall = client + max(workers) + more + delay
        noisy = seen(wall, workers, client=client, delays=[delay] * len(workers))
        found = quiet_seconds(noisy, len(workers))
        speedup = (client + sum(workers)) / found
        assert speedup <= (client + sum(workers)) / (client + sum(workers) / len(workers)) + 1e-9

    @unhurried
    @given(st.lists(st.floats(0.2, 5.0), min_size=2, max_size=16), st.floats(0.0, 20.0))
    def test_a_balanced_run_takes_as_long_beside_any_other_work(
        self, workers: list[float], delay: float
    ) -> None:
        """The clock shows more, each waited for so long, and the difference is the same."""
        same = [workers[0]] * len(workers)
        quiet = quiet_seconds(seen(workers[0], same), len(same))
        noisy = seen(workers[0] + delay, same, delays=[delay] * len(same))
        assert quiet_seconds(noisy, len(same)) == pytest.approx(quiet)
