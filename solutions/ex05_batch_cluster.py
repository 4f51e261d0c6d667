"""Exercise 5, batch clusters: the one source of its notebook.

``autograder build`` turns this file into ``source/ex05_batch_cluster``; points and inputs are
in ``autograder/exercises/ex05_batch_cluster``. As a script it takes
``--profile`` and ``--workers``.
"""

# %% script="profile"
from cluster import command_line

command_line()

# %% [markdown]
# # Batch clusters: workers as jobs
#
# Sooner or later two workers on a laptop are not enough. There is a machine with thousands of
# cores, but many people share it, so nobody simply starts programs on it. You write down what you
# need (how many cores, how much memory, for how long) and submit that as a **job**. A **batch
# system** puts the job in a queue and runs it when nodes are free. PBS and SLURM are the two that
# you are most likely to meet.
#
# Dask needs something else: a scheduler that is always there, and workers that it can talk to.
# `dask-jobqueue` connects the two. It keeps the scheduler in your notebook, and **each job that it
# submits only starts a few Dask workers**. They connect to your scheduler as soon as the batch
# system lets them start.
#
# ![Your notebook holds the client and the scheduler. It sends job scripts to the batch system,
# which starts one job on each of two nodes. Each job is three workers, each worker has four
# threads, and all workers talk to the scheduler.](pictures/ex05_node.py)
#
# | word | what it is |
# | --- | --- |
# | node | one machine of the cluster, with its own cores and memory |
# | job | what the batch system starts; here always one node's worth |
# | worker | a process with its own memory, started by the job |
# | thread | runs one task at a time, in the memory of its worker |
#
# A batch cluster pays off when the work is much larger than one machine and takes much longer than
# the queue. It does not help when
#
# - **the work is short.** A job may wait for minutes or hours. Your laptop finishes five minutes of
#   work before that.
# - **one node is enough.** Then one ordinary job with a local cluster inside needs no network, and
#   does not wait for a second node.
# - **the work cannot be divided.** More workers do not shorten a chain of steps.
#
# In this exercise you will
#
# 1. decide how many processes and threads a node should run,
# 2. write the job that Gadi, the PBS machine of Australia's NCI, expects, in three steps,
# 3. do the same for a SLURM machine,
# 4. change the arguments one by one, and predict how the job script changes.
#
# You need no account on either machine: dask-jobqueue shows the job script that it would submit,
# and we work with that script. Where SLURM is installed, you will start real workers. You should
# know scikit-learn and have used a Dask cluster. Allow 60 minutes.
#
# ## Start
#
# `connect()` gives you two local workers, for the first experiment and for `check`.

# %% given="setup"
import difflib
import shutil
import subprocess
import time

import dask
import numpy as np
from dask_jobqueue import SLURMCluster
from dask_jobqueue.pbs import PBSJob
from dask_jobqueue.slurm import SLURMJob
from distributed import Client

from autograder import check
from cluster import connect, watch

client = connect()
print(client)
watch(client)

# %% [markdown]
# ## Without Dask: a job script by hand
#
# This is how you would run one ordinary Python program on Gadi, with `qsub train.sh`:
#
# ```bash
# #!/usr/bin/env bash
# #PBS -P ab12
# #PBS -q normal
# #PBS -l ncpus=48
# #PBS -l mem=190GB
# #PBS -l walltime=02:00:00
#
# module load python3
# python3 train.py
# ```
#
# To the shell, lines that begin with `#PBS` are comments. To the batch system they are
# **directives**: who pays (`-P`), which queue (`-q`), and which resources the job needs (`-l`).
# Below them are the commands to run.
#
# A directive has the form of a command line, and nothing else may stand in it. `qsub` refuses
# `#PBS -l ncpus=48  # one node` because `#`, `one` and `node` are no options. SLURM's `sbatch` is
# different: it ignores everything after a `#`.
#
# The script runs on one node, and `train.py` must find its own way to use 48 cores. For four nodes
# you would have to start a scheduler on one of them, give its address to the others, start workers
# there, and clean up afterwards. dask-jobqueue does all of that, and writes the script.
#
# Here is a helper that shows such a script. `PBSJob` is the part of a `PBSCluster` that writes it;
# it submits nothing, and needs no batch system.


# %% given="job_script"
def job_script(job, arguments):
    """Show what a cluster with these arguments would submit; job is PBSJob or SLURMJob."""
    # The total number of workers does not appear in the script of a single job.
    of_the_job = {name: value for name, value in arguments.items() if name != "n_workers"}
    return job(scheduler="tcp://10.6.0.1:8786", name="worker", **of_the_job).job_script()


print(job_script(PBSJob, {"cores": 48, "memory": "190GiB"}))

# %% [markdown]
# Read it line by line. Four things to notice:
#
# - `-l select=1:ncpus=48:mem=190GB` asks for one **chunk** of a node. Standard PBS expects this
#   form, but **Gadi refuses it**: there, `ncpus` and `mem` stand on their own, as in the script by
#   hand.
# - `-l walltime=00:30:00` is a default. We did not ask for it.
# - `--nworkers 8 --nthreads 6` is a default, too: the cores divided so that both numbers are near
#   their square root.
# - `--memory-limit` is the memory of the job, divided by the number of workers.
#
# The last two are the first decision to make.
#
# ## Processes or threads?
#
# A worker is a process, and runs as many tasks at once as it has **threads**. Threads of one
# process share its memory: when one task has loaded data, the others can use them. But they also
# share Python's interpreter lock (the GIL), which lets only one of them run Python code at a time.
#
# NumPy, pandas and scikit-learn release the lock while they compute. Loops in Python do not.
# **Which of the six times below do you expect to be about half of the first in its row?**


# %%
def in_numpy(seed):
    """Spend some time in NumPy, without the lock."""
    x = np.random.default_rng(seed).random(50_000)
    return float(sum(np.sin(x).sum() for _ in range(600)))


def in_python(seed):
    """Spend some time in a Python loop, holding the lock."""
    total = seed
    for number in range(8_000_000):
        total += number % 7
    return total


def seconds(work, **where):
    """Time two tasks of a kind: the better of two runs."""
    times = []
    for _ in range(2):
        # New tasks each time: a cluster may still have the results of those before.
        tasks = [dask.delayed(work)(seed) for seed in range(2)]
        started = time.perf_counter()
        dask.compute(tasks, **where)
        times.append(time.perf_counter() - started)
    return min(times)


print("           one by one   2 threads   2 processes")
for work in (in_numpy, in_python):
    print(
        f"{work.__name__:9}"
        f"{seconds(work, scheduler='synchronous'):10.2f} s"
        f"{seconds(work, scheduler='threads', num_workers=2):10.2f} s"
        f"{seconds(work, scheduler=client):12.2f} s"
    )

# %% [markdown]
# On a machine with two free cores, `in_numpy` is faster both with two threads and with two
# processes, up to twice as fast, and `in_python` only with two processes. If other programs keep
# your cores busy you see little of that; close them and run the cell again.
#
# Now *watch* it. The first cell has opened the cluster's dashboard beside the notebook; if not,
# its button *Watch the workers* does. Choose **Workers** in the Dask panel at the left edge, and
# run the cell again. Only the last column runs on the cluster: you see two workers of one thread
# each, their memory limit, and how much of it they use. On a batch cluster this list is empty at
# first, and grows as jobs leave the queue.
#
# So for our kind of work threads are as good as processes, and save memory. But some Python remains
# between one NumPy call and the next, and with very many threads in one process they would wait for
# each other. A few threads per process is a good compromise.
#
# And the cores are not the only limit. **Every task that runs needs memory.** A worker also keeps
# results until they are fetched. When it has filled 60 % of its memory, Dask begins to write
# results to disk; at 80 % it starts no new tasks; at 95 % it is killed. So we plan the running
# tasks for 60 %.
#
# Here is the rule for your first function:
#
# 1. No more tasks at once than the node has cores.
# 2. The tasks that run at once need at most 60 % of the node's memory.
# 3. As many tasks at once as 1. and 2. allow.
# 4. All processes have the same number of threads, 1 to 4. If several splits run the same number of
#    tasks, take the one with the most threads.
#
# An example: 16 cores, 64 GiB, tasks of 3 GiB. 60 % of the memory is 38.4 GiB, so 12 tasks run at
# once. They could be 12 × 1, 6 × 2, 4 × 3 or 3 × 4. The rule takes 3 processes of 4 threads.
#
# <details>
# <summary>Hint: how many tasks</summary>
#
# The smaller of two numbers. Use whole numbers: `memory * 6 // 10 // task_memory` has no rounding
# errors, `0.6 * memory / task_memory` may have.
#
# </details>
#
# <details>
# <summary>Hint: how many threads</summary>
#
# The largest of 1, 2, 3 and 4 that divides the number of tasks without a remainder. `max` of a list
# with a condition in it finds that.
#
# </details>


# %% solution="workers_for"
def workers_for(cores, memory, task_memory):
    """Divide a node into Dask workers, by the four rules above.

    Parameters
    ----------
    cores : int
        Of the node.
    memory : int
        Of the node, in bytes.
    task_memory : int
        Memory that one running task needs, in bytes; at most 60 % of ``memory``.

    Returns
    -------
    processes : int
    threads : int
        Of each process.
    """
    ### BEGIN SOLUTION
    at_once = min(cores, memory * 6 // 10 // task_memory)
    threads = max(number for number in (1, 2, 3, 4) if at_once % number == 0)
    return at_once // threads, threads
    ### END SOLUTION


# %%
GiB = 2**30
print("the example above:     ", workers_for(16, 64 * GiB, 3 * GiB))
print("Gadi, tasks of 2 GiB:  ", workers_for(48, 190 * GiB, 2 * GiB))
print("Gadi, tasks of 6 GiB:  ", workers_for(48, 190 * GiB, 6 * GiB))

# %% [markdown]
# The first line should say `(3, 4)`, the second `(12, 4)`. The third may surprise you: 19 is a
# prime number. If you planned slightly more memory per task, so that 18 fit, they would divide
# better.
#
# The next cell judges your function on other nodes than these. It carries the points, so leave it
# as it is. Run it as often as you like; nobody counts.

# %% grade="workers_for_rule"
check(workers_for)

# %% [markdown]
# ## Gadi, step 1: the directives
#
# A node in Gadi's `normal` queue has
#
# | what | how much | how to ask for it |
# | --- | --- | --- |
# | cores | 48 | `-l ncpus=48` |
# | memory | 192 GB; we take 190 GB and leave the rest to the system | `-l mem=190GB` |
# | its own disk | we take 100 GB of it | `-l jobfs=100GB` |
# | network between nodes | called `ib0` | |
#
# and the project that pays is named after `-P`.
#
# Two arguments of a `PBSCluster` change its directives:
#
# - `job_directives_skip`: a list of texts. Of the directives that dask-jobqueue writes by itself,
#   those that contain one of these texts are left out.
# - `job_extra_directives`: a list of directives to add, each without its `#PBS`.
#
# Your function returns these two in a dictionary. You will put all arguments together in step 3;
# then `PBSCluster(**arguments)` would start the cluster. A dictionary can be looked at and changed
# first.
#
# Other arguments that make the same directives are right as well.
#
# <details>
# <summary>Hint</summary>
#
# Which word occurs in the directive that Gadi refuses, and in no other? Then add four: `-P`, and
# `-l` with `ncpus`, `mem` and `jobfs`. For the first an f-string helps: `f"-P {project}"`.
#
# </details>


# %% solution="gadi_directives"
def gadi_directives(project):
    """Return the arguments of a PBSCluster that make its directives fit Gadi.

    Parameters
    ----------
    project : str
        Who pays, such as "ab12".

    Returns
    -------
    dict
        With these arguments, next to those of steps 2 and 3, a job asks for 48 cores, 190 GB of
        memory and 100 GB of jobfs, each thing once, on the account of the project, and for
        nothing else. There is no select. The walltime's directive stays.
    """
    ### BEGIN SOLUTION
    return {
        "job_directives_skip": ["select"],
        "job_extra_directives": [
            f"-P {project}",
            "-l ncpus=48",
            "-l mem=190GB",
            "-l jobfs=100GB",
        ],
    }
    ### END SOLUTION


# %%
print(job_script(PBSJob, {"cores": 48, "memory": "190GiB", **gadi_directives("ab12")}))

# %% [markdown]
# Compare with the script by hand above. Are its directives there, apart from the queue, and none
# with `select`? The checks read the script as PBS does, so the order of lines, or two resources in
# one `-l`, make no difference.

# %% grade="gadi_directives_request"
check(gadi_directives, "request")

# %% [markdown]
# ## Gadi, step 2: the workers
#
# **Jobs, workers, threads.** One job is one node; its script starts workers on that node only, so
# two nodes are two jobs. Three arguments of a `PBSCluster` describe **one job**:
#
# - `processes`: how many workers it starts.
# - `cores`: how many tasks run in it at once. dask-jobqueue divides them by `processes` to get the
#   threads of each worker. (How many cores the job *asks for* is already in your directives.)
# - `memory`: what its workers share in equal parts.
#
# The fourth, `n_workers`, counts the workers of **all jobs together**.
#
# **Beware of the units.** PBS counts in steps of 1,024, but calls the result kB, MB, GB. Dask keeps
# to the standard: 1 GB is 10⁹ bytes, and 1 GiB is 2³⁰ bytes, 7 % more. So PBS's `190GB` is Dask's
# `"190GiB"`.
#
# <details>
# <summary>Hint</summary>
#
# All nodes together run nodes times processes workers. One node runs processes times threads tasks.
#
# </details>


# %% solution="gadi_workers"
def gadi_workers(nodes, processes, threads):
    """Return the arguments of a PBSCluster that divide Gadi's nodes into workers.

    Parameters
    ----------
    nodes : int
        How many jobs of one node each the cluster submits when it is created.
    processes, threads : int
        Workers on each node, and threads of each worker. All threads together may be fewer
        than the node's cores.

    Returns
    -------
    dict
        With these arguments the cluster submits as many jobs as there are nodes. Each starts
        the processes with their threads, and divides 190 GB of memory, as PBS counts it, among
        them in equal parts.
    """
    ### BEGIN SOLUTION
    return {
        "n_workers": nodes * processes,
        "cores": processes * threads,
        "processes": processes,
        "memory": "190GiB",
    }
    ### END SOLUTION


# %%
print(job_script(PBSJob, gadi_workers(nodes=2, processes=12, threads=4)))

# %% [markdown]
# The last line should start 12 workers with 4 threads and about 15.8 GiB each. (The `select` is
# there again, because this script has only the arguments of step 2.)

# %% grade="gadi_workers_workers"
check(gadi_workers, "workers")

# %% [markdown]
# ## Gadi, step 3: the whole job
#
# Now add what is left:
#
# - `queue` and `walltime`, a text each.
# - `interface`: the network that scheduler and workers use.
# - `local_directory`: where a worker writes what does not fit into its memory. The node's own disk
#   is the right place, and on Gadi the variable `$PBS_JOBFS` holds its path. The shell on the node
#   replaces it, so write the `$` as it is.
# - `job_script_prologue`: a list of shell lines to run before the workers start.
#
# **The third kind of thread.** NumPy and scikit-learn leave matrix products and some loops to
# libraries below them, **BLAS** and **OpenMP**, which start threads themselves: one for each core,
# unless a variable such as `OMP_NUM_THREADS` says otherwise. With a task on each of 48 cores that
# would be 48 × 48 threads, all in each other's way. Dask therefore sets `OMP_NUM_THREADS`,
# `OPENBLAS_NUM_THREADS` and `MKL_NUM_THREADS` to 1 for its workers, **unless they are already
# set**. And PBS sets one of them in every job: `OMP_NUM_THREADS` becomes the job's `ncpus`, which
# is right for one ordinary program on the node, and wrong for Dask's workers. So the job needs one
# more line before the workers start: `export OMP_NUM_THREADS=1`.
#
# <details>
# <summary>Hint: putting dictionaries together</summary>
#
# `{**first, **second, "queue": queue}` is a dictionary with everything that is in the two, and the
# queue.
#
# </details>
#
# <details>
# <summary>Hint: one more line</summary>
#
# `[*setup, "one more line"]` is a new list. (`setup.append(…)` would change the caller's list.)
#
# </details>


# %% solution="gadi_job"
def gadi_job(project, queue, nodes, processes, threads, walltime, setup):
    """Return the arguments of a PBSCluster that starts Dask workers on whole nodes of Gadi.

    Parameters
    ----------
    project : str
        As for `gadi_directives`.
    queue : str
        One whose nodes are as in the table above.
    nodes, processes, threads : int
        As for `gadi_workers`.
    walltime : str
        How long a job may run, such as "02:00:00".
    setup : list of str
        Shell lines that every job runs before its workers start.

    Returns
    -------
    dict
        With ``PBSCluster(**arguments)`` jobs are submitted that Gadi accepts: they keep the
        contracts of `gadi_directives` and `gadi_workers`, and have this queue and walltime. The
        workers communicate over ib0, and their local directory, to which they spill, is
        $PBS_JOBFS. The libraries below NumPy start no more threads for all tasks together than
        the node has cores.
    """
    ### BEGIN SOLUTION
    return {
        **gadi_directives(project),
        **gadi_workers(nodes, processes, threads),
        "queue": queue,
        "walltime": walltime,
        "interface": "ib0",
        "local_directory": "$PBS_JOBFS",
        "job_script_prologue": [*setup, "export OMP_NUM_THREADS=1"],
    }
    ### END SOLUTION


# %%
on_gadi = gadi_job(
    project="ab12",
    queue="normal",
    nodes=2,
    processes=12,
    threads=4,
    walltime="02:00:00",
    setup=["module use /g/data/ab12/modules", "module load scaling"],
)
print(job_script(PBSJob, on_gadi))

# %% [markdown]
# Is everything there: the directives of step 1, the workers of step 2, the two lines of the set-up,
# and below them the `export`? Two checks: what the job asks for, and what it starts.

# %% grade="gadi_job_request"
check(gadi_job, "request")

# %% grade="gadi_job_workers"
check(gadi_job, "workers")

# %% [markdown]
# ## The same for SLURM
#
# SLURM has other words for the same things: a queue is a **partition**, and the account is who
# pays. There is no problem with `select`, so dask-jobqueue's own directives are enough. It writes
# `--cpus-per-task` and `--mem` from `cores` and `memory`, and SLURM counts memory as PBS does: its
# `16G` is Dask's `"16GiB"`. SLURM leaves `OMP_NUM_THREADS` alone, so Dask's own 1 holds.
#
# To dask-jobqueue, None means: use the value from its configuration. For queue, account and
# interface that is nothing, unless your site has set it, so there is no such line in the script.
#
# <details>
# <summary>Hint</summary>
#
# Eight arguments: pass on what you can, and compute the rest as in step 2. `queue` is the argument
# for the partition. The memory comes as a number and needs a unit: an f-string again.
#
# </details>


# %% solution="slurm_job"
def slurm_job(partition, account, jobs, processes, threads, memory, walltime, interface):
    """Return the arguments of a SLURMCluster.

    Parameters
    ----------
    partition : str or None
        None: the site's default.
    account : str or None
        None: the site needs no account.
    jobs : int
        How many jobs the cluster submits when it is created.
    processes, threads : int
        Workers in each job, and threads of each worker. The job asks for one core per thread,
        on one node.
    memory : int
        Of a whole job, in GiB; its workers get equal parts.
    walltime : str
        How long a job may run, such as "02:00:00".
    interface : str or None
        Network that scheduler and workers use. None: the default one.

    Returns
    -------
    dict
        With ``SLURMCluster(**arguments)`` such jobs are submitted, and nothing else is asked
        for. The libraries below NumPy start no more threads for all tasks together than the
        job has cores.
    """
    ### BEGIN SOLUTION
    return {
        "n_workers": jobs * processes,
        "cores": processes * threads,
        "processes": processes,
        "memory": f"{memory}GiB",
        "queue": partition,
        "account": account,
        "walltime": walltime,
        "interface": interface,
    }
    ### END SOLUTION


# %%
on_slurm = slurm_job(
    partition="compute",
    account="ab12",
    jobs=2,
    processes=4,
    threads=4,
    memory=60,
    walltime="02:00:00",
    interface="ib0",
)
print(job_script(SLURMJob, on_slurm))

# %% [markdown]
# Does it say `--cpus-per-task=16` and `--mem=60G`? If it says 56G, look at the unit.

# %% grade="slurm_job_request"
check(slurm_job, "request")

# %% grade="slurm_job_workers"
check(slurm_job, "workers")

# %% [markdown]
# ## Where there is a batch system
#
# On a machine with SLURM the next cell starts two jobs with one worker each, computes something on
# them, and ends them again. On any other machine it says so. **If your site requires a partition or
# an account, write them into the first line.**


# %%
partition, account, interface = None, None, None


def slurm_answers():
    """Check whether jobs can be submitted to SLURM from here."""
    if shutil.which("sinfo") is None:
        return False
    try:
        return subprocess.run(["sinfo"], capture_output=True, timeout=20).returncode == 0
    except subprocess.TimeoutExpired:
        return False


if slurm_answers():
    small = slurm_job(partition, account, 2, 1, 1, 1, "00:05:00", interface)
    with SLURMCluster(**small) as cluster, Client(cluster, set_as_default=False) as on_nodes:
        on_nodes.wait_for_workers(2, timeout=300)
        squares = on_nodes.gather(on_nodes.map(lambda number: number**2, range(8)))
        print(f"{squares}, from {len(cluster.scheduler_info['workers'])} workers")
        print(subprocess.run(["squeue", "--me"], capture_output=True, text=True).stdout)
else:
    print("There is no SLURM here. It would be given the job scripts above.")

# %% [markdown]
# When the `with` block ends, so do the jobs: `squeue --me` should show none a moment later. **Make
# that a habit.** A cluster that nobody closes costs money until its walltime is over.
#
# On Gadi, open JupyterLab in a session of NCI's ARE, or start Python in an interactive job, not on
# a login node: the scheduler lives in your process, and the workers must be able to reach it over
# `ib0`. Then, with your own project and modules:
#
# ```python
# from dask_jobqueue import PBSCluster
#
# with PBSCluster(**gadi_job("ab12", "normal", 2, 12, 4, "00:30:00", ["module load …"])) as cluster:
#     with Client(cluster) as client:
#         client.wait_for_workers(24)
#         ...
# ```
#
# `qstat` shows the jobs. Work can begin before all workers have arrived. With
# `cluster.adapt(minimum_jobs=0, maximum_jobs=4)` dask-jobqueue submits jobs when there is work, and
# ends them when there is none. When a job reaches its walltime its workers are gone; the scheduler
# then gives their tasks to others.
#
# ## Experiment: change one argument
#
# Here are six changes to your arguments for Gadi. **Before you run the cell, write down for each
# one which lines of the script change, and how. Gadi would refuse one of the six. Which?**

# %%
changes = {
    "48 processes": {"processes": 48},
    "memory in GB": {"memory": "190GB"},
    "96 cores": {"cores": 96},
    "no walltime": {"walltime": None},
    "skip nothing": {"job_directives_skip": []},
    "skip every -l": {"job_directives_skip": ["-l"]},
}


def differences(before, after):
    """List the lines that two scripts do not share; - is before, + after."""
    lines = difflib.unified_diff(before.splitlines(), after.splitlines(), n=0, lineterm="")
    return [line for line in lines if line[:1] in "+-" and line[:3] not in ("---", "+++")]


script = job_script(PBSJob, on_gadi)
for name, change in changes.items():
    print(f"{name}:")
    for line in differences(script, job_script(PBSJob, {**on_gadi, **change})):
        print(f"   {line.replace(line[1:].partition(' -m ')[0], '…') if ' -m ' in line else line}")

# %% [markdown]
# <details>
# <summary>What you should have seen, and why</summary>
#
# - **48 processes**: only the last line changes. 48 workers of 1 thread and 4 GiB each: good for
#   code that holds the lock, bad for a task that needs 6 GiB.
# - **Memory in GB**: again only the last line, 14.75 GiB per worker in place of 15.83. The job asks
#   for its memory in a directive that we wrote ourselves, and that one does not change. You pay for
#   7 % that nobody uses. The other way round, workers would count on memory that the job does not
#   have, and PBS would end the job.
# - **96 cores**: 8 threads per worker, 96 on a node that has 48 cores. The directives still ask for
#   48. Nothing refuses this, but two threads now share each core.
# - **No walltime**: half an hour, dask-jobqueue's default.
# - **Skip nothing**: dask-jobqueue's own chunk is back, and this is the script that Gadi refuses.
# - **Skip every `-l`**: the walltime disappears too, since its line contains `-l` like the one with
#   `select`. Then the site's default applies, which is often short. (Our extra directives stay:
#   only what dask-jobqueue writes by itself can be skipped.)
#
# </details>
#
# Try changes of your own: leave `processes` out, give `account="ab12"`, take 7 `nodes`. One of the
# three does not change the script. Why?
#
# ## In your own words
#
# **Your laptop has 8 cores, Gadi has thousands. Describe two pieces of work for which you would
# not use the batch cluster although you could. For each, say where the time would go, and what you
# would do instead.** Five sentences are enough. Your instructor reads and marks this answer.

# %% [markdown] words="when_not"
# *Something short that I repeat while I try things out.* A fit that takes two minutes on my laptop
# would wait in the queue for longer than that, again and again, and the nodes I hold while I think
# are paid for and idle. I would work on a sample locally, and go to the cluster with the finished
# program.
#
# *Something that fits on one node.* With two nodes the data travel over the network, and both
# have to be free at the same time or one waits for the other. I would submit one ordinary job
# and start a local cluster inside it.
#
# Also good: a chain of steps that depend on one another, where further workers look on; data that
# would take longer to copy to the machine than to work on; tasks limited by one shared file
# system; work that needs more memory in one task than a node has.

# %% [markdown]
# ## What you have seen
#
# - **Node, job, worker, thread**: the batch system starts jobs on nodes, a job starts workers, a
#   worker runs a task in each of its threads.
# - **Threads or processes**: code that releases the interpreter's lock runs well in a few threads
#   per process; the memory of a node limits how many tasks run at once.
# - **dask-jobqueue** writes the job script and keeps the scheduler in your notebook. `cores`,
#   `memory` and `processes` are those of one job; `n_workers` counts all workers.
# - **Look at the script before you submit it.** Skip the directives that your site refuses, add
#   those that it expects, and watch the units: 190 GB to PBS or SLURM is `"190GiB"` to Dask.
# - **Threads of libraries**: one per task. PBS sets `OMP_NUM_THREADS` to all cores, so set it to 1.
# - **Close the cluster.** And for short work, small data or a chain of steps do not use one.
#
# ## Further reading
#
# - Dask-Jobqueue: [How this works](https://jobqueue.dask.org/en/stable/clusters-howitworks.html),
#   [Example deployments](https://jobqueue.dask.org/en/stable/clusters-configuration-examples.html),
#   and [Advanced tips and tricks](https://jobqueue.dask.org/en/stable/clusters-advanced-tips-and-tricks.html)
#   on skipping directives
# - Dask.distributed: [Worker memory management](https://distributed.dask.org/en/stable/worker-memory.html)
# - Dask: [Avoid oversubscribing threads](https://docs.dask.org/en/stable/array-best-practices.html#avoid-oversubscribing-threads)
# - NCI: [user documentation](https://opus.nci.org.au), pages *PBS Directives Explained* and
#   *Queue Limits*
# - SLURM: [sbatch](https://slurm.schedmd.com/sbatch.html) and the
#   [Rosetta Stone of workload managers](https://slurm.schedmd.com/rosetta.html)
