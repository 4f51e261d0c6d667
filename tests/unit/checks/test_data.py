"""What a run may hold in memory."""

from dataclasses import replace

import pytest
from memory_runs import EX03, MB, seen

from autograder.checks import CHECKS
from autograder.evidence.assemble import gather
from autograder.model import ProcessUsage, Role, Run, Status


def judged(run: Run):
    spec = next(spec for spec in EX03.checks if spec.check == "memory")
    reference = replace(EX03.typical, client_growth=20 * MB, client_at_go=400 * MB, same_round=True)
    return CHECKS["memory"](EX03, spec, gather(EX03, [run]), reference)


def test_blocks_in_flight_pass():
    assert judged(seen(growth=300)).status is Status.PASSED


@pytest.mark.parametrize(
    ("run", "said"),
    [
        (seen(growth=1300), "grew by 1300.0 MB"),
        (seen(growth=350), "grew by 350.0 MB"),
        (seen(workers=(510, 700)), "a worker held 700.0 MB"),
        (seen(workers=(510,)), "1 of the 2 workers did not survive"),
        (seen(equal=False), "not right"),
    ],
)
def test_holding_the_data_fails(run, said):
    found = judged(run)
    assert (found.status, found.credit) == (Status.FAILED, 0.0) and said in found.got


def among(run: Run, *others: ProcessUsage) -> Run:
    """A run whose workers are these."""
    return replace(run, usage=(run.usage[0], *others))


def worker(name: str, at_go: int) -> ProcessUsage:
    return ProcessUsage(Role.WORKER, name, 1.0, 0.0, 510 * MB, at_go * MB)


def test_workers_that_a_restart_before_the_call_put_in_place_are_the_workers():
    restarted = among(seen(), worker("worker-other", 200), worker("worker-other-2", 200))
    assert judged(restarted).status is Status.PASSED


@pytest.mark.parametrize("name", ["worker-other", "worker-lost"])
def test_one_that_came_or_went_during_the_call_did_not_survive_it(name):
    found = judged(among(seen(), worker("worker-0", 200), worker(name, 0)))
    assert found.status is Status.FAILED and "1 of the 2 workers did not survive" in found.got


def test_where_memory_is_not_told_nobody_is_missing():
    silent = [replace(worker(f"worker-{i}", 0), peak_memory=0) for i in range(2)]
    assert judged(among(seen(), *silent)).status is Status.PASSED


@pytest.mark.parametrize(("grown", "passes"), [(300, True), (350, False)])
def test_the_scheduler_is_no_place_for_the_data(grown, passes):
    run = seen()
    scheduler = ProcessUsage(Role.SCHEDULER, "scheduler", 0.1, 0.0, (90 + grown) * MB, 90 * MB)
    found = judged(replace(run, usage=(*run.usage, scheduler)))
    assert (found.status is Status.PASSED) is passes
    assert passes or "the scheduler grew by 350.0 MB" in found.got


def held_before(more: int) -> Run:
    """A run whose client holds more at GO, in MB, and has other data in that place afterwards."""
    run = seen(growth=0)
    client, *workers = run.usage
    room = 400 * MB + more * MB
    return replace(
        run, usage=(replace(client, memory_at_go=room, peak_memory=room + 20 * MB), *workers)
    )


def test_data_that_take_the_place_of_others_are_told_to_the_instructor():
    found = judged(held_before(1300))
    assert found.status is Status.PASSED and "held 1300.0 MB more" in found.note


def test_a_notebook_that_holds_what_it_was_tried_on_is_nothing_to_tell():
    found = judged(held_before(300))
    assert (found.status, found.note) == (Status.PASSED, "")


def laziness(**told):
    run = replace(seen(), answer={"type": "dask.array.core.Array", "lazy": True} | told)
    spec = next(spec for spec in EX03.checks if spec.check == "lazy")
    spec = replace(spec, cases=(run.case,), options={"kept": 0, "opened": 0})
    evidence = gather(EX03, [run])
    strict = CHECKS["lazy"](EX03, spec, evidence, EX03.typical)
    lenient = CHECKS["lazy"](EX03, replace(spec, options={}), evidence, EX03.typical)
    assert lenient.status is Status.PASSED
    return strict


@pytest.mark.parametrize("told", [{}, {"kept": 0, "opened": 0}, {"kept": None, "opened": None}])
def test_what_only_describes_passes(told):
    assert laziness(**told).status is Status.PASSED


def test_a_result_that_is_there_already_is_not_only_described():
    found = laziness(kept=3, blocks=3)
    assert found.status is Status.FAILED and "begun on 3 of its 3 blocks" in found.got


def test_files_opened_in_the_notebook_are_not_only_described():
    found = laziness(opened=2)
    assert found.status is Status.FAILED and "process opened 2 of the files" in found.got
