"""Exercise NAME: the one source of its notebook; as a script it takes ``--profile``."""

# %% script="profile"
from cluster import command_line

command_line()

# %% [markdown]
# # Nearest points: a function for every block
#
# Say first what problem the technique solves, and for whom. Then what it costs, and **when it
# does not help**: here, when the rows are few, since every block is a task and every task costs
# about a millisecond, whatever it does.

# %% given="setup"
import dask.array as da
import numpy as np
from scipy.spatial.distance import cdist

from autograder import check
from cluster import connect

client = connect()
print(client)

# %% [markdown]
# ## The serial way first

# %% given="data"
generator = np.random.default_rng(0)
rows, points = generator.normal(size=(4_000, 16)), generator.normal(size=(500, 16))

# %%
distances = cdist(rows, points).min(axis=1)
print(distances[:3])

# %% [markdown]
# ## Block by block
#
# <details>
# <summary>Hint</summary>
#
# `map_blocks` calls a function with each block of an array. Tell it that the second axis goes.
#
# </details>


# %% solution="nearest"
def nearest(X, points):
    """Find the distance from every row to the nearest of some points.

    Parameters
    ----------
    X : dask.array.Array, shape (rows, features)
        In chunks of whole rows, which need not be of equal length.
    points : numpy.ndarray, shape (points, features)

    Returns
    -------
    dask.array.Array, shape (rows,)
        Lazy: Euclidean distances, one chunk for each chunk of X.
    """
    ### BEGIN SOLUTION
    return X.map_blocks(
        lambda block, points: cdist(block, points).min(axis=1),
        points,
        drop_axis=1,
        dtype=float,
    )
    ### END SOLUTION


# %%
print(nearest(da.from_array(rows, chunks=(1_000, -1)), points))

# %% grade="nearest_values"
check(nearest, "values")

# %% grade="nearest_lazy"
check(nearest, "lazy")

# %% grade="nearest_speedup"
check(nearest, "speedup")

# %% [markdown]
# ## In your own words
#
# **When would the serial way be faster?** Your instructor reads and marks this answer.

# %% [markdown] words="when_not"
# When the rows are few: then starting tasks takes longer than the distances.
