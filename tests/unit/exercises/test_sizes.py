"""What the sizes of every exercise have in common: the arithmetic of a node and of a cluster.

Nobody can run them all on a machine with 48 cores before a release. These tests hold what can be
known without: that blocks are whole and shared out evenly, that they fit, and that limits and
typical numbers grow with the work, and not faster.
"""

import math
from itertools import pairwise

import pytest
from lessons.text import words_of

from autograder.exercise import catalogue

SIZES = ("laptop", "node", "cluster")
LARGER = SIZES[1:]
PIECES = ("blocks", "nights", "jobs", "tables", "alphas")
"""Parameters that say into how many pieces a case is cut."""
EVEN = 0.9
"""Of the workers' time, the share that the pieces fill if each takes as long: 512 on 48 workers are
eleven rounds, filled to 97 %."""
MORE = 1.25
"""By how much typical numbers, which are rounded, may grow faster than the work."""
ROOM = 0.98
"""Share of what all workers together may hold that a box may at least: 190 GB, as much as common
nodes of 48 cores have, for 48 workers of 4 GB."""
LARGE = {
    "components_memory": (
        8 * 8,
        "data that are larger than the memory of all workers together",
        lambda shape: shape.workers * shape.memory_per_worker,
    ),
    "train_large": (
        100 * 8,
        "nights that have twice as many numbers as a worker may hold",
        lambda shape: 2 * shape.memory_per_worker,
    ),
}
"""Of the cases that judge memory: bytes of a row, what the text says of the data, and how many
bytes that is. The check needs data that one worker cannot hold: what is kept at a time is compared
with the data, not with the room for them. On many workers ex03 must not have more than all of them
hold. Reading a night takes 0.08 s and learning from it 0.03 s, one night after another: 8 workers
read three times as fast as the model learns, and a right solution holds what was read meanwhile."""

EXERCISES = tuple(exercise.name for exercise in catalogue.every())


def load(name, size):
    return catalogue.load(catalogue.KIT / name, size)


def timed(exercise):
    return [case for case in exercise.cases if case.timed]


def pieces(case):
    """Return the number of pieces of a case, 0 where it is not cut."""
    found = [case.parameters[name] for name in PIECES if name in case.parameters]
    return int(found[0]) if found else 0


def growth(small, large):
    """Return how many times the work of a case another one has, or its pieces if these are more."""
    ratios = {name: large.parameters[name] / value for name, value in small.parameters.items()}
    cut = ratios.pop("blocks", 1.0)  # more of them are no more work
    return max(cut, math.prod(ratios.values()))


SCALED = tuple(
    name for name in EXERCISES if load(name, "node").cluster != load(name, "laptop").cluster
)


def test_all_exercises_but_those_without_a_timed_case_have_sizes():
    assert set(SCALED) == {name for name in EXERCISES if timed(load(name, "laptop"))}


@pytest.mark.parametrize("name", EXERCISES)
def test_no_limit_is_less_on_a_larger_machine(name):
    limits = [load(name, size).limits for size in SIZES]
    for smaller, larger in pairwise(limits):
        for field in smaller.__dataclass_fields__:
            assert getattr(larger, field) >= getattr(smaller, field), field
    for each in limits:
        assert each.cell_seconds <= each.wall_seconds and each.case_seconds <= each.wall_seconds


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("name", EXERCISES)
def test_a_box_has_room_for_its_workers(name, size):
    exercise = load(name, size)
    shape = exercise.cluster
    assert exercise.limits.memory_bytes >= ROOM * shape.workers * shape.memory_per_worker
    # A worker has about twenty threads of its own.
    assert exercise.limits.processes >= 64 * shape.workers


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("name", EXERCISES)
def test_blocks_are_whole_and_as_long_as_one_another(name, size):
    for case in load(name, size).cases:
        if {"rows", "blocks"} <= set(case.parameters):
            assert case.parameters["rows"] % case.parameters["blocks"] == 0, case.name


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("name", SCALED)
def test_the_pieces_of_a_timed_case_keep_all_workers_busy(name, size):
    exercise = load(name, size)
    workers = exercise.cluster.workers
    assert exercise.typical.tasks >= 2 * workers
    for case in timed(exercise):
        rounds = math.ceil(pieces(case) / workers)
        # Of tables and trainings, a piece is more than one task, or the first is not on a worker.
        if "blocks" in case.parameters or "nights" in case.parameters:
            assert pieces(case) >= EVEN * rounds * workers and rounds >= 2


@pytest.mark.parametrize("size", LARGER)
@pytest.mark.parametrize("name", SCALED)
def test_a_block_takes_no_larger_share_of_a_worker_than_on_a_laptop(name, size):
    small, large = load(name, "laptop"), load(name, size)

    def share(exercise, case):
        return case.parameters.get("rows", 0) / pieces(case) / exercise.cluster.memory_per_worker

    for before, after in zip(timed(small), timed(large), strict=True):
        if "blocks" in before.parameters:
            assert share(large, after) <= MORE * share(small, before)


def memory_cases(name):
    """Return the names of the cases by which an exercise judges memory."""
    judged = [check for check in load(name, "laptop").checks if check.check == "memory"]
    return {case for check in judged for case in check.cases}


OF_MEMORY = [name for name in EXERCISES if memory_cases(name)]


def test_each_case_of_memory_is_what_its_text_calls_it():
    assert set(LARGE) == set().union(*map(memory_cases, OF_MEMORY))
    for name in OF_MEMORY:
        assert all(LARGE[case][1] in words_of(name) for case in memory_cases(name))


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("name", OF_MEMORY)
def test_the_data_are_as_large_as_the_text_says(name, size):
    exercise = load(name, size)
    for case in exercise.cases:
        if case.name in memory_cases(name):
            row, _, least = LARGE[case.name]
            rows = case.parameters["rows"] * case.parameters.get("nights", 1)
            assert rows * row >= least(exercise.cluster)


@pytest.mark.parametrize("size", LARGER)
@pytest.mark.parametrize("name", SCALED)
def test_typical_numbers_grow_with_the_work_and_not_faster(name, size):
    small, large = load(name, "laptop"), load(name, size)
    grown = max(map(growth, timed(small), timed(large)))
    assert grown > 1
    for field in ("tasks", "graphs", "gathered_bytes", "graph_bytes"):
        before, after = getattr(small.typical, field), getattr(large.typical, field)
        assert before <= after <= MORE * grown * before, field
    if small.typical.reads:
        (before,), (after,) = timed(small), timed(large)
        more = small.typical.reads - pieces(before)  # such as one for the names of columns
        assert large.typical.reads == pieces(after) + more


def test_a_slip_in_the_arithmetic_is_noticed():
    """The numbers of ex12 once were those of another way to count."""
    small, large = load("ex12_is_it_worth_it", "laptop"), load("ex12_is_it_worth_it", "node")
    grown = growth(*timed(small), *timed(large))
    assert 160_000 > MORE * grown * small.typical.gathered_bytes >= large.typical.gathered_bytes
