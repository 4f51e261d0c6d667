"""The corpus on disk: runs of known programs beside known noise, a line of JSON each, compressed.

``corpus/<exercise>.jsonl.xz`` holds the runs of one exercise, all on the same inputs, so that any
of them may be judged beside any run of the reference solution.
"""

import json
import lzma
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from programs import Kind
from pydantic import TypeAdapter

from autograder.model import CaseSpec, Run

__all__ = ["CORPUS", "Line", "read", "write"]

CORPUS = Path(__file__).parent / "corpus"


@dataclass(frozen=True, slots=True)
class Line:
    """One run of a program on the timed case of its exercise."""

    exercise: str
    case: CaseSpec
    """What it ran on, as it was then."""
    program: str
    source: str
    """Digest of the program, as it was then."""
    kind: Kind
    speedup: float | None
    """Of a partial program, as its file states it."""
    noise: str
    """A name in `noise.NOISES`."""
    turn: int
    """The how-manieth run of the program beside this noise."""
    at: float
    """Seconds since 1970."""
    machine: str
    workers: int
    serial_seconds: float | None
    """Plain scikit-learn just before and beside the same noise, where it was timed."""
    run: Run


_LINE = TypeAdapter(Line)


def read(path: Path) -> list[Line]:
    """Read the runs of a file, compressed or still being recorded; empty if there is none."""
    if not path.exists():
        return []
    with lzma.open(path, "rb") if path.suffix == ".xz" else path.open("rb") as file:
        return [_LINE.validate_json(line) for line in file]


def write(path: Path, lines: Iterable[Line], *, append: bool = False) -> None:
    """Write runs, compressed if the path's suffix is .xz, and then to the microsecond.

    What is measured is no finer, and further digits would double the size.
    """
    mode = "ab" if append else "wb"
    with lzma.open(path, mode, preset=9) if path.suffix == ".xz" else path.open(mode) as file:
        for line in lines:
            told = _LINE.dump_python(line, mode="json")
            told = _rounded(told) if path.suffix == ".xz" else told
            file.write(json.dumps(told).encode() + b"\n")


def _rounded(told: object) -> object:
    match told:
        case float():
            return round(told, 6)
        case dict():
            return {name: _rounded(value) for name, value in told.items()}
        case list():
            return [_rounded(value) for value in told]
    return told
