"""Exercise 12, is it worth it: the one source of its notebook.

``autograder build`` turns this file into ``source/ex12_is_it_worth_it``; points and sizes are in
``autograder/exercises/ex12_is_it_worth_it``. As a script it takes ``--profile`` and
``--workers``.
"""

# %% script="profile"
from cluster import command_line

command_line()

# %% [markdown]
# # Is it worth it? Serial, threads or cluster
#
# "Our program is 40 times as fast on 64 workers as on one." Is that good? It depends on what you
# compare it with. In 2015 Frank McSherry, Michael Isard and Derek Murray took published systems for
# large graphs, on clusters of up to hundreds of cores, and wrote the same computations for **a
# single thread on a laptop**. Several of the systems never caught up with it, on any number of
# cores. Their speedups were true: each program was compared with itself on fewer workers, and a
# program that wastes time on one worker can waste half of it on two.
#
# The three gave the honest number a name. The **COST** of a program is the *Configuration that
# Outperforms a Single Thread*: how many workers it takes before the cluster is worth having at all.
#
# In this exercise you will
#
# 1. write down what a run on a cluster costs: work, tasks, travel, and what cannot be shared,
# 2. find the COST of a program from it,
# 3. choose between one thread, threads and a cluster, for jobs that were measured in each way,
# 4. write a function that makes this choice by itself, while it works,
# 5. see a program that is easy to spread over a cluster, and loses.
#
# You know what tasks, workers and futures are (`ex00_first_steps`). Allow 40 to 50 minutes.
#
# ## Start the cluster
#
# `connect()` gives you a small Dask cluster: a scheduler and two workers of one thread each, every
# one a process of its own. `check` tells you how a function of yours is doing, as often as you
# like.

# %% given="setup"
import math
import time
from concurrent.futures import ThreadPoolExecutor

import dask.array as da
import numpy as np
from sklearn.base import clone
from sklearn.linear_model import LogisticRegression, Ridge, SGDRegressor

from autograder import check
from cluster import connect, size_of, watch

client = connect()
print(client)
watch(client)

# %% [markdown]
# ## Three prices
#
# What does it cost to let others do the work? This cell finds out on your computer: what a task
# costs on the cluster, what a call costs in a pool of threads, and how fast data get to a worker
# and back. The function that is called does next to nothing. Dask will warn that 30 MiB go along
# with one task: that is just what the last line measures.

# %% tags=["experiment"]
begun = time.perf_counter()
client.gather(client.map(int, range(1_000), pure=False))
print(f"a task:       {(time.perf_counter() - begun) / 1_000 * 1e3:.2f} ms")

with ThreadPoolExecutor(2) as pool:
    begun = time.perf_counter()
    list(pool.map(int, range(20_000)))
    print(f"a call:       {(time.perf_counter() - begun) / 20_000 * 1e3:.3f} ms")

some = np.ones(4_000_000)
begun = time.perf_counter()
client.submit(np.negative, some, pure=False).result()
print(f"data travel:  {2 * some.nbytes / 1e6 / (time.perf_counter() - begun):.0f} MB a second")

# %% [markdown]
# Here are round numbers for a small machine that does nothing else. Yours may be half of them or
# twice as much, and worse while other programs run; what matters is the order of magnitude. **A
# task costs about a millisecond**, and it is the client and the scheduler that pay for it, one task
# after another, however many workers there are. A call in a thread costs a tenth or a twentieth of
# that. Data travel at some hundred megabytes a second, where a processor goes through thousands.

# %% given="prices"
TASK = 0.001  # seconds for a task on the cluster
CALL = 0.0001  # seconds for a call in a pool of threads
BANDWIDTH = 200.0  # megabytes a second, between the notebook and the workers
CORES = WORKERS = 2

# %% [markdown]
# ## What a run on the cluster takes
#
# We describe a **job** by a dictionary. This one is for example a search over 64 settings, on data
# of 20 MB:

# %% given="job"
job = {
    "about": "a search over 64 settings",
    "alone": 6.0,  # seconds that the best program for a single thread takes, all in all
    "serial": 0.5,  # seconds, in the program for the cluster, that cannot be shared out
    "work": 12.0,  # seconds of one core for all of its pieces together
    "pieces": 64,  # that do not need one another, and are equally large
    "gil": True,  # whether a piece holds Python's interpreter lock
    "parts_mb": 0.0,  # megabytes of the pieces and their results: they travel once
    "shared_mb": 20.0,  # megabytes that every worker needs a copy of
}

# %% [markdown]
# `alone` is less than `work` here. That is usual: a program for one thread need not cut anything
# up, and may use a better algorithm, one that cannot be cut up.
#
# Four things take time on the cluster, and to keep it simple we let them follow one another:
#
# - **what cannot be shared out**, `serial`. By Amdahl's law nothing gets below it;
# - **the tasks**: one for each piece, each at the price of a task, on however many
#   workers;
# - **travel**: the parts once, and the shared data once *for every worker*, at the bandwidth;
# - **the work**. A worker does one piece at a time, so the pieces are done in rounds. Of 64 pieces,
#   10 workers do 10 in each round: six rounds, and then a seventh with only four. A round takes as
#   long as a piece.
#
# ![Seconds of the job by the number of workers, from 1 to 64. The curve falls from 12.7 on one
# worker to 2.8 on eleven, and rises again to 7.2 on 64. It crosses the line of the single thread, 6
# seconds, between two and three workers, and once more between 50 and 51.](pictures/ex12_cost.py)
#
# On four workers that is 0.5 + 64 × 0.001 + 4 × 20 / 200 + 16 × 12 / 64 = 3.964 seconds.
#
# <details>
# <summary>Hint</summary>
#
# `math.ceil` rounds up. Check your function on the job above: 12.664 on one worker, 3.964 on four,
# 7.152 on 64.
#
# </details>


# %% solution="seconds"
def seconds(job, workers, task, bandwidth):
    """Predict how long a job takes on a cluster.

    Parameters
    ----------
    job : dict
        With "serial", "work", "pieces", "parts_mb" and "shared_mb", as above.
    workers : int
        Of one thread each.
    task : float
        Seconds that client and scheduler need for a task.
    bandwidth : float
        Megabytes a second.

    Returns
    -------
    float
        Seconds: for what cannot be shared out, for one task a piece, for the parts once and the
        shared data once per worker, and for the rounds that the workers need for all pieces.
    """
    ### BEGIN SOLUTION
    megabytes = job["parts_mb"] + workers * job["shared_mb"]
    overhead = job["pieces"] * task + megabytes / bandwidth
    rounds = math.ceil(job["pieces"] / workers)
    return job["serial"] + overhead + rounds * job["work"] / job["pieces"]
    ### END SOLUTION


# %%
for workers in (1, 2, 3, 4, 11, 50, 64):
    print(f"{workers:2} workers: {seconds(job, workers, TASK, BANDWIDTH):6.3f} s")

# %% [markdown]
# The next cell judges your function on other jobs than this. It carries the points, so leave it as
# it is. Run it as often as you like; nobody counts.

# %% grade="seconds_rule"
check(seconds)

# %% [markdown]
# ## COST
#
# Eleven workers are 4.5 times as fast as one: that is what an advertisement would say. But a single
# thread takes 6 seconds, so they are 2.2 times as fast as what you had before, for eleven times the
# processors, and 64 workers are slower than none.
#
# Find the smallest number of workers that is worth having. It may be that there is none. And as the
# picture shows, a larger number need not be better, so leave out none of them.


# %% solution="cost"
def cost(job, most, task, bandwidth):
    """Find the COST of a job: the configuration that outperforms a single thread.

    Parameters
    ----------
    job : dict
        As for `seconds`, and with "alone".
    most : int
        Workers that there are at most.
    task, bandwidth : float
        As for `seconds`.

    Returns
    -------
    int or None
        The smallest number of workers, from 1 to most, on which the cluster takes less time than
        the single thread; None if there is no such number.
    """
    ### BEGIN SOLUTION
    for workers in range(1, most + 1):
        if seconds(job, workers, task, bandwidth) < job["alone"]:
            return workers
    return None
    ### END SOLUTION


# %%
print("COST of the search:", cost(job, 64, TASK, BANDWIDTH))
for better in (6.0, 4.0, 2.5):
    found = cost({**job, "alone": better}, 64, TASK, BANDWIDTH)
    print(f"against {better} s in a single thread: {found}")

# %% [markdown]
# So the COST of a program says as much about the other program as about itself. Against a good
# single thread, this search has none: no cluster of any size is worth it, however well it scales.

# %% grade="cost_rule"
check(cost)

# %% [markdown]
# ## Serial, threads or cluster?
#
# Between one thread and a cluster there is something else: **threads** in the notebook's own
# process. They share its memory, so nothing travels. But Python's interpreter has a lock, the GIL,
# and only the thread that holds it runs Python code. Threads help where a piece spends its time in
# compiled code that lets go of the lock: most of NumPy, scikit-learn's linear models and trees,
# compression. They do not help where a piece is Python code. There it takes processes, and these
# are what a cluster has.
#
# We measured 17 jobs, each in one thread, in a pool of two threads and on a cluster of two
# workers with one thread each. The machine has two cores, the data are in the notebook's process,
# and the results come back to it. Time in which other programs had the cores is taken off.
# (`benchmarks/ex12_measured.py` in the kit does it again on your machine.) Four of them:
#
# | job | pieces | holds the lock | data | one thread | threads | cluster |
# |:--|--:|:--|--:|--:|--:|--:|
# | six queens on a board, 1,000 times | 1,000 | yes | 0 MB | **33 ms** | 0.12 s | 1.77 s |
# | the fingerprints of 12 files of 10 MB | 12 | no | 120 MB | 0.10 s | **52 ms** | 0.85 s |
# | 20 passwords, hashed 60,000 times | 20 | no | 0 MB | 0.22 s | **0.12 s** | 0.14 s |
# | the primes in 10 ranges of 30,000 numbers | 10 | yes | 0 MB | 0.49 s | 0.51 s | **0.29 s** |
#
# You get the description of such a job, as a dictionary, and choose. What `seconds` says for two
# workers is a good estimate; write down for yourself what the other two ways take. **If two ways
# take about as long, take the simpler one:** one thread needs no explanation, threads need no
# cluster.
#
# The checks call your function with seven jobs and judge by the seconds that were *measured*. You
# need not hit them: a way that is simpler than the right one takes at least 1.6 times as long.
#
# <details>
# <summary>Hint</summary>
#
# In the measured jobs nothing is `serial`, and `work` is `alone`: the same program in all three
# ways. Work out the seconds of each way. In threads nothing travels, a call costs `CALL`, and
# whether the pieces are done two at a time depends on `gil`. Then go through the ways from the
# simplest on, and take the first one that is close enough to the quickest.
#
# </details>


# %% solution="choose"
def choose(job):
    """Choose how to do a job on a machine with two cores, and two workers of one thread each.

    Parameters
    ----------
    job : dict
        As above; its data are in this process, and its results are to be there.

    Returns
    -------
    str
        The first of "serial", "threads" and "cluster" that takes at most 1.25 times as long as
        the quickest of the three, measured there.
    """
    ### BEGIN SOLUTION
    rounds = job["pieces"] if job["gil"] else math.ceil(job["pieces"] / CORES)
    ways = {
        "serial": job["alone"],
        "threads": job["serial"] + job["pieces"] * CALL + rounds * job["work"] / job["pieces"],
        "cluster": seconds(job, WORKERS, TASK, BANDWIDTH),
    }
    quickest = min(ways.values())
    return next(way for way, needed in ways.items() if needed <= 1.25 * quickest)
    ### END SOLUTION


# %%
print(choose(job))
print(choose({**job, "alone": 12.0}))
print(choose({**job, "alone": 12.0, "gil": False}))
print(choose({**job, "alone": 12.0, "shared_mb": 2_000.0}))

# %% grade="choose_rule"
check(choose)

# %% [markdown]
# ## A function that finds out by itself
#
# Nobody hands you such a description. But you can **begin, and look at the clock**: work in the
# notebook for a twentieth of a second. Perhaps you are done by then. If not, you know how long a
# piece takes, how many are left and how much they weigh, and that is all that the model needs.
#
# Here are tables of many stations, and one model is to be fitted to each of them. (With the
# profile of a larger cluster, `slow` has more tables than the text says.)


# %% given="tables"
def draw(number, rows, columns, seed=0):
    """Draw tables: a list of (X, y) with X of shape (rows, columns) and y of shape (rows,)."""
    generator = np.random.default_rng(seed)
    weights = np.linspace(-1, 1, columns)
    found = []
    for _ in range(number):
        X = generator.normal(size=(rows, columns))
        found.append((X, X @ weights + generator.normal(size=rows)))
    return found


stations = {"laptop": 12, "node": 60, "cluster": 240}[size_of(client)]
many = Ridge(), draw(300, rows=40, columns=5)
heavy = Ridge(), draw(8, rows=50_000, columns=20)
slow = SGDRegressor(max_iter=1_000, tol=None), draw(stations, rows=2_000, columns=10)

# %% [markdown]
# - `many`: 300 small tables, and a fit takes less than a task costs;
# - `heavy`: 8 tables of 8 MB, and a fit takes less than the trip of its data;
# - `slow`: a few small tables, and a fit takes a tenth of a second.
#
# Write a function that is as quick as it can be on each of them. How it decides is up to you: by
# the clock, as above, or otherwise. Beware of asking the cluster first: what you want to know is
# whether the way there is worth it.
#
# <details>
# <summary>Hint</summary>
#
# Three steps. Fit the first tables in a loop, a `clone` of the model to each, until 0.05 s have
# gone by: `time.thread_time()` counts what this thread computes, whatever else runs on your
# computer. Then make a job of the tables that are left (`X.nbytes / 1e6` are megabytes) and compare
# `seconds` with what the loop would take. Last, go on with the loop, or let `client.map` and
# `client.gather` do the rest. A small function `fit_one(table, model)` serves for both.
#
# </details>


# %% solution="fit_all"
def fit_one(table, model):
    """Fit a copy of a model to a table."""
    X, y = table
    return clone(model).fit(X, y)


def fit_all(model, tables):
    """Fit a copy of a model to each table: here, or on the cluster where that is quicker.

    Parameters
    ----------
    model : sklearn estimator
        Not fitted.
    tables : list of tuple of numpy.ndarray
        X, shape (rows, columns), and y, shape (rows,). The number of rows may differ.

    Returns
    -------
    list of sklearn estimator
        Fitted, one for each table, in the order of the tables. Where one thread is quicker than
        the cluster, all processes together use no more than twice the CPU time of a loop over the
        tables in one thread. Where the cluster is, both workers are busy.
    """
    ### BEGIN SOLUTION
    fitted = []
    started = time.thread_time()
    while len(fitted) < len(tables) and time.thread_time() - started < 0.05:
        fitted.append(fit_one(tables[len(fitted)], model))
    left = tables[len(fitted) :]
    if not left:
        return fitted
    alone = (time.thread_time() - started) / len(fitted) * len(left)
    rest = {
        "serial": 0.0,
        "work": alone,
        "pieces": len(left),
        "parts_mb": sum(X.nbytes + y.nbytes for X, y in left) / 1e6,
        "shared_mb": 0.0,
    }
    if seconds(rest, len(client.nthreads()), TASK, BANDWIDTH) > 0.8 * alone:
        return fitted + [fit_one(table, model) for table in left]
    return fitted + client.gather(client.map(fit_one, left, model=model, pure=False))
    ### END SOLUTION


# %% tags=["experiment"]
for name, (model, tables) in {"many": many, "heavy": heavy, "slow": slow}.items():
    started = time.perf_counter()
    models = fit_all(model, tables)
    print(f"{name:5} {len(models):3} models in {time.perf_counter() - started:.2f} s")

# %% [markdown]
# Three checks. Are the models right? Is there no more computing than a loop needs, where a loop is
# best? And are both workers busy, where they are of use? For the last one we take off the time in
# which others had the cores, and count how many seconds of work were done in each second of the
# rest: one for one thing after another, two for two busy workers.

# %% grade="fit_all_values"
check(fit_all, "values")

# %% grade="fit_all_work"
check(fit_all, "work")

# %% grade="fit_all_speedup"
check(fit_all, "speedup")

# %% [markdown]
# ## Experiment: the same work in other pieces
#
# A second of Python code, cut into 4 pieces, into 40, and so on. **Before you run the cell, write
# down which of the three ways is quickest for each, and where one of them stops being the
# quickest.**


# %% tags=["experiment"]
def count(steps):
    """Count, in Python code: the lock is held all the time."""
    total = 0
    for step in range(steps):
        total += step % 7
    return total


STEPS = 16_000_000
print("pieces  one thread  threads  cluster")
for pieces in (4, 40, 400, 4_000):
    parts = [STEPS // pieces] * pieces
    took = []
    for way in ("serial", "threads", "cluster"):
        begun = time.perf_counter()
        if way == "serial":
            for part in parts:
                count(part)
        elif way == "threads":
            with ThreadPoolExecutor(2) as pool:
                list(pool.map(count, parts))
        else:
            client.gather(client.map(count, parts, pure=False))
        took.append(time.perf_counter() - begun)
    print(f"{pieces:6}  {took[0]:8.2f} s {took[1]:6.2f} s {took[2]:6.2f} s")

# %% [markdown]
# <details>
# <summary>What you should have seen, and why</summary>
#
# - **One thread** takes about as long whatever the pieces are: calling a function is cheap.
# - **Threads** are never quicker. `count` is Python code, so the two take turns at the lock; and
#   handing it over, and the small pieces, come on top.
# - **The cluster** is clearly the quickest with 4 or 40 pieces: two workers, two processes, two
#   locks. With 4,000 pieces a piece takes a quarter of a millisecond and a task more than that, so
#   the cluster is the slowest by far. In between is the border; that it lies near 400 pieces, where
#   a piece takes a few milliseconds, is what your `seconds` says, too.
#
# Other programs that run meanwhile can turn the order around, most of all that of the cluster,
# which needs both cores. Then run the cell again.
#
# The work was the same all the time. **What a cluster is worth depends on how the work is cut up**,
# and large pieces are for you to make: a hundred small fits in one task, not one task each.
#
# </details>
#
# ## Experiment: easy to spread, and slower
#
# The paper's point in thirty lines. Logistic regression by **gradient descent**: every step goes
# through all rows, each chunk of them is a task, and their gradients are added up. It is easy to
# spread over any number of workers. scikit-learn's solver for a single thread does more with each
# pass over the data. Both find the same weights. **Which is quicker, and by how much? Would a
# second worker, or a tenth, make up for that?**

# %% tags=["experiment"]
from distributed import wait


def fields():
    """Describe 500,000 rows with 20 measurements, in eight chunks, and their classes."""
    generator = da.random.default_rng(12)
    X = generator.normal(size=(500_000, 20), chunks=(62_500, 20))
    chance = generator.logistic(size=500_000, chunks=62_500)
    return X, (X @ np.linspace(-1, 1, 20) + chance > 0).astype(float)


measured, sides = client.gather(client.compute(fields()))
begun = time.perf_counter()
plain = LogisticRegression(C=np.inf, fit_intercept=False).fit(measured, sides)
print(f"scikit-learn, one thread: {time.perf_counter() - begun:.2f} s")


def descend(X, y, workers, steps=20):
    """Find the weights of a logistic regression by gradient descent."""
    w = np.zeros(20)
    for _ in range(steps):
        error = 1 / (1 + da.exp(-X @ w)) - y
        w -= 6 / len(X) * client.compute(X.T @ error, workers=workers).result()
    return w


for helpers in (1, 2):
    here = list(client.nthreads())[:helpers]
    measured, sides = client.persist(fields(), workers=here)
    wait([measured, sides])
    begun = time.perf_counter()
    weights = descend(measured, sides, here)
    took = time.perf_counter() - begun
    off = np.abs(weights - plain.coef_[0]).max()
    print(f"gradient descent, {helpers} worker(s): {took:.2f} s, weights off by {off:.4f}")

# %% [markdown]
# <details>
# <summary>What you should have seen, and why</summary>
#
# The weights differ by less than 0.01, so both are the same model. The single thread was several
# times as fast. Its solver (L-BFGS) needs fewer passes over the data, and each of the descent's
# steps is a graph of its own, with tasks for every chunk and a message to the notebook and back.
# More workers shorten the work of a step, but neither the number of steps nor the handling.
#
# That is what the paper found, too. The large systems did not lose because clusters are slow, but
# because what is easy to spread over a cluster was not what one would have written for one thread.
#
# </details>
#
# ## When a cluster is right all the same
#
# Time is not everything, and the model leaves out
#
# - **memory**: what does not fit into the memory of one machine has no single thread to be compared
#   with. First ask whether it really does not fit: often half of the columns are not needed, or
#   float32 will do, or the data can be read in pieces (`ex03_incremental_training`);
# - **where the data are**: if they lie in a store next to the workers, it is the notebook that is
#   far away, and travel counts the other way round;
# - **people**: a program for one thread takes an afternoon, one for a cluster a week. If it runs
#   once, an hour more does no harm; if it runs every day, it does;
# - **that others wait**: a batch system lets you wait hours for 64 workers and a minute for one
#   (`ex05_batch_cluster`).
#
# And two things that are easily forgotten on the other side: a library may use all cores by itself
# (NumPy's matrix products, scikit-learn's histogram boosting), so that your "single thread" was
# none; and the quickest way is often a better algorithm, on one core.
#
# ## In your own words
#
# A colleague shows you a plot. Her program takes 800 seconds on one worker, 105 on eight and 60 on
# sixteen; beyond, it does not get faster. She would like to buy time on 16 workers for a year, in
# which the program runs every night. Her data are 3 GB. The program in one thread that she had
# before, with another algorithm, takes 90 seconds.
#
# **What is the COST of her program, what is her speedup over what, and what would you advise? What
# would have to be different for the cluster to be right?** Five sentences are enough. Your
# instructor reads and marks this answer.

# %% [markdown] words="worth"
# *COST.* On eight workers it still takes longer than the single thread (105 against 90 s), on 16
# less; so it lies between 9 and 16. By the plot alone nobody knows exactly.
#
# *Speedup.* 13 over itself on one worker, but only 1.5 over the program that she had. She pays 16
# processors to gain half a minute a night.
#
# *Advice.* Stay with the single thread; nobody waits for 30 seconds at night. 3 GB fit into the
# memory of a laptop. If it has to be faster, look first at what the parallel program does eight
# times as much as the other one, or use threads if the old program is compiled code.
#
# *What would have to be different.* Data that do not fit into one machine, or lie on the workers
# already; hours in place of seconds; many such jobs that do not need one another, so that each
# could be one piece done by the good single-threaded program.

# %% [markdown]
# ## You have seen
#
# - that a speedup over the same program on one worker says little, and COST says more,
# - what takes time on a cluster besides the work: a millisecond a task, travel, and what cannot be
#   shared out,
# - that more workers can be slower, where each needs a copy of the data,
# - when threads are enough, and when the interpreter's lock is in their way,
# - how to begin serially and to decide by the clock,
# - and that the serial answer is often the right one.
#
# ## Further reading
#
# - F. McSherry, M. Isard and D. G. Murray, *Scalability! But at what COST?*, HotOS XV, 2015
# - G. M. Amdahl, *Validity of the single processor approach to achieving large scale computing
#   capabilities*, AFIPS 1967
# - Dask:
#   [Best practices](https://docs.dask.org/en/stable/best-practices.html), which begin with "start
#   small", and [Scheduling](https://docs.dask.org/en/stable/scheduling.html), on threads and
#   processes
# - scikit-learn 1.9:
#   [Parallelism, resource management, and configuration](https://scikit-learn.org/1.9/computing/parallelism.html),
#   which parts of it use threads by themselves
# - Python: [concurrent.futures](https://docs.python.org/3/library/concurrent.futures.html)
