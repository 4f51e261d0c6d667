"""Exercise 0, first steps: the one source of its notebook.

``autograder build`` turns this file into ``source/ex00_first_steps``; points and sizes are in
``autograder/exercises/ex00_first_steps``. As a script it takes ``--profile`` and ``--workers``.
"""

# %% script="profile"
from cluster import command_line

command_line()

# %% [markdown]
# # First steps: workers, tasks, chunks, graphs
#
# Ten minutes, four words, one line of code. After it you can read every other exercise.
#
# | exercise | the question | what answers it |
# |:--|:--|:--|
# | **0** First steps | what are a worker, a task, a chunk and a graph? | this notebook |
# | **1** Distributed training | many trainings: who does them? | a search on a cluster |
# | **2** Parallel prediction | a small model, large data to predict on | `ParallelPostFit` |
# | **3** Incremental training | more data to train on than memory holds | `Incremental` |
# | **4** Large collections | scaling and clustering across workers | Dask-ML's own estimators |
# | **5** Batch clusters | where do a hundred workers come from? | dask-jobqueue, PBS, SLURM |
# | **6** Find what is slow | a program works and is slow: where is the time? | the task stream |
# | **7** Boosted trees | can workers train one model together? | `xgboost.dask` |
# | **8** Halving search | many trainings: can most of them be spared? | successive halving |
# | **9** Tables to features | from many files to one table: what moves rows? | `dask.dataframe` |
# | **10** Larger than memory | what if no worker can hold the data? | one pass at a time |
# | **11** When a worker dies | what is lost, and what is done twice? | futures, checkpoints |
# | **12** Is it worth it | one thread, threads or a cluster? | the COST of a program |
#
# Exercises 1 to 6 and 10 to 12 each stand alone; after this one, take them in the order that you
# like. Exercise 7 uses `persist` from 4, 8 goes on from 1, and 9 from 2. You know Python, NumPy and
# a little scikit-learn, and need not know Dask.
#
# ## Workers
#
# This cell starts a small cluster on your machine. Its parts are ordinary Python processes.
#
# ![Your notebook holds a client. It sends graphs of tasks to the scheduler, which hands the tasks
# out to two workers. The workers compute, keep their results and send one another what the next
# task needs. The client fetches only the results that you ask for.](pictures/ex00_cluster.py)
#
# - The **client** is what your notebook talks to.
# - The **scheduler** decides which worker does what, and when. It does none of the work itself.
# - A **worker** computes, and keeps what it has computed until nobody needs it any more.
#
# Here all of them are on one machine. On a cluster they may be on a hundred, and the code below
# stays the same.

# %% given="setup"
import os
import time

import dask.array as da
import numpy as np

from autograder import check
from cluster import connect, watch

client = connect()
print(client)
watch(client)

# %% [markdown]
# The cell has opened the cluster's **dashboard** beside the notebook, or shows a button *Watch the
# workers* that does. Leave it open and find its **Task Stream**: one row for each worker, one bar
# for each task, and time runs from left to right.
#
# ## Tasks
#
# A **task** is one call of a function, to be made by some worker. `client.submit` makes one, and at
# once hands back a **future**: a receipt for a result that is not there yet. `result()` waits for
# it and fetches it. (Run the cell a second time, and the future is finished at once: Dask knows the
# result of the same call.)


# %%
def work(number):
    """Take a quarter of a second, and say which process did it."""
    time.sleep(0.25)
    return os.getpid()


future = client.submit(work, 0)
print("at once:  ", future)
print("result:   ", future.result())
print("afterwards:", future)
print("this notebook's own process:", os.getpid())

# %% [markdown]
# The work was done by another process than this one: a worker. Now eight tasks, first one after
# the other in this process, then as tasks for the cluster.

# %%
started = time.perf_counter()
here = [work(number) for number in range(8)]
print(f"in this process: {time.perf_counter() - started:.2f} s, by {len(set(here))} process")

started = time.perf_counter()
there = client.gather(client.map(work, range(8), pure=False))
print(f"on the cluster:  {time.perf_counter() - started:.2f} s, by {len(set(there))} processes")

# %% [markdown]
# Eight tasks of a quarter of a second take two seconds in one process, and two workers with one
# thread each need about one second. Look at the Task Stream: two rows of four bars. **An empty
# stretch in a row is a worker that waits.** In every exercise that is what you look for.
#
# ## Chunks
#
# Nobody wants to write a task for each call. A **Dask array** does it for you. It looks like a
# NumPy array and consists of many: its **chunks**. Let a cell end with one, and Dask draws it.

# %%
x = da.arange(8_000_000, chunks=1_000_000, dtype=float)
x

# %% [markdown]
# Eight chunks of a million numbers, 8 MB each. The picture is all that there is so far: not one of
# those numbers exists yet. The array knows its shape, its type, its chunks, and how each chunk is
# to be made.
#
# ## Graphs
#
# What you do with it is noted down, not done. The notes are a **graph**: tasks, and which of them
# needs the result of which.

# %%
total = (x + 1).sum()
print(total)
print("tasks in its graph:", len(total.__dask_graph__()))

# %% [markdown]
# ![The graph of the sum of x + 1 in four chunks. Each chunk has a task that makes it, one that
# adds one to it and one that sums it up; those three in a row run on one worker. At the end a
# last task adds up the four sums.](pictures/ex00_graph.py)
#
# The picture shows such a graph for four chunks. `total` has eight: three tasks for each, and three
# to add up eight sums in two steps, which makes 27. (With the program Graphviz installed,
# `total.visualize()` draws it for you.) The chains do not need one another, so workers can take one
# each. Only the last task needs all sums, which are single numbers, so hardly anything travels.
#
# We say that `total` is **lazy**. `compute()` sends the graph to the scheduler, waits, and fetches
# the result. Compare with the same sum by NumPy.

# %%
print("Dask: ", total.compute())
print("NumPy:", (np.arange(8_000_000, dtype=float) + 1).sum())

# %% [markdown]
# ## Your turn
#
# Describe the mean of the squares of a Dask array, and do not compute it: the caller of your
# function decides when to do that.
#
# <details>
# <summary>Hint</summary>
#
# Write what you would write for a NumPy array: Dask arrays have the same operators and methods.
# Then stop. What you get is a Dask array again, of one number that is not there yet.
#
# </details>


# %% solution="mean_square"
def mean_square(x):
    """Describe the mean of the squares of some numbers.

    Parameters
    ----------
    x : dask.array.Array, shape (numbers,)
        In chunks that need not be of equal length.

    Returns
    -------
    dask.array.Array, shape ()
        Not computed yet.
    """
    ### BEGIN SOLUTION
    return (x**2).mean()
    ### END SOLUTION


# %% [markdown]
# The next cell calls your function with other numbers than yours and says how it does. It carries
# the point of this exercise, so leave it as it is. You may run it as often as you like.

# %% grade="mean_square_values"
check(mean_square)

# %%
answer = mean_square(x)
print(answer)
print(answer.compute())

# %% [markdown]
# ## What you have seen
#
# - A **worker** is a process that computes; the **scheduler** hands tasks out; the **client** in
#   your notebook asks and fetches.
# - A **task** is one call of a function. A **future** is the receipt for its result.
# - A **chunk** is one of the NumPy arrays that a Dask array consists of.
# - A **graph** says which task needs the result of which. It is **lazy** until `compute()`.
# - The **Task Stream** shows who was busy when. Empty stretches are time that you may win back.
#
# Next, exercise 1: the tasks are trainings of a model.
#
# ## Further reading
#
# - Dask documentation: [10 Minutes to
#   Dask](https://docs.dask.org/en/stable/10-minutes-to-dask.html),
#   [Array](https://docs.dask.org/en/stable/array.html) and [Dashboard
#   Diagnostics](https://docs.dask.org/en/stable/dashboard.html)
# - Dask.distributed documentation: [Client](https://distributed.dask.org/en/stable/client.html)
