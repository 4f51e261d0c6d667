"""What a run did, counted."""

from dataclasses import replace

import pytest
from memory_runs import MB, seen
from recordings import flat, run

from autograder.evidence.summary import client_growth, does_its_work, summarise
from autograder.model import MemorySample, Summary


def test_a_process_that_was_gone_before_the_end_counts_by_its_samples():
    run = replace(seen(), memory=(MemorySample(0.4, "client", 1700 * MB),))
    assert client_growth(seen()) == 60 * MB and client_growth(run) == 1300 * MB


def test_what_several_processes_held_at_go_is_no_growth():
    samples = [MemorySample(at, "client", nbytes * MB) for at, nbytes in ((0.0, 900), (0.4, 950))]
    assert client_growth(replace(seen(growth=0), memory=tuple(samples))) == 50 * MB


@pytest.mark.parametrize(
    "layer",
    ["batch_of__fit_and_score_1_calls", "batch_of__fit_and_score_12_calls",
     "mixed_batch_of__fit_and_score_2_calls"],
)  # fmt: skip
def test_a_batch_of_calls_is_the_calls_however_many(layer: str) -> None:
    tasks = [replace(each, layer=layer) for each in flat(4)]
    counted = summarise(run(tasks, 2.0))
    assert (counted.seconds, counted.executions) == ({"_fit_and_score": 4.0}, {"_fit_and_score": 4})


@pytest.mark.parametrize("layer", ["batch_of_nothing", "a_batch_of_x_1_calls", "sum-aggregate"])
def test_any_other_layer_keeps_its_name(layer: str) -> None:
    counted = summarise(run([replace(each, layer=layer) for each in flat(2)], 1.0))
    assert counted.seconds == {layer: 2.0}


def test_the_same_search_does_its_work_in_batches_of_any_size() -> None:
    def searched(layer: str) -> Summary:
        return summarise(run([replace(each, layer=layer) for each in flat(4)], 2.0))

    usual = searched("mixed_batch_of_fit_2_calls")
    assert does_its_work(searched("batch_of_fit_1_calls"), usual)
    assert not does_its_work(searched("batch_of_other_1_calls"), usual)


def test_the_same_work_takes_longer_on_a_contended_machine_and_is_the_same() -> None:
    quiet = replace(summarise(run(flat(4), 2.0)), worker_cpu=4.0)
    contended = replace(summarise(run(flat(4, 2.0), 4.0)), worker_cpu=4.0)
    half = replace(summarise(run(flat(2), 1.0)), worker_cpu=2.0)
    seconds = {each.work_seconds: {"t": each.work_seconds} for each in (quiet, contended, half)}
    quiet, contended, half = (
        replace(each, seconds=seconds[each.work_seconds]) for each in (quiet, contended, half)
    )
    assert does_its_work(quiet, contended, least=0.9)
    assert does_its_work(contended, quiet, least=0.9)
    assert not does_its_work(half, quiet) and not does_its_work(half, contended)
