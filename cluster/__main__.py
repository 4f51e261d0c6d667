"""``python -m cluster serve``: a Dask cluster as a process of its own."""

from cluster import environment

if __name__ == "__main__":
    environment.enter()

    from cluster.serve import main

    main()
