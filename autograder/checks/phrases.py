"""Words that several checks say."""

from autograder.model import Failure

__all__ = ["megabytes", "named"]


def named(failure: Failure) -> str:
    """Name an exception in one line."""
    message = failure.message.strip().splitlines()
    return f"{failure.kind}: {message[0][:200]}" if message else failure.kind


def megabytes(size: int) -> str:
    """Write a number of bytes for people."""
    return f"{size / 1e6:.1f} MB" if size >= 50_000 else f"{size / 1e3:.1f} kB"
