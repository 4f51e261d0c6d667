"""Where Dask runs: profiles and ``connect()``. Knows nothing of grading."""

from cluster.connection import connect, size_of
from cluster.dashboard import watch
from cluster.errors import ClusterError
from cluster.script import command_line

__all__ = ["ClusterError", "command_line", "connect", "size_of", "watch"]
