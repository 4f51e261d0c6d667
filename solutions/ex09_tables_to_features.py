"""Exercise 9, tables to features: the one source of its notebook.

``autograder build`` turns this file into ``source/ex09_tables_to_features``; points and sizes are
in ``autograder/exercises/ex09_tables_to_features``. As a script it takes ``--profile`` and
``--workers``.
"""

# %% script="profile"
from cluster import command_line

command_line()

# %% [markdown]
# # Tables to features: read, clean, group, join, train
#
# Most data that a model learns from begin as tables: logs, orders, rides, a file for each day.
# What the model wants is another table, smaller and cleaner, with a row for each thing that it is
# to judge. The way there is the same nearly everywhere: **read** many files, **clean** the rows,
# **group** them, **join** what stands in other tables. Only then comes **training**, and by then
# the data are often so small that one process does it.
#
# `dask.dataframe` takes that way with a table that is cut into pieces. Each piece is an ordinary
# pandas DataFrame, and most methods have the names that you know from pandas. What is new is what
# they cost: some work on each piece alone, some send a few numbers about, and some send *all rows*
# across the network.
#
# In this exercise you will
#
# 1. turn a folder of files into a lazy table, and that into features, reading every file once,
# 2. fill missing values correctly when no process sees all the data,
# 3. join a large table with a small one without moving the large one,
# 4. train a plain scikit-learn model on what is left, with every label where it belongs,
# 5. find out when a single pandas process would have been faster.
#
# You know Dask's laziness and chunks (`ex02_parallel_prediction`). A partition is the chunk of a
# table. Allow 45 to 60 minutes.
#
# ## Start the cluster

# %% given="setup"
import tempfile
import time
from pathlib import Path

import dask
import dask.dataframe as dd
import numpy as np
import pandas as pd
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from autograder import check
from cluster import connect, size_of, watch

client = connect()
print(client)
watch(client)

# %% [markdown]
# ## The files
#
# A city hires out bikes. Every day leaves a file with the day's rides. Some bikes break down in the
# end, and we would like to know beforehand which.
#
# The next cell writes the files, on the workers. It also has two functions for you: `read` reads
# one file, and `distance` works out how far apart two places are. (With the profile of
# a larger cluster there are more days than the text says.)

# %% given="data"
BIKES, STATIONS, ZONES = 600, 60, 6
days = {"laptop": 8, "node": 64, "cluster": 256}[size_of(client)]
# Where workers are on many machines, all of them see the home folder.
parent = Path.home() if size_of(client) == "cluster" else None
scratch = tempfile.TemporaryDirectory(prefix="rides-", dir=parent)
folder = Path(scratch.name)
heights = np.random.default_rng(9).uniform(20, 120, size=STATIONS).round(1)


def write_day(day, rows=25_000):
    """Write the rides of a day; return the name of the file."""
    generator = np.random.default_rng([9, day])
    bike = generator.integers(BIKES, size=rows)
    second = generator.integers(86_400, size=rows).astype("timedelta64[s]")
    start = pd.Series(np.datetime64("2026-03-01") + np.timedelta64(day, "D") + second)
    length = (0.5 + (bike * 7 % 11) / 11) * (1.5 if day % 7 in (0, 6) else 1.0)
    ends = np.array([52.0, 13.0, 52.0, 13.0]) + length[:, None] * generator.normal(
        0, 0.02, size=(rows, 4)
    )
    ends[generator.random(rows) < 0.05 * (bike % 7)] = np.nan
    station = (bike * 13 + generator.integers(4, size=rows)) % (STATIONS + 3)
    path = folder / f"rides-{day + 1:03}.csv"
    pd.DataFrame(
        {
            "bike": bike,
            "start": start.dt.strftime("%d.%m.%Y %H:%M:%S"),
            "station": [f"S{number:02}" for number in station],
            "minutes": generator.gamma(1.5, 8 * length).round(2) + 0.05,
            **dict(zip(("lat_from", "lon_from", "lat_to", "lon_to"), ends.T.round(5), strict=True)),
        }
    ).to_csv(path, index=False)
    return str(path)


def read(path):
    """Read the rides of a day: a pandas.DataFrame whose ``start`` is a time."""
    rides = pd.read_csv(path)
    return rides.assign(start=pd.to_datetime(rides["start"], format="%d.%m.%Y %H:%M:%S"))


def distance(lat_from, lon_from, lat_to, lon_to):
    """Return how far two places are from each other, in km; of numbers or of whole columns."""
    radians = np.pi / 180
    half = np.sin((lat_to - lat_from) * radians / 2) ** 2
    half += (
        np.cos(lat_from * radians)
        * np.cos(lat_to * radians)
        * np.sin((lon_to - lon_from) * radians / 2) ** 2
    )
    return 2 * 6371 * np.arcsin(np.sqrt(half))


paths = client.gather(client.map(write_day, range(days)))
print(len(paths), "files of about", round(Path(paths[0]).stat().st_size / 1e6, 1), "MB")

# %% [markdown]
# Always look at one piece with plain pandas first.

# %%
day = read(paths[0])
print(day.head(4).to_string())
print()
print(f"rides of less than a minute: {(day.minutes < 1).mean():.1%}")
print(f"rides without coordinates: {day.lat_from.isna().mean():.1%}")

# %% [markdown]
# Two things are to be cleaned. Rides of less than a minute are false starts: somebody unlocked a
# bike, saw a flat tyre and locked it again. And where the receiver failed there are no coordinates,
# more often with some bikes than with others.
#
# ## Many files, one table
#
# `dd.from_map(read, paths)` makes a Dask DataFrame with **a partition for each file**. Nothing is
# read, except one file to learn the names and types of the columns. (`dd.read_csv` and
# `dd.read_parquet` do the same for files that need no function of your own.)

# %%
rides = dd.from_map(read, paths)
print(rides.npartitions, "partitions; columns and types:")
print(rides.dtypes.to_string())
print("rides so far:", len(rides), "(this had to read all files)")

# %% [markdown]
# **Rows need nobody else.** Choosing rows, new columns made of other columns, filling in a number:
# each partition does that alone, on whichever worker has it.
#
# **Groups need an exchange.** A bike's rides are in all partitions. So each partition first makes a
# small table of its own, with a *sum* and a *count* for each bike, and only these small tables
# travel.
#
# ![Three files are read by three tasks. Each makes a small table with sum and count of every bike.
# The small tables go to one task, which adds them up and divides.](pictures/ex09_groups.py)
#
# A mean cannot be put together from means: two rides of 3 km on Monday and one of 9 km on Tuesday
# are 5 km on average, not 6. `groupby(…).mean()` of Dask does it correctly, by sums and counts. If
# you do it by hand, so must you.
#
# ## Features of every bike
#
# Fill in the first blank. Mind what happens to the missing distances. Pandas and Dask leave missing
# values out of a mean without a word, so that a bike would be judged by the few rides whose
# coordinates it has. The operator wants it otherwise: **a ride of unknown distance counts as an
# average ride**, and the average is the one of *all* bikes and days.
#
# That average is a number which no single task knows. Leave it lazy: `km.mean()` is a lazy number,
# and where Dask meets it in a table, it computes it in the same run. If you write
# `km.mean().compute()`, all files are read for that one number, and once more for the table.
#
# <details>
# <summary>Hint</summary>
#
# - Rows are chosen as in pandas: `rides[rides.minutes >= 1]`.
# - `distance` takes whole columns, of pandas and of Dask; `rides.start.dt.hour` is a column, too.
# - `km.fillna(km.mean())` works with a lazy mean.
# - `rides.groupby("bike").agg(rides=("minutes", "size"), …)` makes several columns at once, each
#   named, with the column that it is made of and `"size"`, `"count"`, `"sum"` or `"mean"`. The mean
#   of a column of True and False is the share of True.
#
# </details>


# %% solution="features"
def features(paths, read):
    """Make a table of the bikes from the files of their rides.

    Parameters
    ----------
    paths : list of str
        Of the files, one for each day.
    read : callable
        ``read(path)`` returns the rides of a file as a pandas.DataFrame with the columns bike,
        start (a time), station, minutes, lat_from, lon_from, lat_to and lon_to.

    Returns
    -------
    dask.dataframe.DataFrame
        A row for each bike, in any order, with the bike as its index. Its columns, in any order:

        - rides: how many of its rides count. A ride counts if it took a minute or more.
        - minutes: the mean length of those rides.
        - night: the share of them that began from 22:00 to 5:59.
        - km: their mean ``distance``, where a ride without coordinates counts as the mean distance
          of all rides that count, of all bikes and days.

        Not computed yet: before it is returned, one graph at most is sent to the cluster, to learn
        the columns of a file. Once it is computed, each file is read once, by ``read``, and all
        processes together use at most twice the CPU time of the reference solution.
    """
    ### BEGIN SOLUTION
    rides = dd.from_map(read, paths)
    rides = rides[rides.minutes >= 1]
    hour = rides.start.dt.hour
    km = distance(rides.lat_from, rides.lon_from, rides.lat_to, rides.lon_to)
    rides = rides.assign(night=(hour >= 22) | (hour < 6), km=km.fillna(km.mean()))
    return rides.groupby("bike").agg(
        rides=("minutes", "size"),
        minutes=("minutes", "mean"),
        night=("night", "mean"),
        km=("km", "mean"),
    )
    ### END SOLUTION


# %% tags=["experiment"]
table = features(paths, read)
started = time.perf_counter()
print(table.compute().sort_index().head(4).to_string())
print(f"{time.perf_counter() - started:.2f} s")

# %% [markdown]
# The checks compare your table with that of plain pandas on other files, row by row, whatever order
# the rows are in. They look whether the table is lazy, count how often each file is read, and how
# much all processes compute. Last, whether both workers were busy: one second of work in each
# second for one thing after another, two for two busy workers.

# %% grade="features_values"
check(features, "values")

# %% grade="features_lazy"
check(features, "lazy")

# %% grade="features_reads"
check(features, "reads_once")

# %% grade="features_work"
check(features, "work")

# %% grade="features_speedup"
check(features, "speedup")

# %% [markdown]
# ## Experiment: the slow ways
#
# Three habits make a table slow that is otherwise right. **Before you run the cell, write down
# which of them you expect to cost most.** The first is tried in this process, the others on the
# cluster. (Red lines about a shuffle are no errors: Dask spreads the groups of so many partitions.)

# %% tags=["experiment"]
places = ["lat_from", "lon_from", "lat_to", "lon_to"]


def seconds(function):
    """Return the seconds that a call takes."""
    began = time.perf_counter()
    function()
    return time.perf_counter() - began


by_column = seconds(lambda: distance(*(day[place] for place in places)))
by_row = seconds(lambda: day[:2_500].apply(lambda ride: distance(*ride[places]), axis=1)) * 10
print(f"distances of {len(day):,} rides, by column: {by_column:6.3f} s")
print(f"the same by apply(axis=1), row by row:  {by_row:6.3f} s (a tenth of them, times ten)")

whole = dd.from_pandas(day[["bike", "minutes"]], npartitions=4)
crumbs = dd.from_pandas(day[["bike", "minutes"]], npartitions=200)
for pieces in (whole, crumbs):
    pieces_took = seconds(lambda pieces=pieces: pieces.groupby("bike").mean().compute())
    print(f"a mean over the same rides, {pieces.npartitions:3} partitions: {pieces_took:.2f} s")

unread = dd.from_map(read, paths)
numbers = (unread.minutes.mean(), unread.minutes.max(), unread.bike.max())
one_run = seconds(lambda: dask.compute(*numbers))
three_runs = seconds(lambda: [number.compute() for number in numbers])
print(f"three numbers in one compute: {one_run:.2f} s; each in its own: {three_runs:.2f} s")

# %% [markdown]
# <details>
# <summary>What you should have seen, and why</summary>
#
# - **Row by row** costs most by far, about a thousand times as much. `apply(axis=1)` calls a Python
#   function for each row and makes a small Series of the row first. By column, the loop runs in
#   compiled code. No cluster makes up for that.
# - **Many small partitions** cost many times as much: each is at least one task, and every task
#   costs a millisecond or more to hand out, however little is in it. Aim at partitions of some
#   10 to 100 MB in memory.
# - **Three computes** take two to three times as long as one, because a lazy table keeps nothing:
#   the files are read and parsed each time.
#
# </details>
#
# ## Join: move the small table, not the large one
#
# How much a bike has to climb depends on where it is. The rides have the *names* of their stations;
# the heights stand in another table, a file for each of the city's six zones.

# %% given="stations"
names = [f"S{number:02}" for number in range(STATIONS)]
listed = pd.DataFrame({"station": names, "zone": np.arange(STATIONS) % ZONES, "height": heights})
station_paths = []
for zone, part in listed.groupby("zone"):
    station_paths.append(str(folder / f"stations-{zone}.csv"))
    part.to_csv(station_paths[-1], index=False)

stations = dd.from_map(pd.read_csv, station_paths)
rides = dd.from_map(read, paths)[["bike", "station", "minutes"]]
print("rides:", rides.npartitions, "partitions; stations:", stations.npartitions)

# %% [markdown]
# `rides.merge(stations, on="station")` looks as in pandas. But a ride and its station have to meet
# in one process, and there are two ways to bring them together.
#
# ![On the left, a shuffle: every partition of the rides is cut up by station, and all pieces are
# sent to the worker where their station is. On the right, a broadcast: the small table of stations
# is sent to every worker, and the rides stay where they are.](pictures/ex09_join.py)
#
# - A **shuffle** sorts *both* tables by station: every row is sent to the partition that is in
#   charge of its station. For two large tables there is no other way.
# - A **broadcast** sends all of the small table to every worker. The large one stays where it is.
#   With 60 stations and millions of rides that costs next to nothing.
#
# Dask does not know how large the tables will be: nothing has been read yet. It goes by the *number
# of partitions*. A single partition on the right is always broadcast; six beside some dozen are
# not, and Dask shuffles millions of rides for the sake of 60 stations. You know better, so say it:
# make the small table **one partition**, or a pandas DataFrame.
#
# One more thing. Some stations are too new to be listed. In an *inner* join, which is the default,
# their rides vanish without a word.
#
# <details>
# <summary>Hint</summary>
#
# `stations.repartition(npartitions=1)` is lazy, `stations.compute()` is a pandas DataFrame; either
# will do. `merge` has `how=`: which table's rows are all kept?
#
# </details>


# %% solution="join"
def join(rides, stations):
    """Give every ride the zone and the height of its station.

    Parameters
    ----------
    rides : dask.dataframe.DataFrame
        Large; among its columns is station.
    stations : dask.dataframe.DataFrame
        Small, in several partitions; station (each once), zone and height.

    Returns
    -------
    dask.dataframe.DataFrame
        Every ride once, in any order, with all its columns, zone and height. The two are missing
        where the station is not in ``stations``. The rides are not computed yet. Once they are,
        they stay in their partitions: before the result is fetched, at most a quarter of their
        bytes is shuffled, put together in one place, or sent from here or to here.
    """
    ### BEGIN SOLUTION
    return rides.merge(stations.repartition(npartitions=1), on="station", how="left")
    ### END SOLUTION


# %% tags=["experiment"]
joined = join(rides, stations)
print(joined.head(3).to_string())
print(f"rides: {len(rides):,}, joined: {len(joined):,}, of them at a station that is not listed:",
      f"{int(joined.height.isna().sum().compute()):,}")  # fmt: skip

# %% [markdown]
# The checks compare the joined rows, and then count the bytes that left their partition.

# %% grade="join_values"
check(join, "values")

# %% grade="join_lazy"
check(join, "lazy")

# %% grade="join_moved"
check(join, "moved")

# %% [markdown]
# ## Experiment: what does a shuffle send?
#
# The workers count what they send to one another. The same join is made twice, once with the list
# in one partition, once in six. **What do you expect? The rides have about 45 bytes each.**


# %% given="sent"
def sent():
    """Return the bytes that all workers have sent to others so far."""
    counts = client.run(lambda dask_worker: dask_worker.transfer_outgoing_bytes_total)
    return sum(counts.values())


# %% tags=["experiment"]
# The usual shuffle has connections of its own, which the workers do not count; this older one,
# by tasks, has not.
on_workers = rides.persist()
size = int(on_workers.memory_usage(deep=True).sum().compute())
for small in (stations.repartition(npartitions=1), stations):
    earlier, start = sent(), time.perf_counter()
    both = on_workers.merge(small, on="station", how="left", shuffle_method="tasks")
    both.height.mean().compute()
    join_took = time.perf_counter() - start
    print(
        f"{small.npartitions} partitions: {(sent() - earlier) / 1e6:5.2f} MB sent, "
        f"{join_took:.2f} s; the rides are {size / 1e6:.1f} MB"
    )

# %% [markdown]
# <details>
# <summary>What you should have seen, and why</summary>
#
# With one partition, the workers send each other some kilobytes: the list, and a few sums. With
# six, they send about half of the rides, and on two workers half of the rows are where they belong
# by chance. On ten workers it would be nine tenths. Here both workers are on one machine, so the
# bytes go through memory, and what you pay for is cutting the rows up and putting them together
# again. Over a network you pay for the way, too.
#
# </details>
#
# ## Train: now the data are small
#
# Hundreds of thousands of rides have become some hundred rows. That is no work for a cluster: fetch
# the table **once**, and train as you always do.
#
# What can go wrong now makes no noise. The labels come from the workshop, in the order in which the
# bikes were inspected. Your table comes in the order in which the partitions were put together.
# scikit-learn looks at neither name nor index, only at the *position*: the first row gets the first
# label. pandas can put them into one order, by the index.
#
# <details>
# <summary>Hint</summary>
#
# `table.compute()` is a pandas DataFrame whose index is the bike, and `.loc[broken.index]` takes
# its rows in the order of the labels. Not every bike of the table has a label.
#
# </details>


# %% solution="train"
def train(model, table, broken):
    """Train a model on the features of those bikes that were inspected.

    Parameters
    ----------
    model : sklearn classifier
        Not fitted.
    table : dask.dataframe.DataFrame
        Features of the bikes, small; the index is the bike.
    broken : pandas.Series
        1 if the bike broke down, 0 if not; the index is the bike, in another order than the
        table's. Every bike of ``broken`` is in ``table``, not every bike of ``table`` in
        ``broken``.

    Returns
    -------
    sklearn classifier
        The model, fitted on the columns of ``table``, in their order, of all bikes in ``broken``,
        each with its own label.
    """
    ### BEGIN SOLUTION
    return model.fit(table.compute().loc[broken.index], broken)
    ### END SOLUTION


# %% grade="train_values"
check(train, "values")

# %% [markdown]
# ## The whole way
#
# All three together: features of the rides, the mean height of each bike's stations, and a model.
# The workshop has inspected two thirds of the bikes.

# %% given="workshop"
generator = np.random.default_rng(10)
bike = np.arange(BIKES)
length = 0.5 + (bike * 7 % 11) / 11
climb = sum(np.append(heights, [70.0] * 3)[(bike * 13 + n) % (STATIONS + 3)] for n in range(4)) / 4
risk = 6 * (length - 1) + (climb - climb.mean()) / 9
broke = (generator.random(BIKES) < 1 / (1 + np.exp(-risk))).astype(int)
inspected = generator.permutation(BIKES)[: 2 * BIKES // 3]
broken = pd.Series(broke[inspected], index=pd.Index(inspected, name="bike"), name="broken")

# %% tags=["experiment"]
height = join(rides, stations).groupby("bike").height.mean()
table = features(paths, read).assign(height=height).persist()
model = train(make_pipeline(StandardScaler(), LogisticRegression()), table, broken)
everything = table.compute().loc[broken.index]
for columns in (["rides", "minutes", "night", "km"], list(everything.columns)):
    known = everything[columns]
    auc = cross_val_score(model, known, broken, cv=5, scoring="roc_auc").mean()
    mixed = cross_val_score(model, known.sort_index(), broken, cv=5, scoring="roc_auc").mean()
    print(f"AUC {auc:.2f}, with labels in another order than the rows {mixed:.2f}:", *columns)

# %% [markdown]
# AUC is the chance that of two bikes, one broken and one not, the model finds the right one: 0.5 is
# guessing. With labels in the wrong order the same code runs, complains about nothing, and learns
# nothing.
#
# ## When this does not help
#
# The same features in plain pandas, in this process, on the same files:

# %% tags=["experiment"]
started = time.perf_counter()
alone = pd.concat([read(path) for path in paths])
alone = alone[alone.minutes >= 1]
km = distance(*(alone[name] for name in ("lat_from", "lon_from", "lat_to", "lon_to")))
alone = alone.assign(km=km.fillna(km.mean()))
alone.groupby("bike")[["minutes", "km"]].mean()
print(f"pandas, one process: {time.perf_counter() - started:.2f} s")
started = time.perf_counter()
features(paths, read).compute()
print(f"Dask, {len(client.scheduler_info(n_workers=-1)['workers'])} workers:", end=" ")
print(f"{time.perf_counter() - started:.2f} s")

# %% [markdown]
# For a few files the difference is small, and pandas is simpler. Dask is worth it when the rows do
# not fit into the memory of one process, or when reading and parsing takes minutes. It does not
# help, either,
#
# - when the *file format* is what is slow. A CSV file is parsed anew each time, all columns of it.
#   Convert the files to Parquet once: `rides.to_parquet(...)`. `dd.read_parquet(...,
#   columns=[...])` then reads only the columns that it needs, with their types,
# - when every step needs the rows in another order: sorting, joins of two large tables, medians per
#   group. Each is a shuffle. A database keeps its tables sorted,
# - after the last `groupby`: a table of some thousand rows belongs into pandas.
#
# ## In your own words
#
# A colleague has three tables: the rides of five years (2 TB), the list of stations (2,000 rows),
# and the city's weather (one row for each minute and station, 1.5 TB). She wants the station's
# height and the weather at the start for every ride, and then the mean of both for each bike.
#
# **Which of her joins needs a shuffle, and which does not? What should she do before the shuffle,
# so that less is sent? And how could she see afterwards whether rides got lost on the way?** Five
# sentences are enough. Your instructor reads and marks this answer.

# %% [markdown] words="when_to_shuffle"
# *Which.* The stations are small: one partition, sent to every worker, no shuffle. The weather is
# as large as the rides and fits on no worker, so rides and weather have to meet by station and
# minute: a shuffle of both. (If both are already in files by day, each day can be joined alone, and
# nothing has to be shuffled.) The means per bike need no shuffle: sums and counts are small.
#
# *Before it.* Drop what is not needed: false starts, and all columns but bike, station, minute and
# the measurement. Make the weather coarser, an hour in place of a minute, if that will do. Join the
# heights after the shuffle, or group before, so that they do not travel as well.
#
# *Afterwards.* A left join, so that no ride vanishes; then as many rows as before (more would mean
# that a key stands twice in the weather), and the share of missing values, which says how many
# rides found no partner.

# %% [markdown]
# ## You have seen
#
# - that a Dask DataFrame is many pandas DataFrames, and a file makes a good partition,
# - that means travel as sums and counts, and that a missing value has to be filled by all the data,
# - that a number which you compute on the way costs another reading of all files,
# - that a join either shuffles both tables or broadcasts one, and that you may have to say which,
# - that after the last `groupby` the data are small, and that labels go by index, not by position.
#
# ## Further reading
#
# - Dask:
#   [Dask DataFrames Best Practices](https://docs.dask.org/en/stable/dataframe-best-practices.html),
#   [Joins](https://docs.dask.org/en/stable/dataframe-joins.html),
#   [Shuffling Performance](https://docs.dask.org/en/stable/dataframe-groupby.html), and the
#   reference of
#   [from_map](https://docs.dask.org/en/stable/generated/dask.dataframe.from_map.html)
# - pandas, user guide:
#   [Working with missing data](https://pandas.pydata.org/docs/user_guide/missing_data.html),
#   [Merge, join, concatenate and compare](https://pandas.pydata.org/docs/user_guide/merging.html)
#   and
#   [Indexing and selecting data](https://pandas.pydata.org/docs/user_guide/indexing.html)
