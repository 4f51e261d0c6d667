"""Run the text of an exercise cell by cell, and keep what its cells print and define."""

import io
import re
import time
import traceback
from collections.abc import Callable, Iterator
from contextlib import redirect_stdout
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

__all__ = ["SOLUTIONS", "Lesson", "best_of", "run", "words_of"]

SOLUTIONS = Path(__file__).parents[2] / "solutions"

_CELL = re.compile(r"^# %%", re.MULTILINE)
_OMITTED = 'script="profile"'
"""In the header of the cell that reads a command line, which this process has its own use for."""


@dataclass(slots=True)
class Lesson:
    """A text that has run."""

    exercise: str
    printed: str = ""
    """What all cells have printed, and the errors of those that raised one."""
    names: dict[str, Any] = field(default_factory=dict)
    """What the cells have defined."""

    def __getitem__(self, name: str) -> Any:
        return self.names[name]

    def __call__(self, pattern: str) -> tuple[float, ...]:
        """Return the numbers in the first place that matches, a number for each group.

        Parameters
        ----------
        pattern : str
            A regular expression; each of its groups is a number, which may have commas.

        Raises
        ------
        LookupError
            If no cell has printed such a thing.
        """
        found = re.search(pattern, self.printed)
        if found is None:
            raise LookupError(f"no cell has printed {pattern!r}")
        return tuple(float(each.replace(",", "")) for each in found.groups())

    def line(self, start: str) -> str:
        """Return the first line that begins so, without blanks in a row.

        Raises
        ------
        LookupError
            If no cell has printed such a line.
        """
        for each in self.printed.splitlines():
            if each.startswith(start):
                return " ".join(each.split())
        raise LookupError(f"no cell has printed a line that begins with {start!r}")


def run(exercise: str, names: dict[str, Any]) -> Lesson:
    """Run all cells of a text, solutions included, in this process.

    A cell that raises an error does not keep the others from running.

    Parameters
    ----------
    exercise : str
    names : dict
        Of the module in which the cells run. Its ``__name__`` is ``__main__``, or functions of the
        cells would not travel to workers by value.
    """
    lesson = Lesson(exercise, names=names)
    printed = io.StringIO()
    with redirect_stdout(printed):
        for header, source in _cells(_text(exercise)):
            if "[markdown]" in header or _OMITTED in header:
                continue
            try:
                exec(compile(source, f"{exercise}, {header}", "exec"), lesson.names)
            except Exception:
                traceback.print_exc(file=printed)
    lesson.printed = printed.getvalue()
    return lesson


def words_of(exercise: str) -> str:
    """Return a text in one line, docstrings included, with one blank between any two words."""
    return " ".join(re.sub(r"^#", "", _text(exercise), flags=re.MULTILINE).split())


def best_of(times: int, call: Callable[[], object]) -> float:
    """Return the least seconds of some calls: what else runs can only make one longer."""
    took = []
    for _ in range(times):
        began = time.perf_counter()
        call()
        took.append(time.perf_counter() - began)
    return min(took)


def _text(exercise: str) -> str:
    return (SOLUTIONS / f"{exercise}.py").read_text("utf-8")


def _cells(text: str) -> Iterator[tuple[str, str]]:
    """Yield header and source of each cell."""
    for cell in _CELL.split(text)[1:]:
        header, _, source = cell.partition("\n")
        yield header.strip(), source
