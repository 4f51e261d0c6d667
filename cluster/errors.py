"""The one kind of error that ``cluster`` raises on purpose."""

__all__ = ["ClusterError"]


class ClusterError(Exception):
    """Dask cannot be started or reached as requested; the message says why and what to do."""
