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
# A wind turbine reports every second how it is doing: wind speed, pitch of the blades, oil
# pressure, temperatures, vibrations. Nobody has written down what it was doing at the time:
# starting, idling, running at full power or braking. But readings from the same state look alike.
# If we find the groups in the data, we have found the states. This is **clustering**, and k-means
# is its best-known method.
#
# Unlike prediction, clustering cannot be done row by row. The place of a centre depends on *all*
# rows, and k-means goes over them **again and again**, and moves its centres a little each time. A
# year of a wind farm does not fit into the memory of one computer. Spread over several computers,
# it may.
#
# In this exercise you will
#
# 1. bring sensors with very different units to one scale, over many files,
# 2. cluster rows that never leave the workers, and read every file only once,
# 3. label all rows with the states that were found,
# 4. measure when this pays, and when one process with scikit-learn is faster.
#
# You know k-means and have met Dask arrays. Plan 30 to 45 minutes.
#
# ## Start the cluster
#
# `connect()` gives you a small Dask cluster: a scheduler and two workers, each in its own process.
# This time each worker may hold 2 GB, as at the grader's. `check` tells you how your function is
# doing. Run it as often as you like.

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
# of read, so that you need no disk space. Two things are as in real life:
#
# - every sensor has its **own unit**, one thousandths of a millimetre, another pascals, so that the
#   numbers are anything from tiny to huge;
# - sensors **drift**, and no two days are alike, so that no file is quite like another.
#
# (On a larger cluster there are more and longer files. The text describes a laptop.)

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
# K-means uses distances. With the data as they are, the distance of two rows is the difference of
# one sensor, the one with the largest numbers; the other fifteen do not matter. How large the
# numbers are is the choice of the people who built the sensor. Standardised, all sensors matter
# equally, and the states come out.
#
# ## Scale large
#
# Now all files, one chunk for each. The array below is **lazy**: a recipe. No file has been read.


# %% given="collection"
def collect(files):
    """Describe the reading of so many files, one chunk for each."""
    load = dask.delayed(read_file)
    return da.concatenate(
        [da.from_delayed(load(number), (ROWS, SENSORS), float) for number in range(files)]
    )


X = collect(FILES)
print(f"{len(X):,} rows, {X.nbytes / 1e6:.0f} MB, in {X.numblocks[0]} chunks; reads: {reads()}")

# %% [markdown]
# `dask_ml` has many of scikit-learn's estimators again, under the same names, for **collections**:
# Dask arrays and data frames. They send the work to where the chunks are, and bring only small
# results back.
#
# Standardising takes two steps. First, the mean and variance of every feature have to be known
# *over all rows*: each worker adds up its chunks, and the sums are combined. Then every chunk is
# shifted and scaled by these numbers, independently of the others. The first step can be done at
# once, since its result is a few numbers. The second one should stay lazy: no `persist()` here.
#
# ![Four files become four chunks of X. In the graph of standardise, each chunk is read, all chunks
# together give mean and variance, and each chunk is scaled by these.](pictures/ex04_chunks.py)
#
# Fill in the first blank. Everything that keeps the contract is right: dask_ml's scaler, or the
# formula written with Dask arrays.
#
# <details>
# <summary>Hint</summary>
#
# `StandardScaler` was imported from `dask_ml.preprocessing`; `fit_transform` works as in
# scikit-learn, and returns a lazy Dask array for a Dask array. Or remember that a Dask array has
# `mean(axis=0)` and `std(axis=0)`. In both cases, do not use the mean of a single chunk, as inside
# `map_blocks`.
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
# `X_scaled.visualize()` draws its graph, if Graphviz is installed; compare it with the picture.
#
# The next cells check your function on other data. They carry the points, so leave them as they
# are. Run them as often as you like; nobody counts.

# %% grade="standardise_values"
check(standardise, "values")

# %% grade="standardise_lazy"
check(standardise, "lazy")

# %% [markdown]
# ## Cluster large
#
# K-means has two parts.
#
# - It needs **starting points**. With bad ones it ends in a bad place, with two centres in one
#   group and none in another. Good ones need not be exact. So a sample of the rows is enough to
#   find them, and a sample fits into this notebook: scikit-learn's k-means++ picks one row after
#   another, and prefers rows that are far from all rows picked so far. (dask_ml can do without a
#   sample. Its default, **k-means||**, picks several rows at a time from all data, and goes over
#   the data once each time.)
# - **Lloyd's method** repeats two things. Each row goes to the nearest centre; each centre moves to
#   the mean of its rows. Each chunk gives a few sums for this, and the sums of all chunks are added
#   up. So a **step** is a pass over all data.
#
# How many steps? The first ones gain most. Until the centres stay where they are, it may take ten
# steps or three hundred, and nobody can know in advance. With large data you decide what you want
# to pay. Here the number of steps is given, and so are the starting points.

# %% tags=["experiment"]
STEPS = 5
sample = X_scaled[:2_000].compute()
start, _ = sklearn.cluster.kmeans_plusplus(sample, STATES, random_state=4)
print(f"starting points, shape {start.shape}:")
print(np.array2string(start, precision=1, suppress_small=True))

# %% [markdown]
# dask_ml makes two more passes than there are steps: one at the beginning, to look for missing
# numbers, and one at the end, for the distances. So five steps are seven passes. Now remember what
# `X_scaled` is: a recipe. Each pass follows it from the beginning, and **reads every file**, unless
# you ask for the chunks to be kept: `X.persist()` starts the work on the cluster and returns at
# once a Dask array whose chunks stay in the workers' memory, *as long as your program holds that
# array*.
#
# ![Two task streams of k-means with three passes on two workers. With persist the files are read in
# the first pass only; without, every pass reads them again. After every pass both workers wait
# while the notebook moves the centres.](pictures/ex04_passes.py)
#
# (Is there no `with joblib.parallel_config("dask")` around `fit`, as for a grid search? You may
# find that in tutorials. It does no harm and **has no effect**: it concerns only loops that joblib
# runs, and this estimator has none. It builds Dask graphs, which go to the cluster anyway. In a
# small example we counted 13 graphs with 481 tasks, with it and without.)
#
# <details>
# <summary>Hint 1</summary>
#
# Two lines are enough: keep the data, then make a `KMeans(n_clusters=len(start), ...)` and return
# what `fit` returns. Which of the two classes called KMeans do you want, dask_ml's or
# scikit-learn's? `help(KMeans)` shows its options: starting points are an `init`, which may be an
# array.
#
# </details>
#
# <details>
# <summary>Hint 2</summary>
#
# `persist()` does not change the array that you call it on. You have to continue with the array
# that it returns. The number of steps is called `max_iter`, because KMeans stops earlier if a step
# moves the centres by less than `tol`. With `tol=0.0` it never does.
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
# Now *watch* it. The first cell has opened the cluster's dashboard beside the notebook; if not, use
# its button *Watch the workers*. Find the **Task Stream** and run the cell above once more. First
# you see the tasks that read. Then come the steps, one narrow group of bars after another, with
# both workers busy in each. In the gap between two groups this notebook computes the new centres
# and sends the next step. No step can begin before the one before it is finished, no matter how
# many workers there are. **Workers Memory** shows that the rows stay where they are, and leave when
# the function is over.
#
# Four checks follow. For the last one we do not trust a stopwatch, which would punish you for
# another program that is busy. We subtract the time in which other programs had the cores, and
# count how many seconds of useful work were done per second: two workers can reach 2. Work that the
# answer does not need, such as reading a file again, is not useful. (The timed run, three steps
# with 32 centres for 1.4 million rows, takes some seconds. If a first small case is wrong, the
# first check says so at once and does not start it.)

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
# steps in a single process, without the reading. (When other programs keep the machine busy it
# means little: the two were not timed at the same moment.) Two workers are hardly faster, if at
# all. The experiment below is about the reasons.
#
# One warning. `model.inertia_` should be the sum of the *squared* distances of the rows to their
# centres. dask_ml 2025.1 adds up the plain distances in its last pass, so do not compare this
# number with scikit-learn's.
#
# ## Label large
#
# Finally, every row gets the number of its nearest centre. This is prediction, row by row, and you
# know how it goes: build the recipe, compute nothing.
#
# <details>
# <summary>Hint</summary>
#
# One method of the model, called with the whole array. (dask_ml's `predict` goes over the data once
# before it returns, to look for missing numbers. Only the answer to that comes here, which the
# contract allows.)
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
# First, the same clustering again, and then without `persist`. How many reads will there be? Each
# is done three times on rows that nobody has read yet, and the best time counts: other programs can
# only make a time longer. (The very first time each worker had to compile the inner loop of
# k-means, which takes some seconds.)


# %% tags=["experiment"]
TRIES = 3 if size_of(client) == "laptop" else 1  # Dask remembers a thousand reads


def best(cluster, files):
    """Return the best time of some clusterings, and how often each one read a file."""
    seconds, often = [], []
    for _ in range(TRIES):
        rows = standardise(collect(files))
        before, started = reads(), time.perf_counter()
        cluster(rows, start, STEPS)
        seconds.append(time.perf_counter() - started)
        often.append(reads() - before)
    return min(seconds), max(often)


def not_kept(X, start, steps):
    """Do the same steps, and keep nothing."""
    return KMeans(n_clusters=len(start), init=start, max_iter=steps, tol=0.0).fit(X)


kept = best(cluster_points, FILES)
print(f"kept on the workers: {kept[0]:.2f} s, {kept[1]} reads of {FILES} files")
anew = best(not_kept, FILES)
print(f"made anew each time: {anew[0]:.2f} s, {anew[1]} reads of {FILES} files")

# %% [markdown]
# Second, dask_ml against scikit-learn, on a single file and on all of them. For scikit-learn the
# rows have to be here, in one piece.


# %% tags=["experiment"]
def best_serial(rows):
    """Return the best time of three clusterings with scikit-learn, of rows that are here."""
    model = sklearn.cluster.KMeans(STATES, init=start, n_init=1, max_iter=STEPS, tol=0.0)
    seconds = []
    for _ in range(3):
        started = time.perf_counter()
        model.fit(rows)
        seconds.append(time.perf_counter() - started)
    return min(seconds)


for files, spread in ((1, best(cluster_points, 1)[0]), (FILES, kept[0])):
    alone = best_serial(standardise(collect(files)).compute())
    print(f"{files * ROWS:11,} rows: scikit-learn {alone:.2f} s, dask_ml {spread:.2f} s")

# %% [markdown]
# <details>
# <summary>What you should have seen, and why</summary>
#
# - **Without persist** each of the seven passes reads the files: 56 reads instead of eight. It
#   takes about twice as long, although a read takes only milliseconds here. With real files on a
#   shared disk, nearly all of the time would be reading.
# - **One file**: scikit-learn is much faster. Each pass costs dask_ml some hundredths of a second
#   to build a graph, send it and fetch the sums, however few the rows. This is where the time goes.
# - **All files**: eight times the rows take dask_ml far less than eight times as long, since the
#   passes cost what they did before. But scikit-learn is still several times faster. In the check's
#   run, with nine times as many rows, each twice as long, and 32 centres, the two are closer, and
#   scikit-learn is ahead: what dask_ml gains by the second worker it spends on reading the files,
#   on the waits between steps, and on its two more passes.
#
# On a busy machine all times grow and the differences between neighbours may vanish; the number of
# reads does not change.
#
# The number of workers from which a parallel program overtakes the best serial one has a name, its
# **COST** (McSherry and others, 2015). In the check's run it is more than two: what this notebook
# and the scheduler compute, no worker shares. For a single file no number is enough.
#
# </details>
#
# Third, on your own: change the length of the chunks, for example
# `X_scaled.rechunk((ROWS // 10, -1))` or `rechunk(-1)`, and cluster again. Which is slower than the
# eight chunks, the many or the one? Look at the task stream for the reasons. Try more starting
# points too: what do they change in each step?
#
# ## When this does not help
#
# - The rows fit into the memory of one computer: scikit-learn is faster, and uses its cores by
#   itself.
# - The rows do not fit into the memories of all workers together: `persist()` then makes them write
#   to disk, pause, or die. `MiniBatchKMeans` or `Incremental`, which see one block at a time, or a
#   random sample of all files in one process, are the better tools.
# - Steps are many and short: between two steps everybody waits for this notebook.
#
# Use dask_ml's KMeans when the rows **do not fit** into one memory, or are in the memories of many
# workers already. (Should dask_ml not be kept up to date one day: Lloyd's method is a few lines of
# `dask.array`, with a `map_blocks` for the sums of a chunk.)
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
# ## What you have seen
#
# - `dask_ml` estimators work on Dask arrays: the work goes to the chunks, and small sums come back.
# - A lazy array is a recipe, and every pass follows it from the start. `persist()` keeps the chunks
#   as long as your program holds the array that it returned.
# - Mean, variance and centres depend on all rows; scaling and labels go chunk by chunk.
# - K-means waits after every step. More workers make the steps shorter, not the waits.
# - Measure the serial program first.
#
# ## Further reading
#
# - Dask-ML documentation: [Clustering](https://ml.dask.org/clustering.html) and
#   [Preprocessing](https://ml.dask.org/preprocessing.html)
# - Dask documentation: [Best Practices](https://docs.dask.org/en/stable/best-practices.html), on
#   when to persist; [Managing Memory](https://distributed.dask.org/en/stable/memory.html) and
#   [Worker Memory Management](https://distributed.dask.org/en/stable/worker-memory.html)
# - B. Bahmani and others, *Scalable K-Means++*, VLDB 2012: the method behind k-means||
# - F. McSherry, M. Isard, D. G. Murray, *Scalability! But at what COST?*, HotOS 2015: a few pages
#   that put the time of the serial program first
# - scikit-learn user guide: [Clustering](https://scikit-learn.org/1.9/modules/clustering.html), and
#   [Importance of Feature
#   Scaling](https://scikit-learn.org/1.9/auto_examples/preprocessing/plot_scaling_importance.html)
