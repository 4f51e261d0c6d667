"""Compare an answer with the truth, by the exercise's own ``compare``.

Every number of an answer may be a student's choice, and its cost is not its size: as Python's own
objects, numbers take thirty times their bytes, and a text can take a regular expression hours. So
what came out of a box is compared in a reader (`apart`).
"""

import ast
import importlib
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import replace
from functools import lru_cache
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter

from autograder import reader
from autograder.errors import OversizeSubmission
from autograder.exercise import catalogue
from autograder.exercise.catalogue import CASES, Cases
from autograder.formats import shorten
from autograder.model import Comparison, Exercise

__all__ = ["apart", "compare", "prepare"]

_COMPARISON = TypeAdapter(Comparison)

_READING = reader.Limits(cpu_seconds=20, memory_bytes=1 << 30)
"""Chosen: as many seconds as for a recording; twice its memory, since an author's comparison may
use a library that reserves some. Without a limit, 64 MB of small whole numbers took the grader 1.3
GB and 7 s (ex03), and 0.5 GB (ex04)."""

_MOST_SAID = 1_000
"""Characters of what is said of an answer. Chosen: a card has room for no more."""

_TOO_MUCH = "what takes too much time or memory to be compared with it"


def compare(
    exercise: Exercise, case: str, truth: Mapping[str, Any], answer: Mapping[str, Any]
) -> Comparison:
    """Compare an answer with the truth; one that cannot be compared is wrong."""
    module = _cases(exercise.folder, exercise.size, exercise.digest)
    try:
        found = module.compare(case, truth, answer)
    except MemoryError:
        return _wrong(_TOO_MUCH)
    except Exception as error:
        return _wrong(f"what cannot be compared with it ({type(error).__name__})")
    # Half a surrogate pair, of a student's text, could not be kept in any file.
    expected, got = (
        shorten(text.encode(errors="replace").decode(), _MOST_SAID)
        for text in (found.expected, found.got)
    )
    return replace(found, expected=expected, got=got)


def apart(
    exercise: Exercise, case: str, truth: Mapping[str, Any], answer: Mapping[str, Any]
) -> Comparison:
    """Do as `compare`, in a reader; what takes too much time or memory is wrong.

    Raises
    ------
    HarnessError
        If the reader failed for a reason of its own.
    """
    try:
        found = reader.read(
            _compared, exercise, case, dict(truth), dict(answer),
            what="The answer", limits=_READING,
            prepared=(exercise.folder, exercise.size, exercise.digest),
        )  # fmt: skip
    except OversizeSubmission:
        return _wrong(_TOO_MUCH)
    return _COMPARISON.validate_json(found)


def _compared(
    exercise: Exercise, case: str, truth: Mapping[str, Any], answer: Mapping[str, Any]
) -> bytes:
    return _COMPARISON.dump_json(compare(exercise, case, truth, answer))


def _wrong(got: str) -> Comparison:
    return Comparison(False, "an answer", got)


def prepare(folder: str, size: str, digest: str) -> None:
    """Load what comparing the answers to an exercise takes."""
    _cases(folder, size, digest)
    for name in _imports(Path(folder, CASES).read_text("utf-8")):
        with suppress(ImportError):
            importlib.import_module(name)


@lru_cache(maxsize=32)
def _cases(folder: str, size: str, digest: str) -> Cases:
    """Return the cases of an exercise, loaded once for each state of its files."""
    return catalogue.cases(catalogue.load(Path(folder), size))


def _imports(source: str) -> Iterator[str]:
    """Yield the modules that ``compare`` imports, itself or in functions that it uses."""
    functions = {
        node.name: node for node in ast.parse(source).body if isinstance(node, ast.FunctionDef)
    }
    waiting, seen = {"compare"}, set()
    while waiting:
        name = waiting.pop()
        if name in seen or name not in functions:
            continue
        seen.add(name)
        for node in ast.walk(functions[name]):
            if isinstance(node, ast.Name):
                waiting.add(node.id)
            elif isinstance(node, ast.Import):
                yield from (alias.name for alias in node.names)
            elif isinstance(node, ast.ImportFrom) and node.module:
                yield node.module
                yield from (f"{node.module}.{alias.name}" for alias in node.names)
