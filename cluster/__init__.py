"""Where Dask runs: profiles and ``connect()``. Knows nothing of grading."""

from cluster.connection import connect
from cluster.errors import ClusterError

__all__ = ["ClusterError", "connect"]
