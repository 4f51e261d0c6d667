from dataclasses import replace
from itertools import pairwise

import dask
import dask.array as da
import numpy as np
import pytest
import small_cases
from promises import hold_promises
from recordings import flat, run, task

from autograder.checks.no_answer import given_away
from autograder.evidence.assemble import gather
from autograder.grading import grade
from autograder.model import Comparison, Failure, GraphRecord, ProcessUsage, Role, Status

NAME = "ex06_find_whats_slow"
SEED = 11
SMALL = small_cases.SMALL[NAME]
STREAMS = ["stream_waits", "stream_moves"]
COUNTS = ["odd_uneven", "odd_large"]
LOADS = ["load_few", "load_many"]
BEATS = ["beat_uneven", "beat_large"]
CROSSINGS = ["crossings_few", "crossings_many"]


# --------------------------------------------------------------------------- right ways, small


def explain(stream, workers):
    """Read a stream step by step."""
    first, last = float("inf"), 0.0
    spent = {"compute": 0.0, "transfer": 0.0}
    for record in stream:
        for step in record["startstops"]:
            first, last = min(first, step["start"]), max(last, step["stop"])
            if step["action"] in spent:
                spent[step["action"]] += step["stop"] - step["start"]
    seconds = last - first
    return [len(stream), seconds, spent["compute"] / seconds / workers, spent["transfer"]]


def count_odd(distance, X, limit):
    parts = [dask.delayed(distance)(block) > limit for block in X.to_delayed().ravel()]
    return np.array([np.sum(far) for far in dask.compute(*parts)])


def load(read, files):
    groups = np.array_split(np.arange(files), max(files // 200, 1))

    def read_all(numbers):
        return np.vstack([read(number) for number in numbers])

    return da.concatenate(
        [
            da.from_delayed(dask.delayed(read_all)(group), (10 * len(group), 96), dtype=float)
            for group in groups
        ]
    )


def typical_beat(X):
    sums, squares = dask.compute(X.sum(axis=0), (X**2).sum(axis=0))
    mean = sums / len(X)
    return np.vstack([mean, np.sqrt(squares / len(X) - mean**2)])


def crossings(X):
    return (da.diff(da.sign(X), axis=1) != 0).sum(axis=1).compute()


RIGHT = {
    "stream": explain,
    "odd": count_odd,
    "load": load,
    "beat": typical_beat,
    "crossings": crossings,
}


@pytest.mark.usefixtures("client")
@pytest.mark.parametrize("case", SMALL)
def test_another_right_way_equals_the_oracle_and_another_seeds_answer_does_not(case, cases, truths):
    arguments, _ = cases.prepare(case, SMALL[case], SEED)
    answer = cases.materialise(case, RIGHT[case.partition("_")[0]](*arguments))
    comparison = cases.compare(case, truths[case], answer)
    assert comparison.equal, comparison
    other = cases.compare(case, cases.oracle(case, SMALL[case], SEED + 1), answer)
    assert not other.equal and other.got


# ---------------------------------------------------------------------------- the task stream


NOT_THERE = {("idle_unseen", "stream_moves"), ("moving_share", "stream_waits")}
"""Mistakes that a stream does not show: there every worker has a task, or nothing moves."""


@pytest.mark.parametrize("seed", range(40))
def test_a_stream_tells_right_from_wrong_readings_whatever_the_seed(seed, cases):
    for case in STREAMS:
        (stream, workers), _ = cases.prepare(case, {}, seed)
        truth = cases.oracle(case, {}, seed)
        assert cases.compare(case, truth, cases.materialise(case, explain(stream, workers))).equal
        for name, mistakes in cases.SIGNS.items():
            for mistake in mistakes:
                if (mistake, case) in NOT_THERE:
                    continue
                value = truth[f"mistake:{mistake}"]
                if value.ndim:  # one for each number
                    value = np.array(value[list(cases.NUMBERS).index(name)])
                    if np.isclose(value, truth[name]):
                        continue
                comparison = cases.compare(case, truth, {**truth, name: value})
                assert (comparison.equal, comparison.mistake) == (False, mistake)


def of_first_steps(stream, workers):
    return explain([{**r, "startstops": r["startstops"][:1]} for r in stream], workers)


def of_computing(stream, workers):
    steps = [[s for s in r["startstops"] if s["action"] == "compute"] for r in stream]
    return explain([{"startstops": each} for each in steps], workers)


@pytest.mark.parametrize(
    ("way", "name"), [(of_first_steps, "first_steps"), (of_computing, "computing_alone")]
)
@pytest.mark.parametrize("case", STREAMS)
def test_a_reading_of_some_of_the_steps_is_named(way, name, case, cases):
    for seed in range(40):
        (stream, workers), _ = cases.prepare(case, {}, seed)
        answer = cases.materialise(case, way(stream, workers))
        comparison = cases.compare(case, cases.oracle(case, {}, seed), answer)
        assert (comparison.equal, comparison.mistake) == (False, name)


@pytest.mark.parametrize("case", STREAMS)
def test_a_stream_could_have_been_recorded(case, cases):
    (stream, workers), _ = cases.prepare(case, {}, SEED)
    assert all(
        before["startstops"][-1]["stop"] <= after["startstops"][-1]["stop"]
        for before, after in pairwise(stream)
    )
    by_worker = {}
    for record in stream:
        by_worker.setdefault(record["worker"], []).extend(record["startstops"])
    assert len(by_worker) == workers - (case == "stream_waits")
    for steps in by_worker.values():
        # A worker of one thread does one thing after the other.
        ordered = sorted(steps, key=lambda step: step["start"])
        assert all(a["stop"] <= b["start"] for a, b in pairwise(ordered))
    first = min(step["start"] for steps in by_worker.values() for step in steps)
    assert stream[0]["startstops"][0]["start"] > first


@pytest.mark.usefixtures("client")
def test_a_real_stream_has_the_records_that_the_text_speaks_of(client):
    from distributed import get_task_stream

    with get_task_stream(client) as stream:
        da.ones(40, chunks=10).sum().compute()
    tasks, seconds, busy, moving = explain(stream.data, len(client.scheduler_info()["workers"]))
    assert tasks == len(stream.data) >= 5
    assert seconds > 0 and 0 < busy <= 1 and moving >= 0


# ------------------------------------------------------------------------------- wrong answers


@pytest.mark.parametrize("case", COUNTS)
def test_wrong_counts_are_named(case, cases, truths):
    truth = truths[case]
    for name in ("all_in_all", "not_far"):
        comparison = cases.compare(case, truth, {"counts": truth[f"mistake:{name}"]})
        assert (comparison.equal, comparison.mistake) == (False, name)
    one_more = truth["counts"] + np.eye(len(truth["counts"]), dtype=int)[0]
    assert cases.compare(case, truth, {"counts": one_more}).mistake is None
    for nested, known in ((truth["counts"][None], "list_in_tuple"), (one_more[:, None], None)):
        comparison = cases.compare(case, truth, {"counts": nested})
        assert (comparison.equal, comparison.mistake) == (False, known)


@pytest.mark.usefixtures("client")
def test_the_distance_that_is_handed_over_is_another_one_in_the_odd_case(cases):
    (distance, X, limit), _ = cases.prepare("odd_uneven", SMALL["odd_uneven"], SEED)
    others, _ = cases.prepare("odd_large", SMALL["odd_large"], SEED)
    assert distance is not others[0] and limit != others[2]
    assert X.chunks[0] == (70, 1, 130)


def loaded(cases, make, case="load_many"):
    (read, files), _ = cases.prepare(case, SMALL[case], SEED)
    return cases.materialise(case, make(read, files))


def tiny(read, files):
    parts = [dask.delayed(read)(number) for number in range(files)]
    return da.concatenate([da.from_delayed(part, (10, 96), dtype=float) for part in parts])


def said_to_be_full(read, files):
    """Give every block the shape of a full one."""

    def read_all(first):
        return np.concatenate([read(n) for n in range(first, min(first + 250, files))])

    parts = [dask.delayed(read_all)(first) for first in range(0, files, 250)]
    return da.concatenate([da.from_delayed(part, (2_500, 96), dtype=float) for part in parts])


def said_to_have_a_row_each(read, files):
    whole = dask.delayed(lambda: np.vstack([read(number) for number in range(files)]))()
    return da.from_delayed(whole, (files, 96), dtype=float)


LOADED_WRONG = {
    "tiny blocks": (tiny, "0.008 MB", "tiny_blocks"),
    "joined afterwards": (lambda *a: tiny(*a).rechunk((2_500, -1)), "tasks for 3", "joined"),
    "one block": (lambda *a: load(*a).rechunk(-1), "4.6 MB", "huge_blocks"),
    "computed": (lambda *a: load(*a).compute(), "computed already", "read_at_once"),
    "columns cut": (lambda *a: load(*a).rechunk((2_500, 48)), "columns are cut", None),
    "backwards": (lambda *a: load(*a)[::-1], "beats are wrong", None),
    "one file short": (lambda read, files: load(read, files - 1), "(6000, 96)", "files_left"),
    "one file more": (lambda read, files: load(read, files + 1), "(6020, 96)", "full_last"),
    "said to be full": (lambda *a: said_to_be_full(*a), "(7500, 96)", "full_last"),
    "a row each": (lambda *a: said_to_have_a_row_each(*a), "(601, 96)", "one_row_a_file"),
    "delayed": (lambda *a: dask.delayed(lambda: load(*a).compute())(), "Delayed", None),
}


@pytest.mark.parametrize("name", LOADED_WRONG)
def test_beats_that_are_loaded_otherwise_are_not_right(name, cases, truths):
    make, words, known = LOADED_WRONG[name]
    comparison = cases.compare("load_many", truths["load_many"], loaded(cases, make))
    assert not comparison.equal and words in comparison.got, comparison
    assert (comparison.mistake or "").startswith(known or "") and bool(comparison.mistake) == bool(
        known
    )


@pytest.mark.usefixtures("client")
def test_beats_that_the_workers_have_read_already_are_not_right(cases, truths):
    answer = loaded(cases, lambda *a: load(*a).persist())
    comparison = cases.compare("load_many", truths["load_many"], answer)
    assert (comparison.equal, comparison.mistake) == (False, "begun_at_once")
    assert "no tasks" in comparison.got


def from_numbers(read, files):
    """Read by map_blocks over the numbers of the files."""
    numbers = da.arange(files, chunks=200)
    chunks = (tuple(10 * n for n in numbers.chunks[0]), (96,))

    def read_block(block):
        return np.concatenate([read(number) for number in block])

    return numbers.map_blocks(read_block, chunks=chunks, new_axis=1, dtype=float)


def largest(read, files):
    """Read blocks of 4 MB, all but one byte's worth."""
    return by(520)(read, files)


def smallest(read, files):
    """Read blocks of just over 1 MB."""
    return by(131)(read, files)


def by(each):
    def load(read, files):
        def read_all(first):
            last = min(first + each, files)
            return np.concatenate([read(number) for number in range(first, last)])

        starts = range(0, files, each)
        return da.concatenate(
            [
                da.from_delayed(
                    dask.delayed(read_all)(first),
                    (10 * (min(first + each, files) - first), 96),
                    dtype=float,
                )
                for first in starts
            ]
        )

    return load


@pytest.mark.parametrize("make", [from_numbers, smallest, largest, load])
def test_beats_are_right_however_they_are_put_into_blocks(make, cases, truths):
    for case in LOADS:
        comparison = cases.compare(case, truths[case], loaded(cases, make, case))
        assert comparison.equal, comparison


@pytest.mark.parametrize("make", [by(130), by(521)])
def test_blocks_just_beyond_the_sizes_are_refused(make, cases, truths):
    comparison = cases.compare("load_many", truths["load_many"], loaded(cases, make))
    assert not comparison.equal and "a block of" in comparison.got


@pytest.mark.parametrize(
    ("case", "name"),
    [(case, name) for case in BEATS for name in ("mean_of_blocks", "variance", "one_less")],
)
def test_a_wrong_typical_beat_is_named(case, name, cases, truths):
    comparison = cases.compare(case, truths[case], {"beat": truths[case][f"mistake:{name}"]})
    assert (comparison.equal, comparison.mistake) == (False, name)


@pytest.mark.parametrize("case", BEATS)
def test_a_typical_beat_along_the_wrong_axis_is_named(case, cases, truths):
    rows = sum(cases.kit.chunks(SMALL[case]))
    shapes = {(2, rows): "along_samples", (2,): "all_samples", (96, 2): None, (2, rows + 1): None}
    for shape, name in shapes.items():
        comparison = cases.compare(case, truths[case], {"beat": np.zeros(shape)})
        assert (comparison.equal, comparison.mistake) == (False, name)


def test_one_task_that_cuts_blocks_up_is_written_right(cases, truths):
    truth = truths["beat_large"]
    for cut, words in ((1, "but one task cut up"), (1_200, "but 1,200 tasks cut up")):
        assert words in cases.compare("beat_large", truth, {**truth, "cut": np.array(cut)}).got


def by_columns(X):
    both = [np.mean, np.std]
    columns = X.rechunk((-1, 12))
    return np.array(
        [
            columns.map_blocks(each, axis=0, drop_axis=0, chunks=(12,), dtype=float).compute()
            for each in both
        ]
    )


def joined(X):
    """Bring all blocks together, without a task that Dask has named."""
    whole = dask.delayed(np.concatenate)(X.to_delayed().ravel().tolist())
    return dask.delayed(lambda beats: np.array([beats.mean(axis=0), beats.std(axis=0)]))(
        whole
    ).compute()


@pytest.mark.usefixtures("client")
@pytest.mark.parametrize("way", [by_columns, joined])
def test_blocks_that_are_cut_up_or_moved_are_noticed(way, cases, truths):
    (X,), _ = cases.prepare("beat_large", SMALL["beat_large"], SEED)
    answer = cases.materialise("beat_large", way(X))
    comparison = cases.compare("beat_large", truths["beat_large"], answer)
    assert (comparison.equal, comparison.mistake) == (False, "moved_about"), comparison


def test_a_block_that_changes_its_worker_is_no_mistake(cases, truths):
    truth = truths["beat_large"]
    size = int(truth["size"])
    for share, right in ((0.3, True), (0.5, False)):
        answer = {**truth, "moved": np.array(int(share * size))}
        assert cases.compare("beat_large", truth, answer).equal is right
    few = {**truths["beat_uneven"], "moved": truths["beat_uneven"]["size"]}
    assert cases.compare("beat_uneven", truths["beat_uneven"], few).equal


@pytest.mark.parametrize(
    "name",
    [
        *("all_crossings", "along_beats", "upwards_only", "per_block", "along_blocks"),
        *("counted_twice", "falls_counted", "negatives_counted", "products_added"),
    ],
)
def test_wrong_crossings_are_named(name, cases, truths):
    case = "crossings_many"
    wrong = {"crossings": truths[case][f"mistake:{name}"]}
    comparison = cases.compare(case, truths[case], wrong)
    assert (comparison.equal, comparison.mistake) == (False, name)


@pytest.mark.usefixtures("client")
@pytest.mark.parametrize(
    ("way", "name"),
    [
        (lambda X: ((X[1:] * X[:-1]) < 0).sum(axis=1), "along_beats"),
        (lambda X: ((X[:, 1:] < 0) & (X[:, :-1] > 0)).sum(axis=1), "upwards_only"),
        (lambda X: (X[:, 1:] * X[:, :-1]).sum(axis=1), "products_added"),
    ],
)
def test_wrong_ways_to_count_crossings_are_named(way, name, cases, truths):
    [X], _ = cases.prepare("crossings_many", SMALL["crossings_many"], SEED)
    answer = cases.materialise("crossings_many", way(X).compute())
    comparison = cases.compare("crossings_many", truths["crossings_many"], answer)
    assert (comparison.equal, comparison.mistake) == (False, name)


# ------------------------------------------------------------------------ whatever may come

NOT_AN_ANSWER = {
    "nothing": {},
    "no array": {"tasks": [1], "counts": [1], "beats": "1", "beat": 1, "crossings": [1]},
    "words": dict.fromkeys(["tasks", "counts", "beats", "beat", "crossings"], np.array("many")),
    "empty": dict.fromkeys(["tasks", "counts", "beats", "beat", "crossings"], np.empty((0, 0))),
    "objects": dict.fromkeys(["counts", "beats", "beat"], np.array([object()] * 3)),
    "NaN": {
        **dict.fromkeys(["tasks", "lasted", "busy", "moving"], np.array(np.nan)),
        "counts": np.full(3, np.nan),
        "beat": np.full((2, 96), np.nan),
        "crossings": np.full(300, np.nan),
    },
}
NOT_A_PART = {
    "lasted": [np.zeros(2), np.array("3"), None],
    "counts": [np.zeros((3, 1)), np.zeros(3, complex), None],
    "beats": [np.zeros((5, 96)), np.zeros(900), None],
    "beats_lazy": [np.array(False), np.array("yes"), None],
    "beats_rows": [np.zeros((2, 2), int), np.array([], int), np.array("900"), None],
    "planned": [np.array(0), np.array(-3), np.array(0.5), np.array(9_000), None],
    "cut": [np.array(3), np.array("0"), np.zeros(2, int), None],
    "moved": [np.array(1e9), np.array("0"), None],
    "beat": [np.zeros((96, 2)), np.zeros(96), np.zeros((2, 96), complex), None],
    "crossings": [np.zeros((300, 1)), np.array(7), None],
}


@pytest.mark.parametrize("case", SMALL)
@pytest.mark.parametrize("name", NOT_AN_ANSWER)
def test_compare_takes_whatever_comes_out_of_the_box(name, case, cases, truths):
    comparison = cases.compare(case, truths[case], NOT_AN_ANSWER[name])
    assert comparison.equal is False
    assert comparison.got and comparison.expected


@pytest.mark.parametrize(
    ("part", "number"), [(p, n) for p, v in NOT_A_PART.items() for n in range(len(v))]
)
def test_compare_takes_a_right_answer_with_one_part_spoilt(part, number, cases, truths):
    spoilt = NOT_A_PART[part][number]
    beats = loaded(cases, load)
    for case in SMALL:
        right = beats if case == "load_many" else truths[case]
        if part in right:
            assert cases.compare(case, truths[case], right).equal or case == "load_few"
            comparison = cases.compare(case, truths[case], {**right, part: spoilt})
            assert comparison.equal is False and comparison.got


@pytest.mark.usefixtures("client")
@pytest.mark.parametrize(
    ("case", "result", "words"),
    [
        ("stream_moves", None, "must return four numbers.* None"),
        ("stream_moves", (1, 2, 3), "a tuple"),
        ("stream_moves", (1, 2, "much", 3), "for busy"),
        ("odd_large", None, "a number for each block of X; it returned None"),
        ("odd_large", da.ones(3), "not computed yet"),
        ("odd_large", [da.ones(3), da.ones(3)], "a list of things not computed yet"),
        ("odd_large", [3, "x"], "a number for each block"),
        ("load_many", None, "must return a Dask array .* None"),
        ("load_many", da.Array, "the class Array itself"),
        ("load_many", dask.delayed(lambda: "words")(), "must return a Dask array"),
        ("beat_large", (da.ones(96), da.ones(96)), "not computed yet"),
        ("crossings_many", ["a", "b"], "a number for each row"),
        ("beat_large", "words", r"shape \(2, 96\)"),
        ("crossings_many", None, "a number for each row"),
        ("crossings_many", da.ones(3), "not computed yet"),
    ],
)
def test_a_result_of_the_wrong_type_is_told_the_contract(case, result, words, cases):
    with pytest.raises(TypeError, match=words):
        cases.materialise(case, result)


def test_every_mistake_is_known_by_a_value_or_a_judge(exercise, cases):
    made = {f"mistake:{name}" for name in exercise.mistakes}
    by_value = {
        name for case in SMALL for name in cases.oracle(case, SMALL[case], 0) if ":" in name
    }
    assert by_value <= made
    assert made - by_value == {
        f"mistake:{name}"
        for name in (
            *("tiny_blocks", "huge_blocks", "joined_afterwards", "read_at_once"),
            *("begun_at_once", "full_last_block", "files_left_out", "moved_about"),
            *("list_in_tuple", "along_samples", "all_samples", "one_row_a_file"),
            *("equal_lengths", "no_table", "no_block"),  # by the exception
        )
    }


@pytest.mark.parametrize(
    ("way", "name"),
    [
        (lambda: da.concatenate([]), "no_block"),
        (lambda: da.ones(2_401, chunks=700).reshape((4, -1)), "equal_lengths"),
        (lambda: np.ones(2_401).reshape((4, -1)), "no_table"),
        (lambda: da.ones(20, chunks=7)[3, 4], None),
    ],
)
def test_an_exception_that_gives_a_mistake_away_is_known(way, name, exercise):
    with pytest.raises((ValueError, IndexError)) as caught:
        way()
    failure = Failure(caught.type.__name__, str(caught.value), "")
    assert [m.name for m in given_away(exercise, failure)] == ([name] if name else [])


# ------------------------------------------------------------------- checks of how it is done


def seen(case, function, *, seconds=0.3, right=True, **recorded):
    usage = (
        ProcessUsage(Role.CLIENT, "client", 0.1, 0.0, 0, 0),
        ProcessUsage(Role.WORKER, "worker-0", seconds - 0.1, 0.0, 0, 0),
    )
    told = run([], 2.0)
    return replace(
        told,
        case=case,
        function=function,
        usage=usage,
        comparison=Comparison(right, "", ""),
        recording=replace(told.recording, **recorded),
    )


def finding(exercise, check, reference, *runs):
    spec = next(s for s in exercise.checks if s.check == check and s.function == runs[0].function)
    return grade(exercise, gather(exercise, list(runs)), reference, [spec]).scored[0].finding


@pytest.mark.parametrize(
    ("function", "case", "most"),
    [("crossings", "crossings_many", 5.0)],
)
def test_work_is_held_against_the_reference_on_the_same_case(function, case, most, exercise):
    reference = replace(exercise.typical, case_cpu={case: 0.3}, same_round=True)
    for times, status in ((most - 0.1, Status.PASSED), (most + 0.1, Status.FAILED)):
        found = finding(exercise, "work", reference, seen(case, function, seconds=0.3 * times))
        assert found.status is status


def test_what_tasks_cost_is_allowed_for_where_one_core_without_dask_is_the_measure(exercise):
    of_numpy = replace(exercise.typical, case_cpu={"crossings_many": 0.05})
    of_dask = replace(of_numpy, same_round=True)
    answer = {"input_blocks": 24}
    for seconds, alone, by_dask in (
        (0.20, Status.PASSED, Status.PASSED),
        (0.35, Status.PASSED, Status.FAILED),
        (0.39, Status.FAILED, Status.FAILED),
    ):
        used = replace(seen("crossings_many", "crossings", seconds=seconds), answer=answer)
        assert finding(exercise, "work", of_numpy, used).status is alone
        assert finding(exercise, "work", of_dask, used).status is by_dask


@pytest.mark.parametrize(
    ("graphs", "status"),
    [
        ([], Status.PASSED),
        ([GraphRecord(1.9, 20, 1, 8_000)], Status.PASSED),
        ([GraphRecord(1.9, 20, 1, 800_000)], Status.FAILED),
        ([GraphRecord(0.1, 20, 1, 8_000)], Status.FAILED),
    ],
    ids=["nothing sent", "computed by the caller", "data in the graph", "begun"],
)
def test_loading_is_left_to_tasks(graphs, status, exercise):
    runs = []
    for case in LOADS:
        one = seen(case, "load", graphs=tuple(graphs))
        answer = {**one.answer, "lazy": True, "type": "dask.array.core.Array"}
        runs.append(replace(one, returned=1.0, input_bytes=700_000, answer=answer))
    assert finding(exercise, "lazy", exercise.typical, *runs).status is status


@pytest.mark.parametrize(
    ("gathered", "status"), [(1_536, Status.PASSED), (50_000_000, Status.FAILED)]
)
def test_beats_may_not_come_to_the_notebook(gathered, status, exercise):
    one = replace(
        seen("beat_large", "typical_beat", gathered_bytes=gathered), input_bytes=98_000_000
    )
    assert finding(exercise, "stays_distributed", exercise.typical, one).status is status


# ------------------------------------------------------------------------------- the contracts

READINGS = "test_a_stream_tells_right_from_wrong_readings_whatever_the_seed"
ANOTHER = "test_another_right_way_equals_the_oracle_and_another_seeds_answer_does_not"
CONTRACT = "test_a_result_of_the_wrong_type_is_told_the_contract"
LOADED = "test_beats_that_are_loaded_otherwise_are_not_right"
SIZES = "test_blocks_just_beyond_the_sizes_are_refused"
LAZY = "test_loading_is_left_to_tasks"
ONE_SIDED = "test_a_wrong_typical_beat_is_named"
STAYS = "test_beats_may_not_come_to_the_notebook"
WHOLE = "test_blocks_that_are_cut_up_or_moved_are_noticed"
CHANGES = "test_wrong_crossings_are_named"
WORK = "test_work_is_held_against_the_reference_on_the_same_case"
SPEED = "test_work_that_one_worker_does_alone_earns_nothing"
PROMISES = [
    ("explain", "Say in numbers what a task stream shows", "explain_rule", ANOTHER),
    ("explain", "tasks : int", "explain_rule", READINGS),
    ("explain", "Number of tasks", "explain_rule", READINGS),
    ("explain", "seconds : float", "explain_rule", READINGS),
    ("explain", "From the first start of any step until the last stop", "explain_rule", READINGS),
    ("explain", "busy : float", "explain_rule", READINGS),
    ("explain", "Of the seconds that all workers had in that time", "explain_rule", READINGS),
    ("explain", "moving : float", "explain_rule", ANOTHER),
    ("explain", "Seconds of all transfers, added up", "explain_rule", ANOTHER),
    ("count_odd", "Count in each recording the beats", "count_odd_values", ANOTHER),
    ("count_odd", "numpy.ndarray, shape (recordings,)", "count_odd_values", CONTRACT),
    (
        "count_odd",
        "How many beats of each block have a distance of more than limit",
        "count_odd_values",
        "test_wrong_counts_are_named",
    ),
    ("count_odd", "numbers, computed", "count_odd_values", CONTRACT),
    ("count_odd", "The workers work side by side", "count_odd_speedup", SPEED),
    ("load", "Describe one long array of all beats", "load_values", ANOTHER),
    ("load", "dask.array.Array, shape (10 * files, 96)", "load_values", LOADED),
    ("load", "The beats in the order of the files", "load_values", LOADED),
    (
        "load",
        "Blocks of whole rows have 1 to 4 MB, the last one may have less",
        "load_values",
        SIZES,
    ),
    ("load", "there are at most 10 tasks for each", "load_values", LOADED),
    (
        "load",
        "Lazy: tasks read the files when somebody computes the array",
        "load_lazy",
        LAZY,
    ),
    ("typical_beat", "Work out the mean of all beats", "typical_beat_values", ANOTHER),
    ("typical_beat", "numpy.ndarray, shape (2, 96)", "typical_beat_values", CONTRACT),
    (
        "typical_beat",
        "Mean and standard deviation (ddof=0) of all beats at each sample, computed",
        "typical_beat_values",
        ONE_SIDED,
    ),
    ("typical_beat", "X stays on the workers", "typical_beat_stays", STAYS),
    (
        "typical_beat",
        "none of them is cut up, or brought together with others",
        "typical_beat_values",
        WHOLE,
    ),
    ("crossings", "Count for each row how often the sign changes", "crossings_values", ANOTHER),
    ("crossings", "numpy.ndarray, shape (rows,)", "crossings_values", CHANGES),
    ("crossings", "Computed", "crossings_values", CONTRACT),
    ("crossings", "NumPy goes through the samples", "crossings_work", WORK),
]


def test_every_promise_of_a_docstring_is_judged(exercise):
    hold_promises(exercise, PROMISES, globals())


def test_work_that_one_worker_does_alone_earns_nothing(exercise):
    """Three seconds of work, by one of two workers or half by each."""
    reference = replace(exercise.typical, same_round=True, cpu_seconds=3.1)
    alone = [task(f"t{i}", 0.19 * i, 0.19, worker="w0") for i in range(16)]
    for tasks, wall, each, status in (
        (alone, 3.2, (3.0, 0.0), Status.FAILED),
        (flat(16, 0.19), 1.65, (1.5, 1.5), Status.PASSED),
    ):
        usage = [ProcessUsage(Role.CLIENT, "client", 0.1, 0.0, 0, 0)]
        usage += [
            ProcessUsage(Role.WORKER, f"worker-{i}", cpu, 0.0, 0, 0) for i, cpu in enumerate(each)
        ]
        timed = replace(
            run(tasks, wall),
            case="odd_large",
            function="count_odd",
            usage=tuple(usage),
            comparison=Comparison(True, "", ""),
        )
        assert finding(exercise, "speedup", reference, timed).status is status
