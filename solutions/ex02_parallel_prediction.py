"""Exercise 2, parallel prediction: the one source of its notebook.

``autograder build`` turns this file into ``source/ex02_parallel_prediction``; points and
sizes are in ``autograder/exercises/ex02_parallel_prediction``. As a script it takes
``--profile`` and ``--workers``.
"""

# %% script="profile"
from cluster import command_line

command_line()

# %% [markdown]
# # Parallel prediction: train small, predict large
#
# Some models learn from a few thousand rows and are then applied to millions. Training takes
# seconds, and *prediction* takes the afternoon. Think of a classifier trained on a few
# hand-labelled images and run over an archive, or a fraud model that looks at every payment of
# the past year.
#
# Prediction has a property that training lacks: **the label of a row depends on the model and
# on that row, and on nothing else.** So the rows can be shared out among as many workers as you
# have. No worker waits for another, and the data never have to be in one place.
#
# In this exercise you will
#
# 1. train an ordinary scikit-learn model on data that fits in memory,
# 2. wrap it so that it predicts chunk by chunk on a Dask cluster,
# 3. score it on the large data without bringing that data home,
# 4. find out from its task stream why a program is slow, and repair it,
# 5. measure time correctly, and find out how large a chunk should be.
#
# You know scikit-learn, and what exercise 0 shows of Dask: tasks, chunks and graphs.
# Allow 45 to 60 minutes.
#
# ## Start the cluster
#
# `connect()` gives you a small Dask cluster: a scheduler and two workers, each a process of its
# own. `check` tells you how a function of yours is doing, as often as you like.

# %% given="setup"
import time

import dask
import dask.array as da
import matplotlib.pyplot as plt
import numpy as np
from dask_ml.wrappers import ParallelPostFit
from distributed import wait
from sklearn.metrics import accuracy_score, r2_score
from sklearn.naive_bayes import GaussianNB
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVC

from autograder import check
from cluster import connect, size_of, watch

client = connect()
print(client)
watch(client)

# %% [markdown]
# ## The serial way first
#
# Our rows have 20 features and belong to one of four classes. Each class is a cloud around a
# centre of its own; the clouds overlap, so no model will get every row right.

# %% given="data"
centres = np.random.default_rng(2).normal(size=(4, 20))


def draw(rows, seed):
    """Draw some rows: features, shape (rows, 20), and classes 0 to 3, shape (rows,)."""
    generator = np.random.default_rng(seed)
    y = generator.integers(4, size=rows)
    X = centres[y] + generator.normal(scale=2.0, size=(rows, 20))
    return X, y


X_small, y_small = draw(1_500, seed=0)

# %% [markdown]
# The model is a support vector machine behind a scaler, as you would write it any day. Watch
# the two times.

# %% tags=["experiment"]
plain = make_pipeline(StandardScaler(), SVC())

started = time.perf_counter()
plain.fit(X_small, y_small)
print(f"training   on {len(X_small):5,} rows: {time.perf_counter() - started:.3f} s")

X_new, y_new = draw(8_192, seed=1)
started = time.perf_counter()
labels = plain.predict(X_new)
print(f"predicting on {len(X_new):5,} rows: {time.perf_counter() - started:.3f} s")

# %% [markdown]
# To label a row, a support vector machine compares it with several hundred rows of the training
# set, the support vectors. So training on little data is cheap, and predicting on much is
# expensive: ten million rows would keep one core busy for about five minutes, and would fill 1.6
# GB.
#
# ## Large data comes in chunks
#
# A Dask array is a grid of NumPy arrays, its **chunks**, and a graph of tasks that make them. Here
# every chunk stands for a file that some worker would read: the workers draw 16 chunks of 512
# rows, and this notebook never holds them. (On a larger cluster, whose profile says so, there are
# more and larger chunks. The text speaks of a laptop.)

# %% given="large_data"
sizes = {"laptop": (16, 512), "node": (64, 4_096), "cluster": (512, 8_192)}
count, rows = sizes[size_of(client)]
blocks = [dask.delayed(draw, nout=2)(rows, seed) for seed in range(1, count + 1)]
X_large = da.concatenate([da.from_delayed(X, shape=(rows, 20), dtype=float) for X, _ in blocks])
y_large = da.concatenate([da.from_delayed(y, shape=(rows,), dtype=int) for _, y in blocks])

print("chunks:", X_large.chunks)
X_large

# %% [markdown]
# Nothing has been drawn yet. The array knows its shape and its chunks, and that is all it needs
# until somebody asks for a result with `.compute()`: it is **lazy**.
#
# The chunks are cut along the rows only, so each holds some *whole* rows. That is what a model
# needs for its prediction.
#
# ![X is a column of 16 chunks of 512 rows. An arrow leads from each to a task of its own,
# model.predict, and from there to a chunk of 512 labels. No arrow connects one chunk's row with
# another's.](pictures/ex02_chunks.py)
#
# ## Train small
#
# `dask_ml.wrappers.ParallelPostFit` is a thin wrapper around a scikit-learn estimator. Its `fit`
# hands the data straight on: training is no faster than before. But give its `predict` a Dask
# array, and you get a Dask array back, with one task per chunk in its recipe.
#
# Fill in the first blank.
#
# <details>
# <summary>Hint</summary>
#
# `ParallelPostFit` takes the estimator as its first argument, here the whole pipeline, and the name
# of a metric, a text and no function, as `scoring`; what the metric is for is shown below. `fit`
# returns the fitted wrapper, as in scikit-learn.
#
# </details>


# %% solution="fit_small"
def fit_small(X, y):
    """Train on data that fits in memory, ready to predict on data that does not.

    Parameters
    ----------
    X : numpy.ndarray, shape (rows, features)
    y : numpy.ndarray, shape (rows,)

    Returns
    -------
    dask_ml.wrappers.ParallelPostFit
        Around make_pipeline(StandardScaler(), SVC()), fitted on X and y. Given Dask arrays,
        its predict returns a Dask array in the chunks of X, not computed yet, and its score
        returns the accuracy, worked out over the chunks: X is not turned into one array.
    """
    ### BEGIN SOLUTION
    model = ParallelPostFit(make_pipeline(StandardScaler(), SVC()), scoring="accuracy")
    return model.fit(X, y)
    ### END SOLUTION


# %% [markdown]
# The next cell judges your function on other data than yours. It carries the points, so leave
# it as it is. You may run it as often as you like.

# %% grade="fit_small_values"
check(fit_small)

# %% [markdown]
# ## Predict large
#
# Now for the large data. Your function should only *describe* the work. Its caller decides when to
# compute, and whether to fetch the labels, count them or write them to disk. `compute()`,
# `persist()` and futures start the work, so they belong to the caller.
#
# Any way of doing what the docstring says is right. The wrapper's own method is the shortest;
# `map_blocks` and delayed functions will do as well.
#
# <details>
# <summary>Hint</summary>
#
# Call the method that you would call in scikit-learn, on the whole Dask array, and stop there:
# no `.compute()`, no loop over the chunks, no `np.asarray`.
#
# If you prefer `X.map_blocks(...)`: Dask cannot know that the function turns rows of 20 columns
# into one label each. `drop_axis=1` says that the columns go, and `dtype=` or `meta=` what a label
# is. Without `dtype` Dask tries the function on an array of one column, and the model complains.
#
# </details>


# %% solution="predict_large"
def predict_large(model, X):
    """Predict the label of every row, chunk by chunk, when somebody asks for it.

    Parameters
    ----------
    model : dask_ml.wrappers.ParallelPostFit
        Fitted.
    X : dask.array.Array, shape (rows, features)
        In chunks of whole rows, which need not be of equal length.

    Returns
    -------
    dask.array.Array, shape (rows,)
        In the order of X. Lazy: this function starts no task, waits for no chunk of X and brings
        none of it here.
    """
    ### BEGIN SOLUTION
    return model.predict(X)
    ### END SOLUTION


# %% tags=["experiment"]
lazy_labels = predict_large(fit_small(X_small, y_small), X_large)
print(lazy_labels)

started = time.perf_counter()
computed = lazy_labels.compute()
print(f"predicting on {len(computed):,} rows: {time.perf_counter() - started:.3f} s")

# %% [markdown]
# Compare the time with the serial one above. Two workers can at best halve it, and part of the gain
# is spent on sending tasks out and labels back. On a machine that is busy with something else the
# gain is smaller, since two workers then share less than two cores.
#
# Now *watch* it. The first cell has opened the cluster's dashboard beside the notebook, or its
# button *Watch the workers* does. Find the **Task Stream** there and run the cell above once more.
# Each row of the picture is a worker, each bar a task. You want to
# see two rows of bars of much the same length, side by side, with little white between them.
#
# Three checks now: are the labels right, is the function lazy, and are both workers busy? A
# stopwatch would be unfair for the last one, since other programs on the machine slow yours down.
# So the check subtracts the time in which other programs had the cores, and counts how many seconds
# of work were done in each second of the rest: one if the chunks were predicted one after the
# other, two if both workers were busy.

# %% grade="predict_large_values"
check(predict_large, "values")

# %% grade="predict_large_lazy"
check(predict_large, "lazy")

# %% grade="predict_large_speedup"
check(predict_large, "speedup")

# %% [markdown]
# ## Score large, and with the right score
#
# How good are the labels? The `scoring` of the wrapper names the metric that `model.score` uses.
# It matters more than it seems. Here are two metrics on the same labels; then class 0 is renamed 3
# and class 3 is renamed 0, among the true classes and the predicted ones alike.

# %% tags=["experiment"]
swapped = np.array([3, 1, 2, 0])
for name, metric in {"accuracy": accuracy_score, "r²": r2_score}.items():
    before, after = metric(y_new, labels), metric(swapped[y_new], swapped[labels])
    print(f"{name:8}  before: {before:.3f}  after: {after:.3f}")

# %% [markdown]
# The labels are as good as before, yet r² has changed. It measures squared distances: to it, taking
# class 0 for class 3 is nine times as bad as taking it for class 1. For house prices that makes
# sense. Classes are names, and names have no distances. **A classifier needs
# `scoring="accuracy"`**, or another metric that was made for classes.
#
# There is a second reason to name the metric. If you do, dask-ml works it out over the chunks, and
# only small sums travel. If you do not, the pipeline's own `score` is called. It does not know Dask
# and first turns the large array into one NumPy array.
#
# <details>
# <summary>Hint</summary>
#
# The model got its metric when it was created, so its `score` method will do. You may also write it
# out: two Dask arrays compared with `==` give a Dask array of true and false, and the mean of that
# is the accuracy. Compute it, since a number is asked for.
#
# </details>


# %% solution="score_large"
def score_large(model, X, y):
    """Work out the accuracy over the large data.

    Parameters
    ----------
    model : dask_ml.wrappers.ParallelPostFit
        Fitted, with ``scoring="accuracy"``.
    X : dask.array.Array, shape (rows, features)
        In chunks that need not be of equal length.
    y : dask.array.Array, shape (rows,)
        The true classes, in chunks as long as those of X.

    Returns
    -------
    float
        Share of the rows that get their true class, from 0 to 1: a number, computed. It is
        worked out on the workers: X stays there, labels and classes may come here.
    """
    ### BEGIN SOLUTION
    return float(model.score(X, y))
    ### END SOLUTION


# %% tags=["experiment"]
accuracy = score_large(fit_small(X_small, y_small), X_large, y_large)
print(f"accuracy on {len(X_large):,} rows: {accuracy:.3f}")

# %% grade="score_large_values"
check(score_large, "values")

# %% grade="score_large_stays"
check(score_large, "stays_distributed")

# %% [markdown]
# The wrapper has the estimator's other methods, too: `predict_proba` and `transform` are as lazy as
# `predict`. An `SVC` gives no probabilities unless asked to; naive Bayes does.

# %%
bayes = ParallelPostFit(GaussianNB()).fit(X_small, y_small)
probabilities = bayes.predict_proba(X_large)
print(probabilities)
print(probabilities[:3].compute().round(3))

# %% [markdown]
# ## Why is it slow? Find out, and repair it
#
# A colleague counts how often each label comes. Her counts are right, and two workers are no
# faster than one.


# %%
def count_slowly(model, X):
    """Count the rows with the labels 0 to 3."""
    counts = np.zeros(4, dtype=int)
    for number in range(X.numblocks[0]):
        labels = model.predict(X.blocks[number]).compute()
        counts += np.bincount(labels, minlength=4)
    return counts


print(count_slowly(fit_small(X_small, y_small), X_large))

# %% [markdown]
# ![Two task streams of two workers. In A the bars of the two workers take turns: while one has a
# bar, the other is empty. In B each worker has its bars one after the other without a gap, the
# two rows side by side, and all is over in less than half the time.](pictures/ex02_stream.py)
#
# Clear the Task Stream (its reset button is at the upper right), run the cell again and look.
# **Which of the two pictures do you see, A or B? Which line of the program makes it so?** (A single
# worker may have all the bars of A; the point is that no two bars are side by side.)
#
# Now write it so that you see the other picture.
#
# <details>
# <summary>Hint</summary>
#
# A stream like A means that each task is sent only when the one before has been fetched. So
# describe the work on all chunks first, and compute once, at the end. `da.bincount` exists; so does
# counting by comparison, if one `dask.compute(...)` gets all four counts together.
#
# </details>


# %% solution="count_labels"
def count_labels(model, X):
    """Count how many rows get each label.

    Parameters
    ----------
    model : dask_ml.wrappers.ParallelPostFit
        Fitted on the classes 0, 1, 2 and 3.
    X : dask.array.Array, shape (rows, features)

    Returns
    -------
    numpy.ndarray, shape (4,)
        The number of rows with the labels 0, 1, 2 and 3, in that order, computed. The workers
        predict side by side, and each row once.
    """
    ### BEGIN SOLUTION
    return da.bincount(model.predict(X), minlength=4).compute()
    ### END SOLUTION


# %%
print(count_labels(fit_small(X_small, y_small), X_large))

# %% [markdown]
# The check compares the counts, and looks at when each chunk was predicted: side by side with
# another, or alone.

# %% grade="count_labels_values"
check(count_labels)

# %% [markdown]
# ## Take the time
#
# Next comes an experiment, and for that we need a clock. It is easily stopped too early. What
# does this cell measure?

# %% tags=["experiment"]
model = fit_small(X_small, y_small)

started = time.perf_counter()
model.predict(X_large)
print(f"predicting on {len(X_large):,} rows: {1000 * (time.perf_counter() - started):.1f} ms?")

# %% [markdown]
# So many rows in a few milliseconds? Not one of them has been labelled. The cell measured how long
# it takes to *write down* what is to be done. With anything lazy, **the clock must not stop before
# the result is there.**
#
# Write a function that does it properly: it waits for the labels.
#
# <details>
# <summary>Hint</summary>
#
# `.compute()` returns when the last label has arrived. What stands between the two readings of the
# clock is what is measured.
#
# </details>


# %% solution="timed_predict"
def timed_predict(model, X):
    """Predict the label of every row, now and once, and take the time.

    Parameters
    ----------
    model : dask_ml.wrappers.ParallelPostFit
        Fitted.
    X : dask.array.Array, shape (rows, features)

    Returns
    -------
    labels : numpy.ndarray, shape (rows,)
        Computed on the cluster, in the order of X, each row once.
    seconds : float
        From before the cluster is asked until the last label is here, on a clock on the wall.
    """
    ### BEGIN SOLUTION
    asked = time.perf_counter()
    labels = model.predict(X).compute()
    return labels, time.perf_counter() - asked
    ### END SOLUTION


# %% tags=["experiment"]
labels, seconds = timed_predict(model, X_large)
print(f"predicting on {len(labels):,} rows: {seconds:.3f} s")

# %% [markdown]
# The check compares your seconds with what the cluster recorded: from the start of its first task
# to the end of its last.

# %% grade="timed_predict_timing"
check(timed_predict)

# %% [markdown]
# ## Experiment: how large is a good chunk?
#
# The 8,192 rows from the beginning, cut into 1 to 256 chunks. Each time is the best of three,
# because whatever else your machine does can only make a run slower. **Before you run the cell,
# write down which you expect to be the fastest and which the slowest, and why.**

# %% tags=["experiment"]
counts = (1, 2, 16, 64, 256)
best = []
for chunks in counts:
    rows = len(X_new) // chunks
    X = da.from_array(X_new, chunks=(rows, -1)).persist()
    wait(X)
    best.append(min(timed_predict(model, X)[1] for _ in range(3)))
    print(f"{chunks:3} chunks of {rows:5,} rows: {best[-1]:.3f} s")

figure, axes = plt.subplots(figsize=(6, 3), layout="constrained")
axes.plot(counts, len(X_new) / np.array(best), marker="o")
axes.set(xscale="log", xlabel="chunks", ylabel="rows per second")
axes.set(ylim=0, title="speed against the number of chunks")
plt.show()

# %% [markdown]
# <details>
# <summary>What you should have seen, and why</summary>
#
# - **One chunk** is one task, and a task runs on one worker. The other worker has nothing to do.
# - **Two** may do well, and may not: if one worker is slower, or busy with something else, the
#   other has nothing left to take over.
# - **Sixteen** keep both workers busy. One that finishes early takes over work from the other.
# - **Two hundred and fifty-six** chunks have 32 rows each. They are labelled in about a
#   millisecond, but the scheduler and the worker spend as much again on every task, whatever its
#   size. Now the workers wait for the next task to arrive.
#
# On a busy machine all times are longer and the curve is flatter: where two workers share one core,
# two chunks gain little over one. The right end stays down, since there it is the number of tasks
# that costs.
#
# A rule of thumb: cut so that a task takes from a tenth of a second to a few seconds, that there
# are several tasks for each worker, and that a few chunks fit into a worker's memory together.
#
# And all this pays only where predicting is expensive, as it is here. What one process labels
# within a second is labelled sooner without a cluster: sending tasks out and labels back takes
# longer than it saves.
#
# </details>
#
# Run it again with counts of your own. Where does it stop paying to cut finer?
#
# ## In your own words
#
# Parallel prediction is no cure for everything. **Describe two situations in which wrapping a
# model in `ParallelPostFit` would not make the work finish sooner. For each, say what the time
# is spent on, and what you would do instead.** Five sentences are enough. Your instructor reads
# and marks this answer.

# %% [markdown] words="when_not"
# *When the training is what takes long.* The wrapper passes `fit` through to one process, so a
# model that trains for an hour and predicts for a second gains nothing. I would train on fewer
# rows, use an estimator that learns in batches (`Incremental`), or spread a parameter search
# over the cluster.
#
# *When a row costs next to nothing to predict.* A linear model needs a few multiplications per
# row; reading the data and scheduling tasks take longer than that, and more workers share one
# disk. I would predict while the data streams through one process, or improve the file format.
#
# Also good: the data fits in memory and is labelled within a second, so overheads dominate; the
# data is a single chunk, so that one worker has all the work; the estimator already uses every
# core of the only machine; the model is so large that sending it to the workers dominates.

# %% [markdown]
# ## What you have seen
#
# - A label depends on one row and the model: prediction can be cut anywhere along the rows.
# - `ParallelPostFit` leaves training as it is, and makes `predict`, `predict_proba`, `transform`
#   and `score` work chunk by chunk.
# - What is lazy is described, not done. Leave `compute()` to the code that needs the numbers, and
#   call it once for all chunks, not in a loop.
# - A metric for classes, worked out over the chunks: `scoring="accuracy"`.
# - In a task stream, bars that take turns mean that the program waits for each before it sends the
#   next.
# - A clock around something lazy measures how long it takes to describe it.
# - Too few chunks leave workers idle, too many keep the scheduler busy.
#
# Next, exercise 3: training on more data than memory holds.
#
# ## When Dask-ML is no longer kept up
#
# `ParallelPostFit` is a convenience of Dask-ML, which sees few releases now. What it does to
# `predict` is one line of Dask itself, and needs nothing but Dask and scikit-learn:
#
# ```python
# X.map_blocks(model.predict, drop_axis=1, dtype=model.classes_.dtype)
# ```
#
# with `model` the plain pipeline. The accuracy is `(that == y).mean()`.
#
# ## Further reading
#
# - Dask-ML documentation: [Parallel
#   Meta-estimators](https://ml.dask.org/meta-estimators.html); and among the Dask Examples, [Score
#   and Predict Large
#   Datasets](https://examples.dask.org/machine-learning/parallel-prediction.html)
# - Dask documentation: [Chunks](https://docs.dask.org/en/stable/array-chunks.html), [Best
#   Practices](https://docs.dask.org/en/stable/array-best-practices.html) for arrays, and [Dashboard
#   Diagnostics](https://docs.dask.org/en/stable/dashboard.html)
# - scikit-learn user guide: [Metrics and scoring: quantifying the quality of
#   predictions](https://scikit-learn.org/1.9/modules/model_evaluation.html), and [Support Vector
#   Machines](https://scikit-learn.org/1.9/modules/svm.html)
