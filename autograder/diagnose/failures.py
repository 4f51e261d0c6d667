"""Exceptions that mean a known mistake, whatever line raised them."""

import re
from collections.abc import Iterable
from dataclasses import dataclass

from autograder.model import Failure, Mistake

__all__ = ["FAILURES", "Known", "explain"]


@dataclass(frozen=True, slots=True)
class Known:
    """An exception by its type and message, and the mistake behind it."""

    name: str
    numbers: tuple[int, ...]
    """In the catalogue, ``docs/mistakes.md``."""
    kind: str
    """Regular expression for the whole name of the type."""
    message: str
    """Regular expression for part of the message; its groups fill the explanation's gaps."""
    title: str
    explanation: str
    see: str


FAILURES: tuple[Known, ...] = (
    Known(
        "worker_died",
        (22, 23),
        r"KilledWorker",
        r"",
        "A worker ran out of memory",
        "A worker that needs more memory than it has is ended and started again, and a task that "
        "ends its worker several times is given up (KilledWorker). A task needs room for its "
        "chunk, for what it makes of it, and for what else its worker holds. Use smaller chunks, "
        "persist less, and make no matrix of all rows against all.",
        "Dask.distributed: Worker Memory Management",
    ),
    Known(
        "feature_chunks",
        (24,),
        r"ValueError",
        r"has (\d+) features?, but .* (?:is|was) expecting (\d+)",
        "The chunks cut the columns apart",
        "An estimator got {0} columns where it was fitted on {1}. A row has to be whole: each "
        "chunk holds some of the rows and all of their columns. rechunk({{1: -1}}) puts columns "
        "together again; chunks=(rows, number of columns) keeps them so.",
        "Dask: Chunks",
    ),
    Known(
        "unknown_chunks",
        (29,),
        r"ValueError|IndexError|NotImplementedError|AttributeError|TypeError",
        r"(?i)unknown chunk|chunk sizes?\b.* (?:are|is) unknown|nan chunk|unknown dimensions|"
        r"chunks.*\bnan\b",
        "Dask does not know how long the chunks are",
        "After a selection by condition, or from a data frame, Dask knows how many chunks there "
        "are but not how many rows each has, and what needs row numbers fails. "
        "compute_chunk_sizes() counts them, which costs a pass over the data; "
        "to_dask_array(lengths=True) does so for data frames. Often it is better not to change "
        "the number of rows at all.",
        "Dask: Chunks, section Unknown Chunks",
    ),
)


def explain(failure: Failure, known: Iterable[Known] = FAILURES) -> tuple[Mistake, ...]:
    """Name the mistake behind an exception, if it is a known one."""
    for each in known:
        match = re.search(each.message, failure.message)
        if match and re.fullmatch(each.kind, failure.kind):
            explanation = each.explanation.format(*match.groups())
            return (Mistake(each.name, each.title, explanation, each.see),)
    return ()
