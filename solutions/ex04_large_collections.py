"""Exercise 4, large collections: the one source of its notebook.

``autograder build`` turns this file into ``source/ex04_large_collections``; points and
sizes are in ``autograder/exercises/ex04_large_collections``. As a script it takes
``--profile`` and ``--workers``.
"""

# %% script="profile"
from cluster import command_line

command_line()

# %% [markdown]
# # Large collections: one model, all the data
#
# A wind turbine says every second how it is doing: wind speed, pitch of the blades, oil pressure,
# temperatures, vibrations. Nobody has written down what it was doing at the time, starting,
# idling, running at full power or braking. But readings from the same state look alike. If we
# find the groups in the data, we have found the states. That is **clustering**, and k-means is
# its best-known method.
#
# Unlike prediction, clustering cannot be done row by row. Where a centre belongs depends on *all*
# the rows, and k-means goes over them **again and again**, each time moving its centres a little.
# A year of a wind farm does not fit into the memory of one computer. Spread over the memories of
# several, it may.
#
# In this exercise you will
#
# 1. bring sensors with very different units to one scale, over many files,
# 2. cluster rows that never leave the workers, and read every file only once,
# 3. label all the rows with the states that were found,
# 4. find out by experiment when this pays, and when one process with scikit-learn is faster.
#
# You know k-means and have met Dask arrays. Allow 30 to 45 minutes.
#
# ## Start the cluster
#
# `connect()` gives you a small Dask cluster: a scheduler and two workers, each a process of its
# own. This time each may hold 2 GB, as at the grader's. `check` tells you how a function of yours
# is doing, as often as you like.

# %% given="setup"
import time

import dask
import dask.array as da
import numpy as np
import sklearn.cluster
from dask_ml.cluster import KMeans
from dask_ml.preprocessing import StandardScaler
from distributed import get_worker
from sklearn.metrics import adjusted_rand_score
from sklearn.preprocessing import scale

from autograder import check
from cluster import connect, size_of, watch

client = connect(memory="2 GB")
print(client)
watch(client)

# %% [markdown]
# ## The data
#
# Sixteen sensors, five states. Each file holds some hours; here a file is drawn at random instead
# of read, so that you need no disk space. Two things are as they are in life:
#
# - every sensor counts in a **unit of its own**, one in thousandths of a millimetre, another in
#   pascals, so that numbers are anything from tiny to huge;
# - sensors **drift**, and the turbine's day differs, so that no file is quite like another.
#
# (On a larger cluster, whose profile says so, there are more and longer files. The text speaks of
# a laptop.)

# %% given="files"
SENSORS, STATES = 16, 5
sizes = {"laptop": (8, 20_000), "node": (64, 100_000), "cluster": (384, 400_000)}
FILES, ROWS = sizes[size_of(client)]

generator = np.random.default_rng(4)
turned, _ = np.linalg.qr(generator.normal(size=(SENSORS, SENSORS)))
centres = 3.0 * turned[:STATES]
units = 10.0 ** generator.uniform(-3.0, 5.0, size=SENSORS)
zeros = generator.uniform(-20.0, 20.0, size=SENSORS)


def draw(number):
    """Draw a file: readings, shape (ROWS, SENSORS), and the states, shape (ROWS,)."""
    generator = np.random.default_rng([4, number])
    drift = generator.normal(scale=0.2, size=centres.shape)
    states = generator.integers(STATES, size=ROWS)
    readings = (centres + drift)[states] + generator.normal(size=(ROWS, SENSORS))
    return (readings + zeros) * units, states


def read_file(number):
    """Stand for reading a file on a worker; the worker notes that it did."""
    get_worker().log_event("read", number)
    return draw(number)[0]


def reads():
    """Say how often a file has been read on the cluster so far."""
    return len(client.get_events("read"))


# %% [markdown]
# ## The serial way first
#
# One file fits here easily. We cluster it twice with scikit-learn: as it is, and standardised, with
# mean 0 and variance 1 for every sensor. In this notebook we happen to know the true states. The
# adjusted Rand index compares two groupings: 1 is perfect agreement, 0 is what chance gives.

# %% tags=["experiment"]
X_one, states_one = draw(0)
print("typical size of the numbers, by sensor:")
print(np.array2string(X_one.std(axis=0), precision=1))

for name, rows in {"as it is": X_one, "standardised": scale(X_one)}.items():
    started = time.perf_counter()
    plain = sklearn.cluster.KMeans(STATES, n_init=1, random_state=0).fit(rows)
    seconds = time.perf_counter() - started
    score = adjusted_rand_score(states_one, plain.labels_)
    print(f"{name:12}  agreement with the true states: {score:.2f}  ({seconds:.2f} s)")

# %% [markdown]
# K-means goes by distances. As the data are, the distance of two rows is the difference of one
# sensor, the one with the largest numbers, and the other fifteen have no say. The size of the
# numbers is the choice of whoever built the sensor. Standardised, each has the same say, and the
# states come out.
#
# ## Scale large
#
# Now all the files, one chunk for each. The array below is **lazy**: a recipe. No file has been
# read.

# %% given="collection"
load = dask.delayed(read_file)
X = da.concatenate(
    [da.from_delayed(load(number), (ROWS, SENSORS), float) for number in range(FILES)]
)

print(f"{len(X):,} rows, {X.nbytes / 1e6:.0f} MB, in {X.numblocks[0]} chunks; reads: {reads()}")

# %% [markdown]
# `dask_ml` has many of scikit-learn's estimators once more, under the same names, for
# **collections**: Dask arrays and data frames. They send work to where the chunks are and bring
# only small results back.
#
# To standardise takes two steps. First mean and variance of every feature have to be known, *over
# all the rows*: each worker adds up its chunks, and the sums are put together. Then every chunk is
# shifted and scaled by these, on its own. The first step can be done at once, since its outcome is
# a few numbers. The second is better left lazy.
#
# Fill in the first blank. Whatever keeps the contract is right: dask_ml's scaler, or the formula
# written with Dask arrays.
#
# <details>
# <summary>Hint</summary>
#
# `StandardScaler` was imported from `dask_ml.preprocessing`; `fit_transform` works as in
# scikit-learn, and what it gives for a Dask array is a lazy Dask array. Or recall that a Dask
# array has `mean(axis=0)` and `std(axis=0)`. Either way, do not scale inside `map_blocks` by what
# *that* chunk's mean is.
#
# </details>


# %% solution="standardise"
def standardise(X):
    """Give every feature mean 0 and variance 1 over all rows, when somebody asks for it.

    Parameters
    ----------
    X : dask.array.Array, shape (rows, features)
        In chunks of whole rows, which need not be of equal length. No feature is constant.

    Returns
    -------
    dask.array.Array, shape (rows, features)
        Lazy: means and variances may be worked out at once, but no rows are brought here. In
        chunks of whole rows, in the order of X.
    """
    ### BEGIN SOLUTION
    return StandardScaler().fit_transform(X)
    ### END SOLUTION


# %% tags=["experiment"]
before = reads()
X_scaled = standardise(X)
print(X_scaled)
print(f"the function read {reads() - before} files")

# %% [markdown]
# The next cells judge your function on other data than yours. They carry the points, so leave them
# as they are. Run them as often as you like; nobody counts.

# %% grade="standardise_values"
check(standardise, "values")

# %% grade="standardise_lazy"
check(standardise, "lazy")

# %% [markdown]
# ## Cluster large
#
# K-means has two parts.
#
# - It needs **starting points**, and with bad ones it ends in a bad place, with two centres in one
#   group and none in another. Good ones need not be exact. So a sample of the rows is enough for
#   them, and a sample fits into this notebook: scikit-learn's k-means++ picks one row after the
#   other, preferring rows that are far from all picked so far. (dask_ml can do without a sample.
#   Its default, **k-means||**, picks several rows at a time from all the data, and goes over them
#   once for each time.)
# - **Lloyd's method** repeats two things. Each row goes to the nearest centre; each centre moves to
#   the mean of its rows. For each chunk this gives a few sums, and the sums of all chunks are added
#   up. So a **step** is a pass over all the data.
#
# How many steps? The first ones gain most. To go on until the centres stay where they are may take
# ten steps or three hundred, and nobody can say beforehand. On data this large you decide what you
# want to pay. Here the number of steps is given, and so are the starting points.

# %% tags=["experiment"]
STEPS = 5
sample = X_scaled[:2_000].compute()
start, _ = sklearn.cluster.kmeans_plusplus(sample, STATES, random_state=4)
print(f"starting points, shape {start.shape}:")
print(np.array2string(start, precision=1, suppress_small=True))

# %% [markdown]
# dask_ml makes two passes more than there are steps: one at the beginning, to see whether a number
# is missing, and one at the end, for the distances. So five steps are seven passes. Now remember
# what `X_scaled` is: a recipe. Each pass follows it from the beginning, **reading every file**.
# Unless you say that the chunks are to be kept: `X.persist()` starts the work on the cluster and
# gives a Dask array at once whose chunks stay in the workers' memory, *as long as somebody holds on
# to that array*.
#
# (Should there not be a `with joblib.parallel_config("dask")` around `fit`, as for a grid search?
# You may have seen that in a tutorial. It does no harm and **does nothing**: it speaks to loops
# that are run by joblib, and this estimator has none. It builds Dask graphs, which go to the
# cluster anyway. On a small example we counted 13 graphs with 481 tasks, with it and without.)
#
# <details>
# <summary>Hint 1</summary>
#
# Two lines will do: keep the data, then make a `KMeans(n_clusters=len(start), ...)` and return what
# `fit` returns. Which of the two classes called KMeans do you want, dask_ml's or scikit-learn's?
# `help(KMeans)` says what its options are: starting points are an `init`, and an array may be one.
#
# </details>
#
# <details>
# <summary>Hint 2</summary>
#
# `persist()` does not change the array that you call it on. What it returns is what you have to go
# on with. The number of steps is called `max_iter`, the most that are taken: KMeans stops sooner if
# a step moves the centres by less than `tol`. With `tol=0.0` it never does.
#
# </details>


# %% solution="cluster_points"
def cluster_points(X, start, steps):
    """Move k centres by Lloyd's method; read every file once, leave the rows where they are.

    Parameters
    ----------
    X : dask.array.Array, shape (rows, features)
        Standardised and lazy; each chunk of whole rows is a file that has to be read. All chunks
        together fit into the workers' memory.
    start : numpy.ndarray, shape (k, features)
        Where the centres are at first.
    steps : int
        How many steps to take, 1 or more. In each, every row goes to its nearest centre, and then
        every centre to the mean of its rows; none is without rows.

    Returns
    -------
    dask_ml.cluster.KMeans
        Its cluster_centers_, a numpy.ndarray of shape (k, features), are the centres after the
        last step. Anything else with the same cluster_centers_, and predict, will do as well.
    """
    ### BEGIN SOLUTION
    X = X.persist()
    return KMeans(n_clusters=len(start), init=start, max_iter=steps, tol=0.0).fit(X)
    ### END SOLUTION


# %% tags=["experiment"]
before, started = reads(), time.perf_counter()
model = cluster_points(X_scaled, start, STEPS)
seconds = time.perf_counter() - started
print(f"{len(X):,} rows: {seconds:.2f} s")
print(f"{reads() - before} reads of {FILES} files")

# %% [markdown]
# Now *watch* it. The first cell has opened the cluster's dashboard beside the notebook, or its
# button *Watch the workers* does. Find the **Task Stream** there and run the cell above once more.
# First come the tasks that read. Then you see the steps,
# one narrow group of bars after another, both workers busy in each, and between the groups a gap:
# there this notebook gets the new centres and sends the next step. No step can begin before
# the one before it is done, however many workers there are. **Workers Memory** shows the rows
# staying where they are, and leaving when the function is over.
#
# Four checks. For the last one we do not trust a stopwatch, which would punish you for a
# neighbour's busy program. The time in which others had the cores is taken off, and what counts is
# how many seconds of useful work were done per second: two workers can reach 2. Work that the
# answer does not need, such as reading a file again, is not useful. (A timed run, three steps with
# 32 centres for 1.4 million rows, takes some seconds; give it time.)

# %% grade="cluster_points_values"
check(cluster_points, "values")

# %% grade="cluster_points_distributed"
check(cluster_points, "stays_distributed")

# %% grade="cluster_points_reads"
check(cluster_points, "reads_once")

# %% grade="cluster_points_speedup"
check(cluster_points, "speedup")

# %% [markdown]
# The picture of the last check has an honest line in it: how long scikit-learn takes for the same
# steps in a single process, the reading left out. (It is left out when other programs keep the
# machine busy, since seconds mean little then.) Two workers are hardly sooner done, if at all. The
# experiment below is about the reasons.
#
# One warning. `model.inertia_` should be the sum of the *squared* distances of the rows to their
# centres. dask_ml 2025.1 adds up the plain distances in its last pass, so do not compare that
# number with scikit-learn's.
#
# ## Label large
#
# Last, every row gets the number of its nearest centre. This is prediction, row by row, and you
# know how: build the recipe, compute nothing.
#
# <details>
# <summary>Hint</summary>
#
# One method of the model, called with the whole array. (dask_ml's `predict` goes over the data once
# before it returns, to see whether a number is missing. Nothing but the answer to that comes here,
# which the contract allows.)
#
# </details>


# %% solution="assign"
def assign(model, X):
    """Say for every row which centre is the nearest, when somebody asks for it.

    Parameters
    ----------
    model : dask_ml.cluster.KMeans
        Fitted.
    X : dask.array.Array, shape (rows, features)
        Standardised, in chunks of whole rows, which need not be of equal length.

    Returns
    -------
    dask.array.Array, shape (rows,)
        Lazy: neither rows nor labels are brought here. The label is a row's number in
        model.cluster_centers_.
    """
    ### BEGIN SOLUTION
    return model.predict(X)
    ### END SOLUTION


# %% tags=["experiment"]
labels = assign(model, X_scaled)
print("rows with each label:", da.bincount(labels, minlength=STATES).compute())

first = labels[:ROWS].compute()
print(f"agreement with the true states in one file: {adjusted_rand_score(states_one, first):.2f}")

# %% grade="assign_values"
check(assign, "values")

# %% grade="assign_lazy"
check(assign, "lazy")

# %% [markdown]
# ## Experiment: what do you gain, and from when on?
#
# Three questions. **Before you run the cells, write down what you expect**: two numbers of reads
# and a guess of the times.
#
# First, the same clustering once more, and then without `persist`. How many reads will there be?
# (Once more, since the first time each worker had to compile the inner loop of k-means, which takes
# some seconds.)

# %% tags=["experiment"]
started = time.perf_counter()
cluster_points(X_scaled, start, STEPS)
dask_seconds = time.perf_counter() - started
print(f"kept on the workers: {dask_seconds:.2f} s")

before, started = reads(), time.perf_counter()
unkept = KMeans(n_clusters=STATES, init=start, max_iter=STEPS, tol=0.0).fit(X_scaled)
seconds = time.perf_counter() - started
print(f"made anew each time: {seconds:.2f} s, {reads() - before} reads of {FILES} files")

# %% [markdown]
# Second, dask_ml against scikit-learn, on a single file and on all of them. For scikit-learn the
# rows have to be here, in one piece.


# %% tags=["experiment"]
def seconds_of(function, *arguments):
    """Time a call."""
    started = time.perf_counter()
    function(*arguments)
    return time.perf_counter() - started


one_file = standardise(X[:ROWS])
serial = sklearn.cluster.KMeans(STATES, init=start, n_init=1, max_iter=STEPS, tol=0.0)
few = seconds_of(serial.fit, one_file.compute()), seconds_of(cluster_points, one_file, start, STEPS)
many = seconds_of(serial.fit, X_scaled.compute()), dask_seconds
for rows, (alone, spread) in ((ROWS, few), (len(X), many)):
    print(f"{rows:11,} rows: scikit-learn {alone:.2f} s, dask_ml {spread:.2f} s")

# %% [markdown]
# <details>
# <summary>What you should have seen, and why</summary>
#
# - **Without persist** each of the seven passes reads the files: 56 reads instead of eight. It took
#   us 1.7 s in place of 1.0 s, although a read takes only milliseconds here. With real files on a
#   shared disk, reading would be nearly all that happens.
# - **One file**: scikit-learn is done much sooner. Each pass costs dask_ml some hundredths of a
#   second for building a graph, sending it and fetching the sums, whatever the number of rows. That
#   is where the time goes.
# - **All files**: eight times the rows took dask_ml only three times as long, since the passes cost
#   what they did before. But scikit-learn still needed no more than about a tenth of that time. In
#   the check's run, with nine times as many rows, each twice as long, and 32 centres, scikit-learn
#   took 0.7 s to 1.2 s, and two workers about 1.6 s: what dask_ml gains by the second worker it
#   spends on reading the files, on the waits between steps and on its two passes more.
#
# The number of workers from which a parallel program overtakes the best serial one has a name, its
# **COST** (McSherry and others, 2015). In the check's run it is more than two: this notebook and
# the scheduler alone, whose work no worker shares, computed for 0.4 s. For a single file no
# number is enough. So do not use dask_ml's KMeans to be faster on your laptop. Use it when the rows
# **do not fit** into one memory, or when they are in the memories of many workers already.
#
# </details>
#
# Third, on your own: change the length of the chunks, for example
# `X_scaled.rechunk((ROWS // 10, -1))` or `rechunk(-1)`, and cluster again. Which is slower than the
# eight chunks, the many or the one? Look at the task stream for the reasons, and try more starting
# points too: what do they change for each step?
#
# ## In your own words
#
# There are 12 GB of readings in 100 files, as NumPy arrays in memory just as large. You want to
# cluster them. **What would you use, and would you call `persist`, if you had (a) one computer with
# 64 GB, (b) ten workers with 4 GB each, (c) ten workers with 1 GB each? Give the reason for
# each.** Six sentences are enough. Your instructor reads and marks this answer.

# %% [markdown] words="when_not"
# *(a) scikit-learn.* All rows fit, with room for what k-means needs besides. There is nothing to
# send and its loops are faster; it can use the cores of the computer by itself. `persist` does not
# come up.
#
# *(b) dask_ml with persist.* No worker can hold 12 GB, but a share is 1.2 GB of 4, which leaves
# room for distances and copies. Kept in memory, each file is read once instead of once per pass.
#
# *(c) dask_ml without persist, or less data.* 12 GB do not fit into 10 GB. Persisting would make
# the workers write to disk, pause, or die. Each pass then reads the files, so I would save passes:
# starting points from a sample, few steps. Or halve the data with single precision,
# or cluster a random sample from all the files in one process, since centres are means and a
# hundredth of the rows gives them nearly as well, and label all rows in parallel after that.
#
# Also good: scikit-learn's MiniBatchKMeans or dask_ml's Incremental, which see one block at a time;
# more workers; a mention that shares are uneven and that a worker is paused at 80 % of its memory.

# %% [markdown]
# ## Further reading
#
# - Dask-ML documentation (ml.dask.org): *Clustering* and *Preprocessing*
# - Dask documentation (docs.dask.org): *Best Practices*, on when to persist; distributed.dask.org:
#   *Managing Memory* and *Worker Memory Management*
# - B. Bahmani and others, *Scalable K-Means++*, VLDB 2012: the method behind k-means||
# - F. McSherry, M. Isard, D. G. Murray, *Scalability! But at what COST?*, HotOS 2015: a few pages
#   that make one time the serial program first
# - scikit-learn user guide (scikit-learn.org): *Clustering*, and *Importance of Feature Scaling*
