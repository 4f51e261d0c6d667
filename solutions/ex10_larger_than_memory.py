"""Exercise 10, larger than memory: the one source of its notebook.

``autograder build`` turns this file into ``source/ex10_larger_than_memory``; points and sizes are
in ``autograder/exercises/ex10_larger_than_memory``. As a script it takes ``--profile`` and
``--workers``.
"""

# %% script="profile"
from cluster import command_line

command_line()

# %% [markdown]
# # Larger than memory: principal components, one pass at a time
#
# Thirty-two weather stations report day and night. Their readings are not 32 different stories: a
# front moves many stations at once, so does a season. **Principal components** find such patterns:
# a few directions along which the data vary most.
#
# scikit-learn's `PCA` wants all readings in memory. Ours are larger than the memory of all our
# workers together. That takes no cleverer mathematics, only other habits. You will count how often
# the data are *read*, and ask of every step **what has to be kept while it runs**.
#
# In this exercise you will
#
# 1. scale columns to mean 0 and standard deviation 1, without keeping any data,
# 2. see why the obvious line keeps all of them,
# 3. compute principal components in a single pass, and know which of three ways is accurate,
# 4. describe the projection onto them, for somebody to compute later,
# 5. see what `persist` costs when there is no room, and what random projections are good for.
#
# You know Dask arrays: chunks, `compute`, lazy results (`ex00_first_steps`, or
# `ex04_large_collections`). Of linear algebra you need the singular value decomposition, which the
# text recalls. Allow 45 to 60 minutes.
#
# ## Start the cluster
#
# Two workers again. They get little memory, so that we need no large files to fill it. `check`
# tells you how a function of yours is doing, as often as you like.

# %% given="setup"
import time

import dask
import dask.array as da
import numpy as np
from distributed import get_worker, wait

from autograder import check
from cluster import connect, size_of, watch

client = connect(memory="640 MB")
print(client)
watch(client)

# %% [markdown]
# ## The archive
#
# A row is a moment, a column a station. Every station has a unit of its own: degrees, pascals,
# millimetres. The next cell has a function that makes a file's readings from its number. It stands
# for reading the file, so that your disk stays empty, and it **tells the scheduler that a file was
# read**. (It shows the same 3,000 moments again and again, in other orders: so it takes no longer
# than reading from a good disk. On a larger cluster there are more files; the text speaks of a
# laptop.)

# %% given="archive"
STATIONS, ROWS = 32, 135_000
FILES = {"laptop": 38, "node": 1_000, "cluster": 5_700}[size_of(client)]


def read(number):
    """Stand for reading a file: what all stations said, shape (135_000, 32)."""
    get_worker().log_event("read", number)
    drawn = np.random.default_rng(10)
    patterns = np.linalg.qr(drawn.normal(size=(STATIONS, 5)))[0].T
    moments = drawn.normal(size=(3_000, STATIONS))
    moments += (drawn.normal(size=(3_000, 5)) * [9.0, 7.0, 5.5, 4.2, 3.2]) @ patterns
    moments += drawn.uniform(-40, 40, size=STATIONS)
    moments *= 10.0 ** drawn.uniform(-2, 2, size=STATIONS)
    return moments[np.random.default_rng([10, number]).integers(3_000, size=ROWS)]


def counted(call):
    """Call something; returns its result, and how many files were read meanwhile."""
    before = len(client.get_events("read"))
    result = call()
    return result, len(client.get_events("read")) - before


def spilled():
    """Ask how many megabytes the workers have on their disks."""
    on_disk = client.run(lambda dask_worker: dask_worker.data.spilled_total.disk)
    return sum(on_disk.values()) / 1e6


files = [dask.delayed(read)(number) for number in range(FILES)]
X = da.concatenate([da.from_delayed(file, shape=(ROWS, STATIONS), dtype=float) for file in files])
print(X)
memory = sum(worker["memory_limit"] for worker in client.scheduler_info()["workers"].values())
print(f"data: {X.nbytes / 1e6:,.0f} MB, memory of all workers: {memory / 1e6:,.0f} MB")

# %% [markdown]
# Nothing has been read yet: `X` is a recipe. Now something that needs all data. The mean of each
# column is a sum over the blocks, and after its sum was taken, a block is dropped.

# %% tags=["experiment"]
started = time.perf_counter()
means, reads = counted(lambda: X.mean(axis=0).compute())
print(f"{len(means)} means in {time.perf_counter() - started:.2f} s, {reads} files read")

# %% [markdown]
# So 1.3 GB went through workers that cannot hold them. That is all there is to working **out of
# core**: make a block, use it up, drop it. Dask does it by itself, *if the graph lets it*. A block
# is kept as long as any task of the graph still needs it.
#
# What if the blocks do not fit? A worker looks at its memory and
#
# | at | it |
# |--:|:--|
# | 60 to 70 % | moves the results that were not used for longest to its disk: it **spills** |
# | 80 % | **pauses**: it begins no new task |
# | 95 % | is **restarted** by its supervisor, and what it held is made again elsewhere |
#
# Spilling saves you from a crash. It also turns a computation into copying to a disk and back.
#
# ## The line that keeps everything
#
# Stations with large numbers must not count for more, so every column is centred and divided by its
# standard deviation. In NumPy that is one line, and Dask understands the same line:

# %%
one_line = (X - X.mean(axis=0)) / X.std(axis=0)
print(one_line)

# %% [markdown]
# It is lazy, its blocks are those of `X`, and its numbers are right. How many files have to be read
# for the first five rows? **Write down your guess, then run the cell.**

# %% tags=["experiment"]
first, reads = counted(lambda: one_line[:5].compute())
print(f"five rows, {reads} files read")

# %% [markdown]
# All of them: the mean of all rows is a step *within the graph* of every block.
#
# ![Above, one graph: every block of X has an arrow to the mean and another one to its subtraction,
# which also waits for the mean. So no block can be dropped before the last one is read. Below, two
# graphs: the first reads each block, takes sums and drops it; the numbers that come back are plain
# constants for the second one, which reads a block, scales it and hands it
# on.](pictures/ex10_twice.py)
#
# And if all rows are wanted, it is worse. Each block is read once, for the mean. After that it
# would be dropped, but it is needed a second time, to be scaled. That can only happen when the mean
# is there, so when *all* blocks have been read. **Until then all of them have to be kept**, 1.3 GB
# in workers of 640 MB, much of it on disk. Reading a second time is much cheaper. Dask cannot know
# that. You do.
#
# Write `scale` so that no block is kept. Compute the means and deviations first, 64 numbers in all,
# with **one** pass over the data. What you return is lazy and knows the numbers.
#
# <details>
# <summary>Hint: one pass</summary>
#
# `.compute()` twice reads the data twice. `dask.compute(a, b)` computes both in one graph, and each
# block is read once for the two.
#
# </details>
# <details>
# <summary>Hint: the result</summary>
#
# Dask arrays can be subtracted from and divided by NumPy arrays, column by column, as in NumPy.
#
# </details>


# %% solution="scale"
def scale(X):
    """Scale every column to mean 0 and standard deviation 1.

    Parameters
    ----------
    X : dask.array.Array, shape (rows, columns)
        Lazy, in blocks of whole rows; larger than the workers' memory. No column is constant.

    Returns
    -------
    dask.array.Array, shape (rows, columns)
        Lazy, in the blocks of X. Over all rows, every column has mean 0 and standard deviation 1,
        as NumPy's std has it (ddof=0). Before this function returns, every block is read once,
        nothing is kept, and no more than means and deviations come to this process. To compute
        a block of the result, only that block of X is read, once.
    """
    ### BEGIN SOLUTION
    means, deviations = dask.compute(X.mean(axis=0), X.std(axis=0))
    return (X - means) / deviations
    ### END SOLUTION


# %% tags=["experiment"]
Z, reads = counted(lambda: scale(X))
print(f"scale read {reads} files")
first, reads = counted(lambda: Z[:5].compute())
print(f"five rows, {reads} file read")

# %% [markdown]
# The next cells judge your function on other data. They carry the points, so leave them as they
# are. Run them as often as you like; nobody counts. The third one counts the reads: once in your
# function, and once more while the result is computed block by block.

# %% grade="scale_values"
check(scale, "values")

# %% grade="scale_lazy"
check(scale, "lazy")

# %% grade="scale_passes"
check(scale, "passes")

# %% [markdown]
# ## Why not persist?
#
# In other exercises `persist()` was the cure for reading twice. There the data fitted. Here they do
# not. The cell below takes the standard deviations twice: from the recipe, and from data that were
# persisted before. It also asks the workers how much they have spilled. **Which one do you expect
# to be faster, and by how much?** (It writes about a gigabyte to your disk and removes it again.)

# %% tags=["experiment"]
began = time.perf_counter()
X.std(axis=0).compute()
print(f"from the recipe: {time.perf_counter() - began:.2f} s")

began = time.perf_counter()
kept = X.persist()
wait(kept)
print(f"persist: {time.perf_counter() - began:.2f} s, {spilled():,.0f} MB on disk")
began = time.perf_counter()
kept.std(axis=0).compute()
print(f"from what was persisted: {time.perf_counter() - began:.2f} s")
del kept

# %% [markdown]
# <details>
# <summary>What you should have seen, and why</summary>
#
# Where cores are free, persisting is by far the slowest of the three, and what was persisted is
# slower to go through than files that are read anew. On the machine where this was written, with
# some other programs on its cores: 1.1 s from the recipe, 4.4 s to persist (968 of 1,313 MB were on
# disk then), and 2.8 s from what was persisted. Each block is made, written to disk to make room
# for the next, and read back from there in the end. You may also see a worker pause. Beside fifteen
# others, which took the cores and not the disk, it was 16.7 s, 18.2 s (1,002 MB on disk) and 12.9
# s: there it is making a block that takes long.
#
# Where a block is expensive to *make*, because text has to be parsed, say, copies on disk may well
# be worth it. Then write them yourself, once, in a format that reads quickly (`to_zarr`,
# `np.save`), and begin from there. Spilling is for emergencies.
#
# </details>
#
# ## Principal components
#
# The singular value decomposition writes `Z` as `u @ diag(s) @ vt`. The rows of `vt` are directions
# of length 1 at right angles, the **components**, one number for each station. The **singular
# values** `s` say how much the data vary along them, the largest first. The *variance* of `Z` along
# component `i` is
#
# $$\text{variance}_i = s_i^2 / \text{rows}.$$
#
# (Our columns have variance 1, so all 32 variances add up to 32.) The sign of a component means
# nothing: `v` and `-v` are the same direction.
#
# `u` is as large as `Z` itself. You hardly ever need it, and what is not asked for is not computed.
#
# Our matrix is **tall and skinny**: millions of rows, 32 columns. For such matrices there are three
# ways, and all of them work block by block:
#
# | way | in Dask | passes | what it costs you |
# |:--|:--|--:|:--|
# | **Gram matrix** | `Z.T @ Z`, then `np.linalg.eigh` | 1 | little; small variances are lost |
# | **QR of each block** (TSQR) | `da.linalg.svd(Z)` | 1 | more arithmetic, nothing lost |
# | **random projection** | `da.linalg.svd_compressed(Z, k)` | 2 or more | accuracy |
#
# **The Gram matrix** adds up 32 × 32 numbers per block. Its eigenvalues are the *squares* of the
# singular values. Squaring is the problem: numbers in a computer have 16 digits. If one singular
# value is a hundred-millionth of another, its square is 16 digits below the other one's, and what
# you get in its place is rounding error. One says that the **condition number** (largest singular
# value over the smallest) is squared.
#
# **TSQR** never squares. Each block is decomposed into an orthogonal matrix and a small triangle R,
# 32 × 32. The singular values of all triangles, stacked, are those of the data. It takes longer
# (NumPy needs about 30 times as long for the QR of such a block as for its Gram matrix), which you
# hardly notice where making a block takes longer still.
#
# ![Four blocks of Z, each with an arrow to a small triangle R. The four triangles are stacked and
# decomposed once more, into one R, of which NumPy computes the singular values and components. The
# blocks are dropped as soon as their triangle is there.](pictures/ex10_tsqr.py)
#
# `da.linalg.svd` and `da.linalg.tsqr` do just that. They need **blocks of whole rows**: a block
# with only some of the columns has no triangle of its own.
#
# <details>
# <summary>Hint: one pass</summary>
#
# `da.linalg.svd(Z)` returns `u`, `s` and `vt`, all lazy. Leave `u` alone, and compute the other two
# together.
#
# </details>
# <details>
# <summary>Hint: the form of the result</summary>
#
# Components are asked for as columns, variances rather than singular values, and of both the first
# `k`.
#
# </details>


# %% solution="components"
def components(Z, k):
    """Compute the first k principal components, and the variances along them.

    Parameters
    ----------
    Z : dask.array.Array, shape (rows, columns)
        Lazy, in blocks of whole rows; may be larger than the workers' memory. Its columns have
        mean 0.
    k : int
        At most as many as there are columns.

    Returns
    -------
    variances : numpy.ndarray, shape (k,)
        Squared singular values of Z, divided by the number of rows; the largest first.
    V : numpy.ndarray, shape (columns, k)
        The components that belong to them, each a column of length 1, with either sign.
        Variances are right to a millionth of their own, and so are components, even where one
        singular value is a 20-millionth of another. Every block of Z is read once, the blocks
        side by side on all workers, and none has to be kept.
    """
    ### BEGIN SOLUTION
    _, s, vt = da.linalg.svd(Z)
    s, vt = dask.compute(s, vt)
    return s[:k] ** 2 / len(Z), vt[:k].T
    ### END SOLUTION


# %% tags=["experiment"]
started = time.perf_counter()
(variances, V), reads = counted(lambda: components(Z, 6))
print(f"{time.perf_counter() - started:.2f} s, {reads} files read")
for number, variance in enumerate(variances):
    print(f"component {number}: variance {variance:6.3f}, {variance / STATIONS:.1%} of all")

# %% [markdown]
# The archive was made of five patterns, and the sixth component is already as small as chance.
# Watch the task stream on the dashboard while you run the cell once more, and **Bytes stored per
# worker**: it should stay at a few blocks.
#
# Now the checks: first the values; then a matrix of 16 columns whose smallest singular value is
# one 20-millionth of the largest; then how often blocks were read.

# %% grade="components_values"
check(components, "values")

# %% grade="components_exact"
check(components, "rule")

# %% grade="components_passes"
check(components, "passes")

# %% [markdown]
# The next one hands over data that are larger than the memory of all workers together. Nobody may
# have them all: no worker, not this process, and not both workers with their disks, as after
# `persist()` or a graph that needs its blocks twice.

# %% grade="components_memory"
check(components, "memory")

# %% [markdown]
# And are both workers busy? We take off the time in which others had the cores, and count how many
# seconds of work were done in each second of the rest.

# %% grade="components_speedup"
check(components, "speedup")

# %% [markdown]
# ## Experiment: what squaring costs
#
# No cluster is needed to see it. A matrix of 2,000 rows and 8 columns, whose singular values fall
# from 1 to a hundred-millionth, so that we know the truth. **From which column on do you expect the
# Gram matrix to be wrong?**

# %% tags=["experiment"]
source = np.random.default_rng(1)
left = np.linalg.qr(source.normal(size=(2_000, 8)))[0]
right = np.linalg.qr(source.normal(size=(8, 8)))[0]
true = 10.0 ** -np.linspace(0, 8, 8)
A = (left * true) @ right

by_gram = np.sqrt(np.abs(np.linalg.eigvalsh(A.T @ A)[::-1]))
by_qr = np.linalg.svd(np.linalg.qr(A, mode="r"), compute_uv=False)
print("singular value  error by A.T @ A  error by QR")
for value, gram, qr in zip(true, by_gram, by_qr, strict=True):
    print(f"{value:14.1e}  {abs(gram / value - 1):16.1e}  {abs(qr / value - 1):11.1e}")

# %% [markdown]
# <details>
# <summary>What you should have seen, and why</summary>
#
# From about the third column on. `A.T @ A` loses two digits with each digit that a singular value
# is smaller: at 2e-6 six digits are right, and at 1e-8 none. Its errors are about 1e-16 times the
# *square* of the largest singular value over this one. Those of QR grow with the ratio itself, so
# that even the last column is right to ten digits. (Signs of the error and last digits depend on
# your computer's libraries; the powers of ten do not.)
#
# </details>
#
# ## Experiment: random projection
#
# With 32 columns an exact decomposition is cheap. With 100,000 columns (words, genes, pixels) the
# triangles alone would have ten billion numbers. **Random projection** multiplies `Z` by a few
# random directions, some more than the `k` that are wanted (10 more, if `n_oversamples` does not
# say otherwise; the cell takes 2, so that you can see the error). What sticks out in the data
# sticks out in that small product, too. Then it looks a second time at `Z`, along the directions
# found. Each **power iteration** makes them better, and costs two more passes.
#
# The cell uses six files and counts their reads. `compute=True` lets `svd_compressed` compute each
# step when it is done with it. Without it, all steps are one graph that needs its blocks again and
# again. You know by now what that means.

# %% tags=["experiment"]
few = Z.blocks[:6]
exact = np.linalg.svd(np.linalg.cholesky((few.T @ few).compute()).T, compute_uv=False)[:5]
for power in (0, 1, 2, 4):
    began = time.perf_counter()
    values, read_now = counted(
        lambda power=power: da.linalg.svd_compressed(
            few, 5, n_power_iter=power, n_oversamples=2, seed=0, compute=True
        )[1].compute()
    )
    error = np.abs(values / exact - 1).max()
    print(
        f"{power} power iterations: {read_now / 6:.0f} passes, error {error:.0e}, "
        f"{time.perf_counter() - began:.2f} s"
    )

# %% [markdown]
# <details>
# <summary>What you should have seen, and why</summary>
#
# Each power iteration takes two passes more, and the error falls from 2e-02 by a factor of some
# hundreds each time: to 1e-04, to 1e-06 or below. How fast, depends on how clearly the patterns
# stand out. With ten passes it is as good as the exact way, which took one. For 32 columns that is
# a bad bargain. For 100,000 columns, two to six passes that give three digits are a good one. The
# seed is fixed, so you see the errors that everybody sees; the seconds are those of your computer.
#
# </details>
#
# ## Project
#
# The last step describes every moment by `k` numbers instead of 32: how strong each pattern was.
# That is `Z @ V`. It equals `u * s`, so you might think that `u` should have been kept. But `u` is
# as large as the data, and `Z @ V` can be made block by block, whenever somebody wants it, from
# blocks that are read once more.


# %% solution="project"
def project(Z, V):
    """Describe the projection of all rows onto components, for somebody to compute later.

    Parameters
    ----------
    Z : dask.array.Array, shape (rows, columns)
        Lazy, in blocks of whole rows.
    V : numpy.ndarray, shape (columns, k)

    Returns
    -------
    dask.array.Array, shape (rows, k)
        Each row of Z times V, in the rows' order, in blocks of whole rows as long as those of Z.
        Lazy: nothing is sent to the cluster before this function returns.
    """
    ### BEGIN SOLUTION
    return Z @ V
    ### END SOLUTION


# %% tags=["experiment"]
T = project(Z, V[:, :2])
print(T)
some, reads = counted(lambda: T[: ROWS * 3 : 1_000].compute())
print(f"{len(some)} rows of the first three files, {reads} files read")
print("variances of these rows:", some.var(axis=0).round(2))

# %% grade="project_values"
check(project, "values")

# %% grade="project_lazy"
check(project, "lazy")

# %% [markdown]
# (`dask_ml.decomposition` has `PCA` and `TruncatedSVD` with scikit-learn's interface. Under the
# hood they call the same functions. `PCA` centres its data within the graph, so it needs every
# block twice; now you know what to expect of it when the data do not fit.)
#
# ## When this does not help
#
# - **The data fit in memory.** Then read once, persist, and go through them as often as you like.
#   Or leave the cluster out: NumPy decomposes a million rows of 32 columns in a second or two.
# - **Reading takes all the time**, and the disk is one. Two workers then wait for the same disk.
#   Count passes, not cores; a format that reads faster helps more than a third worker.
# - **The matrix is neither tall nor skinny.** With as many columns as a block has rows, a triangle
#   is as large as its block, and stacking all of them is as large as the data. That is where random
#   projection begins to pay.
# - **A sample is enough.** If you want five patterns to two digits, every hundredth row will do. An
#   exact answer from all data is for when small variances matter.
#
# ## In your own words
#
# A colleague has 400 GB of readings and a cluster with 100 GB of memory in all. She runs
#
# ```python
# Z = (X - X.mean(axis=0)) / X.std(axis=0)
# Z = Z.persist()
# u, s, vt = da.linalg.svd(Z)
# u, s, vt = dask.compute(u, s, vt)
# ```
#
# The dashboard shows workers that spill, then pause, and after an hour they are restarted one by
# one.
#
# **Which of her lines ask for more than there is room for, and why? What would you change, how
# often does your version read the data, and what does it keep?** Five sentences are enough. Your
# instructor reads and marks this answer.

# %% [markdown] words="out_of_core"
# *The first line* puts means and deviations into the graph of every block, so that each block of X
# is needed twice and has to be kept until all have been read. *persist* asks the workers to keep
# all of Z, four times what they can hold, so they spill. *The last line* asks for u, which is as
# large as Z: it has to be kept until the last triangle is there, and then it is sent to her own
# process, which cannot hold it either.
#
# *I would* compute means and deviations together first (one pass), leave out persist, and compute s
# and vt alone (a second pass). If she needs u, it is Z @ vt.T / s, block by block, written to files
# (a third pass). Two passes then, and at any time a worker holds a few blocks and triangles.

# %% [markdown]
# ## You have seen
#
# - that Dask works out of core by itself, as long as no task of a graph needs a block later,
# - that a mean inside a graph makes every block wait for all the others, and a number does not,
# - that `persist` is for data that fit, and what spilling costs when they do not,
# - that tall and skinny matrices are decomposed in one pass, by their triangles,
# - that the Gram matrix squares the condition number, and random projection trades passes for
#   accuracy,
# - that reading again is often cheaper than keeping.
#
# ## Further reading
#
# - Dask documentation: the reference of
#   [linalg.svd](https://docs.dask.org/en/stable/generated/dask.array.linalg.svd.html),
#   [linalg.tsqr](https://docs.dask.org/en/stable/generated/dask.array.linalg.tsqr.html) and
#   [linalg.svd_compressed](https://docs.dask.org/en/stable/generated/dask.array.linalg.svd_compressed.html)
# - Dask.distributed documentation:
#   [Worker Memory Management](https://distributed.dask.org/en/stable/worker-memory.html)
# - scikit-learn 1.9, user guide:
#   [Principal component analysis (PCA)](https://scikit-learn.org/1.9/modules/decomposition.html#principal-component-analysis-pca)
# - J. Demmel, L. Grigori, M. Hoemmen, J. Langou, *Communication-optimal parallel and sequential QR
#   and LU factorizations*, SIAM Journal on Scientific Computing 34, 2012: TSQR
# - N. Halko, P. G. Martinsson, J. A. Tropp, *Finding structure with randomness*, SIAM Review 53,
#   2011: random projection
