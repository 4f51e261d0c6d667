"""The box: a student's kernel and a whole Dask cluster, shut off from everything else.

`bubblewrap` says what a box holds and turns it into a command, `kernel` makes Jupyter start kernels
in it, `pid1` is the first program inside, `zygote` has done its imports before, `limits` and
`cgroups` hold the limits, and `session` is the life of one box from start to end.
"""
