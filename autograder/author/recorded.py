"""Kept evidence of the sample class: the observations of each sample in a sandbox.

One file for each sample, ``tests/corpus/evidence/<exercise>/<student>.json.xz``, contains its
evidence, and the reference solution's figures in the same round. The tests judge it again after
every change of the verdict, and ``autograder demo --recorded`` shows a class that way on a machine
without a sandbox.
"""

import lzma
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from pydantic import TypeAdapter

from autograder.model import Evidence, Reference

__all__ = ["REFERENCE", "Kept", "path_of", "read", "write"]

REFERENCE = "reference"
"""Name of the reference solution among the students' names."""


@dataclass(frozen=True, slots=True)
class Kept:
    """The kept evidence of one sample."""

    evidence: Evidence
    reference: Reference
    """The reference solution's figures in the same round."""
    limits: Mapping[str, float] = field(default_factory=dict)
    """Those that the sample sets in place of the exercise's."""


_KEPT = TypeAdapter(Kept)


def path_of(folder: Path, exercise: str, student: str) -> Path:
    """Return the file of a sample, or of the reference solution."""
    return folder / exercise / f"{student}.json.xz"


def read(folder: Path, exercise: str, student: str) -> Kept:
    """Read the kept evidence of a sample, or of the reference solution.

    Raises
    ------
    OSError, ValueError
        If there is none, or it does not have the current schema.
    """
    content = path_of(folder, exercise, student).read_bytes()
    try:
        return _KEPT.validate_json(lzma.decompress(content))
    except (EOFError, lzma.LZMAError) as error:
        raise ValueError(str(error)) from error


def write(folder: Path, exercise: str, student: str, kept: Kept) -> None:
    """Store the evidence of a sample atomically."""
    path = path_of(folder, exercise, student)
    path.parent.mkdir(parents=True, exist_ok=True)
    new = path.with_suffix(".new")
    new.write_bytes(lzma.compress(_KEPT.dump_json(kept), preset=9))
    new.replace(path)
