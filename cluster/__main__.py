"""``python -m cluster serve``: a Dask cluster as a process of its own."""

from cluster.serve import main

if __name__ == "__main__":
    main()
