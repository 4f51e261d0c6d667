"""The one kind of error that ``cluster`` raises on purpose."""

__all__ = ["ClusterError"]


class ClusterError(Exception):
    """Dask cannot be had as asked; the message is one sentence that says why and what to do."""
