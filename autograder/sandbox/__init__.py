"""The box: a sandbox for a student's kernel and a whole Dask cluster.

`bubblewrap` defines what a box contains and builds the command, `kernel` makes Jupyter start
kernels in it, `pid1` is the first program inside, `zygote` does its imports in advance, `limits`
and `cgroups` enforce the limits, and `session` is the life of one box from start to end.
"""
