"""Exercise 3, incremental training: the one source of its notebook.

``autograder build`` turns this file into ``source/ex03_incremental_training``; points and
sizes are in ``autograder/exercises/ex03_incremental_training``. As a script it takes
``--profile`` and ``--workers``.
"""

# %% script="profile"
from cluster import command_line

command_line()

# %% [markdown]
# # Incremental training: learn from more than fits in memory
#
# A telescope writes a text file every night, one star per line. After a year the files hold more
# numbers than fit into the memory of your computer. Most of scikit-learn needs all of them at once:
# `fit(X, y)` can only start when `X` is complete.
#
# Some models do not need that. They look at a few rows, change their weights a little, and can then
# forget the rows. Such a model reads a library as you would: **one book at a time, and every book
# goes back to the shelf**. It can also continue when a new book arrives next year.
#
# In this exercise you will
#
# 1. describe how many files are read, without reading any,
# 2. train a model on one block after another, while the next blocks are being read,
# 3. teach it what arrives later, without losing what it knew,
# 4. measure what the cluster gains you, and what it does not.
#
# You know scikit-learn and have met Dask arrays. Plan 40 to 60 minutes.
#
# ## Start the cluster
#
# `connect()` gives you a small Dask cluster: a scheduler and two workers, each in its own process.
# This time the workers get little memory, so that we do not need large files to fill it. `check`
# tells you how your function is doing. Run it as often as you like.

# %% given="setup"
import tempfile
import time
from pathlib import Path

import dask
import dask.array as da
import numpy as np
from dask_ml.wrappers import Incremental
from distributed import wait
from sklearn.linear_model import SGDClassifier

from autograder import check
from cluster import connect, size_of, watch

client = connect(memory="640 MB")
print(client)
watch(client)

# %% [markdown]
# ## The archive
#
# Each line is a star: one digit for its kind, 0 or 1, and then two digits for each of 100 channels
# of its spectrum, from blue to red. In the first season the camera for the red half is broken and
# records noise; in the second season it is the blue one. The next cell writes such files.
#
# (On a larger cluster there are more and longer nights; the text describes a laptop. All workers
# have to see the files: if they run on other machines, set `DASK_TEMPORARY_DIRECTORY` to a folder
# that they all share before you start JupyterLab.)

# %% given="archive"
CHANNELS = 100
sizes = {"laptop": (12, 10_000), "node": (48, 30_000), "cluster": (96, 50_000)}
NIGHTS, STARS = sizes[size_of(client)]
signal = 2.9 * np.sign(np.random.default_rng(3).normal(size=CHANNELS))
archive = tempfile.TemporaryDirectory(prefix="archive-", dir=dask.config.get("temporary-directory"))


def write_night(name, season, seed, stars=STARS):
    """Write the file of one night; returns its path and its number of stars."""
    generator = np.random.default_rng(seed)
    kinds = generator.integers(2, size=stars)
    seen = np.arange(CHANNELS) * 2 // CHANNELS == season
    mean = 50 + np.outer(2 * kinds - 1, signal * seen)
    counts = np.clip(np.rint(generator.normal(mean, 12.0)), 0, 99).astype(np.uint8)
    line = np.empty((stars, 2 * CHANNELS + 2), dtype=np.uint8)
    line[:, 0], line[:, -1] = kinds + ord("0"), ord("\n")
    line[:, 1:-1:2], line[:, 2:-1:2] = counts // 10 + ord("0"), counts % 10 + ord("0")
    path = Path(archive.name, f"{name}.txt")
    path.write_bytes(line.tobytes())
    return str(path), stars


shards = [write_night(f"first-{n:02d}", season=0, seed=[1, n]) for n in range(NIGHTS)]
print(len(shards), "nights, the first of them:", shards[0])

# %% [markdown]
# The next cell reads one night. It works on bytes, which is faster than on strings, and subtracts
# the median of each star, so that near and far stars can be compared.


# %% given="parse"
def parse(path):
    """Read one night: X, shape (stars, 100), and the kinds y, shape (stars,)."""
    text = np.frombuffer(Path(path).read_bytes(), dtype=np.uint8)
    digits = text.reshape(-1, 2 * CHANNELS + 2) - ord("0")
    counts = 10 * digits[:, 1:-1:2] + digits[:, 2:-1:2]
    X = counts - np.median(counts, axis=1, keepdims=True)
    return X, digits[:, 0].astype(np.int64)


def new_estimator():
    """Make a model that learns row by row, and knows nothing yet."""
    return SGDClassifier(loss="log_loss", average=True, alpha=1e-3, shuffle=False)


# %% [markdown]
# One star takes 202 bytes in the file and 808 bytes in memory: two characters become a number of
# eight bytes. **Data that fits on your disk may not fit in memory.**
#
# ## The serial way first
#
# `partial_fit` is `fit` for a part of the data. It goes once over the rows that it gets, and
# changes the weights a little at each row. The first call needs the `classes`: this night may have
# stars of one kind only, and the model has to leave room for the other.

# %%
unseen = parse(write_night("unseen", season=0, seed=[9, 0])[0])

serial = new_estimator()
started = time.perf_counter()
reading = 0.0
for path, _ in shards:
    began = time.perf_counter()
    X_night, y_night = parse(path)
    reading += time.perf_counter() - began
    serial.partial_fit(X_night, y_night, classes=[0, 1])
seconds = time.perf_counter() - started
print(f"serial: {seconds:.2f} s, of which {reading:.2f} s reading")
print(f"accuracy on unseen stars: {serial.score(*unseen):.3f}")

# %% [markdown]
# Memory never held more than one night's numbers. Reading took most of the time, and *nights can be
# read side by side*, although they have to be learnt one after another. That is what the cluster
# will help with.
#
# ### The loss matters more than the cluster
#
# Some tutorials on this technique use `SGDClassifier(loss="squared_error")`. See what it does:

# %%
for loss in ("squared_error", "log_loss"):
    tried = new_estimator().set_params(loss=loss)
    for path, _ in shards:
        tried.partial_fit(*parse(path), classes=[0, 1])
    largest = np.abs(tried.coef_).max()
    print(f"{loss:14} accuracy {tried.score(*unseen):.3f}, largest weight {largest:.1e}")

# %% [markdown]
# Squared error is a loss for numbers, and its steps grow with the *square* of the features. Our
# features are around ten, not one: each step overshoots by more than the step before. The weights
# run away, and the model guesses, no matter how many nights it sees. The logistic loss (`log_loss`)
# is made for classes, and its steps are bounded. With `average=True` the model uses the mean of all
# weights so far instead of the last ones; you will see below why. It is also a good habit to scale
# features first. A cluster only brings you to the wrong answer sooner.
#
# ## Load lazily
#
# Now with Dask. Your first function describes how all files are read, and reads none of them.
#
# `shards` gives the number of stars in each file. You need it: a Dask array knows the length of
# each of its blocks, and it should not read a file to find out. The check notices if your function
# opens a file.
#
# (Tutorials use both `import dask.dataframe as dd` and `from dask import delayed as dd`, sometimes
# on the same page. They are different things: a dataframe is a table in parts, `delayed` turns any
# function call into a task. We write both names in full.)
#
# <details>
# <summary>Hint: one file</summary>
#
# `dask.delayed(parse, nout=2)(path)` gives two lazy halves, X and y of that file.
# `da.from_delayed(half, shape=..., dtype=...)` makes a Dask array of one block of each.
#
# </details>
# <details>
# <summary>Hint: all of them</summary>
#
# `da.concatenate` stacks arrays, one below the other, and stays lazy.
#
# </details>


# %% solution="load"
def load(shards):
    """Describe the reading of all files, for somebody to compute later.

    Parameters
    ----------
    shards : list of (str, int)
        Path and number of stars of each file; parse reads one.

    Returns
    -------
    X : dask.array.Array, shape (stars, 100), of float
    y : dask.array.Array, shape (stars,), of int
        Lazy: nothing is read or sent to the cluster before this function returns. One block
        for each file, in the order of the files, its length known.
    """
    ### BEGIN SOLUTION
    X, y = [], []
    for path, stars in shards:
        X_night, y_night = dask.delayed(parse, nout=2)(path)
        X.append(da.from_delayed(X_night, shape=(stars, CHANNELS), dtype=float))
        y.append(da.from_delayed(y_night, shape=(stars,), dtype=int))
    return da.concatenate(X), da.concatenate(y)
    ### END SOLUTION


# %%
X, y = load(shards)
print(X)
print(f"in memory it would be {X.nbytes / 1e6:.0f} MB")

# %% [markdown]
# `X` is a recipe. Its picture, block by block, is `X` in a cell of its own; the tasks behind two
# of its blocks are `X[:2 * STARS].visualize()`, if Graphviz is installed.
#
# The next cells check your function on other files. They carry the points, so leave them as they
# are. Run them as often as you like; nobody counts.

# %% grade="load_values"
check(load, "values")

# %% grade="load_lazy"
check(load, "lazy")

# %% [markdown]
# ## Train on one block after the other
#
# `dask_ml.wrappers.Incremental` is the loop above, as a chain of tasks: learn from a block, pass
# the model on, learn from the next block. Each of these `fit` tasks needs its block and the model
# of the task before. While one worker learns, the other reads ahead. Blocks that were learnt are
# dropped.
#
# ![A chain of fit tasks: each needs the model of the one before, and the block that a read task
# made. Below, the same tasks on two workers: both read nearly all the time, and the short fit tasks
# follow one another, now on one worker and now on the other.](pictures/ex03_chain.py)
#
# It takes the blocks in random order, which is what you want: if all stars of one kind came first,
# the model would learn, unlearn and learn again.
#
# <details>
# <summary>Hint</summary>
#
# Wrap a `new_estimator()`, and call `fit` on the Dask arrays as they are. `fit` hands further
# keyword arguments on to `partial_fit`.
#
# </details>


# %% solution="train"
def train(X, y, classes):
    """Train a new model on all blocks, one after the other.

    Parameters
    ----------
    X : dask.array.Array, shape (stars, 100)
    y : dask.array.Array, shape (stars,)
        Lazy, in blocks as long as those of X. They may be more than the workers' memory holds,
        and a block may have stars of one kind only.
    classes : list of int
        All kinds that there are.

    Returns
    -------
    dask_ml.wrappers.Incremental
        Around a new_estimator(), fitted. (Any fitted model with a predict method will do.)
    """
    ### BEGIN SOLUTION
    model = Incremental(new_estimator(), scoring="accuracy")
    return model.fit(X, y, classes=classes)
    ### END SOLUTION


# %%
started = time.perf_counter()
model = train(X, y, classes=[0, 1])
print(f"trained in {time.perf_counter() - started:.2f} s")
print(f"accuracy on unseen stars: {model.score(*unseen):.3f}")

# %% [markdown]
# Now *watch* it. The first cell has opened the cluster's dashboard beside the notebook; if not, use
# its button *Watch the workers*. Find the **Task Stream** and run the cell above once more. You
# should see two rows of bars, as in the picture, with short `fit` bars between those of `parse`. If
# you open **Bytes stored per worker** too, it should stay at a few blocks.
#
# Two checks follow: is the model as good as that of the serial loop, and does the reading overlap?
# The first one also asks about rare stars. They differ from night to night, so a model that has
# learned from a part of the nights does not know all of them. For the second check we do not trust
# a stopwatch. We subtract the time in which other programs had the cores, and count how many
# seconds of work were done in each second that is left: one if one thing follows another, two if
# both workers are busy. The nights of this check are compressed, like those of an old archive, so
# that reading takes longer. They would fit in memory.

# %% grade="train_values"
check(train, "values")

# %% grade="train_speedup"
check(train, "speedup")

# %% [markdown]
# A third check uses nights that have twice as many numbers as a worker may hold. Nobody should ever
# have them all: no worker, not the notebook's own process, and not both workers together, as after
# `persist()`.

# %% grade="train_memory"
check(train, "memory")

# %% [markdown]
# ## Learn what arrives later
#
# A year later the red camera works and the blue one is broken. Your model knows about blue channels
# only; it knows nothing about the new stars.

# %%
later = [write_night(f"second-{n:02d}", season=1, seed=[2, n]) for n in range(2 * NIGHTS)]
unseen_later = parse(write_night("unseen-later", season=1, seed=[9, 1])[0])

X_new, y_new = load(later)
print(f"season 1: {model.score(*unseen):.3f}, season 2: {model.score(*unseen_later):.3f}")

# %% [markdown]
# The files of the first season may be on tape by now. Can the model learn from the new ones alone
# and keep what it knows? Note the difference between `fit`, which starts with a model that knows
# nothing, and `partial_fit`, which continues. `Incremental` has both.
#
# <details>
# <summary>Hint</summary>
#
# One line will do. The classes are known to a model that has been trained.
#
# </details>


# %% solution="update"
def update(model, X_new, y_new):
    """Go on training a model with data that arrived later.

    Parameters
    ----------
    model : dask_ml.wrappers.Incremental
        Fitted.
    X_new : dask.array.Array, shape (stars, 100)
    y_new : dask.array.Array, shape (stars,)
        Lazy, in blocks as long as those of X_new.

    Returns
    -------
    dask_ml.wrappers.Incremental
        The model, which knows what it knew and what is new. (Any fitted model with a predict
        method will do.)
    """
    ### BEGIN SOLUTION
    return model.partial_fit(X_new, y_new)
    ### END SOLUTION


# %%
model = update(model, X_new, y_new)
print(f"season 1: {model.score(*unseen):.3f}, season 2: {model.score(*unseen_later):.3f}")

# %% grade="update_values"
check(update)

# %% [markdown]
# Hardly anything is lost of the old season, and *something* is gained of the new one: from 0.49,
# which is guessing, to about 0.64, where 0.95 would be possible. The averaging is the reason for
# both. The mean of all weights changes slowly, so it keeps the past and learns little in 24 nights.
# The *last* weights are at 0.93 on the new stars after a single night, and guess on the old ones,
# because nothing reminded them.
#
# ![Two curves over the nights of season 2. Averaged weights: season 1 stays at 0.95, season 2 rises
# slowly from 0.49 to 0.64. Last weights: season 2 jumps to 0.93 after one night, and season 1 falls
# to 0.5, guessing.](pictures/ex03_seasons.py)
#
# Try it: `average=False` in a copy of `new_estimator`. And teach the averaged model the same 24
# nights again and again: it was at 0.72 after three rounds, and at 0.78 after seven, with 0.94 on
# the first season. There is no free lunch, only a dial. (The order of the blocks is random, so your
# numbers differ by about 0.01.)
#
# ## Experiment: what does the cluster gain?
#
# The same training three times: from files, from blocks that are already in the workers' memory,
# and without Dask from arrays in this notebook. Each is done three times, and the best time counts,
# since other programs can only make a time longer. **Before you run the cell, write down in which
# order you expect them, and why.**


# %%
def timed(what, call, *arguments):
    """Call something three times and print the best time."""
    seconds = []
    for _ in range(3):
        started = time.perf_counter()
        call(*arguments)
        seconds.append(time.perf_counter() - started)
    print(f"{what:34} {min(seconds):.2f} s, best of three")


def serial_loop(blocks):
    """Train on blocks that are here already."""
    learner = new_estimator()
    for X_block, y_block in blocks:
        learner.partial_fit(X_block, y_block, classes=[0, 1])


timed("Incremental, from files", train, X, y, [0, 1])

X_held, y_held = dask.persist(X, y)
wait([X_held, y_held])
here = [parse(path) for path, _ in shards]

timed("Incremental, from workers' memory", train, X_held, y_held, [0, 1])
timed("serial loop, from this memory", serial_loop, here)
del X_held, y_held, here

# %% [markdown]
# <details>
# <summary>What you should have seen, and why</summary>
#
# - **From files** the cluster reads two nights at a time, and learns meanwhile. This is all that it
#   gains.
# - **From the workers' memory** there is nothing left to overlap: the chain of `fit` tasks runs one
#   by one. Each task is sent out, reported back, and gets the model of the one before. Only one
#   worker is ever busy.
# - **The serial loop** does just the same learning without any of that, and is the fastest.
#
# The second and the third are the same learning, so what separates them is the cost of the cluster:
# messages, and passing the model on. On a busy machine all three take longer; the order stays.
#
# </details>
#
# Now change the size of the blocks, in a cell of your own:
#
# ```python
# short = [write_night(f"short-{n:03d}", season=0, seed=[1, n], stars=1_000) for n in range(120)]
# timed("120 nights of 1,000 stars", train, *load(short), [0, 1])
# ```
#
# and then two nights of 60,000 stars. When does the scheduler have more to do than the workers,
# and when does one worker have nothing to do?
#
# ## When Incremental does not help
#
# - The data fit in memory: a plain loop, or `fit`, is simpler and faster.
# - Learning takes longer than reading: the chain of `fit` tasks decides how long it takes, and a
#   second worker only waits.
# - The model needs several passes: every pass reads every file again.
# - The estimator has no `partial_fit`, like a random forest. Then a sample of the rows may do, or a
#   model for each block whose votes are counted (`dask_ml.ensemble.BlockwiseVotingClassifier`).
#
# `Incremental` is for data that have to be *made*, that is read, unpacked or computed, and that are
# too large to keep. The idea does not need it, by the way: a chain of `dask.delayed` calls of
# `partial_fit` is the same graph, and works with any version of Dask.
#
# ## In your own words
#
# **Describe two situations in which `Incremental` would not make training finish sooner, or would
# give a worse model. For each, say why, and what you would do instead.** Five sentences are
# enough. Your instructor reads and marks this answer.

# %% [markdown] words="when_not"
# *When the data are in memory already.* The blocks are learnt one after the other, so a second
# worker has nothing to do, and every task costs a message. I would call `partial_fit` in a loop,
# or `fit` at once.
#
# *When the blocks are sorted*, all stars of one kind first. Each block pulls the model away from
# what the last one taught. I would mix the rows when the files are written, or at least leave
# the blocks in random order and average the weights.
#
# Also good: when learning takes longer than reading, since the chain of `fit` tasks decides how
# long it takes; when the model needs several passes over the data, which reads every file anew
# each time; when there is no `partial_fit`, as for a random forest.

# %% [markdown]
# ## What you have seen
#
# - A Dask array can describe files that nobody has read: `dask.delayed` and `da.from_delayed` need
#   only the shape of each block.
# - Models with `partial_fit` learn block by block. `Incremental` makes the blocks a chain of tasks,
#   and the cluster reads ahead while it learns.
# - `persist()` before that would undo it: all blocks in memory at once.
# - `fit` starts again and `partial_fit` continues. What a model keeps and how fast it learns pull
#   against each other.
# - A cluster speeds up the reading, not the chain.
#
# ## Further reading
#
# - Dask-ML documentation: [Incremental Meta-estimator](https://ml.dask.org/incremental.html); and
#   among the Dask Examples, [Incrementally Train Large
#   Datasets](https://examples.dask.org/machine-learning/incremental.html)
# - Dask documentation: [Create Dask
#   Arrays](https://docs.dask.org/en/stable/array-creation.html), the section on delayed, and [Best
#   Practices](https://docs.dask.org/en/stable/best-practices.html)
# - scikit-learn user guide: [Strategies to scale computationally: bigger
#   data](https://scikit-learn.org/1.9/computing/scaling_strategies.html), and [Stochastic Gradient
#   Descent](https://scikit-learn.org/1.9/modules/sgd.html)
