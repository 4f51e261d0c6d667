"""Exercise 11, when a worker dies: the one source of its notebook.

``autograder build`` turns this file into ``source/ex11_when_a_worker_dies``; points and sizes are
in ``autograder/exercises/ex11_when_a_worker_dies``. As a script it takes ``--profile`` and
``--workers``.
"""

# %% script="profile"
from cluster import command_line

command_line()

# %% [markdown]
# # When a worker dies: retries, lost results, checkpoints
#
# A laptop hardly ever breaks down while a program runs. A cluster does. If one of its workers dies
# once in a thousand hours, 50 workers lose one every 20 hours: in every long run. It may run out of
# memory, its machine may be switched off, the batch system may end its job. Besides, files cannot
# be read for a moment, and some settings of a model just do not work.
#
# A program for a cluster must live with that. **It should not lose what it has, not do it all
# again, and not hide what went wrong.** In this exercise *you* will kill workers, and so will the
# grader. You will
#
# 1. send jobs to the cluster one by one, as futures, and take each result as it comes,
# 2. have failed jobs tried again, and report those that fail for good,
# 3. kill a worker, and find out which work is lost and which need not be,
# 4. write a task that may be broken off at any moment and run again,
# 5. go on after everything has stopped.
#
# You know a Dask cluster and its tasks (`ex00_first_steps`). Allow 45 minutes.
#
# ## Start the cluster

# %% given="setup"
import os
import tempfile
import time
from collections import Counter
from functools import partial
from pathlib import Path
from uuid import uuid4

import numpy as np
from distributed import as_completed
from sklearn.linear_model import SGDRegressor

from autograder import check
from cluster import connect, size_of, watch

client = connect()
print(client)
watch(client)

# %% [markdown]
# ## Jobs
#
# Our jobs train a model, each with a step size of its own: what you would leave running over night.
# Every job writes a line into a diary when it starts, so that we can count later what was really
# done. The diary is a file in a folder that all workers see.
#
# One of the jobs cannot work: its step size is 0. Two others fail once or twice and succeed after
# that, as if a file server had not answered.

# %% given="jobs"
place = tempfile.TemporaryDirectory(prefix="results-", dir=Path.cwd())
folder = Path(place.name)
diary = folder / "diary"


def starts():
    """Count how often each job has started."""
    return Counter(diary.read_text().splitlines() if diary.exists() else [])


def draw(rows, seed):
    """Draw fields: measurements, shape (rows, 20), and yields, shape (rows,)."""
    generator = np.random.default_rng(seed)
    X = generator.normal(size=(rows, 20))
    return X, X.sum(axis=1) / np.sqrt(20) + generator.normal(size=rows)


def train(name, step, fails=0):
    """Train a model with a step size, and return its score; fail a number of times before."""
    with open(diary, "a") as file:
        file.write(f"{name}\n")
    if starts()[name] <= fails:
        raise OSError("the file server does not answer")
    X, y = draw(10_000, seed=1)
    model = SGDRegressor(
        learning_rate="constant", eta0=step, max_iter=100, tol=None, random_state=0
    )
    return model.fit(X, y).score(X, y)


def kill(address):
    """End the process of a worker, as hard as it can be done."""
    client.run(os._exit, 1, workers=[address], on_error="ignore")


count = {"laptop": 12, "node": 48, "cluster": 240}[size_of(client)]
jobs = {f"step {step:.2g}": partial(train, f"step {step:.2g}", step)
        for step in np.logspace(-4, -2, count)}  # fmt: skip
first, second, *_ = jobs
jobs[first] = partial(train, first, 1e-4, fails=1)
jobs[second] = partial(train, second, 1e-4, fails=2)
jobs["step 0"] = partial(train, "step 0", 0.0)
print(len(jobs), "jobs:", *list(jobs)[:4], "…")

# %% [markdown]
# ## Futures
#
# So far you have let Dask work out a whole graph at once. `client.submit(function, argument, …)`
# sends **one call**, and gives you a **future** for it at once: a claim to a result that will lie
# on a worker. What you can ask a future:
#
# | | |
# |:--|:--|
# | `future.status` | `"pending"`, `"finished"` or `"error"`, at once |
# | `future.result()` | waits; returns the result, or **raises the error of the task** |
# | `future.exception()` | waits; returns the error without raising it, or `None` |
# | `future.key` | the name that the task has on the cluster |
#
# `as_completed(futures)` gives you the futures one by one, whichever is done next, in a `for` loop.
# Let us look at two jobs by hand.

# %%
good, bad = client.submit(jobs[list(jobs)[5]]), client.submit(jobs["step 0"])
for future in as_completed([good, bad]):
    print(future.status, future.exception() or future.result())
del good, bad, future

# %% [markdown]
# The second error is for good: a step size of 0 will not work tomorrow either. That of a file
# server is not. `client.submit(…, retries=2)` has a failed task tried two times more, three times
# in all, and the scheduler does so without asking you.
#
# A trap, should you want to submit a failed job again by hand: Dask names a task after its function
# and its arguments. The same call has the same name, and as long as you hold the failed future,
# this name *has failed*: nothing runs. `pure=False` gives every call a name of its own.
#
# ## What dies with a worker
#
# A worker is a process. If it dies, Dask does a lot by itself: a **nanny** starts another one in
# its place, and the scheduler gives the task that was running to another worker. `retries` have
# nothing to do with it. But a result lies in the memory of the worker that made it, and goes with
# it:
#
# ![Two workers take jobs one after the other. When worker 1 dies, the job that it was at is lost,
# and so are the results of the jobs that it had done before.](pictures/ex11_lost.py)
#
# **A future that you hold is a promise.** If the result of it is lost, the scheduler has the job
# done again, so that you can have it, and the jobs before that one, if it needed any. It does not
# know that you have fetched the result already. If you do not need the promise any more, say so:
# `future.release()`, once you have the result. Then the worker also throws the result away, and has
# its memory back.
#
# Now write `run`. Everything that you need has been named.
#
# <details>
# <summary>Hint: the order of things</summary>
#
# Submit all jobs first, and remember which future belongs to which name, for instance in a dict
# from `future.key` to the name. Then one loop over `as_completed`: look at the status, put the
# result into one dict or the error into the other, release the future.
#
# </details>


# %% solution="run"
def run(client, jobs):
    """Run jobs on the cluster, whatever becomes of some of them.

    They run on the workers, side by side. A job that fails is tried again, three times in all; the
    others are done once. If a worker dies, at most four jobs are done again.

    Parameters
    ----------
    client : distributed.Client
    jobs : dict of str to callable
        Jobs by name. A job takes no arguments and returns a number.

    Returns
    -------
    results : dict of str to float
        What each job has returned, by its name.
    errors : dict of str to Exception
        What each job has raised that has failed three times, by its name.
    """
    ### BEGIN SOLUTION
    futures = [client.submit(job, retries=2, pure=False) for job in jobs.values()]
    names = {future.key: name for future, name in zip(futures, jobs, strict=True)}
    results, errors = {}, {}
    for future in as_completed(futures):
        name = names[future.key]
        if future.status == "error":
            errors[name] = future.exception()
        else:
            results[name] = future.result()
        future.release()
    return results, errors
    ### END SOLUTION


# %%
diary.unlink(missing_ok=True)
started = time.perf_counter()
results, errors = run(client, jobs)
print(f"{len(results)} results in {time.perf_counter() - started:.2f} s; errors: {errors}")
print("best:", max(results, key=results.get))
print("started more than once:", {name: n for name, n in starts().items() if n > 1})

# %% [markdown]
# The bad job should have started three times, those that fail at first two and three times, all
# others once. (For each failed try, the worker also writes some red lines here. They are meant for
# whoever looks after the cluster; your function has caught the error all the same.)
#
# Now the checks. They count the starts of jobs, too. In two of the cases **a worker is killed in
# the middle**: in this notebook one of your own two workers, which the nanny replaces; by the
# grader one in the box. It happens when the jobs have come to a certain point, another one each
# time.

# %% grade="run_values"
check(run, "values")

# %% grade="run_survives"
check(run, "survives")

# %% grade="run_once"
check(run, "once")

# %% grade="run_speedup"
check(run, "speedup")

# %% [markdown]
# ## Experiment: kill a worker
#
# Now you. The cell runs 16 jobs twice. When 10 results have come, it ends the process of one
# worker, as hard as it can be done. Once it releases each future after its result, once it keeps
# them all. **Before you run it, write down how many starts you expect in each of the two.** (Red
# lines about a connection that is closed belong to the death.)

# %% tags=["experiment"]
for release in (True, False):
    word = uuid4().hex
    doomed = sorted(client.scheduler_info(n_workers=-1)["workers"])[0]
    trials = [client.submit(train, f"{word} {n}", 0.001, pure=False) for n in range(16)]
    for came, trial in enumerate(as_completed(trials), start=1):
        trial.result()
        if release:
            trial.release()
        if came == 10:
            kill(doomed)
    begun = sum(n for name, n in starts().items() if name.startswith(word))
    print(f"release={release}: {begun} starts for 16 jobs")
    del trials, trial
    client.wait_for_workers(2)

# %% [markdown]
# <details>
# <summary>What you should have seen, and why</summary>
#
# With `release` 17 starts or so: the job that the worker was at, and perhaps one whose result was
# just on its way. Without it above 20: all that the dead worker had done until then, about half of
# the 10, is done again. Everything that you needed of it you had already.
#
# `client.gather(futures)` at the end keeps all futures until then. It is short, and there is
# nothing wrong with it where jobs take seconds. Where they take hours, it is a bet that nothing
# happens.
#
# </details>
#
# ## A task that may be broken off
#
# Results in the memory of a notebook do not live long either: when the notebook's process ends, or
# the scheduler, everything is gone. Files stay. The second kind of job writes one: given a path, it
# appends a line to that file after each round of its training, as many training programs do.


# %% given="writers"
def write(name, step, path):
    """Train a model with a step size, and append the score to a file after each of ten rounds."""
    with open(diary, "a") as file:
        file.write(f"{name}\n")
    X, y = draw(10_000, seed=1)
    model = SGDRegressor(learning_rate="constant", eta0=step, random_state=0)
    for number in range(1, 11):
        for _ in range(10):
            model.partial_fit(X, y)
        with open(path, "a") as file:
            file.write(f"{number} {model.score(X, y):.6f}\n")


writers = {f"step {step:.2g}": partial(write, f"step {step:.2g}", step)
           for step in np.logspace(-4, -2, count)}  # fmt: skip

# %% [markdown]
# Say the task is `writers[name](path)`, and its worker dies after four of ten lines. Dask runs the
# task again, on another worker, and nobody tells you. The second try finds the file, and appends
# ten lines to the four. Or, if your task does nothing where it finds a file, the four lines are
# taken for the result. Neither raises an error.
#
# So a task must be such that **it does not matter how often it was begun**. One says: it is
# *idempotent*. There is an old recipe for files:
#
# 1. If the file is there, all is done.
# 2. If not, write to a **new file of another name**, one that nobody else uses and that no earlier
#    try has left behind. `uuid4().hex` is a word that nobody else has.
# 3. Give it its own name when it is complete. `os.replace(old, new)` does that in one step.
#
# ![Written in place, a file is there before it is complete, and a death leaves half of it. Written
# under another name and renamed, it is there when it is complete, or not at
# all.](pictures/ex11_rename.py)
#
# Step 3 holds only within one file system, so let the other name be **in the same folder**: on a
# cluster `/tmp` is another disk than your home, and from disk to disk there is no renaming, only
# copying.
#
# <details>
# <summary>Hint</summary>
#
# Four lines. `path` is a `pathlib.Path`: `path.exists()`, `path.with_name("another name")` and
# `path.read_text()` may be of use.
#
# </details>


# %% solution="keep"
def keep(job, path):
    """Have a job write its result to a file, unless the file is there.

    The file is there when it is complete, and not before. It is right however often this function
    has been broken off in the middle.

    Parameters
    ----------
    job : callable
        Called with the path of a file, it appends its result to it, line by line.
    path : pathlib.Path
        Of the file, in a folder that is there.

    Returns
    -------
    str
        The text of the file. If it was there before, the job has not been called.
    """
    ### BEGIN SOLUTION
    if not path.exists():
        part = path.with_name(f"{path.name}.{uuid4().hex}")
        job(part)
        os.replace(part, path)
    return path.read_text()
    ### END SOLUTION


# %%
path = folder / "one.txt"
for _ in range(2):
    started = time.perf_counter()
    text = keep(writers[first], path)
    print(f"{len(text.splitlines())} lines after {time.perf_counter() - started:.3f} s")

# %% grade="keep_rule"
check(keep)

# %% [markdown]
# ## Go on where you were
#
# With `keep` as the task, starting again is easy: run all jobs anew, and those that are done take
# no time. That holds for a worker that died as well as for a night in which everything stopped.
# This is what a **checkpoint** is: what is done is written down, so that nobody has to do it again.
#
# Write `resume`. You have everything: `run` does the jobs, `keep` makes a job safe, and
# `partial(keep, job, path)` is a job that takes no arguments.


# %% solution="resume"
def resume(client, jobs, folder):
    """Do the jobs whose results are not in a folder yet, and return the results of all.

    They run on the workers, side by side. A job whose file is there is not called. If a worker
    dies, at most four jobs are done again, and every file is complete all the same.

    Parameters
    ----------
    client : distributed.Client
    jobs : dict of str to callable
        Jobs by name, each as for `keep`.
    folder : pathlib.Path
        Seen by all workers. The result of the job "a" is the file "a.txt" there.

    Returns
    -------
    texts : dict of str to str
        The text of each job's file, by its name; all of these files are in the folder.
    errors : dict of str to Exception
        What each job has raised that has failed three times, by its name. It has no file.
    """
    ### BEGIN SOLUTION
    tasks = {name: partial(keep, job, folder / f"{name}.txt") for name, job in jobs.items()}
    return run(client, tasks)
    ### END SOLUTION


# %%
some = dict(list(writers.items())[: len(writers) // 2])
for few in (some, writers):
    diary.unlink(missing_ok=True)
    texts, errors = resume(client, few, folder)
    print(f"{len(texts)} results, {sum(starts().values())} starts, errors: {errors}")

# %% [markdown]
# The second call should have started only the jobs that the first one had not done.

# %% grade="resume_values"
check(resume, "values")

# %% grade="resume_survives"
check(resume, "survives")

# %% [markdown]
# Look into the folder. Tries that were broken off may have left files with other names behind. They
# harm nobody; throw them away when nothing runs.

# %%
print(sorted(path.name for path in folder.iterdir())[:8])

# %% [markdown]
# ## When this does not help
#
# - **A job that kills its worker every time**, since it needs more memory than there is. Dask gives
#   it to another worker, which dies as well. After the fourth death it gives the job up, with the
#   error `KilledWorker`. Innocent jobs that waited on the same workers may be among those it gives
#   up.
# - **Data that you have scattered.** `client.scatter(data)` puts them on a worker, and there is no
#   task that could make them again. If the worker dies, all that needs them fails. Let a task read
#   them, or scatter them to several workers (`broadcast=True`).
# - **The death of the scheduler or of your notebook.** No future survives that; files do.
# - **A task that is tied to one worker** (`workers=`). The new worker has another address, and the
#   task waits for the old one for ever.
# - **Effects outside**: a mail that was sent, a row appended to a table that all tasks share, a
#   counter that was raised. They happen as often as the task begins. Let tasks write files of their
#   own, and let one process put them together at the end.
# - **Short jobs.** Writing a file takes milliseconds, on a shared file system more. For jobs of 10
#   ms it is cheaper to do them again.
#
# ## In your own words
#
# A colleague's task trains a model and appends a row with its score to `scores.csv`, one file for
# all 1,000 tasks. In the night two workers died. In the morning no error was reported; the file has
# 1,003 rows, and one of them is only half a row.
#
# **Where do the three rows and the half one come from, and why was there no error? Would
# `retries=0` have changed anything? How would you have the tasks write their scores, and how do you
# get the table from that?** Five sentences are enough. Your instructor reads and marks this answer.

# %% [markdown] words="twice"
# *Where they come from.* Dask ran again what the dead workers had been at or had held: some of
# these tasks had appended their row already, and did so a second time. The half row is from a
# worker that died while it wrote.
#
# *Why no error.* The loss of a worker is none for Dask as long as others are left: the tasks run
# again elsewhere, and succeed. Only after four deaths under the same task is it given up.
#
# *`retries=0`* would have changed nothing. It counts errors that tasks raise, not deaths of
# workers.
#
# *What to change.* Each task writes a file of its own, named after the job, to another name first
# and renamed at the end; if it is there, the task has nothing to do. So it does not matter how
# often a task runs. When all are done, one process reads the 1,000 files and writes the table. (Or
# the tasks return their scores, and the notebook writes each as it comes.)

# %% [markdown]
# ## You have seen
#
# - that a future is a promise, which costs memory and, when a worker dies, work: let it go,
# - that errors which pass are tried again (`retries`), and those which do not are reported by name,
# - that Dask repeats what a dead worker was at, and tells nobody,
# - that a task therefore must be able to run twice: a file of its own, renamed when complete,
# - that with such tasks a program that has stopped goes on where it was.
#
# ## Further reading
#
# - Dask: [Futures](https://docs.dask.org/en/stable/futures.html)
# - Dask.distributed: [Resilience](https://distributed.dask.org/en/stable/resilience.html), what
#   happens when a process dies; and [Managing
#   Memory](https://distributed.dask.org/en/stable/memory.html), how long a result stays
# - Python: [os.replace](https://docs.python.org/3/library/os.html#os.replace)
# - J. Dean and S. Ghemawat, *MapReduce: Simplified Data Processing on Large Clusters*, OSDI 2004,
#   section 3.3: the same recipe, files that are renamed when they are complete
