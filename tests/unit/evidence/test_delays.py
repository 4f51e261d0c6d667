"""CPU over time of every process, and what it waited for one."""

import pytest

from autograder.evidence import delays
from autograder.model import CpuSample
from autograder.sandbox.machine_load import Reading
from autograder.sandbox.run_queue import Turn

NOTHING = Turn(0.0, 0.0)


def waited(steps: list[delays.Reading]) -> dict[str, float]:
    """Delays by name, of steps of a twentieth of a second."""
    numbered = [(0.05 * (number + 1), step) for number, step in enumerate(steps)]
    return delays.delays(delays.samples(numbered))


def test_waits_of_a_thread_add_up() -> None:
    assert waited([{"client": {1: Turn(0.01, 0.04)}}] * 5) == {"client": pytest.approx(0.2)}


def test_a_thread_that_got_no_cpu_for_some_steps_had_the_work_all_the_same() -> None:
    starved = {"client": {1: Turn(0.0, 0.05), 2: Turn(0.0, 0.0)}}
    steps = [{"client": {1: Turn(0.05, 0.0), 2: NOTHING}}, *[starved] * 4]
    assert waited(steps) == {"client": pytest.approx(0.2)}


def test_work_that_moves_to_another_thread_is_held_up_there() -> None:
    first = [{"client": {1: Turn(0.025, 0.025), 9: NOTHING}}] * 40
    second = [{"client": {2: Turn(0.025, 0.025), 9: NOTHING}}] * 40
    assert waited([*first, *second])["client"] == pytest.approx(2.0, rel=0.1)


def test_a_thread_that_has_put_itself_behind_all_others_holds_nothing_up() -> None:
    steps = [{"worker-0": {1: Turn(0.05, 0.0), 2: Turn(0.0005, 0.05)}}] * 20
    assert waited(steps)["worker-0"] < 0.02


def test_what_the_kernel_does_not_tell_is_not_nothing() -> None:
    assert waited([{"client": {}, "worker-0": {5: Turn(0.05, 0.0)}}]) == {"worker-0": 0.0}


def test_sampling_reads_at_the_beginning_and_at_the_end() -> None:
    turns = iter([Turn(1.0, 1.0), *[Turn(1.5, 1.5)] * 1000])
    last = NOTHING

    def read() -> delays.Reading:
        nonlocal last
        last = next(turns, last)
        return {"worker-0": {7: last}}

    with delays.sampled(read, seconds=60.0) as seen:
        assert not seen
    (sample,) = seen
    assert (sample.name, sample.ran, sample.waited) == ("worker-0", 0.5, 0.5)


def test_nobody_waits_for_others_longer_than_they_had_a_cpu() -> None:
    found = [
        CpuSample(step, name, 0.01, waited)
        for step in (0.05, 0.1)
        for name, waited in (("client", 0.04), ("worker-0", 0.02))
    ]
    assert delays.of_others(found, 0.08) == found
    assert delays.of_others(found, 9.0) == found
    halved = delays.of_others(found, 0.04)
    assert [sample.waited for sample in halved] == pytest.approx([0.02, 0.01, 0.02, 0.01])
    assert [sample.ran for sample in halved] == [0.01] * 4
    assert all(sample.waited == 0.0 for sample in delays.of_others(found, 0.0))
    assert delays.of_others([], 1.0) == []


def test_what_a_hypervisor_took_is_time_without_a_cpu() -> None:
    found = [CpuSample(step, name, 0.03, 0.01) for step in (0.05, 0.1) for name in ("a", "b")]
    stolen = delays.with_stolen(found, 0.04)
    assert delays.delays(stolen) == {"a": pytest.approx(0.06), "b": pytest.approx(0.06)}
    assert [sample.ran for sample in stolen] == [0.03] * 4
    assert delays.with_stolen([], 1.0) == []


@pytest.mark.parametrize(
    ("cores", "quota", "waited"), [(2, False, 0.01), (1, False, 0.05), (2, True, 0.05)]
)
def test_waits_are_capped_where_every_worker_may_have_a_processor(
    cores: int, quota: bool, waited: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("cluster.system.cores", lambda: cores)
    monkeypatch.setattr("autograder.sandbox.cgroups.has_quota", lambda: quota)
    before = Reading(at=0.0, busy=0.0, box=0.0, ours=0.0, stolen=0.0)
    after = Reading(at=1.0, busy=1.01, box=1.0, ours=1.0, stolen=0.0)
    (found,) = delays.due_to_others([CpuSample(0.05, "a", 0.03, 0.05)], before, after, 2)
    assert found.waited == pytest.approx(waited)
