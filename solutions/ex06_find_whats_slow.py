"""Exercise 6, find what is slow: the one source of its notebook.

``autograder build`` turns this file into ``source/ex06_find_whats_slow``; points and sizes are in
``autograder/exercises/ex06_find_whats_slow``. As a script it takes ``--profile`` and ``--workers``.
"""

# %% script="profile"
from cluster import command_line

command_line()

# %% [markdown]
# # Find what is slow: a clinic for Dask programs
#
# Most slow programs are not slow because the problem is hard. They send one piece of work at a
# time, or a million tiny ones; they carry the data to and fro; they leave the work to a Python
# loop. Each of these has its signs, as an illness has, and each can be cured in a few lines, once
# you know which one it is.
#
# In this exercise four programs come to you. All of them give the right answers, and all of them
# are slow. For each you will
#
# 1. run it, and read from its task stream what it spends its time on,
# 2. name the defect,
# 3. write it anew, so that it gives the same answers in a fraction of the time.
#
# Before the first one comes in, you build the instrument: a function that says in numbers what a
# task stream shows.
#
# You know what exercise 0 shows of Dask: tasks, chunks, graphs and laziness. Everything here is
# plain Dask and NumPy. Allow 50 to 60 minutes.
#
# ## Start the cluster
#
# `connect()` gives you a small Dask cluster: a scheduler and two workers, each a process of its
# own. `check` tells you how a function of yours is doing, as often as you like.

# %% given="setup"
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor

import dask
import dask.array as da
import numpy as np
from dask.utils import key_split
from distributed import get_task_stream, wait

from autograder import check
from cluster import connect, size_of, watch

client = connect()
print(client)
watch(client)

# %% [markdown]
# Our data are heart beats. Each is a row of 96 samples, somebody's heart in less than a second.
# About nine in ten are normal, and the others are odd: too early and too wide, or upside down. A
# *recording* is a block of such rows, kept by one of the workers. (On a larger cluster, whose
# profile says so, there are more and longer recordings. The text speaks of a laptop.)

# %% given="data"
times = np.linspace(0, 1, 96)


def beat(middle, width):
    """Return the curve of one beat: a large wave, a dip behind it, and a flat wave."""
    waves = ((1.0, middle, width), (-0.25, middle + 0.06, 0.03), (0.2, middle + 0.35, 0.08))
    return sum(height * np.exp(-(((times - at) / wide) ** 2)) for height, at, wide in waves)


typical = beat(0.3, 0.03)
shapes = np.stack([*(beat(0.26 + 0.02 * n, 0.03) for n in range(5)), beat(0.18, 0.09), -typical])


def record(beats, seed, shapes=shapes):
    """Draw a recording: shape (beats, 96)."""
    generator = np.random.default_rng(seed)
    kinds = generator.choice(7, size=beats, p=[0.18] * 5 + [0.05] * 2)
    return shapes[kinds] + generator.normal(scale=0.05, size=(beats, 96))


count, beats = {"laptop": (16, 4_000), "node": (64, 20_000), "cluster": (384, 20_000)}[
    size_of(client)
]
recordings = [
    da.from_delayed(dask.delayed(record)(beats, seed), shape=(beats, 96), dtype=float)
    for seed in range(count)
]
X = da.concatenate(recordings).persist()
wait(X)
X

# %% [markdown]
# ## The instrument
#
# The dashboard's **Task Stream** (the first cell has opened it beside the notebook, or its button
# *Watch the workers* does) is a picture of a list. `get_task_stream` gives you the list itself: one
# record for each task that ran while its `with` block did. This is one of them, shortened.

# %%
with get_task_stream(client) as stream:
    X.sum().compute()

print(len(stream.data), "records, the first of them:")
{part: stream.data[0][part] for part in ("key", "worker", "nbytes", "startstops")}

# %% [markdown]
# `worker` says where the task ran, and `startstops` what was done for it, step by step. The action
# `compute` is the task's own function: a bar of the Task Stream. `transfer` is waiting for results
# that another worker has: a red bar. The times are seconds since 1970, on the workers' clocks.
#
# Four numbers tell most of what the picture shows. Work them out.
#
# <details>
# <summary>Hint</summary>
#
# Make one list of all steps of all records first. The rest is `min`, `max` and `sum` over it. What
# would be a share of 1? All workers computing, from the first start to the last stop.
#
# </details>


# %% solution="explain"
def explain(stream, workers):
    """Say in numbers what a task stream shows.

    Parameters
    ----------
    stream : list of dict
        A record for each task, at least one, in the order in which they ended. A record has, among
        others, a "worker" and "startstops": a tuple of steps, each a dict with an "action"
        ("compute", "transfer" and others), a "start" and a "stop" in seconds.
    workers : int
        Workers of the cluster. Some of them may have got no task.

    Returns
    -------
    tasks : int
        Number of tasks.
    seconds : float
        From the first start of any step until the last stop of any.
    busy : float
        Of the seconds that all workers had in that time, the share in which they computed.
    moving : float
        Seconds of all transfers, added up.
    """
    ### BEGIN SOLUTION
    starts, stops = [], []
    took = {"compute": 0.0, "transfer": 0.0}
    for record in stream:
        for step in record["startstops"]:
            starts.append(step["start"])
            stops.append(step["stop"])
            if step["action"] in took:
                took[step["action"]] += step["stop"] - step["start"]
    seconds = max(stops) - min(starts)
    return len(stream), seconds, took["compute"] / (workers * seconds), took["transfer"]
    ### END SOLUTION


# %% [markdown]
# The next cell judges your function on other streams than yours. It carries the points, so leave it
# as it is. Run it as often as you like; nobody counts.

# %% grade="explain_rule"
check(explain)

# %% [markdown]
# Now put the instrument to use. `examine` runs a program and prints what your `explain` says, and
# of which kind most tasks are: Dask names a task after what it does, and joins the names where it
# has made one task of several.


# %%
def examine(program, *arguments):
    """Run a program, print what its task stream says, and return its result."""
    workers = len(client.scheduler_info(n_workers=-1)["workers"])
    started = time.perf_counter()
    with get_task_stream(client) as stream:
        result = program(*arguments)
    clock = time.perf_counter() - started
    tasks, seconds, busy, moving = explain(stream.data, workers)
    print(f"{program.__name__}: {clock:.2f} s on the clock")
    print(f"{tasks:,} tasks in {seconds:.2f} s, busy {busy:.0%}, {moving:.2f} s of moving")
    kinds = Counter(key_split(record["key"]) for record in stream.data)
    print("most of the tasks are:", *(f"{n:,} {kind[:60]}" for kind, n in kinds.most_common(2)))
    return result


# %% [markdown]
# And this is how to read it. Learn the four pictures; you will need them in a minute.
#
# ![Four task streams of two workers. In A the bars take turns: while one worker has a bar, the
# other is empty. In B each row has dozens of hair-thin bars with gaps as wide between them. In C
# long red bars alternate with short yellow ones. In D nothing happens for two thirds of the time,
# then four bars stand side by side.](pictures/ex06_streams.py)
#
# | picture | the numbers | what it often is |
# |:--|:--|:--|
# | **A**: bars take turns | busy about 1 / workers | a piece is sent when the one before is back |
# | **B**: hair-thin bars | thousands of tasks, busy low | blocks so small that tasks cost more |
# | **C**: red bars | moving is large, or tasks called rechunk | data change places |
# | **D**: late bars | clock far above seconds | the notebook reads, or packs a large graph |
# | full rows | busy near 1 | nothing that Dask could do better: is the function slow? |
#
# The dashboard has more: **Workers** shows memory and CPU, **Profile** shows in which lines of your
# functions the workers spend their time, **Graph** the tasks that wait for one another. All of it
# in one file, to keep or to send to somebody, makes
#
# ```python
# from distributed import performance_report
#
# with performance_report(filename="slow.html"):
#     some_program(X)
# ```
#
# And before anything runs: `len(x.__dask_graph__())` is the number of tasks that a lazy `x` stands
# for, and `x.visualize()` draws them, if Graphviz is installed.

# %% [markdown]
# ## The first patient: counts odd beats
#
# How odd is a beat? **Dynamic time warping** compares it with the typical one, and lets it be
# stretched and squeezed in time while it does so: early beats are not odd, beats of another shape
# are. That takes some computing, 96 × 96 steps for each beat.


# %%
def warped(block, typical=typical):
    """Return the distance of each beat from the typical one, shape (beats,)."""
    beats = np.ascontiguousarray(block.T)
    before = np.full((97, beats.shape[1]), np.inf)
    before[0] = 0.0
    for height in typical:
        now = np.full_like(before, np.inf)
        for at, sample in enumerate(beats):
            nearest = np.minimum(np.minimum(before[at], before[at + 1]), now[at])
            now[at + 1] = np.abs(sample - height) + nearest
        before = now
    return before[-1]


# %% [markdown]
# The program counts the odd beats of each recording.


# %%
def count_odd_slowly(distance, X, limit):
    """Count in each block of X the beats that are further than the limit."""
    counts = []
    for number in range(X.numblocks[0]):
        distances = X.blocks[number].map_blocks(distance, drop_axis=1, dtype=float)
        counts.append(np.count_nonzero(distances.compute() > limit))
    return np.array(counts)


# %% tags=["experiment"]
print(examine(count_odd_slowly, warped, X, 4.7))

# %% [markdown]
# Look at the Task Stream, and at the numbers. Which picture is it? (On a busy machine, busy is a
# little below one half: both workers also wait for a core.)
#
# **Why.** `compute()` sends a graph, waits until it is done and fetches the result. In a loop, the
# second block is sent when the first is back, so there is never more than one task on the cluster,
# however many workers you have. The cure is always the same: *describe everything first, and
# compute once.* `dask.compute(a, b, c)` takes as many lazy things as you like, sends them as one
# graph, and gives back as many results.
#
# <details>
# <summary>Hint</summary>
#
# Leave the loop and take the `compute()` out of it: let the list hold lazy counts.
# `(distances > limit).sum()` of a Dask array is one.
#
# </details>


# %% solution="count_odd"
def count_odd(distance, X, limit):
    """Count in each recording the beats that are far from the typical one.

    Parameters
    ----------
    distance : callable
        Takes a block, a numpy.ndarray of shape (beats, 96), and returns the distance of each
        beat, a numpy.ndarray of shape (beats,).
    X : dask.array.Array, shape (beats, 96)
        A block for each recording; they need not be of equal length.
    limit : float

    Returns
    -------
    numpy.ndarray, shape (recordings,)
        How many beats of each block have a distance of more than limit, in the order of the blocks
        of X: numbers, computed. The workers work side by side.
    """
    ### BEGIN SOLUTION
    far = X.map_blocks(distance, drop_axis=1, dtype=float) > limit
    counts = [far.blocks[number].sum() for number in range(far.numblocks[0])]
    return np.array(dask.compute(*counts))
    ### END SOLUTION


# %% tags=["experiment"]
print(examine(count_odd, warped, X, 4.7))

# %% [markdown]
# Two checks: are the counts right, and were both workers busy? For the second we take off the time
# in which other programs had the cores, and count how many seconds of work were done in each second
# of the rest: one for one thing after another, two for two busy workers.

# %% grade="count_odd_values"
check(count_odd, "values")

# %% grade="count_odd_speedup"
check(count_odd, "speedup")

# %% [markdown]
# ## The second patient: loads many small files
#
# A device writes a file every few seconds, ten beats each. This program makes one long array of
# them. (There are no real files here: `read` draws the beats, and takes as long as a disk might.)


# %%
def read(number):
    """Return the beats of a file, shape (10, 96)."""
    time.sleep(0.001)
    return record(10, seed=number)


def load_slowly(read, files):
    """Make one long array of all beats, a block for each file."""
    beats = np.concatenate([read(number) for number in range(files)])
    return da.from_array(beats, chunks=(10, 96))


def mean_of(load, files=600):
    """Load, and do something with the beats."""
    return load(read, files).mean().compute()


# %% tags=["experiment"]
print(examine(mean_of, load_slowly))
print(f"{len(load_slowly(read, 600).__dask_graph__()):,} tasks in its graph")

# %% [markdown]
# This one has **two** defects; you see parts of B and of D.
#
# **Blocks too small.** A file has 7,680 bytes. Whatever is done with such a block takes
# microseconds, while a task costs the scheduler and the worker about a millisecond, whatever it
# does. So most of the time goes into handling tasks. A block should be large enough that its task
# takes 0.1 s or more, and small enough that each worker has several and that they fit into memory:
# 100 MB is a usual size. Our data are small, so here 1 to 4 MB will do.
#
# **Data in the graph.** `from_array` cuts up an array that the notebook has in *its* memory. The
# notebook has to read all of it first, alone. Then the data travel inside the graph: to the
# scheduler, and through it to the workers. A graph should say *what to read*, never hold what was
# read. The same happens, unseen, to a large table that a function uses from outside or gets as an
# argument: `client.scatter(table)` sends it to the workers once, and gives you something small to
# pass in its place.
#
# The cure: let a task read a few hundred files, and put their beats together. `dask.delayed` makes
# a task of any function, and `da.from_delayed` a block of its result.
#
# <details>
# <summary>Hint</summary>
#
# A function of your own, `read_many(numbers)`, concatenates what `read` gives for some numbers.
# Then one `dask.delayed(read_many)(numbers)` for every 250 files or so, each wrapped by
# `da.from_delayed(part, shape=(10 * len(numbers), 96), dtype=float)`, and all of them joined by
# `da.concatenate`. Mind the last one: it may be shorter.
#
# A `rechunk` of the tiny blocks is no cure. The tiny tasks stay, and more are added to join them.
#
# </details>


# %% solution="load"
def load(read, files):
    """Describe one long array of all beats, in blocks that are worth a task.

    Parameters
    ----------
    read : callable
        read(number) returns the beats of a file, a numpy.ndarray of shape (10, 96) and 7,680 bytes.
    files : int
        They are numbered from 0.

    Returns
    -------
    dask.array.Array, shape (10 * files, 96)
        The beats in the order of the files. Blocks of whole rows have 1 to 4 MB, the last one may
        have less; there are at most 10 tasks for each. Lazy: tasks read the files when somebody
        computes the array, and this function starts none.
    """
    ### BEGIN SOLUTION

    def read_many(numbers):
        return np.concatenate([read(number) for number in numbers])

    blocks = []
    for first in range(0, files, 250):
        numbers = range(first, min(first + 250, files))
        part = dask.delayed(read_many)(numbers)
        blocks.append(da.from_delayed(part, shape=(10 * len(numbers), 96), dtype=float))
    return da.concatenate(blocks)
    ### END SOLUTION


# %% tags=["experiment"]
print(examine(mean_of, load))
print(f"{len(load(read, 600).__dask_graph__()):,} tasks in its graph")

# %% grade="load_values"
check(load, "values")

# %% grade="load_lazy"
check(load, "lazy")

# %% [markdown]
# ## The third patient: works out the typical beat
#
# The mean of all beats, sample by sample, and how much beats differ from it. "A standard deviation
# needs all values of its column", the author thought, and put the columns together first.


# %%
def mean_and_deviation(columns):
    """Return mean and standard deviation of each column, shape (2, columns)."""
    return np.stack([columns.mean(axis=0), columns.std(axis=0)])


def typical_beat_slowly(X):
    """Give each task some whole columns, for their means and standard deviations."""
    columns = X.rechunk((-1, 4))
    return columns.map_blocks(mean_and_deviation, chunks=(2, 4), dtype=float).compute()


# %% tags=["experiment"]
print(examine(typical_beat_slowly, X).shape)

# %% [markdown]
# ![On the left an array in four blocks of rows, two on each worker. On the right the same array in
# three blocks of columns. Arrows lead from every block on the left to every block on the
# right.](pictures/ex06_rechunk.py)
#
# **Why.** Every block of columns needs a piece of *every* block of rows. So each block is cut into
# pieces, half of all pieces travel to the other worker (of a hundred workers, nearly all of them),
# and the pieces are joined again. All of that before anything is computed. Sorting, grouping and
# joining tables do the same; there it is called a **shuffle**. Some computations cannot do without:
# a median does need all values of its column. But means, sums, counts, extremes and standard
# deviations do not. Each block gives a few small numbers, only these travel, and Dask's own
# `mean`, `std`, `sum`, `max` along an axis work in just this way.
#
# (Where Dask has many pieces to move, it sends them by tasks of its own, called `rechunk-…` or
# `shuffle-…`, and warns when they begin. Then there are no red bars, and `moving` stays small: look
# at the names.)
#
# Always ask first whether data have to move at all.
#
# <details>
# <summary>Hint</summary>
#
# Dask arrays have the methods of NumPy arrays: `mean(axis=0)` and `std(axis=0)`. You have seen
# above how to compute both at once.
#
# </details>


# %% solution="typical_beat"
def typical_beat(X):
    """Work out the mean of all beats, and how much they differ from it.

    Parameters
    ----------
    X : dask.array.Array, shape (beats, 96)
        Kept by the workers, in blocks of whole rows that need not be of equal length.

    Returns
    -------
    numpy.ndarray, shape (2, 96)
        Mean and standard deviation (ddof=0) of all beats at each sample, computed. X stays on the
        workers, in the blocks that it has: none of them is cut up, or brought together with others.
    """
    ### BEGIN SOLUTION
    return np.array(dask.compute(X.mean(axis=0), X.std(axis=0)))
    ### END SOLUTION


# %% tags=["experiment"]
print(examine(typical_beat, X).shape)

# %% grade="typical_beat_values"
check(typical_beat, "values")

# %% grade="typical_beat_stays"
check(typical_beat, "stays_distributed")

# %% [markdown]
# ## The fourth patient: counts changes of sign
#
# How often does a signal cross zero? Noisy ones do so more often. `map_blocks` calls a function for
# each block, with a NumPy array.


# %%
def of_block_slowly(block):
    """Count for each row how often the sign changes from one sample to the next."""
    counts = []
    for row in block:
        count = 0
        for at in range(1, len(row)):
            if (row[at - 1] < 0) != (row[at] < 0):
                count += 1
        counts.append(count)
    return np.array(counts)


def crossings_slowly(X):
    """Count on the cluster, a task for each block."""
    return X.map_blocks(of_block_slowly, drop_axis=1, dtype=int).compute()


# %% tags=["experiment"]
print(examine(crossings_slowly, X))

# %% [markdown]
# Look closely: this task stream is **perfect**. Full rows, no gaps, nothing moves. Dask can do
# nothing more for it, and a hundred workers would only do the wrong thing a hundred times over. The
# dashboard's **Profile** shows what it is: the time is spent in two lines of Python.
#
# **Why.** Python takes a tenth of a microsecond and more for every step of such a loop. NumPy takes
# a few nanoseconds: it has a loop in C, over a whole array. So write what is done to *one* sample
# as what is done to *all* of them at once: compare the array without its first column with the
# array without its last. Dask is not to blame here, so its part may stay as it is.
#
# There is a second reason. Workers often have several threads, and only one thread of a process can
# run Python at a time: it holds the **global interpreter lock** (GIL), and the others wait. NumPy
# lets go of the lock while its C loop runs. A Python loop does not, so that four threads get no
# more done than one. You will see that below.
#
# <details>
# <summary>Hint</summary>
#
# For a function of one block: `block[:, 1:]` and `block[:, :-1]` have the same shape, and side by
# side each sample and the one before it. Where does their product have a minus? `(...).sum(axis=1)`
# counts what is true in each row. (Dask arrays can be sliced and multiplied in the same way.)
#
# </details>


# %% solution="crossings"
def crossings(X):
    """Count for each row how often the sign changes from one sample to the next.

    Parameters
    ----------
    X : dask.array.Array, shape (rows, samples)
        In blocks of whole rows. No sample is exactly zero.

    Returns
    -------
    numpy.ndarray, shape (rows,)
        Computed. NumPy goes through the samples: on many rows, all processes together use at most 5
        times the CPU time that NumPy takes for whole blocks (a loop takes more than 100 times).
    """
    ### BEGIN SOLUTION

    def of_block(block):
        return (block[:, 1:] * block[:, :-1] < 0).sum(axis=1)

    return X.map_blocks(of_block, drop_axis=1, dtype=int).compute()
    ### END SOLUTION


# %% tags=["experiment"]
print(examine(crossings, X))

# %% grade="crossings_values"
check(crossings, "values")

# %% grade="crossings_work"
check(crossings, "work")

# %% [markdown]
# ## Experiment: two threads, one lock
#
# The workers of this exercise have one thread each. What would more threads do? We try it without
# Dask: four blocks in this process, by one thread and by two. For NumPy, sorting each row will do.
# **Before you run the cell, write down by how much you expect two threads to be faster, for the
# loop and for NumPy.**

# %% tags=["experiment"]
loop_blocks = [record(4_000, number) for number in range(4)]
numpy_blocks = [record(40_000, number) for number in range(4)]


def seconds_of(function, blocks, threads):
    """Take the best time of three: other programs can only make it longer."""
    best = float("inf")
    for _ in range(3):
        with ThreadPoolExecutor(threads) as pool:
            started = time.perf_counter()
            list(pool.map(function, blocks))
            best = min(best, time.perf_counter() - started)
    return best


for name, function, blocks in (
    ("Python loop", of_block_slowly, loop_blocks),
    ("np.sort", np.sort, numpy_blocks),
):
    one, two = (seconds_of(function, blocks, threads) for threads in (1, 2))
    rows = sum(map(len, blocks))
    print(f"{name:12} {rows:7,} rows: {one:.2f} s by one thread, {two:.2f} s by two")

# %% [markdown]
# <details>
# <summary>What you should have seen, and why</summary>
#
# - **The Python loop** is hardly faster with two threads, or slower. They take turns with the lock,
#   and the turns cost a little. (Where other programs want the cores, too, two threads get a larger
#   share of them than one.)
# - **np.sort** is faster with two threads, nearly twice if two cores are free: the lock is not held
#   while it sorts.
#
# So a cluster whose workers have many threads suits NumPy, and one of many processes with a thread
# each suits Python code that nobody can rewrite. `crossings_slowly` on two workers did use two
# cores: they are two processes, each with a lock of its own.
#
# </details>
#
# ## Before and after
#
# **Which repair gains most? Write down an order first.**

# %% tags=["experiment"]
for before, after, arguments in (
    (count_odd_slowly, count_odd, (warped, X, 4.7)),
    (load_slowly, load, None),
    (typical_beat_slowly, typical_beat, (X,)),
    (crossings_slowly, crossings, (X,)),
):
    seconds = []
    for program in (before, after):
        started = time.perf_counter()
        if arguments is None:
            mean_of(program)
        else:
            program(*arguments)
        seconds.append(time.perf_counter() - started)
    print(f"{after.__name__:12} {seconds[0]:6.2f} s → {seconds[1]:5.2f} s")

# %% [markdown]
# <details>
# <summary>What you should have seen, and why</summary>
#
# The loop of `compute()` gains at most as much as there are workers: a factor of two here, of a
# hundred on a hundred workers; and nothing where other programs have the second core. All the
# others waste work, and what is wasted can be any multiple of what is needed. So look at `busy`
# first: if it is low, the workers wait, and the cure is in how the work is cut and sent. If it is
# high and the program is slow, the cure is in the work itself.
#
# </details>
#
# ## When repairs do not help
#
# - **When the part is small.** A step that takes 2 % of the time can be made infinitely fast, and
#   the program gains 2 %. Measure first, and begin with the largest part.
# - **When the loop has to be one.** If each step needs the result of the one before (training, step
#   by step, does), there is nothing to send together. Parallelise inside the step.
# - **When the data must move.** A median, a sort, a join on a column by which nothing is arranged
#   need a shuffle. Do it once, as late as possible, on as few columns as possible.
# - **When it is run once.** Ten minutes of repair for a program of one minute are nine minutes
#   lost.
#
# ## In your own words
#
# A colleague's program runs for 60 s on four workers. `explain` says: 48,000 tasks in 31 s, busy 7
# %, 0.4 s of moving. The files that it reads have 12 GB in all.
#
# **Which two things does it spend its time on, and from which numbers do you know? What would you
# look at, or measure, to be sure? What would you change first, and which of the four numbers would
# show that it has worked? What is *not* wrong with it?** Five sentences are enough. Your
# instructor reads and marks this answer.

# %% [markdown] words="which_first"
# *What it spends its time on.* The clock shows 29 s more than the stream, so nearly half of the
# time the notebook works alone: it builds and packs a graph of 48,000 tasks, or reads data itself
# and puts them in. In the other half the workers are busy for 7 % of 4 × 31 s = 8.7 s; a task takes
# 0.2 ms. That is far below the millisecond that handling it costs: the blocks are too small.
#
# *To be sure.* `len(x.__dask_graph__())` and the size of the blocks (12 GB / 48,000 = 0.25 MB at
# most); whether `from_array` or a large argument stands in the program, Dask's warning about a
# large graph; the Task Stream, which should look like B after a long white stretch.
#
# *What first.* Larger blocks, made where the data are read, by tasks: some 100 to 400 tasks of 30
# to 100 MB. That shrinks the graph as well, so both halves. The number of tasks falls to hundreds,
# busy rises towards 1, and clock and stream come close to each other.
#
# *Not wrong.* Nothing moves, so there is no needless shuffle; and the functions themselves need
# only 8.7 s of CPU, so rewriting them would gain little.

# %% [markdown]
# ## You have seen
#
# - that a task stream is a list, and four numbers tell most of it: tasks, seconds, busy, moving,
# - `compute()` in a loop: describe everything first, compute once,
# - blocks that are too small: a task should take 0.1 s or more, and `rechunk` does not repair it,
# - data in the graph: a graph says what to read, tasks do the reading,
# - a rechunk that need not be: sums travel instead of data,
# - a Python loop over samples: a perfect task stream is no proof of a fast program,
# - that threads do not help what holds the global interpreter lock.
#
# ## Further reading
#
# - Dask documentation: [Best Practices](https://docs.dask.org/en/stable/best-practices.html),
#   [Understanding Performance](https://docs.dask.org/en/stable/understanding-performance.html) and
#   [Dashboard Diagnostics](https://docs.dask.org/en/stable/dashboard.html)
# - Dask.distributed documentation: [Diagnosing
#   Performance](https://distributed.dask.org/en/stable/diagnosing-performance.html), with the task
#   stream, the profiler and `performance_report`
# - Dask documentation: [Chunks](https://docs.dask.org/en/stable/array-chunks.html), with
#   rechunking, and [Best Practices](https://docs.dask.org/en/stable/array-best-practices.html) for
#   arrays
# - NumPy 2.4 documentation: [NumPy: the absolute basics for
#   beginners](https://numpy.org/doc/2.4/user/absolute_beginners.html)
