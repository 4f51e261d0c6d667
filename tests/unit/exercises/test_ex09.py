from dataclasses import replace
from functools import cache

import dask
import numpy as np
import pandas as pd
import pytest
import small_cases
from recordings import run
from sklearn.base import clone

from autograder.checks import CHECKS
from autograder.evidence.assemble import gather
from autograder.evidence.summary import moved_bytes, shuffled_bytes
from autograder.grading import grade
from autograder.model import Comparison, GraphRecord, Recording, Status, TaskRecord

NAME = "ex09_tables_to_features"
SEED = 11
SMALL = small_cases.SMALL[NAME]
TABLES = ["features_odd", "features_large"]
JOINS = ["join_odd", "join_large"]
MODELS = ["train_all", "train_some"]


# -------------------------------------------------------------------------------- the features


def days(cases, case, seed=SEED):
    """Read the files of a case as a student's code does, without a cluster."""
    bikes, chunks = int(SMALL[case]["bikes"]), cases.kit.chunks(SMALL[case])
    for block, rows in enumerate(chunks, start=1):
        text = cases._as_csv(cases._rides(seed, block, rows, bikes, len(chunks)))
        yield cases._parsed(cases.io.BytesIO(text))


def table_of(cases, case, seed=SEED, *, change=lambda rides: rides, least=1.0, fill=None):
    """Make the features with pandas alone, from the files' own text."""
    parts = [change(day) for day in days(cases, case, seed)]
    rides = pd.concat(parts)
    rides = rides[rides.minutes >= least]
    ends = (rides[name] for name in ("lat_from", "lon_from", "lat_to", "lon_to"))
    km = cases._distance(*ends)
    hour = rides.start.dt.hour
    km = km.fillna(km.mean()) if fill is None else fill(km)
    rides = rides.assign(km=km, night=(hour >= 22) | (hour < 6))
    bikes = rides.groupby("bike")
    return bikes[["minutes", "night", "km"]].mean().assign(rides=bikes.size())


def judged(cases, truths, case, result):
    return cases.compare(case, truths[case], cases.materialise(case, result))


@pytest.mark.parametrize("seed", range(30))
def test_pandas_on_the_files_is_right_and_no_other_seeds(seed, cases):
    case = "features_odd"
    truth = cases.oracle(case, SMALL[case], seed)
    answer = cases.materialise(case, table_of(cases, case, seed))
    assert cases.compare(case, truth, answer).equal
    other = cases.oracle(case, SMALL[case], seed + 1)
    assert not cases.compare(case, other, answer).equal
    right = np.stack([truth[name] for name in cases.FEATURES], axis=1)
    wrong = [truth[name] for name in truth if name.startswith("mistake:")]
    # With some seeds no ride takes exactly a minute.
    assert len(wrong) in (23, 24)
    assert not any(cases._same(right, each) for each in wrong)


def test_some_bikes_are_not_out_every_day_and_one_day_has_no_coordinates(cases):
    parts = list(days(cases, "features_odd"))
    assert [len(part) for part in parts] == [700, 1, 300, 1_500, 90]
    assert parts[2].lat_from.isna().all() and not parts[3].lat_from.isna().all()
    assert {frozenset(part.bike) for part in parts} != {frozenset(range(40))}
    assert all((part.minutes < 1).any() for part in parts if len(part) > 100)


@pytest.mark.parametrize("case", TABLES)
def test_rows_and_columns_may_come_in_any_order(case, cases, truths):
    table = table_of(cases, case).sample(frac=1.0, random_state=0)
    table = table[["km", "rides", "night", "minutes"]].assign(more=1)
    assert judged(cases, truths, case, table).equal


def by_day(cases, case, function):
    return pd.concat([function(day) for day in days(cases, case)])


OTHER_TABLES = {
    "missing values left out": ({"fill": lambda km: km}, "km", "missing_left_out"),
    "missing as zero": ({"fill": lambda km: km.fillna(0)}, "km", "missing_as_zero"),
    "by the median": ({"fill": lambda km: km.fillna(km.median())}, "km", "filled_by_median"),
    "rows dropped": ({"change": lambda rides: rides.dropna()}, "rides", "missing_dropped"),
    "false starts": ({"least": 0.0}, "rides", "false_starts_kept"),
    "just a minute": ({"change": lambda r: r[r.minutes > 1]}, "rides", "more_than_a_minute"),
    "another border": ({"least": 5.0}, "rides", None),
    "another number": ({"fill": lambda km: km.fillna(1.0)}, "km", None),
}


@pytest.mark.parametrize("name", OTHER_TABLES)
def test_another_table_is_not_right(name, cases, truths):
    how, words, known = OTHER_TABLES[name]
    comparison = judged(cases, truths, "features_odd", table_of(cases, "features_odd", **how))
    assert (comparison.equal, comparison.mistake) == (False, known), comparison
    assert words in comparison.got


def km_of(cases, rides):
    ends = (rides[name] for name in ("lat_from", "lon_from", "lat_to", "lon_to"))
    hour = rides.start.dt.hour
    return rides.assign(km=cases._distance(*ends), night=(hour >= 22) | (hour < 6))


def averages(rides):
    bikes = rides.groupby("bike")
    return bikes[["minutes", "night", "km"]].mean().assign(rides=bikes.size())


OTHER_COLUMNS = {
    "known_rides_counted": lambda rides: {"rides": rides.groupby("bike").lat_from.count()},
    "night_in_percent": lambda rides: {"night": 100 * night_of(rides, 22, 5)},
    "until_midnight": lambda rides: {"night": night_of(rides, 22, -1)},
    "from_midnight": lambda rides: {"night": night_of(rides, 24, 5)},
    "until_five": lambda rides: {"night": night_of(rides, 22, 4)},
    "minutes_added_up": lambda rides: {"minutes": rides.groupby("bike").minutes.sum()},
    "nights_counted": lambda rides: {"night": night_of(rides, 22, 5, "sum")},
    "never_night": lambda rides: {"night": 0.0},
    "share_of_days": lambda rides: {"night": 1 - night_of(rides, 22, 5)},
    "until_seven": lambda rides: {"night": night_of(rides, 22, 6)},
    "from_eleven": lambda rides: {"night": night_of(rides, 23, 5)},
    None: lambda rides: {"night": night_of(rides, 21, 5)},
}


def night_of(rides, first, last, how="mean"):
    hour = rides.start.dt.hour
    return ((hour >= first) | (hour <= last)).groupby(rides.bike).agg(how)


@pytest.mark.parametrize("name", OTHER_COLUMNS)
def test_one_wrong_column_is_named_whatever_the_others_are(name, cases, truths):
    rides = pd.concat(days(cases, "features_odd"))
    rides = rides[rides.minutes >= 1]
    table = table_of(cases, "features_odd").assign(**OTHER_COLUMNS[name](rides))
    for other in (table, table.assign(km=1.0)):
        comparison = judged(cases, truths, "features_odd", other)
        assert (comparison.equal, comparison.mistake) == (False, name)


def test_rides_counted_before_the_cleaning_and_km_added_up_are_named(cases, truths):
    everything = pd.concat(days(cases, "features_odd"))
    table = table_of(cases, "features_odd")
    counted = table.assign(rides=everything.groupby("bike").size())
    assert judged(cases, truths, "features_odd", counted).mistake == "all_rides_counted"
    added = table.assign(km=table.km * table.rides)
    assert judged(cases, truths, "features_odd", added).mistake == "km_added_up"
    # Who keeps the false starts everywhere has done another thing.
    kept = table_of(cases, "features_odd", least=0.0)
    assert judged(cases, truths, "features_odd", kept).mistake == "false_starts_kept"


def test_places_that_are_filled_in_are_named(cases, truths):
    ends = ["lat_from", "lon_from", "lat_to", "lon_to"]
    rides = pd.concat(days(cases, "features_odd"))
    rides = rides[rides.minutes >= 1]
    rides = km_of(cases, rides.assign(**rides[ends].fillna(rides[ends].mean())))
    table = averages(rides)
    assert judged(cases, truths, "features_odd", table).mistake == "places_filled"


def test_a_mistake_is_named_where_a_bike_is_missing_for_it(cases, truths):
    table = table_of(cases, "features_odd", change=lambda rides: rides.dropna())
    lacking = judged(cases, truths, "features_odd", table[1:])
    assert (lacking.equal, lacking.mistake) == (False, "missing_dropped")
    lacking = judged(cases, truths, "features_odd", table_of(cases, "features_odd")[1:])
    assert (lacking.equal, lacking.mistake) == (False, None)


def test_what_a_function_of_one_file_does_is_named(cases, truths):
    case = "features_odd"
    parts = [km_of(cases, day)[lambda rides: rides.minutes >= 1] for day in days(cases, case)]
    own = pd.concat([part.fillna({"km": part.km.mean()}) for part in parts])
    assert judged(cases, truths, case, averages(own)).mistake == "filled_by_file"
    first = pd.concat([part.fillna({"km": parts[0].km.mean()}) for part in parts])
    assert judged(cases, truths, case, averages(first)).mistake == "filled_by_one_file"
    everything = pd.concat([km_of(cases, day) for day in days(cases, case)])
    before = everything.fillna({"km": everything.km.mean()})
    found = judged(cases, truths, case, averages(before[before.minutes >= 1]))
    assert found.mistake == "filled_before_cleaning"
    means = [averages(part) for part in parts]
    rides = pd.concat(means).groupby(level=0).rides.sum()
    mean = pd.concat(means).groupby(level=0).mean().assign(rides=rides)
    assert judged(cases, truths, case, mean).mistake == "mean_of_means"
    assert judged(cases, truths, case, pd.concat(means)).mistake == "a_table_for_each_file"


def test_a_table_that_lacks_bikes_is_not_right(cases, truths):
    comparison = judged(cases, truths, "features_odd", table_of(cases, "features_odd")[1:])
    assert not comparison.equal and "1 of the bikes are missing" in comparison.got


# ------------------------------------------------------------------------------------ the join


def tables(cases, case, seed=SEED):
    chunks = cases.kit.chunks(SMALL[case])
    first = np.cumsum([0, *chunks[:-1]])
    rides = [
        cases._station_rides((seed, block, rows, int(first[block])))
        for block, rows in enumerate(chunks)
    ]
    parts = [cases._station_list((seed, part)) for part in range(cases.PARTS)]
    return pd.concat(rides), pd.concat(parts)


@pytest.mark.parametrize("case", JOINS)
@pytest.mark.parametrize("seed", range(15))
def test_a_left_join_is_right_and_no_other_seeds(case, seed, cases):
    rides, stations = tables(cases, case, seed)
    truth = cases.oracle(case, SMALL[case], seed)
    answer = cases.materialise(case, rides.merge(stations, on="station", how="left"))
    assert cases.compare(case, truth, answer).equal
    other = cases.oracle(case, SMALL[case], seed + 1)
    assert not cases.compare(case, other, answer).equal
    assert np.isnan(truth["zone"]).any()


@pytest.mark.parametrize("case", JOINS)
@pytest.mark.parametrize(
    ("how", "known"),
    [("inner", "inner_join"), ("outer", "stations_kept"), ("right", "right_join")],
)
def test_another_join_is_named(case, how, known, cases, truths):
    rides, stations = tables(cases, case)
    comparison = judged(cases, truths, case, rides.merge(stations, on="station", how=how))
    assert (comparison.equal, comparison.mistake) == (False, known)


@pytest.mark.parametrize("case", JOINS)
def test_a_join_with_another_station_is_not_right(case, cases, truths):
    rides, stations = tables(cases, case)
    stations = stations.assign(height=stations.height.to_numpy()[::-1])
    comparison = judged(cases, truths, case, rides.merge(stations, on="station", how="left"))
    assert not comparison.equal and "height" in comparison.got
    joined = rides.merge(stations, on="station", how="left")
    comparison = judged(cases, truths, case, joined.fillna({"zone": 0, "height": 0}))
    assert not comparison.equal and "zone" in comparison.got
    assert comparison.mistake == "unlisted_filled"
    other = joined.assign(zone=joined.zone.to_numpy()[::-1])
    assert judged(cases, truths, case, other).mistake is None
    mixed = joined.assign(station=joined.station.to_numpy()[::-1])
    comparison = judged(cases, truths, case, mixed)
    assert not comparison.equal and "station" in comparison.got


@pytest.mark.parametrize("case", JOINS)
def test_a_join_with_parts_of_the_list_is_named(case, cases, truths):
    rides, stations = tables(cases, case)
    parts = [stations.iloc[part :: cases.PARTS] for part in range(cases.PARTS)]
    for some in (parts[0], pd.concat(parts[:3])):
        found = judged(cases, truths, case, rides.merge(some, on="station", how="left"))
        assert (found.equal, found.mistake) == (False, "part_of_the_list")
    each = pd.concat([rides.merge(part, on="station", how="left") for part in parts])
    found = judged(cases, truths, case, each)
    assert (found.equal, found.mistake) == (False, "once_for_each_part")
    # An inner join with each part has every listed ride once: what it drops is another mistake.
    inner = pd.concat([rides.merge(part, on="station") for part in parts])
    assert judged(cases, truths, case, inner).mistake == "inner_join"
    joined = rides.merge(stations, on="station", how="left")
    twice = judged(cases, truths, case, pd.concat([joined, joined]))
    assert (twice.equal, twice.mistake) == (False, None)
    # A zone that is missing here and there, where others are wrong, says nothing of the list.
    mixed = joined.assign(zone=joined.zone.shift(1))
    assert judged(cases, truths, case, mixed).mistake is None


@pytest.mark.usefixtures("client")
def test_a_join_of_partition_with_partition_is_known_by_its_exception(cases, exercise):
    (rides, stations), _ = cases.prepare("join_large", SMALL["join_large"], SEED)
    joined = rides.map_partitions(pd.DataFrame.merge, stations, on="station", how="left")
    with pytest.raises(Exception) as raised:
        cases.materialise("join_large", joined)
    said = f"{type(raised.value).__name__}: {raised.value}"
    named = [known for known, m in exercise.mistakes.items() if m.raises and m.raises in said]
    assert named == ["partition_for_partition"]
    one = rides.map_partitions(
        pd.DataFrame.merge, stations.repartition(npartitions=1), on="station", how="left"
    )
    answer = cases.materialise("join_large", one)
    truth = cases.oracle("join_large", SMALL["join_large"], SEED)
    assert cases.compare("join_large", truth, answer).equal


def test_the_station_of_a_join_may_be_its_index(cases, truths):
    rides, stations = tables(cases, "join_odd")
    joined = rides.merge(stations, on="station", how="left").set_index("station")
    assert judged(cases, truths, "join_odd", joined).equal
    with pytest.raises(TypeError, match="with the columns bike, minutes"):
        cases.materialise("join_odd", joined.reset_index(drop=True))


# ----------------------------------------------------------------------------------- the model


def labelled(cases, case, seed=SEED):
    bikes = int(SMALL[case]["bikes"])
    return cases._features_of_bikes(seed, bikes), cases._broken(case, seed, bikes), cases._model()


@cache
def model_of(cases, case, seed):
    """The oracle's: each is the next seed's in one test and the own one's in the next."""
    return cases.oracle(case, SMALL[case], seed)


@pytest.mark.parametrize("case", MODELS)
@pytest.mark.parametrize("seed", range(30))
def test_a_model_of_the_right_rows_is_right_and_no_other_seeds(case, seed, cases):
    table, broken, model = labelled(cases, case, seed)
    truth = model_of(cases, case, seed)
    fitted = clone(model).fit(table.loc[broken.index], broken)
    answer = cases.materialise(case, fitted)
    assert cases.compare(case, truth, answer).equal
    in_order = broken.sort_index()
    again = clone(model).fit(table.loc[in_order.index].to_numpy(), in_order)
    assert cases.compare(case, truth, cases.materialise(case, again)).equal
    other = model_of(cases, case, seed + 1)
    assert not cases.compare(case, other, answer).equal
    right = truth["probabilities"]
    for name in truth:
        if name.startswith("mistake:"):
            assert np.abs(truth[name] - right).max(axis=(-2, -1)).min() > 2 * cases.CLOSE


def test_a_model_of_other_rows_is_named(cases, truths):
    table, broken, model = labelled(cases, "train_all")
    blocks = [table.iloc[block::4] for block in range(4)]
    for rows in (table, pd.concat(blocks)):
        fitted = clone(model).fit(rows, broken)
        assert judged(cases, truths, "train_all", fitted).mistake == "by_position"
    table, broken, model = labelled(cases, "train_some")
    part = table.iloc[::4]
    part = part[part.index.isin(broken.index)]
    fitted = clone(model).fit(part, broken.loc[part.index])
    assert judged(cases, truths, "train_some", fitted).mistake == "one_partition"
    fitted = clone(model).fit(table, broken.reindex(table.index).fillna(0))
    assert judged(cases, truths, "train_some", fitted).mistake == "unknown_as_whole"
    blocks = [table.iloc[block::4] for block in range(4)]
    for rows in (table, pd.concat(blocks)):
        for chosen in (rows[rows.index.isin(broken.index)], rows[: len(broken)]):
            fitted = clone(model).fit(chosen, broken)
            assert judged(cases, truths, "train_some", fitted).mistake == "by_position"


@pytest.mark.parametrize("case", MODELS)
def test_labels_in_order_and_bikes_as_places_are_by_position_too(case, cases, truths):
    table, broken, model = labelled(cases, case)
    computed = pd.concat([table.iloc[block::4] for block in range(4)])
    known = computed[computed.index.isin(broken.index)]
    for rows, labels in (
        (known, broken.sort_index()),
        (computed.iloc[broken.index], broken),
        (computed.to_numpy()[broken.index], broken.to_numpy()),
    ):
        fitted = clone(model).fit(rows, labels)
        assert judged(cases, truths, case, fitted).mistake == "by_position"
    # With rows in the order of the bikes, both of these are right.
    in_order = known.sort_index()
    assert judged(cases, truths, case, clone(model).fit(in_order, broken.sort_index())).equal
    assert judged(cases, truths, case, clone(model).fit(table.iloc[broken.index], broken)).equal


WRONG_ROWS = {
    "labels_for_all": lambda table, broken: (table.compute(), broken.loc[table.index.compute()]),
    "label_missing": lambda table, broken: (table.compute(), broken.reindex(table.index.compute())),
    "lazy_rows": lambda table, broken: (table.loc[broken.index], broken),
    "other_columns": lambda table, broken: (
        table.compute().join(broken, how="inner"),
        broken.sort_index(),
    ),
}


@pytest.mark.parametrize("name", WRONG_ROWS)
def test_what_pandas_and_scikit_learn_say_of_wrong_rows_is_explained(name, exercise, cases):
    table, broken, model = labelled(cases, "train_some")
    with dask.config.set(scheduler="synchronous"), pytest.raises(Exception) as raised:
        rows, labels = WRONG_ROWS[name](cases._lazy_table(table, 3), broken)
        cases.materialise("train_some", clone(model).fit(rows, labels))
    said = f"{type(raised.value).__name__}: {raised.value}"
    named = [known for known, m in exercise.mistakes.items() if m.raises and m.raises in said]
    assert named == [name]


# ------------------------------------------------------------------------ whatever may come

NOT_AN_ANSWER = {
    "nothing": {},
    "no array": {"bike": [1], "ride": "x", "probabilities": 3},
    "text": dict.fromkeys(["bike", "ride", "probabilities"], np.array(["a", "b"])),
    "empty": dict.fromkeys(
        ["bike", "rides", "minutes", "night", "km", "ride", "zone", "height"], np.array([])
    ),
    "NaN": {"probabilities": np.full((200, 2), np.nan)},
    "another shape": {"probabilities": np.zeros((200, 3))},
}
PARTS = {
    "features_odd": ["bike", "rides", "minutes", "night", "km"],
    "join_odd": ["ride", "bike", "station", "minutes", "zone", "height"],
    "train_all": ["probabilities"],
}
SPOILT = [np.zeros(3), np.zeros((3, 2)), np.zeros(2, complex), np.array("x"), None]


@pytest.mark.parametrize("case", SMALL)
@pytest.mark.parametrize("name", NOT_AN_ANSWER)
def test_compare_takes_whatever_comes_out_of_the_box(name, case, cases, truths):
    comparison = cases.compare(case, truths[case], NOT_AN_ANSWER[name])
    assert comparison.equal is False
    assert comparison.got and comparison.expected


@pytest.mark.parametrize("case", PARTS)
def test_compare_takes_a_right_answer_with_one_part_spoilt(case, cases, truths):
    for part in PARTS[case]:
        for spoilt in (*SPOILT, truths[case][part] * np.inf, -truths[case][part] - 1):
            comparison = cases.compare(case, truths[case], {**truths[case], part: spoilt})
            assert comparison.equal is False and comparison.got


def test_a_lazy_result_has_to_be_a_dask_data_frame(cases, truths):
    for case in ("features_odd", "join_odd"):
        for kind, right in (("a Dask DataFrame", True), ("a Delayed", False)):
            answer = {**truths[case], "kind": np.array(kind), "lazy": np.array(True)}
            comparison = cases.compare(case, truths[case], answer)
            assert comparison.equal is right
            assert right or "where it should be a Dask DataFrame" in comparison.got


TABLE = pd.DataFrame({"rides": [1], "minutes": [2.0], "night": [0.0], "km": [1.0]})


@pytest.mark.parametrize(
    ("case", "result", "words"),
    [
        ("features_odd", None, "must return a Dask DataFrame .* None"),
        ("features_odd", TABLE["km"], "a Series"),
        ("features_odd", TABLE, "whose bike is nowhere"),
        ("features_odd", TABLE.assign(bike=3), "whose bike is a column"),
        (
            "features_odd",
            TABLE[["km"]].set_index(pd.Index([3], name="bike")),
            "with the columns km",
        ),
        (
            "features_odd",
            TABLE.assign(km="far").set_index(pd.Index([3], name="bike")),
            "are no numbers",
        ),
        ("join_odd", None, "must return a Dask DataFrame with all columns"),
        ("join_odd", TABLE, "with the columns rides"),
        ("train_all", None, "must return the model, fitted; it returned None"),
        ("train_all", TABLE, "a DataFrame"),
    ],
)
def test_a_result_of_the_wrong_type_is_told_the_contract(case, result, words, cases):
    with pytest.raises(TypeError, match=words):
        cases.materialise(case, result)


def test_a_model_that_is_not_fitted_is_told_so(cases):
    with pytest.raises(TypeError, match=r"fitted.*NotFittedError"):
        cases.materialise("train_all", cases._model())


def test_every_mistake_of_compare_is_explained(exercise, truths):
    named = {name for truth in truths.values() for name in truth if name.startswith("mistake:")}
    known = {name.removeprefix("mistake:") for name in named} | {
        "a_table_for_each_file",
        "unlisted_filled",
        "part_of_the_list",
        "once_for_each_part",
    }
    assert known == {name for name, mistake in exercise.mistakes.items() if not mistake.raises}


# ------------------------------------------------------- the check `moved`, and reads with a limit

HERE, THERE = "tcp://127.0.0.1:1", "tcp://127.0.0.1:2"


def task(key, worker, layer="rides", *, after=(), nbytes=100_000, start=1.0, number=1):
    return TaskRecord(
        key, layer, worker, 0.0, start, start + 0.1, 0.1, 0.0, nbytes, tuple(after), run=number
    )


ROWS = [task(f"rides-{i}", (HERE, THERE)[i % 2], start=1.0 + i / 10) for i in range(10)]
TRAVELS = {
    "each by itself": (
        [
            task(f"joined-{i}", (HERE, THERE)[i % 3 % 2], "join", after=[t.key], start=3.0)
            for i, t in enumerate(ROWS)
        ],
        0,
    ),
    "all in one place": (
        [task("one", HERE, "concat", after=[t.key for t in ROWS], start=3.0, nbytes=1_000_000)],
        1_000_000,
    ),
    "with a small table": (
        [
            task(f"joined-{i}", t.worker, "join", after=[t.key, "small"], start=3.0, nbytes=110_000)
            for i, t in enumerate(ROWS)
        ],
        110_000,
    ),
    "a shuffle": (
        [
            task(f"send-{i}", t.worker, "shuffle-transfer", after=[t.key], start=3.0, nbytes=8)
            for i, t in enumerate(ROWS)
        ],
        1_000_000,
    ),
    "a shuffle of a join": (
        [
            task(f"send-{i}", t.worker, "hash-join-transfer", after=[t.key], start=3.0, nbytes=8)
            for i, t in enumerate(ROWS)
        ],
        1_000_000,
    ),
    "a shuffle by tasks": (
        [
            task(f"cut-{i}", t.worker, "group-simpleshuffle", after=[t.key], start=3.0)
            for i, t in enumerate(ROWS)
        ],
        1_000_000,
    ),
    "a shuffle of what was there before": (
        [task("send-1", HERE, "shuffle-transfer", after=["from-before-GO"], start=3.0)],
        0,
    ),
}


@pytest.mark.parametrize("name", TRAVELS)
def test_bytes_are_counted_where_they_travel(name):
    more, expected = TRAVELS[name]
    recording = Recording(tasks=(*ROWS, *more))
    assert moved_bytes(recording) == expected
    assert shuffled_bytes(recording) == (expected if "shuffle" in name else 0)


def test_what_the_client_takes_and_sends_is_counted():
    graph = GraphRecord(1.0, 3, 1, 70)
    recording = Recording(
        graphs=(graph, graph), gathered_bytes=9_000, gathered_during_call=5_000, scattered_bytes=300
    )
    assert moved_bytes(recording) == 2 * 70 + 5_000 + 300


def found(exercise, check, function, recording, reference=None, *, right=True):
    spec = next(s for s in exercise.checks if s.check == check and s.function == function)
    done = replace(
        run([], 4.0),
        case=spec.cases[-1],
        function=function,
        recording=recording,
        comparison=Comparison(right, "", ""),
        input_bytes=1_000_000,
    )
    spec = replace(spec, cases=(done.case,))
    return (
        grade(exercise, gather(exercise, [done]), reference or exercise.typical, [spec])
        .scored[0]
        .finding
    )


@pytest.mark.parametrize(
    ("travelled", "right", "status", "words"),
    [
        (0, True, Status.PASSED, "were shuffled"),
        (250_000, True, Status.PASSED, "MB were"),
        (260_000, True, Status.FAILED, "0.3 MB were"),
        (0, False, Status.FAILED, "not right"),
    ],
)
def test_a_quarter_of_the_input_may_travel(travelled, right, status, words, exercise):
    recording = Recording(scattered_bytes=travelled)
    finding = found(exercise, "moved", "join", recording, right=right)
    assert finding.status is status and words in finding.got


def test_a_shuffle_is_named_and_so_is_bringing_all_to_one_place(exercise):
    for name, known in (("a shuffle of a join", "shuffled"), ("all in one place", None)):
        recording = Recording(tasks=(*ROWS, *TRAVELS[name][0]))
        named = [m.name for m in found(exercise, "moved", "join", recording).mistakes]
        assert named == [known or "brought_together"]


@pytest.mark.parametrize(
    ("reads", "status"),
    [
        (15, Status.PASSED),
        (22, Status.PASSED),
        (23, Status.FAILED),
        (30, Status.FAILED),
        (7, Status.FAILED),
    ],
)
def test_every_file_is_read_once(reads, status, exercise):
    finding = found(exercise, "reads_once", "features", Recording(reads=reads))
    assert finding.status is status and "or twice" not in finding.expected
    named = [mistake.name for mistake in finding.mistakes]
    assert named == (["read_twice"] if reads > 22 else [])


def test_the_checks_are_those_of_the_table():
    assert CHECKS["moved"].__name__ == "moved"
