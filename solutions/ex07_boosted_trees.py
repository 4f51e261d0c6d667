"""Exercise 7, boosted trees: the one source of its notebook.

``autograder build`` turns this file into ``source/ex07_boosted_trees``; points and sizes are in
``autograder/exercises/ex07_boosted_trees``. As a script it takes ``--profile`` and ``--workers``.
"""

# %% script="profile"
from cluster import command_line

command_line()

# %% [markdown]
# # Boosted trees: workers that train together
#
# A railway wants to know in the evening which of tomorrow's trains will be late. There are records
# of many trains: the hour, the number of stops and wagons, wind, temperature, the age of the
# engine. For tables like this, **boosted trees** are often the best model there is, and XGBoost is
# the best-known program for them.
#
# Boosting grows one tree after another. Each tree corrects what all trees before it got wrong, so
# no tree can begin before the one before it is finished. There are no independent trainings to
# spread over the workers, as there were in a grid search. Instead, **all workers grow the same tree
# together**, and they talk to each other while they do.
#
# In this exercise you will
#
# 1. see plain XGBoost learn the data by heart, and stop it in time,
# 2. have the workers read the files, each of them once,
# 3. train one model on two workers that never exchange a row,
# 4. predict with the right number of trees,
# 5. find out what the slowest worker costs, and what makes such a training hang.
#
# You know Dask arrays and `persist` (`ex04_large_collections`). Allow 40 to 50 minutes. This
# notebook needs XGBoost. If the next cell does not find it: `pip install "xgboost-cpu>=3.2,<3.3"`.
#
# ## Start the cluster
#
# `connect()` gives you a small Dask cluster: a scheduler and two workers, each a process of its
# own. `check` tells you how a function of yours is doing, as often as you like.

# %% given="setup"
import time
from contextlib import suppress

import dask
import dask.array as da
import numpy as np
import xgboost
from distributed import get_worker, wait
from xgboost import dask as boosting

from autograder import check
from cluster import connect, size_of, watch

client = connect()
print(client)
watch(client)

# %% [markdown]
# ## The data
#
# Each file holds the trains of some weeks: 24 readings of each, whole numbers from 0 to 31, and in
# the last column a 1 if it was late, else a 0. As in earlier exercises a file is drawn at random
# instead of read, so that you need no disk space. (On a larger cluster there are more and longer
# files. The text describes a laptop.)

# %% given="files"
READINGS = 24
sizes = {"laptop": (8, 40_000), "node": (64, 50_000), "cluster": (384, 100_000)}
FILES, ROWS = sizes[size_of(client)]

world = np.random.default_rng(7)
alone = np.repeat(world.normal(size=(READINGS, 4)), 8, axis=1)
together = [
    (*world.choice(READINGS, 2, replace=False), world.normal(size=(2, 2))) for _ in range(4)
]


def read_file(number):
    """Stand for reading a file: an array of shape (ROWS, 25), the label in the last column."""
    with suppress(ValueError):  # called here, not on a worker
        get_worker().log_event("trains", number)
    generator = np.random.default_rng([7, number])
    X = generator.integers(0, 32, size=(ROWS, READINGS))
    odds = 0.2 * alone[np.arange(READINGS), X].sum(axis=1)
    for one, other, effect in together:
        odds += 0.6 * effect[X[:, one] // 16, X[:, other] // 16]
    late = generator.random(ROWS) < 1 / (1 + np.exp(-odds))
    return np.column_stack([X, late]).astype(np.float32)


def reads():
    """Say how often a worker has read a file so far."""
    return len(client.get_events("trains"))


# %% [markdown]
# ## Plain XGBoost first
#
# Two files fit here easily: one to learn from, and one to see what the trees are worth. The
# `settings` are those of the whole exercise. Training makes `logloss` small: it is 0.69 if you say
# "one half" for every train, and 0 if you are always sure and always right.

# %% tags=["experiment"]
settings = {
    "objective": "binary:logistic",  # predict the probability of a 1
    "eval_metric": "logloss",
    "max_depth": 6,
    "learning_rate": 0.3,
}

one, other = read_file(0), read_file(1)
training = xgboost.DMatrix(one[:, :-1], one[:, -1])
validation = xgboost.DMatrix(other[:, :-1], other[:, -1])
curves = {}
xgboost.train(
    settings,
    training,
    200,
    evals=[(training, "learned"), (validation, "new")],
    evals_result=curves,
    verbose_eval=False,
)
print("trees  loss on learned rows  loss on new rows")
for trees in (1, 10, 20, 40, 100, 200):
    learned, new = (curves[name]["logloss"][trees - 1] for name in ("learned", "new"))
    print(f"{trees:5}  {learned:20.3f}  {new:16.3f}")

# %% [markdown]
# On the rows that were learned the loss falls and falls. On new rows it falls first, and then it
# **rises**: from some point on, the trees learn by heart which train happened to be late. The cure
# is called **early stopping**. Keep some rows apart (the *validation* set), look at their loss
# after every tree, and stop when it has not become smaller for some rounds. The best round is the
# one with the smallest loss.
#
# ## How two workers grow one tree
#
# A tree asks questions such as "more than 17 wagons?". To find the best question, XGBoost does not
# need the rows. It sorts each reading into **bins**, at most 256 of them, and adds up for each bin
# how wrong the trees so far have been. From these sums alone it can work out what each possible
# question would gain.
#
# Sums can be added. So each worker adds up *its own* rows, the workers add their tables, and now
# all of them know the sums over all rows. They find the same best question, and each splits its own
# rows by it. Then comes the next level of the tree, and the same once more. The rows stay where
# they are. What travels is a table of 24 readings × 32 bins for each node, however many rows there
# are.
#
# ![Two workers, each with half of the rows. In every level of every tree each adds up a table of
# sums over its own rows; both tables are added, and both workers get the result and split their
# own rows in the same way.](pictures/ex07_level.py)
#
# This is new. So far, tasks knew nothing of each other, and the scheduler could run them anywhere,
# in any order. Here there is **one task for each worker that has rows, and all of them have to run
# at the same time**. They talk past the scheduler, over connections of their own, several times for
# each tree. Four things follow.
#
# - **Rows stay where they are.** The worker with the most rows sets the pace for all.
# - **All must be there.** If a worker's thread is busy with something else, the others wait for it,
#   with no message and no end. If a worker dies, all trees are lost, and the others may wait, too.
# - **Nothing is done again.** Dask can repeat a task that was lost, but not half of a conversation.
# - **They have to find each other.** XGBoost starts a *tracker* beside the scheduler, which tells
#   the workers of one another. It takes any free port. Where a firewall stands between the
#   machines, training hangs before the first tree. (`coll_cfg` of `train` sets address and port.)
#
# ## Read every file once
#
# Start with the rows. X and y are in the same files. A lazy `X` says "read all files and keep the
# first 24 columns", a lazy `y` says "read all files and keep the last column", and XGBoost asks for
# them one after the other. What happens to the files then?
#
# <details>
# <summary>Hint 1</summary>
#
# Make one Dask array of all columns first: a `dask.delayed(read_file)(number)` for each file,
# `da.from_delayed` with shape and dtype, `da.concatenate`. Have the workers keep it with
# `client.persist(...)` or its own `persist()`, and cut columns off what that returns.
#
# </details>
#
# <details>
# <summary>Hint 2</summary>
#
# Anything else that reads each file on a worker will do, too, for example a
# `client.submit(read_file, number)` for each file, whose futures `da.from_delayed` takes as well.
#
# </details>


# %% solution="load"
def load(client, read_file, rows):
    """Have the workers read every file, and keep readings and labels there.

    Parameters
    ----------
    client : distributed.Client
    read_file : callable
        read_file(number) reads a file, 0, 1, …, and returns a numpy.ndarray of shape
        (rows[number], 25) and dtype float32. The last column is the label.
    rows : list of int
        How many rows each file has.

    Returns
    -------
    X : dask.array.Array, shape (sum of rows, 24)
        The readings. One chunk for each file, in the order of the files.
    y : dask.array.Array, shape (sum of rows,)
        The labels. Chunks as those of X.

        No rows are brought here. Whoever computes X, and then y, causes each file to be read once
        in all, on the workers; no worker reads more than three quarters of the files.
    """
    ### BEGIN SOLUTION
    read = dask.delayed(read_file)
    both = da.concatenate(
        [
            da.from_delayed(read(number), (length, 25), np.float32)
            for number, length in enumerate(rows)
        ]
    )
    kept = client.persist(both)
    return kept[:, :-1], kept[:, -1]
    ### END SOLUTION


# %% tags=["experiment"]
before = reads()
X, y = load(client, read_file, [ROWS] * FILES)
print(X)
print(f"{y.mean().compute():.0%} of {len(X):,} trains were late")
X.sum().compute()
print(f"reads: {reads() - before}, files: {FILES}")

# %% [markdown]
# Are there as many reads as files? The next cells judge your function on other files. They carry
# the points, so leave them as they are. Run them as often as you like; nobody counts.

# %% grade="load_values"
check(load, "values")

# %% grade="load_lazy"
check(load, "lazy")

# %% [markdown]
# ## Train together
#
# `xgboost.dask`, here called `boosting`, has the names of plain XGBoost once more:
#
# | plain | on a cluster |
# |:--|:--|
# | `QuantileDMatrix(X, y)` | `DaskQuantileDMatrix(client, X, y)` |
# | `train(settings, training, 200, …)` | `train(client, settings, training, 200, …)` |
# | returns the model | returns a dict: `"booster"` is the model |
#
# A **DMatrix** is XGBoost's own form of the data. The kind with *Quantile* keeps a row's bins, of
# one byte each, instead of its numbers. It is what you want for large data. Its bins must be the
# same for the validation rows, so these are told whose bins to take: `ref=training`.
#
# Early stopping needs both `evals`, a list of pairs of a matrix and a name, and
# `early_stopping_rounds`. XGBoost watches the **last** entry of `evals`.
#
# <details>
# <summary>Hint</summary>
#
# Three calls: a matrix of the training rows, a matrix of the validation rows, and `boosting.train`.
# Call them here in the notebook, not inside a task. `verbose_eval=False` keeps it from printing a
# line for each tree.
#
# </details>


# %% solution="train"
def train(client, settings, X, y, X_valid, y_valid):
    """Grow boosted trees on all rows, on all workers together, and stop in time.

    Parameters
    ----------
    client : distributed.Client
    settings : dict
        Of the training, as XGBoost knows them; their logloss is watched.
    X : dask.array.Array, shape (rows, readings)
    y : dask.array.Array, shape (rows,)
        To be learned from. Both are in the memory of the workers, about as many rows on each; a
        chunk of y is where its chunk of X is.
    X_valid, y_valid : dask.array.Array
        To be watched, and not learned from; in chunks in the same way.

    Returns
    -------
    xgboost.Booster
        Trained for at most 200 rounds, and no longer than until 10 rounds in a row have not made
        the loss of the validation rows smaller. Its best_iteration is the best round. The trees up
        to that one predict what those of plain XGBoost on the same rows predict, within 0.002 on
        the average. The rows stay on the workers, and all workers share the work.
    """
    ### BEGIN SOLUTION
    training = boosting.DaskQuantileDMatrix(client, X, y)
    validation = boosting.DaskQuantileDMatrix(client, X_valid, y_valid, ref=training)
    found = boosting.train(
        client,
        settings,
        training,
        200,
        evals=[(validation, "validation")],
        early_stopping_rounds=10,
        verbose_eval=False,
    )
    return found["booster"]
    ### END SOLUTION


# %% tags=["experiment"]
X_valid, y_valid = load(client, lambda number: read_file(FILES + number), [ROWS] * 2)
started = time.perf_counter()
model = train(client, settings, X, y, X_valid, y_valid)
seconds = time.perf_counter() - started
print(f"{len(X):,} rows: {seconds:.2f} s, {model.num_boosted_rounds()} trees")
print(f"best round {model.best_iteration}, loss there {model.best_score:.4f}")

# %% [markdown]
# With eight files instead of one the best round comes later and its loss is lower: the more rows,
# the more there is to learn before the trees turn to chance.
#
# Now *watch* it. The first cell has opened the cluster's dashboard beside the notebook; if not, use
# its button *Watch the workers*. Find the **Task Stream** and run the cell above once more. You see
# two long bars, one for each worker, that begin and end at the same time: `do_train`, the one task
# with all the trees. What goes on inside, the scheduler does not know.
#
# Three checks: are the probabilities those of plain XGBoost, did the rows stay on the workers, and
# did both workers do the work? The last one takes off the time in which others had the cores, and
# counts how many seconds of work were done in each second of the rest. A worker that only waits for
# the others does none.
#
# Should a training of yours hang, interrupt the cell and restart the kernel: a worker's thread that
# waits in vain stays taken. The grader stops a training after half a minute.

# %% grade="train_values"
check(train, "values")

# %% grade="train_distributed"
check(train, "stays_distributed")

# %% grade="train_speedup"
check(train, "speedup")

# %% [markdown]
# The first check allows 0.002, but here nothing differs at all. Readings of 32 values fit into bins
# of their own, so all workers have the same ones. With real numbers each worker proposes borders
# for its rows, and the workers agree on borders between them. The trees then differ a little from
# those of a single process, and are as good.
#
# ## Predict
#
# Predicting is as you know it: row by row, lazy, each chunk by itself. `boosting.predict(client,
# model, X)` builds the recipe, if X is the Dask array itself: making a DMatrix of it would have the
# rows computed at once. One thing is left to decide. The training went on for ten rounds after the
# best one, to be sure, and the model has kept those trees.
#
# <details>
# <summary>Hint</summary>
#
# `predict` has an option `iteration_range`, a pair: the first round, and the first that does *not*
# count any more. Rounds count from 0, as `best_iteration` does.
#
# </details>


# %% solution="predict"
def predict(client, model, X):
    """Say how probable it is that each train is late, when somebody asks for it.

    Parameters
    ----------
    client : distributed.Client
    model : xgboost.Booster
        Trained with early stopping: it has some trees more than those up to its best_iteration.
    X : dask.array.Array, shape (rows, readings)
        In chunks of whole rows, which need not be of equal length.

    Returns
    -------
    dask.array.Array, shape (rows,)
        Lazy: neither rows nor probabilities are brought here. The probability of a 1, by the trees
        up to the best round.
    """
    ### BEGIN SOLUTION
    return boosting.predict(client, model, X, iteration_range=(0, model.best_iteration + 1))
    ### END SOLUTION


# %% tags=["experiment"]
probabilities = predict(client, model, X_valid)
print(probabilities)
late = (probabilities > 0.5) == (y_valid == 1)
print(f"{late.mean().compute():.1%} of the validation rows are told right")

# %% grade="predict_values"
check(predict, "values")

# %% grade="predict_lazy"
check(predict, "lazy")

# %% [markdown]
# ## Experiment: who sets the pace?
#
# The same rows, laid out in three ways: evenly, three quarters on one worker, and all on one
# worker. **Before you run the cells, write down how long you expect each training to take**, if the
# first takes one second. The model is the same each time.


# %% tags=["experiment"]
def lay_out(places):
    """Keep each file on the worker that is named for it, in turn; return readings and labels."""
    files = [
        client.submit(read_file, number, workers=[places[number % len(places)]], pure=False)
        for number in range(FILES)
    ]
    wait(files)
    both = da.concatenate([da.from_delayed(f, (ROWS, READINGS + 1), np.float32) for f in files])
    return both[:, :-1].persist(), both[:, -1].persist()


# %% tags=["experiment"]
workers = sorted(client.scheduler_info(n_workers=-1)["workers"])
layouts = {
    "evenly": workers,
    "three to one": [workers[0]] * 3 + [workers[1]],
    "all on one": [workers[0]],
}
for name, places in layouts.items():
    laid_out = lay_out(places)
    wait(laid_out)
    times = []
    for _ in range(2):
        started = time.perf_counter()
        again = train(client, settings, *laid_out, X_valid, y_valid)
        times.append(time.perf_counter() - started)
    print(f"{name:12}  {min(times):.2f} s, best round {again.best_iteration}")

# %% [markdown]
# <details>
# <summary>What you should have seen, and why</summary>
#
# The model is the same to the last tree, and the times are not. *Three to one* takes longer than
# *evenly*, and *all on one* longest, up to twice as long: as long as the fuller worker needs for
# its rows. The other one has finished its table early, in every level of every tree, and waits.
# What all three need for starting the tracker and the tasks, and for the validation rows, is the
# same, so that the whole does not double.
#
# XGBoost will not mend that: it leaves the rows where it finds them. So look where they are before
# you train, and read them in as many equal files as you can, or call `client.rebalance()`. For the
# same reason one slow machine among fast ones makes all of them slow.
#
# </details>
#
# ## When this does not help
#
# - **The rows fit into one computer.** Plain XGBoost uses all of its cores by itself, in one
#   process, without sending anything. A cluster is for rows that do not fit, or that lie on many
#   machines already.
# - **There are few rows for each worker.** The tables that travel do not shrink with the rows. From
#   some number of workers on, adding and sending takes longer than the sums.
# - **There are many small models**, such as the candidates of a search or one model for each
#   station. They are independent: train each with *plain* XGBoost in a task of its own, with
#   `nthread=1`. That is the trainings side by side of `ex01_distributed_training`, and nobody waits
#   for anybody.
#
# Be careful with the last one. `boosting.train` **inside a task** is a trap. The task sits on the
# only thread of its worker and waits for a training that needs that very thread. No error, no CPU,
# no end.
#
# ## In your own words
#
# A colleague wants to try five settings. She writes a function that calls `boosting.train` with one
# of them, and runs `client.map(function, five_settings)` on a cluster of four workers with one
# thread each. Nothing happens for an hour: no error, and all workers idle. On her laptop the same
# function had worked, with a single setting and workers of two threads.
#
# **Who waits for whom? Why did it work on the laptop? How should she do it if the data fit into the
# memory of each worker, and how if they do not?** Five sentences are enough. Your instructor reads
# and marks this answer.

# %% [markdown] words="hangs"
# *Who waits.* Each worker's only thread is taken by a task that waits for its training. A training
# needs a thread on every worker that has rows, at the same time, and there is none: four of the
# outer tasks hold all four, the fifth has not even begun. They wait for each other for ever, which
# is a deadlock.
#
# *Why on the laptop.* The outer task took one of the two threads of its worker; one thread was left
# on each worker for the one training. That was luck, not a proof.
#
# *If the data fit into each worker.* Five independent trainings with plain `xgboost.train` and
# `nthread=1`, one task for each setting, with the data sent to every worker. Nobody talks to
# anybody.
#
# *If they do not.* Call `boosting.train` in the notebook, in a loop over the settings, one after
# another: each training uses all workers, so nothing is lost by that. Also good: a smaller sample
# of the rows for the search, in tasks; `worker_client` named as a way to give the thread back, with
# the remark that two trainings at a time would still compete.

# %% [markdown]
# ## What you have seen
#
# - Boosting goes tree by tree, so the workers share the inside of a tree: tables of sums are added,
#   and no row moves.
# - All of them have to be there at the same time. If one is missing, the others wait, silently.
# - Where the rows are decides how fast it is: the fullest worker sets the pace.
# - X and y come from the same files: persist first and slice afterwards, and each is read once.
# - Early stopping needs validation rows, and the trees after the best round must be left out.
#
# ## Further reading
#
# - XGBoost 3.2 documentation:
#   [Distributed XGBoost with Dask](https://xgboost.readthedocs.io/en/release_3.2.0/tutorials/dask.html),
#   with the address of the tracker and what to do when it hangs; the reference of
#   [xgboost.dask](https://xgboost.readthedocs.io/en/release_3.2.0/python/python_api.html#module-xgboost.dask);
#   and [Early Stopping](https://xgboost.readthedocs.io/en/release_3.2.0/python/python_intro.html#early-stopping)
# - Dask documentation: [Managing Memory](https://distributed.dask.org/en/stable/memory.html), on
#   what is kept; [Data Locality](https://distributed.dask.org/en/stable/locality.html), on where
# - T. Chen and C. Guestrin, *XGBoost: A Scalable Tree Boosting System*, KDD 2016: the method, the
#   bins and how the borders of several workers are merged
