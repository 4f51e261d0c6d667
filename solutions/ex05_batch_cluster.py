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
# Sooner or later two workers on a laptop will not do. The machine with a thousand cores is there,
# but it belongs to everybody, and so nobody simply starts programs on it. You write down what you
# need (so many cores, so much memory, for so long) and hand that in as a **job**. A **batch
# system** puts the job in a queue, and runs it when the nodes are free. PBS and SLURM are the
# two that you are most likely to meet.
#
# Dask wants something else: a scheduler that is there all the time, and workers that it can talk
# to. `dask-jobqueue` brings the two together. It keeps the scheduler in your notebook, and **each
# job that it submits is nothing but a few Dask workers**, which report to that scheduler as soon
# as the batch system lets them start.
#
# ![Your notebook holds the client and the scheduler. The scheduler hands job scripts to the batch
# system, which starts one job on each of two nodes. Each job is three workers, each worker has four
# threads, and all workers talk to the scheduler.](pictures/ex05_node.py)
#
# That helps when the work is much larger than one machine, and lasts much longer than the queue.
# It does not help when
#
# - **the work is short.** A job may wait for minutes or hours. Five minutes of work are done on
#   your laptop before it starts.
# - **one node is enough.** Then one ordinary job with a local cluster inside needs no network,
#   and does not wait for the second node.
# - **the work cannot be cut up.** More workers do not shorten a chain of steps.
#
# In this exercise you will
#
# 1. decide how many processes and threads a node should run,
# 2. write what Gadi, the PBS machine of Australia's NCI, wants to be told,
# 3. do the same for a SLURM machine,
# 4. change the arguments one by one, and predict what becomes of the job script.
#
# You need no account on either machine: dask-jobqueue shows the job script that it would submit,
# and that script is what we look at. Where there is a SLURM, you will start real workers. You
# know scikit-learn and have used a Dask cluster. Allow 45 to 60 minutes.
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
# ## The way without Dask: a job script by hand
#
# This is what somebody with one ordinary Python program hands in on Gadi, with
# `qsub train.sh`:
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
# **directives**: who pays (`-P`), which queue (`-q`), and what the job needs (`-l`). Below them
# stands what to run.
#
# The script runs on one node, and `train.py` has to bring its own ways of using 48 cores. For four
# nodes somebody would have to start a scheduler on one of them, tell the others its address, start
# workers there, and clear up afterwards. dask-jobqueue does all of that, and writes the script.
#
# Here is a helper that shows such a script. `PBSJob` is the part of a `PBSCluster` that writes
# it; it submits nothing, and needs no batch system.


# %% given="job_script"
def job_script(job, arguments):
    """Show what a cluster with these arguments would submit; job is PBSJob or SLURMJob."""
    # How many workers there are in all is not a matter of the single job.
    of_the_job = {name: value for name, value in arguments.items() if name != "n_workers"}
    return job(scheduler="tcp://10.6.0.1:8786", name="worker", **of_the_job).job_script()


print(job_script(PBSJob, {"cores": 48, "memory": "190GiB"}))

# %% [markdown]
# Read it line by line. Four things to notice:
#
# - `-l select=1:ncpus=48:mem=190GB` asks for one **chunk** of a node. That is how PBS
#   wants it, but **Gadi refuses it**: there, `ncpus` and `mem` stand on their own, as in the
#   script by hand.
# - `-l walltime=00:30:00` is nothing that we asked for. It is a default.
# - `--nworkers 8 --nthreads 6` is a default, too: about the square root of the cores.
# - `--memory-limit` is the memory of the job, divided by the number of workers.
#
# The last two are where to begin.
#
# ## Processes or threads?
#
# A worker is a process, and runs as many tasks at once as it has **threads**. Threads of one
# process share its memory: data that one task has loaded, another can use. But they also share
# Python's interpreter lock, which lets only one of them run Python code at a time.
#
# NumPy, pandas and scikit-learn let go of the lock while they compute. Loops in Python itself do
# not. **Which of the six times below do you expect to be about half of the first in its row?**


# %%
def in_numpy(seed):
    """Spend a while in NumPy, without the lock."""
    x = np.random.default_rng(seed).random(50_000)
    return float(sum(np.sin(x).sum() for _ in range(600)))


def in_python(seed):
    """Spend a while in Python itself, holding the lock."""
    total = seed
    for number in range(8_000_000):
        total += number % 7
    return total


def seconds(work, **where):
    """Time two tasks of a kind."""
    tasks = [dask.delayed(work)(seed) for seed in range(2)]
    started = time.perf_counter()
    dask.compute(tasks, **where)
    return time.perf_counter() - started


print("           one by one   2 threads   2 processes")
for work in (in_numpy, in_python):
    print(
        f"{work.__name__:9}"
        f"{seconds(work, scheduler='synchronous'):10.2f} s"
        f"{seconds(work, scheduler='threads', num_workers=2):10.2f} s"
        f"{seconds(work, scheduler=client):12.2f} s"
    )

# %% [markdown]
# Now *watch* it. The first cell has opened the cluster's dashboard beside the notebook, or its
# button *Watch the workers* does. Choose **Workers** in the Dask panel at the left edge, and run
# the cell again. Only the last column happens there: two workers of one thread each, the limit of
# their memory, and what they use of it. On a batch cluster this list is empty at first, and grows
# as the jobs leave the queue.
#
# So for our kind of work threads are as good as processes, and save memory. But some Python
# remains between one NumPy call and the next; with very many threads in one process they would
# wait for each other. A few threads to a process is a good middle way.
#
# There is a third kind of thread. NumPy and scikit-learn leave matrix products and some loops to
# libraries below them, **BLAS** and **OpenMP**, which start threads of their own: one for each
# core, if nobody says otherwise. With a task on each of 48 cores that would be 48 × 48 threads,
# and they would get in one another's way. So Dask sets `OMP_NUM_THREADS`, `OPENBLAS_NUM_THREADS`
# and `MKL_NUM_THREADS` to 1 for its workers, but **it leaves alone what the job has set already.**
# A line `export OMP_NUM_THREADS=48` is right for one ordinary program on a node, and wrong for
# Dask's workers.
#
# And the cores are not all that counts. **Every task that runs needs memory.** A worker also
# keeps results until somebody fetches them. When it has filled 60 % of its memory, Dask begins to
# write them to disk; at 80 % it takes no more tasks; at 95 % it is killed. So let us plan the
# running tasks for 60 %.
#
# Here is the rule for your first function:
#
# 1. No more tasks at once than the node has cores.
# 2. The tasks that run at once need 60 % of the node's memory at most.
# 3. As many tasks at once as 1. and 2. allow.
# 4. Every process has as many threads, 1 to 4. If several splits run the same number of tasks,
#    take the one with the most threads.
#
# An example: 16 cores, 64 GiB, tasks of 3 GiB. 60 % are 38.4 GiB, so 12 tasks run at once. They
# could be 12 × 1, 6 × 2, 4 × 3 or 3 × 4. The rule takes 3 processes of 4 threads.
#
# <details>
# <summary>Hint: how many tasks</summary>
#
# The smaller of two numbers. Stay with whole numbers: `memory * 6 // 10 // task_memory` has no
# rounding errors, `0.6 * memory / task_memory` may have.
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
    """Cut a node up into Dask workers, by the four rules above.

    Parameters
    ----------
    cores : int
        Of the node.
    memory : int
        Of the node, in bytes.
    task_memory : int
        What one running task needs, in bytes; at most 60 % of memory.

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
# prime number. Asking for slightly more memory per task, so that 18 fit, would share better.
#
# The next cell judges your function on other nodes than these. It carries the points, so leave it
# as it is. Run it as often as you like; nobody counts.

# %% grade="workers_for_rule"
check(workers_for)

# %% [markdown]
# ## What Gadi wants to hear
#
# A node in Gadi's `normal` queue has
#
# | what | how much | how it is asked for |
# | --- | --- | --- |
# | cores | 48 | `-l ncpus=48` |
# | memory | 192 GB, of which we take 190 GB and leave the rest to the system | `-l mem=190GB` |
# | disk of its own | of which we take 100 GB | `-l jobfs=100GB` |
# | network between nodes | called `ib0` | |
#
# and the project that pays stands after `-P`.
#
# **Beware of the units.** PBS counts in steps of 1,024, as memory chips do, but calls the result
# kB, MB, GB. Dask keeps to the standard: 1 GB is 10⁹ bytes, and 1 GiB is 2³⁰ bytes, 7 % more. So
# `mem=190GB` to PBS is `"190GiB"` to Dask.
#
# **Jobs, workers, threads.** One job is one node; its script starts workers on that node
# only, so two nodes are two jobs. `cores`, `memory` and `processes` of a `PBSCluster` are those of
# one job. `n_workers`, on the other hand, counts the workers of all jobs together.
#
# The other arguments that you need:
#
# - `queue` and `walltime`, a text each.
# - `interface`: the network that scheduler and workers talk over.
# - `local_directory`: where a worker writes what does not fit into its memory. The node's own disk
#   is the place for that, and its name on Gadi is `$PBS_JOBFS`.
# - `job_script_prologue`: a list of shell lines to run before the workers start.
# - `job_directives_skip`: a list of texts. Of the directives that dask-jobqueue writes by itself,
#   those that contain one of the texts are left out.
# - `job_extra_directives`: a list of directives to add, each without its `#PBS`.
#
# Everything together gives a dictionary, and `PBSCluster(**dictionary)` would start the cluster.
# A dictionary can be looked at, kept and changed, which is why your function returns one.
#
# Other arguments that make the same script are right as well.
#
# <details>
# <summary>Hint: cores</summary>
#
# dask-jobqueue divides `cores` by `processes` to get the threads of each process. It is the
# number of tasks that run at once in a job, whatever `ncpus` the job asks for.
#
# </details>
#
# <details>
# <summary>Hint: directives</summary>
#
# Skip `"select"`. Add four: `-P`, and `-l` with `ncpus`, `mem` and `jobfs`. For the first an
# f-string helps: `f"-P {project}"`.
#
# </details>
#
# <details>
# <summary>Hint: n_workers</summary>
#
# Nodes times processes.
#
# </details>


# %% solution="gadi_job"
def gadi_job(project, queue, nodes, processes, threads, walltime, setup):
    """Return the arguments of a PBSCluster that starts Dask workers on whole nodes of Gadi.

    Parameters
    ----------
    project : str
        Who pays, such as "ab12".
    queue : str
        One whose nodes are as in the table above.
    nodes : int
        How many jobs of one node each the cluster submits when it is made.
    processes, threads : int
        Workers on each node, and threads of each worker. There may be fewer threads in all
        than the node has cores; the job asks for the whole node all the same.
    walltime : str
        How long a job may last, as "02:00:00".
    setup : list of str
        Shell lines that every job runs before its workers start.

    Returns
    -------
    dict
        With which ``PBSCluster(**arguments)`` submits jobs that Gadi takes: each asks for 48
        cores, 190 GB of memory and 100 GB of jobfs, each thing once, and gives its memory to
        the workers in equal parts. They talk over ib0, and their local directory, to which
        they spill, is $PBS_JOBFS. Libraries start no more threads for the tasks than the node
        has cores.
    """
    ### BEGIN SOLUTION
    return {
        "n_workers": nodes * processes,
        "cores": processes * threads,
        "processes": processes,
        "memory": "190GiB",
        "queue": queue,
        "walltime": walltime,
        "interface": "ib0",
        "local_directory": "$PBS_JOBFS",
        "job_script_prologue": setup,
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
# Compare with the script by hand above. Is every directive there that was there, and none with
# `select`? Do the workers of one node, 12 of them, have about 15.8 GiB each?
#
# Two checks: what the job asks for, and what it starts. They read the script as PBS and the shell
# would, so the order of lines, or two things in one `-l`, make no difference.

# %% grade="gadi_job_request"
check(gadi_job, "request")

# %% grade="gadi_job_workers"
check(gadi_job, "workers")

# %% [markdown]
# ## The same for SLURM
#
# SLURM has other words for the same things: a queue is a **partition**, and the account is who
# pays. There is no trouble with `select`, so dask-jobqueue's own directives will do. It
# writes `--cpus-per-task` and `--mem` from `cores` and `memory`, and SLURM counts memory as PBS
# does: its `16G` is Dask's `"16GiB"`.
#
# None means to dask-jobqueue: whatever its configuration says. For queue, account and interface
# that is nothing, unless your site has set it, and so there is no such line.
#
# <details>
# <summary>Hint</summary>
#
# Seven arguments are passed on or worked out, an eighth counts workers. `queue` is the argument
# for the partition. The memory comes as a number and wants a unit: an f-string again.
#
# </details>


# %% solution="slurm_job"
def slurm_job(partition, account, jobs, processes, threads, memory, walltime, interface):
    """Return the arguments of a SLURMCluster.

    Parameters
    ----------
    partition : str or None
        None: the one that the site takes by default.
    account : str or None
        None: the site wants no account.
    jobs : int
        How many jobs the cluster submits when it is made.
    processes, threads : int
        Workers in each job, and threads of each worker. The job asks for a core for each thread.
    memory : int
        Of a whole job, in GiB; its workers get equal parts.
    walltime : str
        How long a job may last, as "02:00:00".
    interface : str or None
        Network that scheduler and workers talk over. None: the default one.

    Returns
    -------
    dict
        With which ``SLURMCluster(**arguments)`` submits such jobs. Libraries start no more
        threads for the tasks than the job has cores.
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
# On a machine with SLURM the next cell starts two jobs with a worker each, computes something on
# them, and ends them again. Anywhere else it says so and goes on. **If your site wants a partition
# or an account, write them into the first line.**


# %%
partition, account, interface = None, None, None


def slurm_answers():
    """Tell whether jobs can be submitted to a SLURM from here."""
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
    print("There is no SLURM here. The job scripts above are what it would be given.")

# %% [markdown]
# When the `with` block ends, so do the jobs: `squeue --me` should show none a moment later. **Make
# that a habit.** A cluster that nobody closes goes on being paid for until its walltime is over.
#
# On Gadi, open JupyterLab in a session of NCI's ARE, or start Python in an interactive job, not
# on a login node: the scheduler lives in your process, and the workers have to reach it over
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
# `qstat` shows the jobs. Work can begin before all workers are there, and with
# `cluster.adapt(minimum_jobs=0, maximum_jobs=4)` dask-jobqueue submits and ends jobs as there is
# work for them. A job that reaches its walltime takes its workers with it; the
# scheduler then gives their tasks to others.
#
# ## Experiment: change one argument
#
# Here are six changes to your arguments for Gadi. **Before you run the cell, write down for each
# which lines of the script change, and how. One of the six Gadi would refuse. Which?**

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
# - **Memory in GB**: only the last line again, 14.75 GiB a worker in place of 15.83. The job asks
#   for its memory in a directive of our own, which does not follow. 7 % of what is paid for lie
#   idle. The other way round, workers would believe in memory that the job does not have, and PBS
#   would end the job.
# - **96 cores**: 8 threads a worker, 96 on a node that has 48 cores. The directives still ask for
#   48. Nothing refuses this, but two threads now share each core.
# - **No walltime**: half an hour, dask-jobqueue's default.
# - **Skip nothing**: the chunk of dask-jobqueue's own is back, and this is the one that Gadi
#   refuses.
# - **Skip every `-l`**: the walltime goes too, since its line contains `-l` like the one with
#   `select`. A site has its own default, often short. (Our extra directives stay: what is skipped
#   is only what dask-jobqueue writes by itself.)
#
# </details>
#
# Try changes of your own: leave `processes` out, give `account="ab12"`, put `nodes` at 7. One of
# the three leaves the script as it is. Why?
#
# ## In your own words
#
# **Your laptop has 8 cores, Gadi has thousands. Describe two pieces of work for which you would
# not go to the batch cluster although it is open to you. For each, say where the time would go,
# and what you would do instead.** Five sentences are enough. Your instructor reads and marks
# this answer.

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
# ## Further reading
#
# - Dask-Jobqueue documentation (jobqueue.dask.org): *How this works*, *Example Deployments*,
#   *Configuration*, and *Advanced tips and tricks* on skipping directives
# - Dask.distributed documentation (distributed.dask.org): *Worker Memory Management*
# - NCI user documentation (opus.nci.org.au): *PBS Directives Explained* and *Queue Limits*
# - SLURM documentation (slurm.schedmd.com): *sbatch*, and *Rosetta Stone of Workload Managers*
