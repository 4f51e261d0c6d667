"""Work and span, and the bounds that they set to every makespan."""

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st
from recordings import GO, flat, task
from replays import graphs, longest_path, makespan, span, unhurried, work

from autograder.model import Recording
from autograder.replay.makespan import replay


def test_tree_is_bounded_by_its_height():
    leaves = [task(f"a{i}", i, 1.0) for i in range(8)]
    pairs = [task(f"b{i}", 8 + i, 1.0, f"a{2 * i}", f"a{2 * i + 1}") for i in range(4)]
    fours = [task(f"c{i}", 12 + i, 1.0, f"b{2 * i}", f"b{2 * i + 1}") for i in range(2)]
    root = [task("d", 14, 1.0, "c0", "c1")]
    tree = [*leaves, *pairs, *fours, *root]
    assert [makespan(tree, p) for p in (1, 2, 4, 8)] == [15.0, 8.0, 5.0, 4.0]
    assert span(Recording(tuple(tree)), GO + 15) == 4.0
    assert work(Recording(tuple(tree))) == 15.0


def test_reading_back_from_disk_keeps_the_worker_that_does_it():
    tasks = [replace(t, disk_seconds=0.5) for t in flat(4)]
    assert [makespan(tasks, p) for p in (1, 2)] == [6.0, 3.0]
    assert work(Recording(tuple(tasks))) == 6.0


@unhurried
@given(graphs(), st.integers(1, 12))
def test_makespan_keeps_grahams_bounds(tasks, workers):
    total, path = sum(t.compute_seconds for t in tasks), longest_path(tasks)
    recording, end = Recording(tuple(tasks)), max(t.stop for t in tasks)
    assert work(recording) == total
    assert span(recording, end) == path
    assert max(total / workers, path) - 1e-9 <= makespan(tasks, workers)
    assert makespan(tasks, workers) <= (total - path) / workers + path + 1e-9


@unhurried
@given(graphs(), st.integers(1, 12))
def test_costs_never_shorten_one_worker_nor_the_span(tasks, workers):
    recording, end = Recording(tuple(tasks)), max(t.stop for t in tasks)
    assert replay(recording, GO, end, 1) >= makespan(tasks, 1)
    assert replay(recording, GO, end, workers) >= span(recording, end)
