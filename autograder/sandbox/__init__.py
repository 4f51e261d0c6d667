"""The box: a student's kernel and a whole Dask cluster, shut off from everything else.

``sandbox`` says what a box holds and turns it into a bubblewrap command, ``provisioner`` makes
Jupyter start kernels in it, ``init`` is the first program inside, ``driver`` calls the
student's functions there, ``watchdog`` keeps the limits from outside, and ``session`` is the
life of one box from start to end.
"""
