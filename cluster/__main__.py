"""``python -m cluster serve``: a Dask cluster as a process of its own."""

import os
import sys

from cluster.environment import WORKER_ENVIRONMENT

if __name__ == "__main__":
    if any(os.environ.get(name) != value for name, value in WORKER_ENVIRONMENT.items()):
        # Workers are forked from this process, and some of it is read when an image starts.
        os.environ.update(WORKER_ENVIRONMENT)
        os.execv(sys.executable, [sys.executable, "-m", "cluster", *sys.argv[1:]])

    from cluster.serve import main

    main()
