"""``python -m cluster serve``: a Dask cluster as a separate process."""

from cluster import environment

if __name__ == "__main__":
    environment.enter()

    from cluster.serve import main

    main()
