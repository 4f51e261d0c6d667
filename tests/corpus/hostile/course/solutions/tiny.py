"""The notebook of the tiny exercise."""

# %% [markdown]
# # A sum and a spread

# %% given="setup"
import numpy as np

from autograder import check
from cluster import connect

client = connect()


def grind(block):
    ground = block
    for _ in range(60):
        # Cosines alone would come to the same number whatever they begin with.
        ground = np.cos(ground) + block
    return np.array([ground.sum()])


# %% solution="total"
def total(numbers):
    ### BEGIN SOLUTION
    return np.square(numbers).sum()
    ### END SOLUTION


# %% grade="total_values"
check(total)


# %% solution="spread"
def spread(X):
    ### BEGIN SOLUTION
    return X.map_blocks(grind, dtype=float, chunks=(1,))
    ### END SOLUTION


# %% grade="spread_values"
check(spread)

# %% grade="spread_speedup"
check(spread)
