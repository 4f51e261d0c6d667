"""Number code cells as Run All on a fresh kernel would."""

import re
from collections.abc import Sequence
from dataclasses import replace

from autograder.model import Failure, Submission

__all__ = ["numbered", "numbers"]


def numbers(submission: Submission) -> dict[int, int]:
    """Return the number that Run All on a fresh kernel gives each code cell, by its index."""
    code = [cell.index for cell in submission.cells if cell.source.strip()]
    return {index: number for number, index in enumerate(code, start=1)}


def numbered(failure: Failure | None, numbers: Sequence[int]) -> Failure | None:
    """Add to a failure the number that Run All would give its cell.

    Parameters
    ----------
    failure : Failure or None
        Its ``cell`` counts the cells that ran.
    numbers : sequence of int
        The number of each of those cells, counting the grade cells in between, too.
    """
    if failure is None or failure.cell is None or not 0 < failure.cell <= len(numbers):
        return failure

    def renamed(match: re.Match[str]) -> str:
        ran = int(match[1])
        return f"your cell [{numbers[ran - 1] if 0 < ran <= len(numbers) else ran}]"

    text = re.sub(r"your cell \[(\d+)\]", renamed, failure.traceback)
    return replace(failure, cell=numbers[failure.cell - 1], traceback=text)
