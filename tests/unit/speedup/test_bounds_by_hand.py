"""Every bound on numbers that can be worked out on paper: where it begins, ends and abstains.

The rules are tried on real runs in ``test_bounds.py``. Here two workers replay at 2.0, so that
what a ramp leaves is 1 plus the height of the ramp.
"""

from dataclasses import replace

import pytest
from speedup_runs import REFERENCE, WORKERS, run, task

from autograder.evidence.summary import SHORT, summarise
from autograder.model import ProcessUsage, Recording, Reference, Role, Run, SpeedupStudy
from autograder.speedup import bounds

QUIET = replace(REFERENCE, cpu_seconds=1.0, summary=None)


def studied(**changes: object) -> SpeedupStudy:
    usual = SpeedupStudy(
        workers=2, measured_seconds=1.0, work=1.6, span=0.8, makespans={1: 2.0, 2: 1.0},
        speedup=2.0, client_cpu=0.0, worker_cpu=(0.8, 0.8),
    )  # fmt: skip
    return replace(usual, **changes)  # type: ignore[arg-type]


def using(client: float, workers: tuple[float, ...], *durations: float, **changes: object) -> Run:
    """A run of these CPU seconds and tasks."""
    tasks = [task(i, 0.03, seconds, WORKERS[i % 2]) for i, seconds in enumerate(durations)]
    seen = run(tasks, client=client, workers=workers)
    return replace(seen, **changes)  # type: ignore[arg-type]


def replayed(seen: Run, **changes: object) -> SpeedupStudy:
    """The replay of a run, with the CPU seconds that the run has."""
    workers = tuple(use.cpu_seconds for use in seen.usage if use.role is Role.WORKER)
    client = sum(use.cpu_seconds for use in seen.usage if use.role is Role.CLIENT)
    return studied(**{"client_cpu": client, "worker_cpu": workers, **changes})


def usual(**changes: object) -> Reference:
    """A reference of one CPU second, with a summary in which some seconds went elsewhere."""
    values = {"setup_cpu": 0.1, "scheduler_cpu": 0.2, "tasks": 10, **changes}
    return replace(QUIET, summary=replace(summarise(run()), **values))


def speedup(found: tuple[float, str] | None) -> float:
    assert found is not None
    return found[0]


class TestClock:
    @pytest.mark.parametrize(
        ("wall", "allowed"), [(1.0, 2.0), (1.25, 2.0), (1.625, 1.5), (2.0, 1.0), (3.0, 1.0)]
    )
    def test_it_falls_from_a_quarter_more_to_as_long_as_one_worker(
        self, wall: float, allowed: float
    ) -> None:
        found = bounds._clock(run(wall=wall), studied(), REFERENCE)
        assert speedup(found) == pytest.approx(allowed)
        assert found is not None and f"clock showed {wall:.2f} s" in found[1]

    def test_what_is_hardly_faster_than_one_worker_is_not_asked(self) -> None:
        assert bounds._clock(run(wall=9.0), studied(speedup=1.25), REFERENCE) is None
        assert bounds._clock(run(wall=9.0), studied(speedup=1.26), REFERENCE) is not None

    def test_nor_is_what_takes_no_time(self) -> None:
        assert bounds._clock(run(), studied(makespans={1: 0.0, 2: 0.0}), REFERENCE) is None

    @pytest.mark.parametrize(
        ("background_load", "contended", "faster", "room"),
        [
            (None, False, 2.0, 1.25),
            (0.09, False, 2.0, 1.25),
            (0.1, False, 2.0, 1.7),
            (0.4, False, 1.5, 1.35),
            (0.4, False, 1.2, 1.25),
            (0.4, True, 2.0, 1.25),
        ],
    )
    def test_beside_other_work_there_is_more_room(
        self, background_load: float | None, contended: bool, faster: float, room: float
    ) -> None:
        seen = replace(run(), background_load=background_load, contended=contended)
        assert bounds.clock_room(seen, faster) == pytest.approx(room)


class TestWaiting:
    quiet = replace(run(), background_load=0.0)

    @pytest.mark.parametrize(
        ("each", "allowed"), [(0.8, 2.0), (0.64, 2.0), (0.52, 1.5), (0.4, 1.0), (0.1, 1.0)]
    )
    def test_it_falls_from_four_fifths_to_what_one_worker_computes(
        self, each: float, allowed: float
    ) -> None:
        known = usual(worker_cpu=1.6, work_seconds=1.6)
        found = bounds._waiting(self.quiet, studied(worker_cpu=(each, each)), known)
        assert speedup(found) == pytest.approx(allowed)

    def test_tasks_that_wait_in_the_reference_solution_may_wait(self) -> None:
        known = usual(worker_cpu=0.8, work_seconds=1.6)
        found = bounds._waiting(self.quiet, studied(worker_cpu=(0.4, 0.4)), known)
        assert speedup(found) == 2.0

    def test_its_threads_that_computed_more_than_its_tasks_took_ask_for_no_more(self) -> None:
        known = usual(worker_cpu=3.2, work_seconds=1.6)
        found = bounds._waiting(self.quiet, studied(worker_cpu=(0.64, 0.64)), known)
        assert speedup(found) == pytest.approx(2.0)

    @pytest.mark.parametrize(
        ("seen", "replay", "known"),
        [
            (replace(run(), background_load=None), {}, usual()),
            (replace(quiet, contended=True), {}, usual()),
            (quiet, {}, QUIET),
            (quiet, {"work": 0.0}, usual()),
            (quiet, {}, usual(work_seconds=0.0)),
            (quiet, {"work": 0.99 * SHORT}, usual()),
            (quiet, {"speedup": 1.25}, usual()),
        ],
    )
    def test_where_nobody_can_tell_it_abstains(
        self, seen: Run, replay: dict[str, object], known: Reference
    ) -> None:
        idle = {"worker_cpu": (0.0, 0.0), **replay}
        assert bounds._waiting(seen, studied(**idle), known) is None

    def test_little_work_and_a_little_speedup_are_enough(self) -> None:
        idle = studied(worker_cpu=(0.0, 0.0), work=1.01 * SHORT, speedup=1.26)
        assert speedup(bounds._waiting(self.quiet, idle, usual(work_seconds=0.5))) == 1.0


@pytest.mark.parametrize(
    ("workers", "allowed"), [((0.8, 0.8), 2.0), ((1.0, 0.3), 2.0), ((1.0, 0.2), 1.5), ((1.0,), 1.0)]
)
def test_the_balance_of_the_workers(workers: tuple[float, ...], allowed: float) -> None:
    """All from 1.3, which is 65 % of two workers; none at 1.1."""
    seen = using(0.0, workers)
    found = bounds._processors(seen, replayed(seen), REFERENCE)
    assert speedup(found) == pytest.approx(allowed)


class TestUselessWork:
    def test_it_is_what_two_and_a_half_times_the_reference_leave(self) -> None:
        seen = using(0.2, (0.8, 0.6))
        found = bounds._useless(seen, replayed(seen), REFERENCE)
        assert speedup(found) == pytest.approx(2.5 * 1.65 / 1.0)
        nobody = using(0.5, ())
        assert speedup(bounds._useless(nobody, replayed(nobody), REFERENCE)) == pytest.approx(8.25)

    def test_it_abstains_without_a_reference_and_for_what_is_read_again(self) -> None:
        seen = using(0.2, (8.0, 8.0))
        unknown = replace(REFERENCE, cpu_seconds=None)
        assert bounds._useless(seen, replayed(seen), unknown) is None
        again = replace(seen, recording=replace(seen.recording, reads=100))
        assert bounds._useless(again, replayed(again), replace(REFERENCE, reads=6)) is None


class TestSpread:
    """1 over the client's part, and half of the rest of one CPU second."""

    @pytest.mark.parametrize(
        ("client", "each", "allowed"),
        [
            (0.2, 0.4, 1 / (0.2 + 0.4)),
            # 0.2 s more than needed: a quarter of the client's at most is doubted.
            (0.2, 0.5, 1 / (0.25 + 0.375)),
            (0.2, 0.42, 1 / (0.24 + 0.38)),
            # Half the way from 0.5 to 0.6: 0.25 + 0.75 / 2 of the client's.
            (0.55, 0.5, 1 / (0.55 * 1.625 + (1 - 0.55 * 1.625) / 2)),
            (0.5, 0.5, 1 / (0.625 + 0.1875)),
            (0.7, 0.65, 1 / 1.4),
            (1.2, 0.0, 1 / 1.4),
        ],
    )
    def test_the_client_s_part_is_not_shared(
        self, client: float, each: float, allowed: float
    ) -> None:
        seen = using(client, (each, each))
        found = bounds._spread(seen, replayed(seen), QUIET)
        assert speedup(found) == pytest.approx(allowed)
        assert found is not None and "before it was called" not in found[1]

    def test_without_a_reference_it_abstains(self) -> None:
        assert bounds._spread(run(), studied(), replace(QUIET, cpu_seconds=None)) is None

    @pytest.mark.parametrize(
        ("tasks", "usually", "aside"),
        # Of 1.0 s more there are allowed 0.1 s before GO, as often again as the reference
        # solution used, and the scheduler's 0.2 s once, or as many times as there are more tasks.
        [(5, 10, 0.7), (10, 10, 0.7), (25, 10, 0.6), (40, 10, 0.4), (5, 0, 0.4)],
    )
    def test_the_scheduler_may_use_more_for_more_tasks(
        self, tasks: int, usually: int, aside: float
    ) -> None:
        known = replace(usual(tasks=usually), cpu_seconds=10.0)
        seen = using(0.0, (5.0, 5.0), *[0.1] * tasks, setup_cpu=0.6)
        seen = replace(
            seen, usage=(*seen.usage, ProcessUsage(Role.SCHEDULER, "more", 0.6, 0.0, 0, 0))
        )
        found = bounds._spread(seen, replayed(seen), known)
        assert found is not None and f"({aside:.2f} s more before it was called" in found[1]
        client = 1.25 * aside
        assert found[0] == pytest.approx(10 / (client + (10 - client) / 2))

    def test_what_is_allowed_aside_is_a_fifth_of_the_work_at_most(self) -> None:
        known = usual(setup_cpu=1.0)
        seen = using(0.0, (0.5, 0.5), setup_cpu=1.6)
        found = bounds._spread(seen, replayed(seen), known)
        # 0.6 s more, 0.2 of it allowed; of the other 0.4 s counts what is beyond 0.3 s twice.
        assert found is not None and "(0.20 s more" in found[1]

    def test_less_than_usual_before_go_makes_good_for_nothing_in_the_scheduler(self) -> None:
        known = usual(setup_cpu=2.0, scheduler_cpu=0.0)
        seen = using(0.0, (0.5, 0.5), setup_cpu=0.0)
        usage = (*seen.usage, ProcessUsage(Role.SCHEDULER, "more", 1.0, 0.0, 0, 0))
        found = bounds._spread(replace(seen, usage=usage), replayed(seen), known)
        assert found is not None and "(0.90 s more" in found[1]

    @pytest.mark.parametrize(
        ("spent", "counted"), [(0.9, 0.0), (1.25, 0.0), (1.4, 0.2), (1.6, 0.6), (2.0, 1.0)]
    )
    def test_workers_seconds_without_a_record_where_tasks_left_their_thread(
        self, spent: float, counted: float
    ) -> None:
        seen = using(0.0, (spent, 0.0), 0.5, 0.5)
        assert bounds._beside(seen) == 0.0
        away = tuple(replace(each, away_seconds=0.1) for each in seen.recording.tasks)
        away_run = replace(seen, recording=replace(seen.recording, tasks=away))
        assert bounds._beside(away_run) == pytest.approx(counted)


class TestOneTask:
    """One CPU second was needed."""

    def found(
        self, longest: float, spent: float, rate: float = 1.0, needed: float | None = 1.0
    ) -> float:
        seen = using(0.0, (spent,), longest, 0.01)
        study = studied(work=2.0, worker_cpu=(2.0 * rate,))
        known = replace(QUIET, cpu_seconds=needed)
        return speedup(bounds._one_task(seen, study, known))

    def test_half_of_the_work_is_not_all_of_it(self) -> None:
        assert self.found(0.5, spent=1.0) == pytest.approx(2.0)
        assert self.found(0.5, spent=0.7) == pytest.approx(2.0)

    def test_a_slow_machine_has_more_to_share_by_a_quarter_at_most(self) -> None:
        assert self.found(0.5, spent=1.1) == pytest.approx(2.2)
        assert self.found(0.5, spent=9.0) == pytest.approx(2.5)

    def test_the_longer_it_is_the_more_it_is_doubted(self) -> None:
        # 0.625 is half the way from 0.55 to 0.7, and the seconds of all leave no other reading.
        assert self.found(0.625, spent=1.05**2 / 0.625) == pytest.approx(1.5)
        assert self.found(0.7, spent=2.0) == pytest.approx(1.0)

    def test_the_likelier_the_work_was_all_there_the_more_it_is_doubted(self) -> None:
        assert self.found(0.625, spent=0.9**2 / 0.625) == pytest.approx(2.0)
        assert self.found(0.625, spent=0.975**2 / 0.625) == pytest.approx(1.75)

    def test_what_it_did_not_compute_is_not_its(self) -> None:
        assert self.found(1.0, spent=1.0, rate=0.5) == pytest.approx(2.0)
        assert self.found(0.5, spent=1.0, rate=3.0) == pytest.approx(2.0)

    def test_it_takes_no_more_than_everything(self) -> None:
        assert self.found(5.0, spent=0.01) == 1.0

    def test_it_abstains_where_nothing_is_known(self) -> None:
        seen = using(0.0, (1.0,), 0.9)
        for known in (None, 0.0):
            unknown = replace(QUIET, cpu_seconds=known)
            assert bounds._one_task(seen, studied(), unknown) is None
        assert bounds._one_task(seen, studied(work=0.0), QUIET) is None
        assert bounds._one_task(using(0.0, (1.0,)), studied(), QUIET) is None


@pytest.mark.parametrize(
    ("spent", "allowed"), [(1.0, 2.0), (0.2, 2.0), (0.125, 1.5), (0.05, 1.0), (0.0, 1.0)]
)
def test_a_right_answer_takes_some_work(spent: float, allowed: float) -> None:
    seen = using(0.0, (spent,))
    assert speedup(bounds._elsewhere(seen, studied(), QUIET)) == pytest.approx(allowed)
    assert bounds._elsewhere(seen, studied(), replace(QUIET, cpu_seconds=None)) is None


def test_the_smallest_counts_and_is_never_below_one() -> None:
    seen = using(0.0, (0.5, 0.5), 0.5, 0.5)
    unknown = replace(QUIET, cpu_seconds=None)
    assert bounds.smallest(seen, replayed(seen), unknown) == (2.0, "")
    slow = replace(seen, done=seen.go + 1.625)
    found, reason = bounds.smallest(slow, replayed(slow), unknown)
    assert found == pytest.approx(1.5) and "clock" in reason
    client = using(9.0, (0.1, 0.1), 0.1, 0.1)
    assert bounds.smallest(client, replayed(client), QUIET)[0] == 1.0
    assert bounds.smallest(client, replayed(client, speedup=0.9), unknown)[0] == 1.0


def test_what_left_nothing_on_record_is_replayed_all_the_same() -> None:
    assert bounds._beside(replace(run(), recording=Recording())) == 0.0
