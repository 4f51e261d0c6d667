"""The inputs of ex09, the right answers, and how a student's answer is judged.

The tables are the rides of a city's hire bikes, one CSV file for each day: bike, start, station,
minutes and the coordinates of both ends, which some receivers often fail to record. Days differ
in how long the rides are and bikes in how often they are ridden, so no file represents the
others. Block ``b`` of a case, one day, is drawn from ``[seed, b]`` alone: a worker writes it
without the others, and the oracle draws the same rides without a file.

The order of rows does not matter: what a function returned is sorted by bike or by ride.

`autograder.author.kit` says what each function has to do, and where it runs.
"""

from __future__ import annotations

import io
import os
import socket
import statistics
import tempfile
import time
from collections.abc import Mapping
from contextlib import suppress
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from autograder.author import kit
from autograder.author.kit import Array, Verdict

if TYPE_CHECKING:
    import pandas as pd

FEATURES = ("rides", "minutes", "night", "km")
ENDS = ("lat_from", "lon_from", "lat_to", "lon_to")
JOINED = ("bike", "station", "minutes", "zone", "height")
STATIONS = 300
PARTS = 6
"""Files of the list of stations, and so its partitions: with so many, and 24 of the rides, Dask's
own merge shuffles both tables (it broadcasts up to ``0.5 * log2(24)``, that is two)."""
UNLISTED = 0.04
"""Share of the stations that are not on the list; about the same share of rides begins there."""
CENTRE = np.array([52.0, 13.0, 52.0, 13.0])
"""Centre of the city: latitude and longitude, for the start and for the end of a ride."""
RADIUS = 6371.0
"""Of the Earth, in km."""
START = "%d.%m.%Y %H:%M:%S"
"""How the files write a time. Only a slow parser reads it, which is most of a file's work."""
FIRST_DAY = np.datetime64("2026-03-01")
TOLERANCE = 1e-6
"""Relative, and absolute below 1. CSV and the order of a sum change the 13th digit."""
CLOSE = 0.01
"""How far a probability may be off. The order of the rows changes the sixth digit; labels that
belong to other bikes change the worst of them by 0.1 and more (30 seeds)."""
FEW = 100_000
"""Up to so many rides the oracle also works out what known mistakes give."""
PROBES = 200
"""Bikes whose probabilities the model is asked for."""

_made: list[tempfile.TemporaryDirectory[str]] = []
"""The folder of the last case: removed when the next one is prepared, or with the process."""


# ------------------------------------------------------------------------------- in the box


def prepare(case: str, parameters: Mapping[str, float], seed: int) -> tuple[tuple[Any, ...], int]:
    """Write files of rides, with a reader; or make two lazy tables; or a model, table and labels.

    The parameters are ``bikes`` and the sizes of `kit.chunks`.
    """
    bikes, chunks = int(parameters["bikes"]), kit.chunks(parameters)
    if case.startswith("features"):
        return _files(seed, chunks, bikes)
    if case.startswith("join"):
        return _tables(seed, chunks)
    table, broken = _features_of_bikes(seed, bikes), _broken(case, seed, bikes)
    return (_model(), _lazy_table(table, len(chunks)), broken), int(table.memory_usage().sum())


def materialise(case: str, result: Any) -> dict[str, Array]:
    """Turn what the student's function returned into plain arrays, sorted by bike or by ride.

    Returns
    -------
    dict of str to numpy.ndarray
        ``bike`` (bikes,) and each of `FEATURES` (bikes,); or ``ride`` (rides,) and each of `JOINED`
        (rides,); with both ``kind`` () and ``lazy`` () of what was returned. For a model
        ``probabilities`` (probes,).
    """
    if case.startswith("features"):
        contract = (
            "features must return a Dask DataFrame with the columns rides, minutes, night and km, "
            "and bike as its index"
        )
        return _columns(result, contract, "bike", FEATURES)
    if case.startswith("join"):
        contract = "join must return a Dask DataFrame with all columns of both tables"
        return _columns(result, contract, "ride", JOINED)
    contract = "train must return the model, fitted"
    if not kit.has_methods(result, "predict_proba"):
        raise TypeError(f"{contract}; it returned {kit.kind_or_class(result)}.")
    try:
        probabilities = np.asarray(result.predict_proba(_probes()), dtype=np.float64)
    except Exception as error:
        raise TypeError(
            f"{contract}, on the columns of table in their order; asked for the probabilities of "
            f"some bikes, it raised {type(error).__name__}: {error}"
        ) from error
    return {"probabilities": probabilities}


def warm() -> None:
    """Do every operation once on a few rows, so that no case pays for imports."""
    import dask.dataframe as dd

    kit.on_each_worker(_work_here)
    sizes = {"bikes": 5, "rows": 60, "blocks": 2}
    (files, reader), _ = prepare("features", sizes, 0)
    days = dd.from_map(reader, files)
    days.assign(hour=days.start.dt.hour).groupby("bike").minutes.mean().compute()
    (rides, stations), _ = prepare("join", sizes, 0)
    rides.merge(stations.repartition(npartitions=1), on="station", how="left").compute()
    model, table, broken = prepare("train_all", sizes | {"bikes": 40}, 0)[0]
    model.fit(table.compute().loc[broken.index], broken)


def _work_here() -> None:
    _grouped(_cleaned(_parsed(io.BytesIO(_as_csv(_rides(0, 1, 200, 5))))))


def _files(seed: int, chunks: tuple[int, ...], bikes: int) -> tuple[tuple[Any, ...], int]:
    """Have the workers write a file for each day; return paths and reader, and their bytes."""
    from distributed import get_client

    client = get_client()
    for earlier in _made:
        earlier.cleanup()
    _made[:] = [tempfile.TemporaryDirectory(prefix="rides-", dir=_place(client))]
    folder = _made[0].name
    sizes = client.gather(kit.spread(_write, seed, chunks, bikes, len(chunks), folder))
    paths = [_path(folder, block) for block in range(1, len(chunks) + 1)]
    return (paths, _read_day), sum(sizes)


def _place(client: Any) -> str | None:
    """Return a folder that all workers share: the home, if they are on other machines."""
    hosts = set(client.run(socket.gethostname).values())
    return None if hosts <= {socket.gethostname()} else os.path.expanduser("~")


def _path(folder: str, block: int) -> str:
    return os.path.join(folder, f"rides-{block:03}.csv")


def _write(seed: int, block: int, rows: int, bikes: int, days: int, folder: str) -> int:
    """Write the file of a day; return its bytes."""
    text = _as_csv(_rides(seed, block, rows, bikes, days))
    with open(_path(folder, block), "wb") as file:
        return file.write(text)


def _read_day(path: str) -> pd.DataFrame:
    """Read the file of a day, and tell the recorder so."""
    _note(path)
    return _parsed(path)


def _note(block: Any) -> None:
    """Tell the recorder that a file is read, whatever task this was fused into."""
    from distributed import get_worker

    with suppress(ValueError):  # not in a worker: for the names of columns, or the data came
        get_worker().log_event("read", block)


def _as_csv(rides: Mapping[str, Array]) -> bytes:
    import pyarrow as pa  # type: ignore[import-untyped]
    from pyarrow import compute, csv

    # A number that is missing is left empty, not written as "nan".
    columns = {name: pa.array(values, from_pandas=True) for name, values in rides.items()}
    columns["start"] = compute.strftime(columns["start"], START)
    sink = io.BytesIO()
    csv.write_csv(pa.table(columns), sink)
    return sink.getvalue()


def _tables(seed: int, chunks: tuple[int, ...]) -> tuple[tuple[Any, ...], int]:
    """Make two lazy Dask DataFrames: rides, a partition for each of the chunks, and stations."""
    import dask.dataframe as dd

    first = np.cumsum([0, *chunks[:-1]])
    parts = [(seed, b, rows, int(n)) for b, (rows, n) in enumerate(zip(chunks, first, strict=True))]
    small = _station_rides((seed, 0, 1000, 0)).astype({"station": "string[pyarrow]"})
    rides = dd.from_map(_station_rides, parts, meta=_station_rides((seed, 0, 0, 0)))
    listed = dd.from_map(
        _station_list,
        [(seed, part) for part in range(PARTS)],
        meta=_station_list((seed, 0)).head(0),
    )
    size = int(small.memory_usage(deep=True).sum() / len(small) * sum(chunks))
    return (rides, listed), size


def _station_rides(part: tuple[int, int, int, int]) -> pd.DataFrame:
    """Simulate reading a file of rides: number, bike, station and minutes."""
    import pandas as pd

    seed, block, rows, first = part
    drawn = _rides(seed, block + 1, rows, 1000)
    return pd.DataFrame(
        {
            "ride": np.arange(first, first + rows),
            "bike": drawn["bike"],
            "station": drawn["station"],
            "minutes": drawn["minutes"],
        },
        index=pd.RangeIndex(rows),
    )


def _station_list(part: tuple[int, int]) -> pd.DataFrame:
    """Simulate reading a file of the list of stations."""
    import pandas as pd

    seed, number = part
    names, zones, heights = _listed(seed)
    mine = slice(number, None, PARTS)
    return pd.DataFrame({"station": names[mine], "zone": zones[mine], "height": heights[mine]})


def _lazy_table(table: pd.DataFrame, blocks: int) -> Any:
    """Cut a table into lazy partitions, in an order that is not that of the bikes."""
    import dask.dataframe as dd

    return dd.from_map(
        _part_of, [table.iloc[block::blocks] for block in range(blocks)], meta=table.head(0)
    )


def _part_of(part: pd.DataFrame) -> pd.DataFrame:
    return part


def _columns(result: Any, contract: str, key: str, names: tuple[str, ...]) -> dict[str, Array]:
    """Compute a table, sort it by its key, an index or a column, and take columns of numbers."""
    import pandas as pd

    lazy = kit.is_lazy(result)
    dask = lazy and type(result).__module__.startswith("dask.dataframe")
    kind = "a Dask DataFrame" if dask else kit.kind_or_class(result)
    table = _computed(result) if dask else kit.computed(result)
    if not isinstance(table, pd.DataFrame):
        raise TypeError(f"{contract}; it returned {kit.kind_or_class(result)}.")
    if key == "bike" and table.index.name != "bike":
        where = "a column" if "bike" in table.columns else "nowhere"
        raise TypeError(f"{contract}; it returned {kind} whose bike is {where}.")
    if key == "ride" and table.index.name == "station":
        table = table.reset_index()
    if key in table.columns:
        table = table.set_index(key)
    missing = [name for name in names if name not in table.columns]
    if missing or table.index.name != key:
        columns = ", ".join(map(str, table.columns[:8]))
        raise TypeError(f"{contract}; it returned {kind} with the columns {columns}.")
    try:
        if key == "ride":
            table = table.assign(station=_numbers(table["station"]))
        table = table[list(names)].astype("float64").sort_index()
        keys = table.index.to_numpy(dtype=np.float64)
    except (TypeError, ValueError) as error:
        raise TypeError(f"{contract}; some of its columns are no numbers: {error}.") from error
    if table.columns.has_duplicates:
        raise TypeError(f"{contract}; it returned {kind} with two columns of one name.")
    found = {name: table[name].to_numpy() for name in names}
    return {key: keys, **found, "kind": np.array(kind), "lazy": np.array(lazy)}


def _computed(table: Any) -> Any:
    """Compute a Dask DataFrame by its partitions, without a task that puts them together."""
    import dask
    import pandas as pd

    # Only a Dask DataFrame has these; anything else is reported by its kind.
    if not hasattr(table, "to_delayed") or not hasattr(table, "columns"):
        return kit.computed(table)
    return pd.concat(dask.compute(*table.to_delayed()))


def _numbers(stations: pd.Series[Any]) -> pd.Series[Any]:
    """Return the numbers of stations."""
    return stations.astype("str").str.removeprefix("S").astype("float64")


# ------------------------------------------------------------------ on both sides, no Dask


def _rides(seed: int, block: int, rows: int, bikes: int, days: int = 1) -> dict[str, Array]:
    """Draw the rides of a day: columns by name, each (rows,)."""
    generator = np.random.default_rng([seed, block])
    often = np.random.default_rng([seed, 0]).uniform(0.2, 1.8, size=bikes)
    # Not all bikes are out every day.
    often = often * (generator.random(bikes) < 0.8)
    often[block % bikes] = 1.0
    bike = generator.choice(bikes, size=rows, p=often / often.sum())
    second = generator.integers(86_400, size=rows).astype("timedelta64[s]")
    start = FIRST_DAY + np.timedelta64(block - 1, "D") + second
    longer = 1.0 + 0.5 * np.sin(block)
    minutes = np.round(generator.gamma(1.5, 8.0 * longer, size=rows) + 0.05, 2)
    ends = CENTRE + generator.normal(scale=0.02 * longer, size=(rows, 4))
    # The receivers of some bikes fail more often. On the third of several days all of them do.
    lost = generator.random(rows) < 0.05 + 0.05 * (bike % 7)
    if block == 3 and rows < 1000 and days > 3:
        lost[:] = True
    ends = np.where(lost[:, None], np.nan, np.round(ends, 5))
    station = generator.integers(STATIONS, size=rows)
    names = np.array([_name(number) for number in range(STATIONS)], dtype=object)
    return {
        "bike": bike,
        "start": start,
        "station": names[station],
        "minutes": minutes,
        "lat_from": ends[:, 0],
        "lon_from": ends[:, 1],
        "lat_to": ends[:, 2],
        "lon_to": ends[:, 3],
    }


def _name(number: int) -> str:
    return f"S{number:03}"


def _listed(seed: int) -> tuple[Array, Array, Array]:
    """Return names, zones and heights of the stations on the list, some of them without rides."""
    generator = np.random.default_rng([seed, 0, 1])
    numbers = np.arange(STATIONS + 12)
    listed = np.concatenate(
        [generator.permutation(STATIONS)[round(UNLISTED * STATIONS) :], numbers[STATIONS:]]
    )
    names = np.array([_name(number) for number in listed], dtype=object)
    heights = np.round(generator.uniform(20.0, 120.0, size=len(listed)), 1)
    return names, generator.integers(1, 10, size=len(listed)), heights


def _distance(lat_from: Array, lon_from: Array, lat_to: Array, lon_to: Array) -> Array:
    """Return the distance on the sphere in km, by the haversine formula."""
    a, b, c, d = (np.radians(values) for values in (lat_from, lon_from, lat_to, lon_to))
    half = np.sin((c - a) / 2) ** 2 + np.cos(a) * np.cos(c) * np.sin((d - b) / 2) ** 2
    distance: Array = 2 * RADIUS * np.arcsin(np.sqrt(half))
    return distance


def _parsed(file: Any) -> pd.DataFrame:
    """Read a file of rides: a path, or one that is open."""
    import pandas as pd

    rides = pd.read_csv(file)
    return rides.assign(start=pd.to_datetime(rides["start"], format=START))


def _cleaned(rides: pd.DataFrame, *, least: float = 1.0) -> pd.DataFrame:
    """Add km and night, and leave the false starts out."""
    hour = rides["start"].dt.hour
    ends = (rides[name].to_numpy() for name in ("lat_from", "lon_from", "lat_to", "lon_to"))
    rides = rides.assign(km=_distance(*ends), night=((hour >= 22) | (hour < 6)).astype(float))
    return rides[rides["minutes"] >= least]


def _grouped(rides: pd.DataFrame) -> pd.DataFrame:
    """Count and add up the rides of each bike."""
    groups = rides.groupby("bike")
    return groups[["minutes", "night", "km"]].agg(["sum", "count"])


def _features_of_bikes(seed: int, bikes: int) -> pd.DataFrame:
    """Draw the features of bikes, in the order of their numbers."""
    import pandas as pd

    generator = np.random.default_rng([seed, 0, 2])
    index = pd.Index(np.arange(bikes), name="bike")
    return pd.DataFrame(_drawn_features(generator, bikes), index=index)


def _drawn_features(generator: np.random.Generator, bikes: int) -> dict[str, Array]:
    return {
        "rides": generator.integers(50, 400, size=bikes),
        "minutes": generator.gamma(20.0, 0.7, size=bikes),
        "night": generator.beta(4.0, 8.0, size=bikes),
        "km": generator.gamma(16.0, 0.15, size=bikes),
    }


def _broken(case: str, seed: int, bikes: int) -> pd.Series[Any]:
    """Draw which of the inspected bikes broke down, all or two thirds, in order of inspection."""
    import pandas as pd

    generator = np.random.default_rng([seed, 0, 3])
    table = _features_of_bikes(seed, bikes)
    risk = (table["rides"] - 225) / 60 + 1.2 * (table["km"] - 2.4) + 3 * (table["night"] - 0.33)
    broke = generator.random(bikes) < 1 / (1 + np.exp(-risk))
    seen = generator.permutation(bikes)[: bikes if case == "train_all" else 2 * bikes // 3]
    index = pd.Index(seen, name="bike")
    return pd.Series(np.asarray(broke)[seen].astype(int), index=index, name="broken")


def _model() -> Any:
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    return make_pipeline(StandardScaler(), LogisticRegression(tol=1e-8, max_iter=1000))


def _probes() -> pd.DataFrame:
    import pandas as pd

    return pd.DataFrame(_drawn_features(np.random.default_rng(9), PROBES))


# ------------------------------------------------------------------------------ outside


def oracle(case: str, parameters: Mapping[str, float], seed: int) -> dict[str, Array]:
    """Work out the right answer on one core, with pandas and scikit-learn alone.

    Returns
    -------
    dict of str to numpy.ndarray
        What `materialise` gives for a right result, and under ``mistake:<name>`` what known
        mistakes give: ``km`` or ``minutes`` of each bike (a row for each), numbers of rides, or
        probabilities. For the features also ``seconds``, the CPU time of pandas on one core.
    """
    bikes, chunks = int(parameters["bikes"]), kit.chunks(parameters)
    if case.startswith("features"):
        return _true_features(seed, chunks, bikes)
    if case.startswith("join"):
        return _true_join(seed, chunks)
    return _true_model(case, seed, bikes, len(chunks))


def _true_features(seed: int, chunks: tuple[int, ...], bikes: int) -> dict[str, Array]:
    import pandas as pd

    days, raw = [], []
    for block, rows in enumerate(chunks, start=1):
        drawn = _rides(seed, block, rows, bikes, len(chunks))
        frame = pd.DataFrame({name: drawn[name] for name in drawn if name != "station"})
        more = ("start", *ENDS) if sum(chunks) <= FEW else ()
        raw.append(_cleaned(frame, least=0.0)[["bike", *FEATURES[1:], *more]])
        days.append(raw[-1][raw[-1]["minutes"] >= 1.0])
    rides = pd.concat(days)
    table = _averages(rides.fillna({"km": rides["km"].mean()}))
    truth = {
        "bike": table.index.to_numpy(dtype=np.float64),
        **{name: table[name].to_numpy(dtype=np.float64) for name in FEATURES},
        "seconds": np.array(_pandas_seconds(seed, chunks, bikes)),
    }
    if len(rides) > FEW:
        return truth
    for name, other in _wrong_features(days, pd.concat(raw)).items():
        known = other.reindex(table.index)[list(FEATURES)].to_numpy(dtype=np.float64)
        # If it makes no difference with this seed, it is no mistake.
        if not _same(table[list(FEATURES)].to_numpy(dtype=np.float64), known):
            truth[f"mistake:{name}"] = known
    return truth


def _wrong_features(days: list[pd.DataFrame], raw: pd.DataFrame) -> dict[str, pd.DataFrame]:
    """Return what known mistakes give; nan stands for any number."""
    import pandas as pd

    rides = pd.concat(days)
    averages = [_averages(day) for day in days]
    own = pd.concat([day.fillna({"km": day["km"].mean()}) for day in days])
    ends = rides.assign(**rides[list(ENDS)].fillna(rides[list(ENDS)].mean()))
    ends = ends.assign(km=_distance(*(ends[name].to_numpy() for name in ENDS)))
    filled = rides.fillna({"km": rides["km"].mean()})
    hour, bikes = rides["start"].dt.hour, rides["bike"]
    night = rides["night"].groupby(bikes)
    return {
        "missing_left_out": _averages(rides),
        "missing_as_zero": _averages(rides.fillna({"km": 0.0})),
        "filled_by_file": _averages(own),
        "filled_by_one_file": _averages(rides.fillna({"km": days[0]["km"].mean()})),
        "filled_by_median": _averages(rides.fillna({"km": rides["km"].median()})),
        "filled_before_cleaning": _averages(rides.fillna({"km": raw["km"].mean()})),
        "missing_dropped": _averages(rides.dropna()),
        "mean_of_means": pd.concat(averages)
        .groupby(level=0)
        .mean()
        .assign(rides=np.nan, km=np.nan),
        "false_starts_kept": _averages(raw).assign(km=np.nan),
        "more_than_a_minute": _averages(raw[raw["minutes"] > 1.0]).assign(km=np.nan),
        "places_filled": _averages(ends),
        # These are recognised by one column; the others may be anything.
        "known_rides_counted": _only(rides=rides["km"].groupby(bikes).count()),
        "all_rides_counted": _only(rides=raw.groupby("bike").size()),
        "km_added_up": _only(km=filled["km"].groupby(bikes).sum()),
        "minutes_added_up": _only(minutes=rides["minutes"].groupby(bikes).sum()),
        "nights_counted": _only(night=night.sum()),
        "night_in_percent": _only(night=100.0 * night.mean()),
        "never_night": _only(night=night.mean() * 0.0),
        "until_midnight": _only(night=(hour >= 22).groupby(bikes).mean()),
        "from_midnight": _only(night=(hour < 6).groupby(bikes).mean()),
        "share_of_days": _only(night=1.0 - night.mean()),
        "until_five": _only(night=((hour >= 22) | (hour < 5)).groupby(bikes).mean()),
        "until_seven": _only(night=((hour >= 22) | (hour <= 6)).groupby(bikes).mean()),
        "from_eleven": _only(night=((hour > 22) | (hour < 6)).groupby(bikes).mean()),
    }


def _only(**column: pd.Series[Any]) -> pd.DataFrame:
    """Make a table of the features with only one column known."""
    import pandas as pd

    return pd.DataFrame(column).reindex(columns=list(FEATURES))


def _averages(rides: pd.DataFrame) -> pd.DataFrame:
    groups = rides.groupby("bike")
    return groups[["minutes", "night", "km"]].mean().assign(rides=groups.size())


def _pandas_seconds(seed: int, chunks: tuple[int, ...], bikes: int) -> float:
    """Estimate pandas' CPU seconds on one core for all files, from the first three."""
    took = []
    for block, rows in list(enumerate(chunks, start=1))[:3]:
        text = _as_csv(_rides(seed, block, rows, bikes, len(chunks)))
        began = time.process_time()
        _grouped(_cleaned(_parsed(io.BytesIO(text))))
        took.append((time.process_time() - began) / rows)
    return statistics.median(took) * sum(chunks)


def _true_join(seed: int, chunks: tuple[int, ...]) -> dict[str, Array]:
    import pandas as pd

    first = np.cumsum([0, *chunks[:-1]])
    rides = pd.concat(
        [
            _station_rides((seed, block, rows, int(first[block])))
            for block, rows in enumerate(chunks)
        ]
    )
    stations = pd.concat([_station_list((seed, part)) for part in range(PARTS)])
    table = rides.merge(stations, on="station", how="left").sort_values("ride")
    table = table.assign(station=_numbers(table["station"]))
    inner = table["ride"][table["zone"].notna()]
    unused = np.full(len(set(stations["station"]) - set(rides["station"])), np.nan)
    return {
        "ride": table["ride"].to_numpy(dtype=np.float64),
        **{name: table[name].to_numpy(dtype=np.float64) for name in JOINED},
        "mistake:inner_join": inner.to_numpy(dtype=np.float64),
        "mistake:stations_kept": np.concatenate([table["ride"].to_numpy(np.float64), unused]),
        "mistake:right_join": np.concatenate([inner.to_numpy(dtype=np.float64), unused]),
    }


def _true_model(case: str, seed: int, bikes: int, blocks: int) -> dict[str, Array]:
    import pandas as pd

    table, broken = _features_of_bikes(seed, bikes), _broken(case, seed, bikes)
    probes = _probes()

    def probabilities(features: pd.DataFrame, labels: npt.ArrayLike) -> Array:
        found: Array = _model().fit(features, labels).predict_proba(probes)
        return found

    as_computed = pd.concat([table.iloc[block::blocks] for block in range(blocks)])
    part = table.iloc[::blocks]
    part = part[part.index.isin(broken.index)]
    truth = {
        "probabilities": probabilities(table.loc[broken.index], broken),
        "mistake:one_partition": probabilities(part, broken.loc[part.index]),
    }
    labels = broken.to_numpy()
    in_order = [rows[rows.index.isin(broken.index)] for rows in (as_computed, table)]
    if case == "train_some":
        in_order += [rows[: len(labels)] for rows in (as_computed, table)]
        unknown = broken.reindex(table.index, fill_value=0)
        truth["mistake:unknown_as_whole"] = probabilities(table, unknown)
    by_position = [probabilities(rows, labels) for rows in in_order]
    # With labels in the order of the bikes, and with bikes taken as positions of rows.
    by_position.append(probabilities(in_order[0], broken.sort_index().to_numpy()))
    by_position.append(probabilities(as_computed.iloc[broken.index], labels))
    return truth | {"mistake:by_position": np.stack(by_position)}


def compare(case: str, truth: Mapping[str, Array], answer: Mapping[str, Array]) -> kit.Comparison:
    """Judge an answer by the truth."""
    if case.startswith("features"):
        return kit.comparison(*_judge_features(truth, answer))
    if case.startswith("join"):
        return kit.comparison(*_judge_join(truth, answer))
    return kit.comparison(*_judge_model(truth, answer))


def _judge_features(truth: Mapping[str, Array], answer: Mapping[str, Array]) -> Verdict:
    bikes = truth["bike"]
    expected = f"{len(bikes):,} bikes, each with its rides, minutes, night and km"
    columns = _columns_of(answer, ("bike", *FEATURES))
    if columns is None:
        return False, expected, "no table that could be read", None
    if (broken := _not_dask(answer)) is not None:
        return False, expected, broken, None
    found, table = columns[0], np.stack(columns[1:], axis=1)
    if not np.array_equal(found, bikes):
        repeated = len(np.unique(found)) < len(found)
        said = f"{len(table):,} rows" + (", several for one bike" if repeated else "")
        if not repeated:
            said += f"; {np.setdiff1d(bikes, found).size:,} of the bikes are missing"
        known = "a_table_for_each_file" if repeated else None
        if not repeated and np.isin(found, bikes).all():
            # If rides are left out, bikes may be left out, too.
            rest = np.searchsorted(bikes, found)
            known = kit.known_mistake(truth, lambda other: _same(table, other[rest]))
        return False, expected, said, known
    right = np.stack([truth[name] for name in FEATURES], axis=1)
    wrong = ~_close(table, right)
    if not wrong.any():
        return True, expected, f"{len(bikes):,} bikes, all features right", None
    column = int(np.argmax(wrong.any(axis=0)))
    rows = np.flatnonzero(wrong[:, column])
    said = kit.wrong_rows(
        f"values of {FEATURES[column]}", rows, table[:, column], right[:, column], "{:.6g}".format
    )
    return False, expected, said, kit.known_mistake(truth, lambda other: _same(table, other))


def _judge_join(truth: Mapping[str, Array], answer: Mapping[str, Array]) -> Verdict:
    rides = truth["ride"]
    unlisted = int(np.isnan(truth["zone"]).sum())
    expected = (
        f"{len(rides):,} rides, each once; zone and height are missing for the {unlisted:,} whose "
        "station is not listed"
    )
    arrays = _columns_of(answer, ("ride", *JOINED))
    if arrays is None:
        return False, expected, "no table that could be read", None
    if (broken := _not_dask(answer)) is not None:
        return False, expected, broken, None
    if not np.array_equal(arrays[0], rides):
        known = kit.known_mistake(
            truth, lambda other: np.array_equal(np.sort(arrays[0]), np.sort(other), equal_nan=True)
        )
        if np.array_equal(np.sort(arrays[0]), np.repeat(rides, PARTS)):
            known = "once_for_each_part"
        return False, expected, f"{len(arrays[0]):,} rows", known
    for name, values in zip(JOINED, arrays[1:], strict=True):
        rows = np.flatnonzero(~_close(values, truth[name]))
        if rows.size:
            said = kit.wrong_rows(f"values of {name}", rows, values, truth[name], "{:.6g}".format)
            mistake = None
            if np.isnan(truth[name][rows]).all():
                mistake = "unlisted_filled"
            elif name == "zone" and np.isnan(values[rows]).all():
                mistake = "part_of_the_list"
            return False, expected, said, mistake
    return True, expected, f"{len(rides):,} rides, all columns right", None


def _judge_model(truth: Mapping[str, Array], answer: Mapping[str, Array]) -> Verdict:
    right = truth["probabilities"]
    expected = (
        f"a model that gives {PROBES} unseen bikes the probabilities of one trained on the "
        f"inspected bikes, none off by more than {CLOSE}"
    )
    got = answer.get("probabilities")
    if not kit.is_array(got, "f") or got.shape != right.shape or not np.isfinite(got).all():
        return False, expected, "no probabilities that could be read", None
    off = float(np.abs(got - right).max())
    said = f"probabilities of which the worst is off by {off:.3f}"
    if off <= CLOSE:
        return True, expected, said, None
    # One mistake may have several values, one below the other.
    known = kit.known_mistake(
        truth, lambda others: bool((np.abs(got - others).max(axis=(-2, -1)) <= CLOSE / 10).any())
    )
    return False, expected, said, known


def _columns_of(answer: Mapping[str, Array], names: tuple[str, ...]) -> list[Array] | None:
    """Return columns as numbers, all of one length; None if that is not possible."""
    found = [
        np.asarray(values, dtype=np.float64)
        for values in (answer.get(name) for name in names)
        if kit.is_array(values) and values.ndim == 1
    ]
    whole = len(found) == len(names) and len({len(values) for values in found}) == 1
    return found if whole else None


def _not_dask(answer: Mapping[str, Array]) -> str | None:
    """Say what a lazy result is, if it is no Dask DataFrame."""
    kind = str(kit.single(answer.get("kind"), "U") or "")[:60]
    if not kit.single(answer.get("lazy"), "b") or kind == "a Dask DataFrame":
        return None
    return f"{kind or 'something'}, where it should be a Dask DataFrame"


def _close(values: Array, right: Array) -> Array:
    """Return where values agree, or both are missing."""
    with np.errstate(invalid="ignore", over="ignore"):
        near = np.abs(values - right) <= TOLERANCE * np.maximum(1.0, np.abs(right))
    close: Array = near | (np.isnan(values) & np.isnan(right))
    return close


def _same(table: Array, other: Array) -> bool:
    """Whether a table is that of a mistake, wherever that one is not nan."""
    return table.shape == other.shape and bool((_close(table, other) | np.isnan(other)).all())
