"""A number in a text: the words around it, and the function that measures it."""

import importlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from lessons.text import Lesson

__all__ = ["HERE", "Number", "number", "numbers_of"]

HERE = Path(__file__).parent

Measure = Callable[[Lesson], str]


@dataclass(frozen=True, slots=True)
class Number:
    """A statement of a text that somebody has to measure."""

    says: str
    """The words of the text, as they stand there; line breaks do not matter."""
    measure: Measure
    """Says in a line what comes out here, once all cells of the text have run."""


_known: dict[str, list[Number]] = {}


def number(says: str) -> Callable[[Measure], Measure]:
    """Note that a function measures what a text says.

    Parameters
    ----------
    says : str
        As in `Number`. The text is the one that the function's module is named after.
    """

    def note(measure: Measure) -> Measure:
        _known.setdefault(measure.__module__, []).append(Number(says, measure))
        return measure

    return note


def numbers_of(exercise: str) -> list[Number]:
    """Return the numbers of an exercise, in the order in which its module measures them.

    Parameters
    ----------
    exercise : str
        Such as ``ex01_distributed_training``.
    """
    module = f"lessons.{exercise.partition('_')[0]}"
    importlib.import_module(module)
    return _known[module]
