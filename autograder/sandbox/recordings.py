"""Validate a sandbox's recording; runs in a reader."""

import math
from collections.abc import Iterable, Mapping
from dataclasses import fields, is_dataclass

from pydantic import TypeAdapter, ValidationError

from autograder.errors import SubmissionError
from autograder.model import Recording

__all__ = ["load", "validated"]

_RECORDING = TypeAdapter(Recording)

_MOST = {
    "tasks": 100_000,
    "graphs": 100_000,
    "dependencies": 1_500_000,
    "parts of priorities": 1_000_000,
    "layers": 100_000,
    "workers": 10_000,
    "kinds of missing events": 100,
}
"""More than the recorder itself ever writes, which stops at 100,000 tasks and at 31 MB."""


def validated(testimony: bytes) -> bytes:
    """Return a recording in normal form, or nothing if it is not one.

    Raises
    ------
    SubmissionError
        If it is larger than the recorder's own can be.
    """
    try:
        read = _RECORDING.validate_json(testimony)
    except ValidationError:
        return b""
    _refuse_larger(read)
    counts = (read.gathered_bytes, read.scattered_bytes, read.gathered_during_call, read.reads)
    graphs = (graph.nbytes for graph in read.graphs)
    natural = all(n >= 0 for n in (*counts, read.unrecorded, *graphs))
    return _RECORDING.dump_json(read) if natural and _measurable(read) else b""


def load(content: bytes) -> Recording:
    """Return what `validated` has written."""
    return _RECORDING.validate_json(content) if content else Recording()


def _refuse_larger(read: Recording) -> None:
    found = {
        "tasks": len(read.tasks),
        "graphs": len(read.graphs),
        "dependencies": sum(len(task.dependencies) for task in read.tasks),
        "parts of priorities": sum(len(task.priority) for task in read.tasks),
        "layers": len(read.layers),
        "workers": len(read.workers),
        "kinds of missing events": len(read.missing),
    }
    for kind, most in _MOST.items():
        if found[kind] > most:
            raise SubmissionError(
                f"The record has {found[kind]:,} {kind}; at most {most:,} are allowed."
            )


def _measurable(value: object) -> bool:
    """Tell whether all numbers in a record are finite and exact as floats."""
    if isinstance(value, float):
        return math.isfinite(value)
    if isinstance(value, int):
        return abs(value) < 2**53
    inner: Iterable[object] = ()
    if is_dataclass(value):
        inner = (getattr(value, field.name) for field in fields(value))
    elif isinstance(value, Mapping):
        inner = value.values()
    elif isinstance(value, tuple):
        inner = value
    return all(map(_measurable, inner))
