"""A solution on clusters of several sizes."""

from collections.abc import Mapping
from dataclasses import dataclass

__all__ = ["ScalingPoint", "ScalingStudy"]


@dataclass(frozen=True, slots=True)
class ScalingPoint:
    """Measurements of a solution at one number of workers."""

    workers: int
    factor: float
    """The input's size, as a multiple of that on the smallest cluster."""
    seconds: tuple[float, ...]
    """GO to done, of every repetition."""
    median: float
    """Of the median repetition; of an even number, the lower of the two in the middle."""
    replayed: float
    """Seconds of that repetition, replayed on as many workers."""
    replayed_fewest: float
    """The same, replayed on as many workers as the smallest cluster has."""
    serial_seconds: float
    """Plain scikit-learn on the same input."""
    tasks: int
    """That ran on the cluster."""


@dataclass(frozen=True, slots=True)
class ScalingStudy:
    """A solution on clusters of several sizes, smallest first."""

    exercise: str
    function: str
    case: str
    profile: str
    size: str
    grows: tuple[str, ...]
    """What grows with the workers in ``weak``."""
    strong: tuple[ScalingPoint, ...]
    """The input stays the same."""
    weak: tuple[ScalingPoint, ...]
    """The input grows with the workers; empty if the exercise does not say what grows."""
    environment: Mapping[str, str]
